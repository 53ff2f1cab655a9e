import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.special import logsumexp
from jax.scipy.stats import multivariate_normal

from bayes_tbm.errors import InputError
from bayes_tbm.sampling.modes import End, distinct, laplace_scale
from bayes_tbm.sampling.search import _climb, find_modes

from .count import Count

CENTERS = np.array([[1.5, 0.0, -0.5], [-1.5, 1.0, 0.5]])
FACTORS = np.array(
    [[[0.2, 0, 0], [0.1, 0.3, 0], [0, -0.1, 0.15]], [[0.3, 0, 0], [0, 0.1, 0], [-0.2, 0, 0.4]]]
)
COVARIANCES = FACTORS @ FACTORS.transpose(0, 2, 1)


def mixture(weights):
    def log_density(z):
        return logsumexp(
            jnp.stack([
                jnp.log(w) + multivariate_normal.logpdf(z, center, covariance)
                for w, center, covariance in zip(weights, CENTERS, COVARIANCES, strict=True)
            ])
        )  # fmt: skip

    return log_density


def find(log_density, dimension=3, starts=12, seed=2):
    count = Count(starts)
    evaluate = jax.jit(jax.value_and_grad(log_density))
    modes = find_modes(evaluate, dimension, starts=starts, seed=seed, workers=2, progress=count)
    return modes, count.units


@pytest.mark.parametrize("weights", [(0.7, 0.3), (0.05, 0.95)])
def test_modes_of_a_mixture_with_their_weights(weights):
    modes, climbed = find(mixture(weights))
    assert climbed == 12  # each start once
    assert sum(mode.starts for mode in modes) == 12
    order = np.argsort(weights)[::-1]
    assert len(modes) == 2
    for mode, i in zip(modes, order, strict=True):
        np.testing.assert_allclose(mode.position, CENTERS[i], atol=1e-3)
        np.testing.assert_allclose(mode.scale @ mode.scale.T, COVARIANCES[i], atol=1e-3)
        # Laplace's approximation is exact for Gaussians this far apart.
        assert mode.weight == pytest.approx(weights[i], abs=1e-3)


def test_light_modes_are_kept_until_they_are_weighed():
    modes, _ = find(mixture((1 - 1e-7, 1e-7)))
    assert [mode.weight for mode in modes] == pytest.approx([1.0, 1e-7], rel=1e-3)


def test_modes_without_mass_are_left_out():
    modes, _ = find(mixture((1 - 1e-15, 1e-15)))
    assert len(modes) == 1
    np.testing.assert_allclose(modes[0].position, CENTERS[0], atol=1e-3)
    assert modes[0].weight == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("apart", [1.5, 2.5, 10.0])  # in sd of the wide one
@pytest.mark.parametrize(("narrow", "share"), [(0.05, 0.5), (0.2, 0.1)])
def test_a_peak_beside_a_wide_mode_is_a_hill_of_its_own(apart, narrow, share):
    """However near it is: optimisers that end on both have found two modes."""
    evaluate = jax.jit(jax.value_and_grad(beside(apart, narrow, share)))
    tops = [np.zeros(3), np.array([apart, 0.0, 0.0])]
    ends = [_climb(evaluate, top + 0.01, i) for i, top in enumerate([*tops, *tops])]
    modes = distinct(evaluate, sorted(ends, key=lambda end: -end.height))
    assert sorted(mode.position[0] for mode in modes) == pytest.approx([0.0, apart], abs=0.1)
    assert [mode.starts for mode in modes] == [2, 2]


def beside(apart, narrow, share):
    def log_density(z):
        peak = multivariate_normal.logpdf(z, jnp.array([apart, 0.0, 0.0]), narrow**2 * jnp.eye(3))
        wide = multivariate_normal.logpdf(z, jnp.zeros(3), jnp.eye(3))
        return jnp.logaddexp(jnp.log(share) + peak, jnp.log1p(-share) + wide)

    return log_density


def test_where_optimisers_stop_short_is_no_mode_of_its_own():
    """An end on its way along a bent ridge has not arrived: the straight line from it dips."""

    def bent(z):
        return -0.5 * (z[0] ** 2 + ((z[1] - z[0] ** 2) / 0.1) ** 2)

    evaluate = jax.jit(jax.value_and_grad(bent))
    points = np.array([[0.0, 0.0], [0.4, 0.16], [0.5, 0.25]])
    ends = [End(float(bent(z)), z, i) for i, z in enumerate(points)]
    assert [mode.starts for mode in distinct(evaluate, ends)] == [3]


def test_one_start_is_the_middle_of_the_prior():
    seen = []

    def log_density(z):
        jax.debug.callback(lambda z: seen.append(np.asarray(z)), z)
        return -jnp.sum((z - 0.5) ** 2)

    modes, climbed = find(log_density, starts=1)
    assert climbed == 1
    np.testing.assert_array_equal(seen[0], np.zeros(3))
    np.testing.assert_allclose(modes[0].position, 0.5, atol=1e-3)


def test_same_seed_same_modes():
    first, second = (find(mixture((0.7, 0.3)), seed=4)[0] for _ in range(2))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a.position, b.position)
        np.testing.assert_array_equal(a.scale, b.scale)


def test_no_finite_density_is_refused():
    with pytest.raises(InputError, match=r"must be finite .* found none of 3 starts"):
        find(lambda z: jnp.sum(z) * jnp.nan, starts=3)


def test_laplace_covariance_is_exact_for_a_gaussian():
    precision = np.linalg.inv(COVARIANCES[1])
    evaluate = jax.value_and_grad(lambda z: -0.5 * (z - 1.0) @ precision @ (z - 1.0))
    scale = laplace_scale(evaluate, np.ones(3))
    np.testing.assert_allclose(scale @ scale.T, COVARIANCES[1], rtol=1e-7, atol=1e-10)


def test_laplace_covariance_is_never_wider_than_the_prior():
    curvature = jnp.array([4.0, 0.01, -2.0])
    evaluate = jax.value_and_grad(lambda z: -0.5 * jnp.sum(curvature * z**2))
    scale = laplace_scale(evaluate, np.zeros(3))
    np.testing.assert_allclose(scale @ scale.T, np.diag([0.25, 1.0, 1.0]), atol=1e-7)
