"""Root-zone water: stress on photosynthesis, evapotranspiration, drainage.

Two forms of the two corners of the bucket. The reference form (DALEC993) clips the stress ramp
and cuts evapotranspiration at what is left; the smooth form has the same limits without kinks,
which is what gradient-based sampling wants. Both close the water budget.
"""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp


@dataclasses.dataclass(frozen=True)
class WaterForm:
    """How sharp the corners of the water balance are.

    Attributes
    ----------
    smooth
        Whether to round the corners.
    ramp_width
        Width of the rounding of the stress ramp, as a share of the ramp.
    """

    smooth: bool = True
    ramp_width: float = 0.05


REFERENCE = WaterForm(smooth=False)


def stress(
    water: jax.Array,
    field_capacity: jax.Array | float,
    wilting_fraction: jax.Array | float,
    form: WaterForm,
) -> jax.Array:
    """Water stress factor on GPP: 0 at the wilting point and below, 1 at field capacity.

    Parameters
    ----------
    water, field_capacity
        Root-zone water, mm.
    wilting_fraction
        Wilting point over field capacity.
    form
        Reference or smooth.
    """
    ramp = (water / field_capacity - wilting_fraction) / (1.0 - wilting_fraction)
    if not form.smooth:
        return jnp.clip(ramp, 0.0, 1.0)
    w = form.ramp_width
    return 0.5 * (1.0 + jnp.sqrt(ramp**2 + w**2) - jnp.sqrt((ramp - 1.0) ** 2 + w**2))


def evapotranspiration(demand: jax.Array, available: jax.Array, form: WaterForm) -> jax.Array:
    """Evapotranspiration of a step from demand, no more than the water there is; both in mm.

    The smooth form is ``demand (1 + (demand / available)^8)^(-1/8)``, taken by squares and roots.
    It is symmetric in both, so it is written with their ratio below one: an empty bucket then
    overflows nothing, and nothing more than all the water is taken.
    """
    less = jnp.minimum(demand, available)
    if not form.smooth:
        return less
    more = jnp.maximum(demand, available)
    ratio = less / jnp.where(more > 0.0, more, 1.0)
    excess = 1.0 + ((ratio**2) ** 2) ** 2
    return less / jnp.sqrt(jnp.sqrt(jnp.sqrt(excess)))


def drainage(water: jax.Array, scale: jax.Array | float) -> jax.Array:
    """Runoff and drainage of a step, mm: ``W^2 / Q`` up to ``Q / 2``, then ``W - Q / 4``.

    Parameters
    ----------
    water
        Root-zone water at the start of the step, mm.
    scale
        DALEC's runoff focal point Q for this step length, mm: ``W_1^2 / step``.

    Notes
    -----
    Value and slope are continuous where the branches meet; the loss never exceeds the water.
    """
    return jnp.where(water <= 0.5 * scale, water * water / scale, water - 0.25 * scale)
