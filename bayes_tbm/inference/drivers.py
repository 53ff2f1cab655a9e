"""Drivers of the model from a site."""

from __future__ import annotations

import jax.numpy as jnp

from bayes_tbm.model import Drivers
from bayes_tbm.sites.site import Site

_SERIES = (
    "days", "t_min", "t_max", "shortwave", "co2", "day_of_year", "burned_fraction", "vpd",
    "precipitation", "step_length",
)  # fmt: skip


def drivers_of(site: Site) -> Drivers:
    """Bare arrays for the model from a site's labelled ones, in the same units."""
    series = {name: jnp.asarray(site.drivers[name].values) for name in _SERIES}
    return Drivers(
        **series,
        latitude=jnp.asarray(site.latitude),
        reference_temperature=jnp.asarray(site.mean_temperature),
        reference_precipitation=jnp.asarray(site.mean_precipitation),
        fire=bool((site.drivers.burned_fraction > 0).any()),
        daily=bool((site.drivers.step_length == 1.0).all()),
    )
