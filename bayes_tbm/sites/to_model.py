"""Drivers of the model from a site: over its record, and over a stand's life."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp

from bayes_tbm.model import Drivers
from bayes_tbm.model.regrowth import MEAN_YEAR
from bayes_tbm.sites.schema import DRIVERS
from bayes_tbm.sites.site import Site


def drivers_of(site: Site) -> Drivers:
    """Bare arrays for the model from a site's labelled ones, in the same units."""
    fire = bool((site.drivers.burned_fraction > 0).any())
    return _drivers(site, site.drivers, fire, bool((site.drivers.step_length == 1.0).all()))


def stand_weather_of(site: Site, weather: str) -> Drivers:
    """Drivers under which a stand regrows: the record's months, or those of its mean year."""
    months = site.mean_year() if weather == MEAN_YEAR else site.record_months()
    return _drivers(site, months, fire=False, daily=False)


def _drivers(site: Site, series: Mapping[Any, Any], fire: bool, daily: bool) -> Drivers:
    """Drivers of a record or a stand's life; decomposition keeps to the climate of the record."""
    return Drivers(
        **{name: jnp.asarray(series[name]) for name in DRIVERS},
        latitude=jnp.asarray(site.latitude),
        reference_temperature=jnp.asarray(site.mean_temperature),
        reference_precipitation=jnp.asarray(site.mean_precipitation),
        fire=fire,
        daily=daily,
    )
