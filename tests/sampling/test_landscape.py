"""Chains begin where the posterior is, whatever the engine."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bayes_tbm.sampling import engines
from bayes_tbm.sampling import landscape as module
from bayes_tbm.sampling.blackjax import flow_run, run
from bayes_tbm.sampling.landscape import Landscape
from bayes_tbm.sampling.modes import Mode
from bayes_tbm.sampling.nuts import run as nuts
from bayes_tbm.sampling.progress import Progress
from bayes_tbm.sampling.settings import SAMPLERS, Settings

from .target import Target


class Begun(Exception):
    """Ends a run as soon as its chains are placed."""


@pytest.fixture(scope="module")
def mode(calibration):
    (found,) = calibration.modes(Settings(starts=1), progress=False)
    return found


@pytest.fixture(scope="module")
def landscape(calibration, mode):
    return Landscape(calibration.density, [mode])


def placed(monkeypatch, density, mode, settings):
    """Positions at which an engine really puts its chains, in the sampler's coordinates."""
    seen = []

    def walk(self, x):
        seen.extend(x)
        raise Begun

    monkeypatch.setattr(run._Run, "sample", walk)
    monkeypatch.setattr(run._Run, "_compile", lambda self: (None, None))
    monkeypatch.setattr(flow_run._Run, "sample", walk)
    monkeypatch.setattr(nuts, "Kernel", lambda *_: None)  # what moves chains need not be compiled
    monkeypatch.setattr(nuts._Run, "chains", lambda self, phase: walk(self, phase.starts))
    with Progress("", 0, show=False) as bar, pytest.raises(Begun):
        engines.draw(density, [mode], settings, bar)
    return np.array(seen)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_engine_begins_as_far_below_the_mode_as_its_normal_shape_says(
    sampler, calibration, mode, landscape, monkeypatch
):
    density, coordinates = calibration.density, landscape.coordinates
    monkeypatch.setattr(module, "Coordinates", lambda *_: coordinates)  # compiled once for all
    x = placed(monkeypatch, density, mode, Settings(chains=16, sampler=sampler))
    heights = [float(coordinates.value_and_gradient(jnp.asarray(point))[0]) for point in x]
    below = mode.log_density - np.array(heights)
    # Half a chi square: 17 nats in 35 dimensions where the posterior is normal. Drawn in the
    # latent space: 56 in the median and up to 700; mapped twice from there, 1500 and 10000.
    assert np.median(below) < density.dimension
    assert below.max() < 4 * density.dimension
    assert below.min() > 0.1 * density.dimension


def test_engines_begin_at_other_places(landscape):
    one, other = (landscape.starts(Settings(chains=2), engine) for engine in (1, 2))
    assert not np.isin(one, other).any()
    np.testing.assert_array_equal(one, landscape.starts(Settings(chains=2), 1))


def test_the_metric_is_the_normal_shape_in_the_sampler_s_coordinates(mode, landscape):
    """To the second order the density falls as the metric says, also where the map is bent."""
    rng = np.random.default_rng(3)
    for _ in range(4):
        u = rng.normal(size=len(mode.position))
        u *= 0.05 / np.linalg.norm(u)
        ends = [landscape.metric.center + sign * landscape.metric.scale @ u for sign in (-1, 1)]
        heights = [float(landscape.coordinates.value_and_gradient(jnp.asarray(x))[0]) for x in ends]
        fall = mode.log_density - np.mean(heights)
        assert fall == pytest.approx(0.5 * u @ u, rel=0.05)


def test_a_start_is_drawn_until_density_and_gradient_are_finite():
    def broken(z):
        inside = jnp.where(z[0] > 0.5, -0.5 * z @ z, -jnp.inf)
        return inside + 0.0 * jnp.sqrt(jnp.maximum(z[1], 0.0))  # whose gradient is 0 times inf

    target = Target(broken)
    x = Landscape(target, [Mode(np.array([0.6, 0.0]), 0.0, np.eye(2), 1)]).starts(
        Settings(chains=40), 1
    )
    assert (x[:, 0] > 0.5).all()
    assert np.isfinite(jax.vmap(jax.grad(broken))(x)).all()


def test_where_nothing_is_finite_about_a_mode_chains_begin_on_it():
    def needle(z):
        return jnp.where(jnp.abs(z).max() < 1e-9, 0.0, jnp.nan)

    landscape = Landscape(Target(needle), [Mode(np.zeros(2), 0.0, np.eye(2), 1)])
    np.testing.assert_array_equal(landscape.starts(Settings(chains=3), 1), np.zeros((3, 2)))
