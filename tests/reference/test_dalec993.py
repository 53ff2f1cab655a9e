"""Agreement with trajectories that another code computed of the same equations (DALEC993)."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from bayes_tbm.model import Drivers, simulate, simulate_plainly
from bayes_tbm.parameters import DALEC_NAMES, Parameters, from_dalec, to_dalec
from bayes_tbm.processes.phenology import pulse, pulse_rate, season
from bayes_tbm.processes.water import REFERENCE

POOLS = {"labile": "labile", "foliar": "foliage", "root": "root", "wood": "wood",
         "litter": "litter", "som": "som", "water": "water"}  # fmt: skip
FLUXES = {
    "lai": "lai",
    "gpp": "gpp",
    "ET": "evapotranspiration",
    "temperate": "decomposition_climate",
    "respiration_auto": "autotrophic_respiration",
    "leaf_production": "foliage_allocation",
    "labile_production": "labile_allocation",
    "root_production": "root_allocation",
    "wood_production": "wood_allocation",
    "labile_release": "labile_release",
    "leaf_litter": "foliage_litterfall",
    "wood_litter": "wood_litterfall",
    "root_litter": "root_litterfall",
    "respiration_hetero_litter": "litter_respiration",
    "respiration_hetero_som": "som_respiration",
    "litter_to_som": "litter_decomposition",
    "runoff": "drainage",
    "beta": "water_stress",
    "nee": "nee",
    "nbe": "nbe",
    "total_fire_combust": "combustion",
    **{f"{dalec}_fire_combust": f"{own}_combustion" for dalec, own in list(POOLS.items())[:6]},
    **{f"{dalec}_fire_transfer": f"{own}_mortality" for dalec, own in list(POOLS.items())[:5]},
}
PULSES = {
    "lff": ("Fday", "leaf_fall_period", "leaf_lifespan"),
    "lrf": ("Bday", "clab_release_period", "lab_lifespan"),
}
DRIVERS = {"days": "time", "t_min": "t_min", "t_max": "t_max", "shortwave": "ssrd", "co2": "co2",
           "day_of_year": "doy", "burned_fraction": "burned_area", "vpd": "vpd",
           "precipitation": "precipitation", "step_length": "delta_t"}  # fmt: skip
KINDS = ("daily", "fire", "monthly")
SETS = 6
TOLERANCE = 1e-9  # of the mean size of a series: rounding of other orders of the same sums


@pytest.fixture(scope="module")
def reference(shared_reference):
    with xr.open_dataset(shared_reference / "dalec993_reference.nc") as data:
        return data.load()


def drivers_of(reference, kind):
    table = reference[f"{kind}_drivers"]
    series = {name: jnp.asarray(table.sel(driver=n).values) for name, n in DRIVERS.items()}
    scalar = {
        name: jnp.asarray(table.sel(driver=n).values[0])
        for name, n in [
            ("latitude", "latitude"),
            ("reference_temperature", "mean_temperature"),
            ("reference_precipitation", "mean_precipitation"),
        ]
    }
    return Drivers(**series, **scalar, fire=kind == "fire", daily=kind != "monthly")


def dalec_values(reference):
    names = reference.parameter.values.astype(str)
    return dict(zip(names, reference.parameters.values.T, strict=True))


def run(reference, kind, simulator):
    """Trajectories of all sets at once, (set, time)."""
    drivers = drivers_of(reference, kind)
    p = from_dalec(dalec_values(reference), step_length=float(drivers.step_length[0]))
    p = jax.tree.map(lambda x: jnp.broadcast_to(x, SETS), p)
    return jax.jit(jax.vmap(lambda p: simulator(p, drivers, REFERENCE)))(p)


def departure(found, expected):
    """Largest departure of each set over the mean size of its series; absolute where that is 0."""
    size = np.abs(expected).mean(-1)
    return np.abs(found - expected).max(-1) / np.where(size > 0, size, 1.0)


@pytest.mark.parametrize("simulator", [simulate, simulate_plainly])
@pytest.mark.parametrize("kind", KINDS)
def test_every_pool_and_flux_agrees(reference, kind, simulator):
    found = run(reference, kind, simulator)
    output = reference[f"{kind}_output"]
    expected = {name: output.sel(output=name).values for name in output.output.values}
    worst = {
        name: departure(np.asarray(getattr(found.fluxes, own)), expected[name]).max()
        for name, own in FLUXES.items()
    } | {
        f"next_{name}_pool": departure(
            np.asarray(getattr(found.pools, own))[:, 1:], expected[f"next_{name}_pool"]
        ).max()
        for name, own in POOLS.items()
    }
    assert {name: x for name, x in worst.items() if not x <= TOLERANCE} == {}


def test_the_comparison_leaves_out_only_what_the_model_does_not_have(reference):
    compared = {*FLUXES, *PULSES, *(f"next_{name}_pool" for name in POOLS)}
    others = set(reference.output.values.astype(str)) - compared
    assert others == {"SIF", "vod", "violation"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", list(PULSES))
def test_phenology_agrees(reference, kind, name):
    values, days = dalec_values(reference), drivers_of(reference, kind).days
    peak, period, lifespan = (values[n][:, None] for n in PULSES[name])
    expected = reference[f"{kind}_output"].sel(output=name).values
    when = jax.tree.map(lambda x: x[None], season(days))  # (site, time)
    found = np.asarray(pulse_rate(when, pulse(peak, period, lifespan)))
    assert (departure(found, expected) <= TOLERANCE).all()


def test_the_comparison_would_see_a_small_change(reference):
    found = run(reference, "fire", simulate)
    expected = reference["fire_output"].sel(output="wood_fire_combust").values
    assert (departure(np.asarray(found.fluxes.wood_combustion), expected) > 0).all()
    assert (np.abs(expected).mean(-1) > 0).all()
    changed = np.asarray(found.fluxes.wood_combustion) * (1 + 1e-7)
    assert (departure(changed, expected) > TOLERANCE).all()


def test_names_go_to_dalec_and_back(reference):
    values = dalec_values(reference)
    again = to_dalec(from_dalec(values, step_length=1.0), step_length=1.0)
    for name in DALEC_NAMES:
        expected = values[name] % 365.25 if name in ("Bday", "Fday") else values[name]
        np.testing.assert_allclose(again[name], expected, rtol=1e-12, err_msg=name)


@pytest.mark.parametrize("kind", ["daily", "monthly"])
def test_days_given_a_year_later_are_the_same_run(reference, kind):
    drivers = drivers_of(reference, kind)
    step_length = float(drivers.step_length[0])
    values = {name: value[0] for name, value in dalec_values(reference).items()}
    p = from_dalec(values, step_length=step_length)
    later = from_dalec(
        {**values, "Bday": values["Bday"] + 365.25, "Fday": values["Fday"] - 365.25},
        step_length=step_length,
    )
    outright = Parameters.from_mapping(
        {
            **p.to_dict(),
            "leaf_onset_day": p.leaf_onset_day + 365.25,
            "leaf_fall_day": p.leaf_fall_day + 730.5,
        }
    )
    simulator = jax.jit(lambda p: simulate(p, drivers, REFERENCE))
    usual = jax.tree.leaves(simulator(p))
    for changed in (later, outright):
        for a, b in zip(usual, jax.tree.leaves(simulator(changed)), strict=True):
            # the sine of a day a year on rounds at 1e-15 and the run carries it along
            np.testing.assert_allclose(b, a, rtol=1e-10, atol=1e-12)
