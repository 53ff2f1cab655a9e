"""Gradients: against differences, against the plain loop, batched, in float32, at the edges."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bayes_tbm.model import simulate, simulate_plainly
from bayes_tbm.parameters import TABLE, Parameters, names_in

# All that a run over the record depends on.
NAMES = tuple(name for name in TABLE if name not in names_in("regrowth", "departure"))
REST = {name: TABLE[name].prior.center for name in TABLE if name not in NAMES}
PRIORS = [TABLE[name].prior for name in NAMES]
POINT = np.array([float(prior.from_normal(0.3 * (-1) ** i)) for i, prior in enumerate(PRIORS)])
SPREAD = np.array([float(p.from_normal(0.5) - p.from_normal(-0.5)) for p in PRIORS])


def parameters(vector):
    return Parameters.from_mapping(REST | dict(zip(NAMES, vector, strict=True)))


def outcomes(simulator, drivers, vector):
    """Functionals of a run that see every pool and every stream, each of order one or so."""
    run = simulator(parameters(vector), drivers)
    f, pools = run.fluxes, run.pools
    means = [x.mean() for x in (f.gpp, f.nee, f.combustion, f.evapotranspiration, f.lai)]
    ends = [jnp.log1p(getattr(pools, field.name)[-1]) for field in dataclasses.fields(pools)]
    return jnp.stack(means + ends), run


@functools.partial(jax.jit, static_argnums=0)
def graded(simulator, vector, drivers, weights):
    """Weighted sum of the outcomes with its trajectory, and its gradient."""

    def total(vector):
        each, run = outcomes(simulator, drivers, vector)
        return weights @ each, run

    return jax.value_and_grad(total, has_aux=True)(vector)


WEIGHTS = np.eye(12)
ALL = np.ones(12)


@pytest.fixture(scope="module")
def daily(make_weather):
    return make_weather(365, fire=True)


@pytest.fixture(scope="module", params=["daily", "monthly"])
def problem(request, make_weather, daily):
    """Drivers with fire, and the Jacobian of the outcomes by the fast path, scaled."""
    drivers = daily if request.param == "daily" else make_weather(36, daily=False, fire=True)
    rows = [graded(simulate, POINT, drivers, w)[1] for w in WEIGHTS]
    return drivers, np.array(rows) * SPREAD


def test_gradient_is_the_limit_of_differences(problem):
    drivers, exact = problem
    # Steps of a thousandth of a prior's spread, extrapolated: error h^4 = 1e-12 of the fifth
    # derivative, rounding 1e-16 / h = 1e-13.
    h = 1e-3
    shifts = np.array([-2, -1, 1, 2]) * h
    points = POINT + shifts[:, None, None] * np.diag(SPREAD)
    each = jax.jit(lambda points: jax.lax.map(lambda v: outcomes(simulate, drivers, v)[0], points))
    values = np.asarray(each(points.reshape(-1, len(NAMES)))).reshape(4, len(NAMES), -1)
    far_down, down, up, far_up = values
    slopes = ((8 * (up - down) - (far_up - far_down)) / (12 * h)).T
    for i, name in enumerate(NAMES):
        size = np.abs(exact[:, i]).max()
        assert size > 1e-6, f"nothing depends on {name}"
        np.testing.assert_allclose(slopes[:, i], exact[:, i], atol=1e-6 * size, err_msg=name)


def test_custom_gradient_and_run_are_those_of_the_plain_loop(problem):
    drivers, exact = problem
    # Forward mode through the plain loop: neither the same code nor the same direction.
    plain = jax.jit(jax.jacfwd(lambda v: outcomes(simulate_plainly, drivers, v), has_aux=True))
    slopes, run = plain(POINT)
    slopes = np.asarray(slopes) * SPREAD
    for i, name in enumerate(NAMES):
        size = np.abs(exact[:, i]).max()
        np.testing.assert_allclose(exact[:, i], slopes[:, i], atol=1e-9 * size, err_msg=name)
    (_, fast), _ = graded(simulate, POINT, drivers, ALL)
    for a, b in zip(jax.tree.leaves(fast), jax.tree.leaves(run), strict=True):
        assert a.shape == b.shape
        # a different order of the same operations, carried over a year
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)


def test_vmap_is_one_by_one(daily):
    points = POINT * np.array([[0.95], [1.0], [1.05]])
    slopes = jax.jit(jax.vmap(lambda v: graded(simulate, v, daily, ALL)[1]))(points)
    for found, point in zip(slopes, points, strict=True):
        # a sum over steps in another order
        one = graded(simulate, point, daily, ALL)[1]
        np.testing.assert_allclose(found, one, rtol=1e-10, atol=1e-12)


def in_single_precision(point, drivers):
    """Call as a user does who never switched double precision on."""
    with jax.enable_x64(False):
        drivers, *rest = jax.tree.map(
            lambda x: jnp.asarray(np.asarray(x), jnp.float32), (drivers, point, ALL)
        )
        return graded(simulate, rest[0], drivers, rest[1])


def test_single_precision_runs_and_is_near(daily):
    (value, _), slopes = graded(simulate, POINT, daily, ALL)
    (found, run), narrow = in_single_precision(POINT, daily)
    assert {x.dtype for x in jax.tree.leaves((found, run, narrow))} == {jnp.dtype("float32")}
    # a year of rounding at 6e-8 a step, on slopes that are sums of terms of both signs
    assert float(found) == pytest.approx(float(value), rel=1e-5)
    error, size = (np.asarray(narrow, float) - slopes) * SPREAD, np.asarray(slopes) * SPREAD
    assert np.abs(error).max() < 1e-4 * np.abs(size).max()


EDGES = {
    "no leaves": ({"initial_lai": 0.0, "initial_labile": 1e-12}, {}),
    "few leaves": ({"initial_lai": 1e-8, "allocation_wood": 0.99}, {}),
    "no light": ({}, {"shortwave": 0.0}),
    "saturated air": ({}, {"vpd": 0.0}),
    "polar night": ({}, {"latitude": 80.0, "day_of_year": 355.0, "shortwave": 0.0}),
    "midnight sun": ({}, {"latitude": -90.0, "day_of_year": 355.0}),
    "no rain": ({"initial_saturation": 0.01, "radiative_evaporation": 0.4}, {"precipitation": 0.0}),
    "empty and dark": (
        {"initial_saturation": 0.01, "radiative_evaporation": 0.4},
        {"precipitation": 0.0, "shortwave": np.where(np.arange(365) < 20, 20.0, 0.0)},
    ),
    "flood": ({"initial_saturation": 50.0, "drainage_storage": 2.0}, {"precipitation": 300.0}),
    "no temperature range": ({}, {"t_min": 5.0, "t_max": 5.0}),
}


@pytest.mark.parametrize("single", [False, True], ids=["double", "single"])
@pytest.mark.parametrize("edge", list(EDGES))
def test_value_and_gradient_are_finite_at_the_edge(daily, edge, single):
    changed, weather = EDGES[edge]
    weather = {
        name: jnp.asarray(np.broadcast_to(np.float64(value), getattr(daily, name).shape))
        for name, value in weather.items()
    }
    drivers = dataclasses.replace(daily, **weather)
    point = np.array([changed.get(n, x) for n, x in zip(NAMES, POINT, strict=True)])
    if single:
        (_, run), slopes = in_single_precision(point, drivers)
    else:
        (_, run), slopes = graded(simulate, point, drivers, ALL)
    assert {n: float(s) for n, s in zip(NAMES, slopes, strict=True) if not np.isfinite(s)} == {}
    for leaf in jax.tree.leaves(run):
        assert np.isfinite(leaf).all()
    assert all((np.asarray(pool) >= 0).all() for pool in jax.tree.leaves(run.pools))
