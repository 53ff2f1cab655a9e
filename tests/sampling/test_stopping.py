"""A run that is close to convergence is made longer; one that is not, or is there, is left."""

import numpy as np
import pytest

from bayes_tbm.posterior.evaluate import Evaluation
from bayes_tbm.sampling.draws import DONE, RESTART, Draws, extend
from bayes_tbm.sampling.settings import Settings
from bayes_tbm.sampling.stopping import StoppingRule

CHAINS = 4


class Evaluator:
    """Stands in for the evaluation of draws: their first coordinate is the one parameter."""

    calls = 0

    def posterior(self, z, *, seed):
        self.calls += 1
        return Evaluation({"a": z[..., 0]}, {}, {}, {}, {})


def correlated(length, memory, seed=3):
    """Chains of unit variance that remember for so many draws, (chain, draw, 1)."""
    rng = np.random.default_rng(seed)
    keep = np.exp(-1.0 / memory) if memory else 0.0
    z = rng.standard_normal((CHAINS, length))
    for i in range(1, length):
        z[:, i] = keep * z[:, i - 1] + np.sqrt(1.0 - keep**2) * z[:, i]
    return z[..., None]


def stats(shape, diverging=0):
    rng = np.random.default_rng(1)
    found = {
        "diverging": np.zeros(shape, dtype=bool),
        "energy": rng.standard_normal(shape),
        "reached_max_tree_depth": np.zeros(shape, dtype=bool),
    }
    found["diverging"][0, :diverging] = True
    return found


def next_step(z, diverging=0, may_restart=True, **settings):
    prior = Evaluation({"a": np.random.default_rng(0).standard_normal((1, 200))}, {}, {}, {}, {})
    evaluator = Evaluator()
    rule = StoppingRule(evaluator, Settings(**{"draws": 600} | settings), prior)
    return rule.next_step(Draws(z, stats(z.shape[:2], diverging)), may_restart)


def test_a_converged_run_is_left_as_it_is():
    assert next_step(correlated(600, 0)) == DONE


def test_a_run_that_is_close_gets_half_as_many_draws_again():
    near = correlated(600, 4)  # about 300 effective draws
    assert next_step(near) == extend(300)
    assert next_step(near, extensions=0) == DONE


def test_divergences_ask_for_shorter_steps_as_long_as_that_may_help():
    near = correlated(600, 4)
    apart = near + np.arange(CHAINS)[:, None, None]
    assert next_step(near, diverging=2) == RESTART
    assert next_step(near, diverging=2, may_restart=False) == DONE
    assert next_step(near, diverging=2, extensions=0) == DONE
    assert next_step(apart, diverging=2) == DONE


def test_length_is_no_cure_for_chains_far_apart():
    assert next_step(correlated(600, 4) + np.arange(CHAINS)[:, None, None]) == DONE


@pytest.mark.parametrize(
    ("length", "memory", "wanted"),
    [
        (600, 7, 300),  # about 200 effective draws, three times as many at most
        (600, 20, 300),  # about 70, which would do if a chain had been caught for a while
        (1200, 20, 0),  # about 130, and no longer
        (600, 60, 0),
        (1500, 10, 300),
        (1500, 20, 0),
        (1800, 13, 0),
    ],
)
def test_a_run_grows_to_three_times_its_length_at_most_if_that_may_do(length, memory, wanted):
    assert next_step(correlated(length, memory)) == (extend(wanted) if wanted else DONE)


def test_draws_are_evaluated_once():
    evaluator = Evaluator()
    prior = Evaluation({"a": np.arange(10.0)[None]}, {}, {}, {}, {})
    rule = StoppingRule(evaluator, Settings(draws=600), prior)
    z = correlated(600, 0)
    draws = Draws(z, stats(z.shape[:2]))
    rule.next_step(draws, True)
    assert np.array_equal(rule.evaluated(draws)[0].values["a"], z[..., 0])
    assert evaluator.calls == 1
