"""Drivers of the model from a site: over its record, and over a stand's life."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp

from bayes_tbm.model import Drivers
from bayes_tbm.model.regrowth import MEAN_YEAR
from bayes_tbm.sites.schema import DRIVERS
from bayes_tbm.sites.site import Site


class Climate(NamedTuple):
    """A mean climate that decomposition refers to: degC, and mm d-1."""

    temperature: float
    precipitation: float


def climate_of(site: Site) -> Climate:
    """Mean climate of a record, which parameters that are fitted to it refer to."""
    return Climate(site.mean_temperature, site.mean_precipitation)


def drivers_of(site: Site, climate: Climate | None = None) -> Drivers:
    """Bare arrays for the model from a site's labelled ones, in the same units.

    Parameters
    ----------
    site
        With the record to run over.
    climate
        That parameters refer to, where they were fitted to another record than the site's.
    """
    fire = bool((site.drivers.burned_fraction > 0).any())
    daily = bool((site.drivers.step_length == 1.0).all())
    return _drivers(site, site.drivers, fire, daily, climate)


def stand_weather_of(site: Site, weather: str) -> Drivers:
    """Drivers under which a stand regrows: the record's months, or those of its mean year."""
    months = site.mean_year() if weather == MEAN_YEAR else site.record_months()
    return _drivers(site, months, fire=False, daily=False)


def _drivers(
    site: Site, series: Mapping[Any, Any], fire: bool, daily: bool, climate: Climate | None = None
) -> Drivers:
    """Drivers of a record or a stand's life; decomposition keeps to the climate of the record."""
    climate = climate or climate_of(site)
    return Drivers(
        **{name: jnp.asarray(series[name]) for name in DRIVERS},
        latitude=jnp.asarray(site.latitude),
        reference_temperature=jnp.asarray(climate.temperature),
        reference_precipitation=jnp.asarray(climate.precipitation),
        fire=fire,
        daily=daily,
    )
