"""Drivers of the model from a site: over its record, and of its mean year."""

from __future__ import annotations

import jax.numpy as jnp

from bayes_tbm.model import Drivers
from bayes_tbm.sites.site import DRIVERS, Site


def drivers_of(site: Site) -> Drivers:
    """Bare arrays for the model from a site's labelled ones, in the same units."""
    return Drivers(
        **{name: jnp.asarray(site.drivers[name].values) for name in DRIVERS},
        latitude=jnp.asarray(site.latitude),
        reference_temperature=jnp.asarray(site.mean_temperature),
        reference_precipitation=jnp.asarray(site.mean_precipitation),
        fire=bool((site.drivers.burned_fraction > 0).any()),
        daily=bool((site.drivers.step_length == 1.0).all()),
    )


def mean_year_of(site: Site) -> Drivers:
    """Drivers of a site's mean year, twelve months; see `bayes_tbm.sites.mean_year`.

    Decomposition runs at its stated rate in the climate of the record, as it does there.
    """
    return Drivers(
        **{name: jnp.asarray(values) for name, values in site.mean_year().items()},
        latitude=jnp.asarray(site.latitude),
        reference_temperature=jnp.asarray(site.mean_temperature),
        reference_precipitation=jnp.asarray(site.mean_precipitation),
        fire=False,
        daily=False,
    )
