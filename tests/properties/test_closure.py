"""Carbon and water add up at every step, whatever the parameters."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bayes_tbm.model import SMOOTH, carbon_imbalance, simulate, water_imbalance
from bayes_tbm.parameters import TABLE, Parameters
from bayes_tbm.processes.water import REFERENCE

CLOSURE = 1e-12  # rounding of some ten additions, 1e-16 each, of numbers up to 1000 times the sum
FORMS = {"smooth": SMOOTH, "reference": REFERENCE}
CARBON = ("labile", "foliage", "root", "wood", "litter", "som")
cubes = st.lists(st.floats(0.0, 1.0), min_size=len(TABLE), max_size=len(TABLE))
corners = st.lists(st.sampled_from([0.0, 1.0]), min_size=len(TABLE), max_size=len(TABLE))


def parameters_at(cube, drivers, form):
    """Parameters between the bounds of the table, log-uniform where these allow it.

    DALEC's equations hold while litter and soil lose fractions: where the hottest, wettest step
    would take more than there is, their residence times are prolonged. The smooth stress below the
    wilting point is a difference of numbers near one; with the wilting point above half of field
    capacity GPP keeps fewer digits than closure asks for.
    """
    values = {}
    for u, row in zip(cube, TABLE.values(), strict=True):
        upper = 0.5 if row.name == "wilting_fraction" and form.smooth else row.upper
        values[row.name] = (
            row.lower * (upper / row.lower) ** u
            if row.lower > 0
            else row.lower + u * (upper - row.lower)
        )
    drivers = jax.tree.map(np.asarray, drivers)
    warmth = 0.5 * (drivers.t_min + drivers.t_max) - drivers.reference_temperature
    wetness = drivers.precipitation / drivers.reference_precipitation - 1
    climate = np.exp(values["temperature_sensitivity"] * warmth)
    fastest = float((climate * (wetness * values["moisture_sensitivity"] + 1)).max())
    days = fastest * float(drivers.step_length.max()) / 365.25
    for names in (("litter_residence_time", "litter_decomposition_time"), ("som_residence_time",)):
        excess = sum(days / values[name] for name in names) / 0.99
        values |= {name: values[name] * max(excess, 1.0) for name in names}
    return Parameters.from_mapping(values)


def bookkeeping(run, drivers):
    """Largest relative departure of every pool from its own inflows and outflows, by numpy."""
    f = {field.name: np.asarray(getattr(run.fluxes, field.name)) for field in
         dataclasses.fields(run.fluxes)}  # fmt: skip
    into = {
        "labile": ["labile_allocation"],
        "foliage": ["foliage_allocation", "labile_release"],
        "root": ["root_allocation"],
        "wood": ["wood_allocation"],
        "litter": ["foliage_litterfall", "root_litterfall", "labile_mortality",
                   "foliage_mortality", "root_mortality"],
        "som": ["wood_litterfall", "litter_decomposition", "wood_mortality", "litter_mortality"],
    }  # fmt: skip
    out = {
        "labile": ["labile_release"],
        "foliage": ["foliage_litterfall"],
        "root": ["root_litterfall"],
        "wood": ["wood_litterfall"],
        "litter": ["litter_respiration", "litter_decomposition"],
        "som": ["som_respiration"],
    }
    worst = {}
    for pool in CARBON:
        size = np.asarray(getattr(run.pools, pool))
        leaving = [f[n] for n in [*out[pool], f"{pool}_combustion"]]
        leaving += [f[f"{pool}_mortality"]] if pool != "som" else []
        gained = sum(f[n] for n in into[pool]) * np.asarray(drivers.step_length)
        change = gained - sum(leaving) * np.asarray(drivers.step_length)
        worst[pool] = float((np.abs(np.diff(size) - change) / (size[:-1] + gained)).max())
    return worst


@functools.cache
def runner(form):
    """Trajectory and imbalances of carbon and water, traced once for each kind of drivers."""

    def run(p, drivers):
        trajectory = simulate(p, drivers, FORMS[form])
        carbon, water = (f(trajectory, drivers) for f in (carbon_imbalance, water_imbalance))
        return trajectory, carbon, water

    return jax.jit(run)


@pytest.fixture(scope="module", params=["daily", "daily-fire", "monthly", "monthly-fire"])
def weather(request, make_weather):
    daily = request.param.startswith("daily")
    return make_weather(400 if daily else 60, daily=daily, fire="fire" in request.param)


@pytest.mark.parametrize("form", list(FORMS))
@settings(max_examples=30)
@given(cube=cubes | corners)
@example(cube=[0.0] * len(TABLE))
@example(cube=[1.0] * len(TABLE))
def test_carbon_and_water_close(weather, form, cube):
    results = runner(form)(parameters_at(cube, weather, FORMS[form]), weather)
    run, carbon, water = jax.tree.map(np.asarray, results)
    assert np.abs(carbon).max() <= CLOSURE
    assert np.abs(water).max() <= CLOSURE
    assert {pool: x for pool, x in bookkeeping(run, weather).items() if not x <= CLOSURE} == {}
    for pool in CARBON:
        assert (getattr(run.pools, pool) > 0).all(), pool
    # water may be used up to the last drop
    assert (run.pools.water >= 0).all()
    for leaf in jax.tree.leaves(run):
        assert np.isfinite(leaf).all()


@pytest.fixture(scope="module")
def small_stand(make_weather):
    """Small pools that turn over fast, so that every flux is a good part of all the carbon."""
    drivers = make_weather(60, daily=False, fire=True)
    p = Parameters.default(
        initial_wood=5.0, initial_som=5.0, initial_litter=20.0, initial_labile=20.0,
        initial_root=20.0, wood_residence_time=2.0, som_residence_time=2.0,
    )  # fmt: skip
    return jax.jit(simulate)(p, drivers), drivers


@pytest.mark.parametrize(
    "name",
    ["gpp", "autotrophic_respiration", "litter_respiration", "som_respiration"]
    + [f"{pool}_combustion" for pool in CARBON],
)
def test_a_broken_carbon_flux_is_caught(small_stand, name):
    run, drivers = small_stand
    assert float(jnp.abs(carbon_imbalance(run, drivers)).max()) <= CLOSURE
    changed = getattr(run.fluxes, name) + 1e-9
    broken = dataclasses.replace(run, fluxes=dataclasses.replace(run.fluxes, **{name: changed}))
    assert float(jnp.abs(carbon_imbalance(broken, drivers)).max()) > 10 * CLOSURE


@pytest.mark.parametrize("name", ["evapotranspiration", "drainage"])
def test_a_broken_water_flux_is_caught(small_stand, name):
    run, drivers = small_stand
    assert float(jnp.abs(water_imbalance(run, drivers)).max()) <= CLOSURE
    changed = getattr(run.fluxes, name) * (1 + 1e-9)
    broken = dataclasses.replace(run, fluxes=dataclasses.replace(run.fluxes, **{name: changed}))
    assert float(jnp.abs(water_imbalance(broken, drivers)).max()) > 10 * CLOSURE


def test_a_broken_transfer_is_caught_by_its_pools(small_stand):
    run, drivers = small_stand
    changed = run.fluxes.root_litterfall * (1 + 1e-9)
    fluxes = dataclasses.replace(run.fluxes, root_litterfall=changed)
    worst = bookkeeping(dataclasses.replace(run, fluxes=fluxes), drivers)
    assert {pool for pool, x in worst.items() if x > 10 * CLOSURE} == {"root", "litter"}


def test_an_empty_dry_bucket_is_no_imbalance(make_weather):
    drivers = make_weather(30, precipitation=np.zeros(30), shortwave=np.full(30, 20.0))
    p = Parameters.default(initial_saturation=0.01, radiative_evaporation=0.4)
    run = jax.jit(simulate)(p, drivers)
    assert (run.pools.water[-5:] == 0).all()
    assert float(jnp.abs(water_imbalance(run, drivers)).max()) <= CLOSURE
