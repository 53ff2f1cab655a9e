"""Months that are as productive as the days they are means of."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from bayes_tbm.model.forcing import Forcing
from bayes_tbm.parameters import TABLE
from bayes_tbm.processes.photosynthesis import gross_primary_production

LAI = 3.0
"""Leaf area index of the canopy whose GPP is kept, m2 m-2."""


def with_equivalent_light(months: Forcing, record: Forcing, place: NDArray[np.int64]) -> Forcing:
    """Give months the light under which a canopy's GPP is the mean of that under the record's days.

    GPP saturates with light, so that under mean light it is more than its mean: by a tenth where
    clear days and clouds take turns. Dry air counts by the mean of its root, as transpiration does.
    Other parts of the weather, light that evaporates water among them, stay means.

    Parameters
    ----------
    months
        Forcing of means over months.
    record
        Forcing of the steps they are means of.
    place
        Month of each step, (time,); -1 for steps that belong to none.

    Notes
    -----
    The canopy is one of LAI `LAI` and of the prior's median efficiency. Limits by light and by
    diffusion combine harmonically: one over GPP is ``a + b / light``, which is solved for light.
    """
    inside = place >= 0
    length = np.asarray(record.step_length)[inside]
    count = len(months.step_length)
    gpp = np.bincount(place[inside], np.asarray(_gpp(record))[inside] * length, minlength=count)
    days = np.bincount(place[inside], length, minlength=count)
    gpp /= days
    canopy = months.canopy
    strong, weak = (1.0 / np.asarray(_gpp(months, light)) for light in (1e6, 1.0))
    b = (weak - strong) / (1.0 - 1e-6)
    a = strong - 1e-6 * b
    with np.errstate(divide="ignore", invalid="ignore"):
        light = b / (1.0 / gpp - a)
    fits = np.isfinite(light) & (light > 0.0)
    light = np.where(gpp > 0.0, np.where(fits, light, np.asarray(canopy.light)), 0.0)
    canopy = dataclasses.replace(canopy, light=jnp.asarray(light))
    root_vpd = np.bincount(place[inside], np.asarray(record.root_vpd)[inside] * length) / days
    return dataclasses.replace(months, canopy=canopy, root_vpd=jnp.asarray(root_vpd))


def _gpp(forcing: Forcing, light: float | None = None) -> jax.Array:
    """GPP of the canopy without water stress, (time,), g C m-2 d-1."""
    canopy, efficiency = forcing.canopy, TABLE["canopy_efficiency"].prior.center
    if light is not None:
        canopy = dataclasses.replace(canopy, light=jnp.full_like(canopy.light, light))
    carboxylation = efficiency * canopy.carboxylation
    lai = jnp.full_like(carboxylation, LAI)
    gpp: jax.Array = gross_primary_production(lai, carboxylation, canopy)
    return gpp
