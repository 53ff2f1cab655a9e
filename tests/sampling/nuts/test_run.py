"""The sampler on made-up targets; `Coordinates` leaves a density alone whose priors are fixed."""

import arviz as az
import jax.numpy as jnp
import numpy as np
import pytest

from bayes_tbm.sampling.checkpoint import Checkpoint
from bayes_tbm.sampling.draws import DONE, RESTART, extend
from bayes_tbm.sampling.modes import Mode
from bayes_tbm.sampling.nuts import run as nuts
from bayes_tbm.sampling.progress import Progress
from bayes_tbm.sampling.settings import Settings

from ..target import Target

MEAN = np.array([3.0, -1.0, 0.5, 10.0])
FACTOR = np.array([[0.1, 0, 0, 0], [0.9, 0.5, 0, 0], [0.0, 2.0, 1.0, 0], [-1.0, 0, 4.0, 3.0]])
PRECISION = np.linalg.inv(FACTOR @ FACTOR.T)


def gaussian(z):
    return -0.5 * (z - MEAN) @ PRECISION @ (z - MEAN)


def banana(z):
    return -0.5 * z[0] ** 2 - 0.5 * (z[1] - z[0] ** 2) ** 2


def sample(log_density, start, seed=1, **changes):
    settings = Settings(**{"chains": 2, "warmup": 120, "draws": 600, "seed": seed} | changes)
    mode = Mode(np.asarray(start, float), 0.0, 0.5 * np.eye(len(start)), 1)
    with Progress("", 0, show=False) as bar:
        return nuts.sample(Target(log_density), [mode], settings, bar)


def assert_mean(draws, expected):
    """Hold the mean of (chain, draw) to its expectation by four Monte Carlo standard errors."""
    draws = np.asarray(draws)
    error = float(az.mcse(draws, method="mean"))
    assert error < 0.2 * draws.std()
    assert abs(draws.mean() - expected) < 4 * error


@pytest.fixture(scope="module")
def draws():
    # From a metric that is wrong by orders of magnitude: warm-up has to find the right one.
    return sample(gaussian, MEAN + 0.1)


def test_mean_and_covariance_of_a_correlated_gaussian(draws):
    covariance = FACTOR @ FACTOR.T
    z = draws.z - MEAN
    for i in range(4):
        assert_mean(draws.z[..., i], MEAN[i])
        for j in range(i + 1):
            assert_mean(z[..., i] * z[..., j], covariance[i, j])


def test_what_is_compiled_ahead_is_all_that_chains_need(compiled):
    def bowl(z):
        return -0.5 * z @ z

    target = Target(bowl)
    target.dimension = 2
    nuts.compile_ahead(target, Settings())
    compiled.clear()
    mode = Mode(np.array([0.4, -0.3]), 0.0, np.eye(2), 1)
    with Progress("", 0, show=False) as bar:
        nuts.sample(target, [mode], Settings(chains=1, warmup=21, draws=4), bar)
    dear = ("to_latent", "from_latent", "_pull", "start", "transition")
    assert not [name for name in compiled if any(name == f"jit({one})" for one in dear)]
    assert "jit(_all_to_latent)" in compiled  # of draws, which tells that names are heard


def test_moments_of_a_bent_target():
    # x ~ N(0, 1), y ~ N(x^2, 1): E y = 1, Var y = Var x^2 + 1 = 3, E xy = 0
    z = sample(banana, [0.0, 0.0], draws=1000).z
    x, y = z[..., 0], z[..., 1]
    assert_mean(x, 0.0)
    assert_mean(y, 1.0)
    assert_mean((y - 1) ** 2, 3.0)
    assert_mean(x * y, 0.0)


def test_statistics(draws):
    stats = draws.stats
    assert {value.shape for value in stats.values()} == {(2, 600)}
    expected = [[gaussian(z) for z in chain[:20]] for chain in draws.z]
    np.testing.assert_allclose(stats["lp"][:, :20], expected, rtol=1e-9, atol=1e-9)
    # total energy: potential plus a kinetic energy of mean dimension / 2
    kinetic = stats["energy"] + stats["lp"]
    assert (kinetic > 0).all()
    assert_mean(kinetic, 4 / 2)
    assert not stats["diverging"].any()
    assert not stats["reached_max_tree_depth"].any()
    assert stats["acceptance_rate"].mean() == pytest.approx(0.95, abs=0.04)
    assert (stats["n_steps"] <= 2 ** stats["tree_depth"] - 1).all()
    assert (stats["n_steps"] > 2 ** (stats["tree_depth"] - 1) - 1).all()


def test_seeds():
    few = {"warmup": 30, "draws": 10}
    first, again, other = (sample(gaussian, MEAN, seed=s, **few).z for s in (7, 7, 8))
    np.testing.assert_array_equal(first, again)
    assert not np.isin(other, first).any()
    assert not np.isin(first[0], first[1]).any()  # chains differ too


def test_a_cliff_is_reported_as_divergence():
    def cliff(z):
        return jnp.where(z[0] > 0.0, -0.5 * z @ z, -1e6)

    assert sample(cliff, [1.0, 0.0], draws=100).stats["diverging"].any()


def test_a_short_tree_is_reported():
    stats = sample(gaussian, MEAN, max_tree_depth=1, warmup=30, draws=20).stats
    assert stats["reached_max_tree_depth"].all()
    assert stats["n_steps"].max() == 1


def test_draws_begin_anew_with_shorter_steps_where_that_is_wanted(tmp_path):
    asked = []

    def ask_next(draws, may_restart):
        asked.append((draws.z.shape[1], float(draws.stats["step_size"].mean()), may_restart))
        if len(asked) == 2:
            return extend(10)
        return RESTART if may_restart else DONE

    settings = Settings(chains=2, warmup=60, draws=30, seed=5)
    target, begin = Target(gaussian), Mode(MEAN, 0.0, np.eye(len(MEAN)), starts=1)
    disk = Checkpoint(tmp_path, {"of": "test"})
    with Progress("test", 1, show=False) as bar:
        draws = nuts.sample(target, [begin], settings, bar, disk, ask_next)
    lengths, steps, may = zip(*asked, strict=True)
    assert lengths == (30, 30, 40, 30)
    assert may == (True, True, True, False)
    assert np.allclose(np.array(steps) / steps[0], [1.0, 0.6, 0.6, 0.36])
    assert draws.z.shape[1] == 30
    told = [(attempt.draws, attempt.extensions) for attempt in draws.attempts]
    assert told == [(30, 0), (40, 1), (30, 0)]
    assert [attempt.step_size for attempt in draws.attempts] == [steps[0], steps[2], steps[3]]
    with Progress("test", 1, show=False) as bar:  # taken up again, the run still knows
        again = nuts.sample(target, [begin], settings, bar, disk, lambda *_: DONE)
    assert again.attempts == draws.attempts
    np.testing.assert_array_equal(again.z, draws.z)
