"""BlackJAX on made-up targets; `Coordinates` leaves a density alone whose priors are fixed."""

import collections

import arviz as az
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bayes_tbm.errors import InputError
from bayes_tbm.inference import blackjax_engine, nuts
from bayes_tbm.inference.blackjax_methods import METHODS
from bayes_tbm.inference.progress import Progress
from bayes_tbm.inference.settings import Settings
from bayes_tbm.inference.start import Mode
from bayes_tbm.parameters import Fixed

MEAN = np.array([3.0, -1.0, 0.5, 10.0])
FACTOR = np.array([[0.1, 0, 0, 0], [0.9, 0.5, 0, 0], [0.0, 2.0, 1.0, 0], [-1.0, 0, 4.0, 3.0]])
PRECISION = np.linalg.inv(FACTOR @ FACTOR.T)
CHAINS = {"window": 2, "low_rank": 2, "chees": 16}
FEW = {"warmup": 30, "draws": 10}


class Target:
    """A log density without a model behind it."""

    def __init__(self, log_density):
        self.log_density = log_density
        self.priors = collections.defaultdict(lambda: Fixed(0.0))

    def __call__(self, z):
        return self.log_density(z)

    def values(self, z):
        return collections.defaultdict(lambda: jnp.zeros(()))


class Counter:
    """Stands in for a progress bar."""

    count = 0

    def advance(self, units, note=None):
        self.count += units


def gaussian(z):
    return -0.5 * (z - MEAN) @ PRECISION @ (z - MEAN)


def sample(log_density, start, method, *, progress=None, **changes):
    settings = {"chains": CHAINS.get(method, 2), "warmup": 150, "draws": 600, "seed": 1}
    mode = Mode(np.asarray(start, float), 0.0, 0.5 * np.eye(len(start)), 1)
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
    # From a metric that is wrong by orders of magnitude: warm-up has to find the right one.
    return request.param, sample(gaussian, MEAN + 0.1, request.param)


def test_mean_and_covariance_of_a_correlated_gaussian(run):
    covariance = FACTOR @ FACTOR.T
    z = run[1].z - MEAN
    for i in range(4):
        assert_mean(run[1].z[..., i], MEAN[i])
        for j in range(i + 1):
            assert_mean(z[..., i] * z[..., j], covariance[i, j])


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


@pytest.mark.parametrize("method", ["window", "low_rank"])
def test_statistics_of_trees(method):
    stats = sample(gaussian, MEAN, method, target_accept=0.8, max_tree_depth=2, draws=200).stats
    assert stats["acceptance_rate"].mean() == pytest.approx(0.8, abs=0.1)
    assert (stats["n_steps"] <= 2 ** stats["tree_depth"] - 1).all()
    assert (stats["n_steps"] > 2 ** (stats["tree_depth"] - 1) - 1).all()
    np.testing.assert_array_equal(stats["reached_max_tree_depth"], stats["n_steps"] == 3)
    assert 0 < stats["reached_max_tree_depth"].mean() < 1


def test_chains_of_chees_share_what_is_tuned():
    stats = sample(gaussian, MEAN, "chees", max_tree_depth=2, **FEW).stats
    assert np.ptp(stats["step_size"]) == 0.0
    assert np.ptp(stats["n_steps"], axis=0).max() == 0  # in step with each other
    assert set(np.unique(stats["n_steps"])) <= {1, 2, 3}


@pytest.mark.parametrize("method", METHODS)
def test_seeds(method):
    first, again, other = (sample(gaussian, MEAN, method, seed=s, **FEW).z for s in (7, 7, 8))
    np.testing.assert_array_equal(first, again)
    assert not np.isin(other, first).any()
    assert not np.isin(first[0], first[1]).any()  # chains differ too


@pytest.mark.parametrize("method", METHODS)
def test_a_longer_run_begins_with_the_shorter_one(method):
    short, long = (sample(gaussian, MEAN, method, warmup=30, draws=n).z for n in (7, 26))
    np.testing.assert_allclose(long[:, :7], short, rtol=1e-9)


def test_draws_are_not_those_of_the_other_engine():
    settings = Settings(chains=2, warmup=30, draws=10)
    mode = Mode(MEAN, 0.0, 0.5 * np.eye(4), 1)
    own = blackjax_engine.sample(Target(gaussian), [mode], settings, Counter(), method="window")
    with Progress("", 0, show=False) as bar:
        other = nuts.sample(Target(gaussian), [mode], settings, bar)
    assert not np.isclose(own.z[..., None], other.z.ravel(), rtol=1e-9).any()


@pytest.mark.parametrize("method", ["window", "low_rank"])
def test_a_batch_of_chains_does_as_chains_on_threads(method, monkeypatch):
    threads = sample(gaussian, MEAN, method, **FEW)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    batch = sample(gaussian, MEAN, method, **FEW)
    np.testing.assert_allclose(batch.z, threads.z, rtol=1e-6)
    np.testing.assert_array_equal(batch.stats["n_steps"], threads.stats["n_steps"])


@pytest.mark.parametrize("method", METHODS)
def test_progress_counts_every_transition(method):
    progress = Counter()
    settings = Settings(chains=4, warmup=31, draws=11)
    sample(gaussian, MEAN, method, progress=progress, chains=4, warmup=31, draws=11)
    length = blackjax_engine.warmup_length(settings, method)
    assert length == {"window": 31, "low_rank": 31, "chees": 30}[method]
    assert progress.count == 4 * (length + 11)


def test_a_failure_stops_all_chains_in_the_middle_of_warm_up():
    class Failing(Counter):
        def advance(self, units, note=None):
            super().advance(units, note)
            if self.count == 100:
                raise ValueError

    progress = Failing()
    with pytest.raises(jax.errors.JaxRuntimeError, match="ValueError"):
        sample(gaussian, MEAN, "window", progress=progress, warmup=100_000)
    assert progress.count < 50_000


@pytest.mark.parametrize("method", METHODS)
def test_a_cliff_is_reported_as_divergence(method):
    def cliff(z):
        return jnp.where(z[0] > 0.0, -0.5 * z @ z, -1e6)

    assert sample(cliff, [1.0, 0.0], method, draws=100).stats["diverging"].any()


def test_chains_start_where_the_density_is_finite():
    def half(z):
        return jnp.where(z[0] > 0.5, -0.5 * z @ z, -jnp.inf)

    stats = sample(half, [0.6, 0.0], "chees", **FEW).stats
    assert np.isfinite(stats["lp"]).all()


def test_unknown_method():
    with pytest.raises(InputError, match="window, low_rank, chees; found hmc"):
        sample(gaussian, MEAN, "hmc")
