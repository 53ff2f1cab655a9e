"""Regrowth: against the run over repeated years, against differences, batched, in float32."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bayes_tbm.model import carbon_imbalance, prepare, regrow, simulate
from bayes_tbm.model.rates import initial_pools
from bayes_tbm.model.regrowth import (
    LIVE,
    after_disturbance,
    age_in_season,
    at_age,
    departed,
    live_biomass,
    start_at_age,
)
from bayes_tbm.parameters import Parameters
from bayes_tbm.units import DAYS_PER_YEAR

YEARS = 40
CARBON = (*LIVE, "litter", "som")
P = Parameters.default(labile_departure=0.3, foliage_departure=-0.2, wood_departure=0.1)


@pytest.fixture(scope="module")
def year(make_weather):
    """Twelve months of weather in which nothing burns."""
    return make_weather(12, daily=False)


@pytest.fixture(scope="module")
def repeated(year):
    """The same months, `YEARS` times over."""
    return jax.tree.map(lambda x: jnp.tile(x, YEARS) if x.ndim else x, year)


@pytest.fixture(scope="module")
def grown(year):
    return jax.jit(lambda p: regrow(p, prepare(year), YEARS))(P)


@pytest.fixture(scope="module")
def run(repeated):
    return jax.jit(lambda p: simulate(p, repeated, start=after_disturbance(p)))(P)


def test_regrowth_is_the_run_over_the_year_repeated(grown, run):
    assert grown.wood.shape == (12 * YEARS + 1,)
    assert float(grown.wood[-1]) > 10.0 * float(grown.wood[0])  # a stand, not a desert
    for name, pool in vars(run.pools).items():
        # the same operations on the same numbers, compiled apart
        np.testing.assert_allclose(getattr(grown, name), pool, rtol=1e-12, err_msg=name)


def test_carbon_closes_over_the_regrowth(grown, run, repeated):
    of_regrowth = dataclasses.replace(run, pools=grown)
    assert float(jnp.abs(carbon_imbalance(of_regrowth, repeated)).max()) <= 1e-12
    size = sum(np.asarray(getattr(grown, name)) for name in CARBON)
    exchanged = float(-jnp.sum(run.fluxes.nbe * repeated.step_length))
    assert float(np.abs(exchanged)) > 100.0
    # rounding of 480 steps, 1e-16 each, of some ten thousand grams
    assert size[-1] - size[0] == pytest.approx(exchanged, abs=1e-8)


def test_a_stand_begins_as_its_parameters_say():
    begun, stated = after_disturbance(P), initial_pools(P)
    assert float(begun.foliage) == pytest.approx(P.regrowth_lai * P.leaf_carbon_per_area)
    for name in ("labile", "root", "wood"):
        assert float(getattr(begun, name)) == getattr(P, f"regrowth_{name}")
    assert float(begun.water) == P.field_capacity
    assert (begun.litter, begun.som) == (stated.litter, stated.som)


VARIED = (
    "canopy_efficiency", "autotrophic_fraction", "allocation_wood", "leaf_lifespan",
    "wood_residence_time", "field_capacity", "regrowth_lai", "regrowth_wood",
    "litter_residence_time",
)  # fmt: skip


def test_gradient_of_biomass_at_an_age_is_the_limit_of_differences(year):
    def logs(shift):
        changed = {n: getattr(P, n) * jnp.exp(x) for n, x in zip(VARIED, shift, strict=True)}
        pools = regrow(dataclasses.replace(P, **changed), prepare(year), YEARS)
        return jnp.log(at_age(live_biomass(pools), [7.3, 38.0]))

    nowhere = jnp.zeros(len(VARIED))
    exact = jax.jit(jax.jacrev(logs))(nowhere)
    h = 1e-3  # extrapolated: error h^4 of the fifth derivative, rounding 1e-16 / h times the growth
    shifts = (np.array([-2, -1, 1, 2]) * h)[:, None, None] * np.eye(len(VARIED))
    each = jax.jit(lambda points: jax.lax.map(logs, points))
    values = np.asarray(each(jnp.asarray(shifts.reshape(-1, len(VARIED)))))
    far_down, down, up, far_up = values.reshape(4, len(VARIED), 2)
    slopes = (8 * (up - down) - (far_up - far_down)) / (12 * h)
    np.testing.assert_allclose(exact.T, slopes, rtol=1e-6, atol=1e-8)
    slow = VARIED.index("litter_residence_time")  # nothing alive depends on litter
    np.testing.assert_array_equal(exact[:, slow], 0.0)
    assert (np.abs(np.delete(exact, slow, axis=1)).max(axis=0) > 1e-4).all()


def test_a_batch_is_one_by_one(year, grown):
    factors = np.array([0.9, 1.0, 1.2])
    varied = {n: jnp.asarray(getattr(P, n) * factors) for n in ("leaf_lifespan", "regrowth_lai")}
    every = {n: jnp.broadcast_to(jnp.asarray(x), 3) for n, x in P.to_dict().items()}
    together = jax.jit(lambda p: regrow(p, prepare(year), YEARS))
    batch = together(Parameters(**(every | varied)))
    assert batch.wood.shape == (12 * YEARS + 1, 3)
    for i in range(3):
        one = together(dataclasses.replace(P, **{n: x[i] for n, x in varied.items()}))
        for name in vars(one):
            # vectorised exponentials and fused products round apart
            np.testing.assert_allclose(
                getattr(batch, name)[:, i], getattr(one, name), rtol=1e-11, err_msg=name
            )
    np.testing.assert_allclose(batch.wood[:, 1], grown.wood, rtol=1e-11)


def test_single_precision_agrees_loosely(year, grown):
    with jax.enable_x64(False):
        single = jax.tree.map(lambda x: jnp.asarray(np.asarray(x), jnp.float32), (P, year))
        pools = jax.jit(lambda p, drivers: regrow(p, prepare(drivers), YEARS))(*single)
        assert {pool.dtype for pool in jax.tree.leaves(pools)} == {jnp.dtype("float32")}
        for name in vars(pools):
            # 6e-8 a step over 480 steps, made larger while the canopy closes
            np.testing.assert_allclose(getattr(pools, name), getattr(grown, name), rtol=1e-3)


def test_a_linear_series_is_met_exactly_between_months():
    months = np.arange(25.0)
    series = jnp.asarray(3.0 + 2.0 * months)
    ages = np.array([0.0, 0.04, 1.0, 1.37, 1.999, 2.0])
    np.testing.assert_allclose(at_age(series, ages), 3.0 + 24.0 * ages, rtol=1e-15)
    assert float(at_age(series, 1.37)) == pytest.approx(3.0 + 24.0 * 1.37, rel=1e-15)
    batch = at_age(jnp.stack([series, -series], axis=1), ages)
    np.testing.assert_allclose(batch, np.outer(3.0 + 24.0 * ages, [1.0, -1.0]), rtol=1e-15)


def test_edges_of_months_are_hit():
    series = np.random.default_rng(0).normal(size=301 * 12)
    edges = np.arange(series.size)
    # an age in twelfths is rounded by 1e-16 of up to 3600 months
    np.testing.assert_allclose(at_age(jnp.asarray(series), edges / 12), series, atol=1e-11)


@given(age=st.floats(1e-3, 300.0), first_day=st.floats(-2e4, 2e4))
@example(age=0.3, first_day=0.0)
@example(age=0.3, first_day=DAYS_PER_YEAR * 0.9)
@example(age=44.0, first_day=1826.0)
def test_an_age_takes_the_season_of_the_first_day(age, first_day):
    found = age_in_season(age, first_day)
    assert found > 0.0
    off = found - first_day / DAYS_PER_YEAR
    assert off == pytest.approx(round(off), abs=1e-9)
    near = 0.5 if age >= 0.5 else 1.0  # below that, the nearest may lie before the disturbance
    assert abs(found - age) <= near + 1e-12


def test_departures_scale_live_pools_alone(grown):
    stand = departed(P, grown)
    factors = {"labile": np.exp(0.3), "foliage": np.exp(-0.2), "root": 1.0, "wood": np.exp(0.1)}
    for name, pool in vars(grown).items():
        expected = np.asarray(pool) * factors.get(name, 1.0)
        np.testing.assert_allclose(getattr(stand, name), expected, rtol=1e-15, err_msg=name)


def test_the_record_starts_from_the_stand_and_from_what_is_stated(grown):
    start, stated = start_at_age(P, grown, 25.5), initial_pools(P)
    month = 306
    assert float(start.wood) == pytest.approx(float(grown.wood[month]) * np.exp(0.1), rel=1e-14)
    foliage = float(grown.foliage[month]) * np.exp(-0.2)
    assert float(start.foliage) == pytest.approx(foliage, rel=1e-14)
    for name in ("litter", "som", "water"):
        assert float(getattr(start, name)) == float(getattr(stated, name))
        assert float(getattr(start, name)) != float(getattr(grown, name)[month])


def test_a_climate_with_fire_burns_the_stand(make_weather):
    years = 3
    burning = prepare(make_weather(12, daily=False, fire=True))
    calm = dataclasses.replace(burning, fire=False)
    burnt, whole = (regrow(P, climate, years).wood[-1] for climate in (burning, calm))
    assert 0.0 < float(burnt) < float(whole)
