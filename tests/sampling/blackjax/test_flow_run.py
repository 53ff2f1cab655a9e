"""HMC through a flow: closed forms on a bent ridge, the same numbers from the same seed."""

import arviz as az
import jax.numpy as jnp
import numpy as np
import pytest

from bayes_tbm.sampling import engines
from bayes_tbm.sampling.blackjax import flow_run as flow_engine
from bayes_tbm.sampling.modes import Mode
from bayes_tbm.sampling.settings import Settings

from ..target import Target

pytestmark = pytest.mark.slow  # trains flows

WIDTH = 0.2
SMALL = Settings(chains=4, warmup=40, draws=24, seed=3)


class Counter:
    """Stands in for a progress bar."""

    count = 0

    def advance(self, units, note=None):
        self.count += units


def banana(z):
    """Standard normal in the first; the second follows its square closely."""
    return -0.5 * (z[0] ** 2 + ((z[1] - z[0] ** 2) / WIDTH) ** 2)


def sample(settings, progress=None, start=(0.0, 0.0)):
    mode = Mode(np.asarray(start), 0.0, np.diag([1.0, WIDTH]), starts=1, weight=1.0)
    return flow_engine.sample(Target(banana), [mode], settings, progress or Counter())


@pytest.fixture(scope="module")
def run():
    """Draws by way of what chooses the engine, which makes the transitions that it tells."""
    settings = Settings(chains=16, warmup=800, draws=500, seed=1, sampler="blackjax-flow")
    counter, mode = Counter(), Mode(np.zeros(2), 0.0, np.diag([1.0, WIDTH]), starts=1, weight=1.0)
    draws = engines.draw(Target(banana), [mode], settings, counter)
    assert counter.count == engines.transitions(settings)
    return draws


def test_moments_of_a_bent_ridge(run):
    first, second = run.z[..., 0], run.z[..., 1]
    for values, expected in (
        (first, 0.0), (first**2, 1.0), (second, 1.0), ((second - 1.0) ** 2, 2.0 + WIDTH**2),
        (second - first**2, 0.0), ((second - first**2) ** 2, WIDTH**2),
    ):  # fmt: skip
        error = float(az.mcse(values, method="mean"))
        assert error < 0.1 * values.std()
        assert abs(values.mean() - expected) < 4.0 * error


def test_statistics_are_told_for_every_draw(run):
    names = {"lp", "energy", "acceptance_rate", "n_steps", "diverging", "step_size"}
    assert set(run.stats) == names
    assert all(values.shape == run.z.shape[:2] for values in run.stats.values())
    np.testing.assert_allclose(run.stats["acceptance_rate"].mean(), 0.85, atol=0.05)
    energy = (
        np.square(np.diff(run.stats["energy"], axis=1)).sum()
        / np.square(run.stats["energy"] - run.stats["energy"].mean()).sum()
    )
    assert energy > 0.3


def test_the_same_seed_gives_the_same_draws_and_progress_counts_transitions():
    counter = Counter()
    one, again = sample(SMALL, counter), sample(SMALL)
    assert np.array_equal(one.z, again.z)
    assert one.z.shape == (4, 24, 2)
    assert counter.count >= SMALL.chains * (flow_engine.warmup_length(SMALL) + SMALL.draws)


def test_one_free_parameter_has_a_flow_too():
    """Moments of a skewed density: of the logarithm of an exponential variable."""
    mode = Mode(np.zeros(1), 0.0, np.eye(1), starts=1, weight=1.0)
    settings = Settings(chains=16, warmup=200, draws=400, seed=2)
    target = Target(lambda z: z[0] - jnp.exp(z[0]))
    draws = flow_engine.sample(target, [mode], settings, Counter()).z[..., 0]
    for values, expected in ((draws, -np.euler_gamma), (np.exp(draws), 1.0)):
        error = float(az.mcse(values, method="mean"))
        assert error < 0.1 * values.std()
        assert abs(values.mean() - expected) < 4.0 * error
