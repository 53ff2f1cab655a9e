"""What the weather alone decides, computed once for a site."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from bayes_tbm.model.containers import Drivers
from bayes_tbm.processes import phenology, photosynthesis


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, kw_only=True)
class Forcing:
    """Drivers in the form in which the processes use them; arrays of shape (time,).

    Attributes
    ----------
    canopy
        Climate of photosynthesis.
    season
        Clock of phenology.
    warmth
        Temperature less the record's mean, degC.
    wetness
        Precipitation over the record's mean, less one.
    root_vpd
        Square root of the vapour pressure deficit, hPa0.5.
    shortwave
        MJ m-2 d-1.
    rain
        mm a step.
    burned_fraction
        Burnt fraction of the area in the step.
    step_length
        d.
    fire, daily
        Static: whether anything burns; whether every step is one day.
    """

    canopy: photosynthesis.CanopyClimate
    season: phenology.Season
    warmth: jax.Array
    wetness: jax.Array
    root_vpd: jax.Array
    shortwave: jax.Array
    rain: jax.Array
    burned_fraction: jax.Array
    step_length: jax.Array
    fire: bool = dataclasses.field(metadata={"static": True})
    daily: bool = dataclasses.field(metadata={"static": True})


def prepare(drivers: Drivers) -> Forcing:
    """Return the forcing for drivers; done once, outside of inference, it costs no gradient."""
    temperature = 0.5 * (drivers.t_min + drivers.t_max)
    wet = drivers.reference_precipitation > 0.0  # a record without rain has no wetness to vary
    return Forcing(
        canopy=photosynthesis.canopy_climate(
            drivers.t_min, drivers.t_max, drivers.shortwave, drivers.co2, drivers.day_of_year,
            drivers.latitude,
        ),
        season=phenology.season(drivers.days),
        warmth=temperature - drivers.reference_temperature,
        wetness=drivers.precipitation / jnp.where(wet, drivers.reference_precipitation, 1.0)
        - jnp.where(wet, 1.0, 0.0),
        root_vpd=jnp.sqrt(drivers.vpd),
        shortwave=drivers.shortwave,
        rain=drivers.precipitation * drivers.step_length,
        burned_fraction=drivers.burned_fraction,
        step_length=drivers.step_length,
        fire=drivers.fire,
        daily=drivers.daily,
    )  # fmt: skip
