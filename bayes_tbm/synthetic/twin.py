"""A site that needs no data: made-up weather of Hyytiälä, observed through the package's own model.

Its truth is known, so that a calibration can be judged by what it finds.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.model import Drivers, Trajectory, simulate
from bayes_tbm.parameters import Parameters
from bayes_tbm.runtime.fork import jax_will_run
from bayes_tbm.sites.schema import DRIVERS
from bayes_tbm.sites.site import Site
from bayes_tbm.synthetic.climate import LATITUDE, LONGITUDE
from bayes_tbm.synthetic.measurement import MEASUREMENTS, measure
from bayes_tbm.synthetic.weather import weather_drivers

NAMES = {"monthly": "hyytiala-twin", "daily": "hyytiala-twin-daily"}
TRUTH = Parameters(
    canopy_efficiency=12.5,
    autotrophic_fraction=0.52,
    allocation_wood=0.505,
    canopy_to_root_allocation=1.45,
    direct_foliage_share=0.345,
    leaf_carbon_per_area=80.0,
    leaf_lifespan=2.1,
    labile_lifespan=1.5,
    leaf_onset_day=132.0,
    leaf_fall_day=282.0,
    labile_release_period=40.0,
    leaf_fall_period=70.0,
    wood_residence_time=75.0,
    root_residence_time=1.65,
    litter_residence_time=1.0,
    litter_decomposition_time=3.4,
    som_residence_time=125.0,
    temperature_sensitivity=0.057,
    moisture_sensitivity=0.07,
    underlying_water_use_efficiency=8.6,
    radiative_evaporation=0.026,
    field_capacity=230.0,
    wilting_fraction=0.125,
    drainage_storage=270.0,
    initial_lai=2.2,
    initial_labile=130.0,
    initial_root=180.0,
    initial_wood=5600.0,
    initial_litter=230.0,
    initial_som=15000.0,
    initial_saturation=1.2,
    foliar_combustion=0.55,
    ligneous_combustion=0.23,
    dead_combustion=0.13,
    fire_resilience=0.55,
    regrowth_labile=200.0,
    regrowth_lai=1.5,
    regrowth_root=16.0,
    regrowth_wood=22.0,
    labile_departure=0.0,
    foliage_departure=0.0,
    root_departure=0.0,
    wood_departure=0.0,
)
"""A Scots pine stand of 44 years, as at Hyytiälä: fluxes, leaves and wood near those observed."""


def embedded_truth() -> Parameters:
    """Return the parameters that `embedded_site` simulates its observations from by default."""
    return TRUTH


def embedded_site(
    step: Literal["monthly", "daily"] = "monthly",
    *,
    years: int = 10,
    seed: int = 1,
    truth: Parameters | None = None,
) -> Site:
    """Return the twin of Hyytiälä: made-up weather, simulated observations, known truth.

    Parameters
    ----------
    step : {'monthly', 'daily'}
        Steps of 30.4375 d or 1 d from 2006-01-01 on; a month is the mean of its days.
    years : int
        Length of the record [yr].
    seed : int
        Of weather, errors and gaps.
    truth : Parameters, optional
        What the observations are simulated from, `embedded_truth` by default; neither the weather
        nor the errors drawn depend on it.

    Returns
    -------
    Site
        Observed are GPP, NEE, ET, LAI, wood in up to three Junes and soil carbon in the first.

    Raises
    ------
    InputError
        If the step is unknown, the record shorter than a year or the truth out of bounds.
    """
    if step not in MEASUREMENTS or years < 1:
        rule = "step must be 'monthly' or 'daily', and years at least 1"
        raise InputError(where="embedded_site", rule=rule, found=f"{step!r} and {years}")
    for_weather, for_errors = map(np.random.default_rng, np.random.SeedSequence(seed).spawn(2))
    origin = "embedded truth" if truth is None else "truth given by the caller"
    weather = Site(
        name=NAMES[step],
        latitude=LATITUDE,
        longitude=LONGITUDE,
        drivers=weather_drivers(for_weather, years, MEASUREMENTS[step].step_length),
        observations={},
        source="bayes_tbm.synthetic.twin",
        notes=(f"made-up weather, observations simulated from the {origin}, seed {seed}",),
    )
    known = _simulated(weather, TRUTH if truth is None else truth)
    time = weather.drivers["time"].values
    return replace(weather, observations=measure(for_errors, MEASUREMENTS[step], time, known))


def _simulated(site: Site, truth: Parameters) -> dict[str, NDArray[np.float64]]:
    """Return what a perfect instrument would see at every step, in canonical units."""
    truth.check_bounds()
    jax_will_run()
    with jax.enable_x64(True):  # the same site, whatever precision the user works in
        drivers = model_drivers(site, site.drivers, daily=site.step_name == "daily")
        run = jax.device_get(jax.jit(simulate)(truth, drivers))
    return perfect_series(run, truth)


def perfect_series(run: Trajectory, truth: Parameters) -> dict[str, NDArray[np.float64]]:
    """Return the observed series of a run at every step, in canonical units."""
    pools = {"wood": run.pools.wood, "som": run.pools.som}
    pools["lai"] = run.pools.foliage / np.asarray(truth.leaf_carbon_per_area)
    known = {
        "gpp": run.fluxes.gpp,
        "nee": run.fluxes.nee,
        "et": run.fluxes.evapotranspiration,
        **{name: 0.5 * (pool[1:] + pool[:-1]) for name, pool in pools.items()},
    }
    return {name: np.asarray(series) for name, series in known.items()}


def model_drivers(site: Site, series: Mapping[Any, Any], *, daily: bool) -> Drivers:
    """Return a made-up site's record, or its mean year, as the model takes it."""
    return Drivers(
        **{name: jnp.asarray(series[name]) for name in DRIVERS},
        latitude=jnp.asarray(site.latitude),
        reference_temperature=jnp.asarray(site.mean_temperature),
        reference_precipitation=jnp.asarray(site.mean_precipitation),
        fire=False,
        daily=daily,
    )
