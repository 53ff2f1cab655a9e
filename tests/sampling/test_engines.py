"""Which engine a run goes to, and what cannot be asked of it."""

import numpy as np
import pytest

from bayes_tbm.errors import InputError
from bayes_tbm.sampling.blackjax.methods import METHODS
from bayes_tbm.sampling.engines import can_resume, check_resumable, draw, transitions
from bayes_tbm.sampling.modes import Mode, allot
from bayes_tbm.sampling.progress import Progress
from bayes_tbm.sampling.settings import SAMPLERS, Settings
from tests.sampling.nuts.test_run import Target, gaussian

FEW = {"chains": 2, "warmup": 60, "draws": 20, "seed": 1}


class Counter(Progress):
    count = 0

    def advance(self, units, note=None):
        self.count += units


# The flow is drawn from in blackjax/test_flow_run.py, which calls the same function; what BlackJAX
# does of each name, in blackjax/test_run.py.
@pytest.mark.parametrize("sampler", ["numpyro", "blackjax-low-rank"])
def test_a_sampler_draws_and_makes_the_transitions_it_tells(sampler):
    settings = Settings(**FEW, sampler=sampler)
    counter = Counter("", 0, show=False)
    mode = Mode(np.array([3.0, -1.0, 0.5, 10.0]), 0.0, np.eye(4), 1)
    draws = draw(Target(gaussian), [mode], settings, counter)
    assert draws.z.shape == (2, 20, 4)
    assert np.isfinite(draws.z).all()
    assert counter.count == transitions(settings)


def test_every_name_is_of_an_engine():
    names = {f"blackjax-{method.replace('_', '-')}" for method in (*METHODS, "flow")}
    assert set(SAMPLERS) == {"numpyro"} | names


def test_only_numpyro_resumes():
    assert [name for name in SAMPLERS if can_resume(Settings(sampler=name))] == ["numpyro"]
    with pytest.raises(InputError, match=r"sampler.*found blackjax-chees"):
        check_resumable(Settings(sampler="blackjax-chees"))


def test_unknown_sampler():
    with pytest.raises(InputError, match=r"sampling: sampler: must be one of numpyro.*found stan"):
        Settings(sampler="stan")


def modes(*weights):
    return [Mode(np.zeros(1), 0.0, np.eye(1), 1, weight) for weight in weights]


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ((1.0,), [4]),
        ((0.999, 0.001), [4, 0]),  # nothing that a run of this length would see
        ((0.97, 0.03), [3, 1]),  # enough to be seen
        ((0.6, 0.4), [2, 2]),
        ((0.4, 0.3, 0.2, 0.05, 0.05), [1, 1, 1, 1, 0]),
    ],
)
def test_chains_begin_in_modes_by_weight(weights, expected):
    given = modes(*weights)
    chosen = allot(given, 4)
    assert [chosen.count(number) for number in range(len(given))] == expected
