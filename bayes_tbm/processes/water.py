"""Root-zone water: stress on photosynthesis, evapotranspiration, drainage.

Two forms of the two corners of the bucket. The reference form (DALEC993) clips the stress ramp
and cuts evapotranspiration at what is left; the smooth form has the same limits without kinks,
which is what gradient-based sampling wants. Both close the water budget.
"""

from __future__ import annotations

import dataclasses
import functools

import jax
import jax.numpy as jnp

from bayes_tbm.processes.elementwise import elementwise


@dataclasses.dataclass(frozen=True)
class WaterForm:
    """How sharp the corners of the water balance are.

    Attributes
    ----------
    smooth
        Whether to round the corners.
    ramp_width
        Width of the rounding of the stress ramp, as a share of the ramp.
    supply_curvature
        Curvature ``c`` of the hyperbola between demand and supply, below 1, where it is sharp.
    """

    smooth: bool = True
    ramp_width: float = 0.05
    supply_curvature: float = 0.99


_NEAR_ZERO = 1e-24  # mm2; where bucket and demand are both empty, the square root keeps a slope
_VAST = 1e15  # mm
REFERENCE = WaterForm(smooth=False)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class StressRamp:
    """Where stress ends and begins, as ``position = water * slope - offset``; see `stress_ramp`."""

    slope: jax.Array | float
    offset: jax.Array | float


def stress_ramp(
    field_capacity: jax.Array | float, wilting_fraction: jax.Array | float
) -> StressRamp:
    """Ramp that is 0 at the wilting point and 1 at field capacity (mm)."""
    slope = 1.0 / (field_capacity * (1.0 - wilting_fraction))
    return StressRamp(slope, slope * wilting_fraction * field_capacity)


def stress(water: jax.Array, ramp: StressRamp, form: WaterForm) -> jax.Array:
    """Water stress factor on GPP: 0 at the wilting point and below, 1 at field capacity.

    Parameters
    ----------
    water
        Root-zone water, mm.
    ramp
        From `stress_ramp`.
    form
        Reference or smooth.
    """
    return _rounded(water * ramp.slope - ramp.offset, form)


@functools.partial(elementwise, static=(1,))
def _rounded(position: jax.Array, form: WaterForm) -> jax.Array:
    """Position on the ramp, held between 0 and 1."""
    if not form.smooth:
        return jnp.clip(position, 0.0, 1.0)
    w = form.ramp_width
    low, high = jnp.sqrt(position**2 + w**2), jnp.sqrt((position - 1.0) ** 2 + w**2)
    return 0.5 * (1.0 + low - high)


@functools.partial(elementwise, static=(2,))
def evapotranspiration(demand: jax.Array, available: jax.Array, form: WaterForm) -> jax.Array:
    """Evapotranspiration of a step from demand, no more than the water there is; both in mm.

    The smooth form ``y`` is the non-rectangular hyperbola between the two limits, the smaller root
    of ``c y^2 - (demand + available) y + demand available = 0``, as a share of the lesser limit.
    """
    less = jnp.minimum(demand, available)
    if not form.smooth:
        return less
    demand, available = jnp.minimum(demand, _VAST), jnp.minimum(available, _VAST)  # squares
    more = jnp.maximum(demand, available)
    rounding = 4.0 * (1.0 - form.supply_curvature) * demand * available
    over = demand + available + jnp.sqrt((demand - available) ** 2 + (rounding + _NEAR_ZERO))
    return less * (more / jnp.maximum(0.5 * over, more))  # rounding must not take more than all


@elementwise
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
