"""BlackJAX on made-up targets; `Coordinates` leaves a density alone whose priors are fixed."""

import arviz as az
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bayes_tbm.errors import InputError
from bayes_tbm.sampling.blackjax import run as blackjax_engine
from bayes_tbm.sampling.blackjax.methods import METHODS
from bayes_tbm.sampling.modes import Mode
from bayes_tbm.sampling.settings import Settings

from ..target import Target

MEAN = np.array([3.0, -1.0, 0.5, 10.0])
FACTOR = np.array([[0.1, 0, 0, 0], [0.9, 0.5, 0, 0], [0.0, 2.0, 1.0, 0], [-1.0, 0, 4.0, 3.0]])
PRECISION = np.linalg.inv(FACTOR @ FACTOR.T)
# What the optimiser is made to believe of it: wrong by orders of magnitude, and skewed.
SCALE = np.array([[2.0, 0, 0, 0], [-1.0, 0.1, 0, 0], [0.5, 0.5, 1.0, 0], [0, 0, -1.0, 0.2]])
CHAINS = {"window": 2, "low_rank": 2, "chees": 16}
FEW = {"warmup": 30, "draws": 10}


class Counter:
    """Stands in for a progress bar."""

    count = 0

    def advance(self, units, note=None):
        self.count += units


def gaussian(z):
    return -0.5 * (z - MEAN) @ PRECISION @ (z - MEAN)


def sample(log_density, start, method, *, scale=None, progress=None, **changes):
    settings = {"chains": CHAINS.get(method, 2), "warmup": 300, "draws": 600, "seed": 1}
    scale = 0.5 * np.eye(len(start)) if scale is None else scale
    mode = Mode(np.asarray(start, float), 0.0, scale, 1)
    return blackjax_engine.sample(
        Target(log_density), [mode], Settings(**settings | changes), progress or Counter(),
        method=method,
    )  # fmt: skip


def assert_mean(draws, expected):
    """Hold the mean of (chain, draw) to its expectation by four Monte Carlo standard errors."""
    draws = np.asarray(draws)
    error = float(az.mcse(draws, method="mean"))
    assert error < 0.2 * draws.std()
    assert abs(draws.mean() - expected) < 4 * error


@pytest.fixture(scope="module", params=METHODS)
def run(request):
    return request.param, sample(gaussian, MEAN + 0.1, request.param, scale=SCALE)


def test_mean_and_covariance_of_a_correlated_gaussian(run):
    covariance = FACTOR @ FACTOR.T
    z = run[1].z - MEAN
    for i in range(4):
        assert_mean(run[1].z[..., i], MEAN[i])
        for j in range(i + 1):
            assert_mean(z[..., i] * z[..., j], covariance[i, j])


def test_warm_up_finds_the_metric(run):
    assert run[1].stats["n_steps"].mean() < 15


def test_statistics(run):
    method, draws = run
    stats = draws.stats
    of_tree = {"tree_depth", "reached_max_tree_depth"} if method != "chees" else set()
    of_all = {"lp", "energy", "acceptance_rate", "n_steps", "diverging", "step_size"}
    assert set(stats) == of_all | of_tree
    assert {value.shape for value in stats.values()} == {(CHAINS[method], 600)}
    expected = [[gaussian(z) for z in chain[:20]] for chain in draws.z[:2]]
    np.testing.assert_allclose(stats["lp"][:2, :20], expected, rtol=1e-9, atol=1e-9)
    # total energy: potential plus a kinetic energy of mean dimension / 2
    kinetic = stats["energy"] + stats["lp"]
    assert (kinetic > 0).all()
    assert_mean(kinetic, 4 / 2)
    assert not stats["diverging"].any()
    assert np.ptp(stats["step_size"], axis=1).max() == 0.0
    assert stats["acceptance_rate"].mean() == pytest.approx(0.95, abs=0.04)
    if of_tree:
        assert not stats["reached_max_tree_depth"].any()
        assert (stats["n_steps"] <= 2 ** stats["tree_depth"] - 1).all()
        assert (stats["n_steps"] > 2 ** (stats["tree_depth"] - 1) - 1).all()


def test_a_short_tree_is_reported():
    stats = sample(gaussian, MEAN, "window", max_tree_depth=1, **FEW).stats
    assert stats["reached_max_tree_depth"].all()
    assert stats["n_steps"].max() == 1


def test_chains_of_chees_keep_in_step():
    stats = sample(gaussian, MEAN, "chees", target_accept=0.5).stats
    assert np.ptp(stats["step_size"]) == 0.0
    assert np.ptp(stats["n_steps"], axis=0).max() == 0
    assert np.ptp(stats["n_steps"], axis=1).min() > 0
    # An energy is that of where the chain is, also when a proposal is rejected.
    assert stats["acceptance_rate"].mean() < 0.9
    assert_mean(stats["energy"] + stats["lp"], 4 / 2)


# Of NUTS the method with more to its metric stands for both: the rest is the same function.
@pytest.fixture(scope="module", params=[pytest.param("low_rank", marks=pytest.mark.slow), "chees"])
def few(request):
    progress = Counter()
    return request.param, progress, sample(gaussian, MEAN, request.param, progress=progress, **FEW)


def test_progress_counts_every_transition(few):
    _, progress, draws = few
    assert progress.count == len(draws.z) * (30 + 10)


def test_warm_up_of_chees_goes_in_whole_rounds():
    lengths = {m: blackjax_engine.warmup_length(Settings(warmup=31), m) for m in METHODS}
    assert lengths == {"window": 31, "low_rank": 31, "chees": 30}


def test_a_longer_run_begins_with_the_shorter_one(few):
    method, _, draws = few
    longer = sample(gaussian, MEAN, method, **FEW | {"draws": 25}).z
    np.testing.assert_allclose(longer[:, :10], draws.z, rtol=1e-9)


def test_seeds(few):
    method, _, draws = few
    other = sample(gaussian, MEAN, method, seed=2, **FEW).z
    assert not np.isin(other, draws.z).any()
    assert not np.isin(draws.z[0], draws.z[1]).any()  # chains differ too


def test_a_batch_of_chains_does_as_chains_on_threads(few, monkeypatch):
    method, _, draws = few
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    batch = sample(gaussian, MEAN, method, **FEW)
    # Rounding differs, and trajectories that turn part by a factor each: the first draw tells.
    apart = (batch.z - draws.z)[:, 0] / draws.z.std(axis=(0, 1))
    assert np.abs(apart).max() < 1e-5
    np.testing.assert_array_equal(batch.stats["n_steps"], draws.stats["n_steps"])


def test_a_failure_stops_all_chains_in_the_middle_of_warm_up():
    class Failing(Counter):
        def advance(self, units, note=None):
            super().advance(units, note)
            if self.count == 100:
                raise ValueError

    progress = Failing()
    with pytest.raises(jax.errors.JaxRuntimeError, match="ValueError"):
        sample(gaussian, MEAN, "window", progress=progress, warmup=10_000)
    assert progress.count < 10_000  # of twice as many


def half(z):
    return jnp.where(z[0] > 0.5, -0.5 * z @ z, -jnp.inf)


@pytest.mark.parametrize("method", [pytest.param("window", marks=pytest.mark.slow), "chees"])
def test_chains_start_above_a_cliff_and_report_it_as_divergence(method):
    stats = sample(half, [0.6, 0.0], method, draws=100).stats
    assert np.isfinite(stats["lp"]).all()
    assert stats["diverging"].any()


def test_unknown_method():
    with pytest.raises(InputError, match="window, low_rank, chees; found hmc"):
        sample(gaussian, MEAN, "hmc")
