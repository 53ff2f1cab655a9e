import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bayes_tbm.calibration import Calibration
from bayes_tbm.sampling.coordinates import Coordinates


@pytest.fixture(scope="module")
def points(calibration):
    return 0.7 * np.random.default_rng(8).normal(size=(5, calibration.density.dimension))


@pytest.fixture(scope="module")
def coordinates(calibration, points):
    return Coordinates(calibration.density, jnp.asarray(points[0]))


@pytest.fixture(scope="module")
def to_latent(coordinates):
    return jax.jit(coordinates.to_latent)


@pytest.fixture(scope="module")
def from_latent(coordinates):
    return jax.jit(coordinates.from_latent)


def test_reference_maps_to_itself(points, to_latent, from_latent):
    np.testing.assert_allclose(to_latent(points[0]), points[0], atol=1e-9)
    np.testing.assert_allclose(from_latent(points[0]), points[0], atol=1e-9)


def test_the_two_directions_are_inverse(points, to_latent, from_latent):
    for x in points:
        np.testing.assert_allclose(from_latent(to_latent(x)), x, atol=1e-8)
        np.testing.assert_allclose(to_latent(from_latent(x)), x, atol=1e-8)


def test_only_sheared_parameters_move(calibration, points, to_latent):
    moved = np.abs(np.asarray(to_latent(points[1])) - points[1]) > 1e-12
    names = {name for name, m in zip(calibration.density.sampled, moved, strict=True) if m}
    assert names == {"autotrophic_fraction", "leaf_carbon_per_area", "initial_labile"}


def test_volume_is_kept(coordinates, points):
    slope = jax.jit(jax.jacfwd(coordinates.to_latent))
    for x in points:
        matrix = np.asarray(slope(x))
        assert np.abs(matrix - np.eye(len(x))).max() > 0.01
        sign, log_determinant = np.linalg.slogdet(matrix)
        assert sign == 1.0
        assert abs(log_determinant) < 1e-8


def test_density_is_that_of_the_latent_point(coordinates, points, to_latent, value_and_grad):
    there = jax.jit(coordinates.log_density)(points[1])
    assert float(there) == pytest.approx(float(value_and_grad(to_latent(points[1]))[0]), rel=1e-9)


def test_a_fixed_parameter_is_not_sheared(calibration):
    fixed = Calibration(
        calibration.site, ["gpp", "lai"], priors={"leaf_carbon_per_area": 80.0}
    ).density
    zero = jnp.zeros(fixed.dimension)
    x = zero + 0.3
    z = Coordinates(fixed, zero).to_latent(x)
    moved = {n for n, a, b in zip(fixed.sampled, x, z, strict=True) if abs(a - b) > 1e-12}
    assert moved == {"autotrophic_fraction"}  # labile follows LCMA, which stays where it is
