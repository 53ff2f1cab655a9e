"""Leaf phenology by fixed dates: labile release in spring, leaf fall in autumn.

Bloom & Williams (2015), after DALEC2: a yearly pulse whose area is the fraction of the pool that
must turn over in a year for the stated lifespan.
"""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from bayes_tbm.units import DAYS_PER_YEAR

# Offset that puts the peak of the flux, rate times what is left of the pool, on the stated day:
# a polynomial in ln(lifespan - 1), highest power first (coefficients of DALEC).
_OFFSET = (
    2.3599784710e-5,
    3.32730053021e-4,
    9.01865258885e-4,
    -5.437736864888e-3,
    -2.0836027517787e-2,
    1.26972018064287e-1,
    -1.88459767342504e-1,
)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Season:
    """Sine and cosine of the yearly half-angle of each step; what phenology needs of the clock."""

    sine: jax.Array
    cosine: jax.Array


def season(days: jax.Array) -> Season:
    """Season of times given in days since 2001-01-01."""
    angle = days * jnp.pi / DAYS_PER_YEAR
    return Season(jnp.sin(angle), jnp.cos(angle))


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Pulse:
    """What traits alone decide of a yearly pulse.

    The rate is ``height exp(-(sine_weight sine - cosine_weight cosine)^2)``.
    """

    height: jax.Array
    sine_weight: jax.Array
    cosine_weight: jax.Array


def pulse(
    peak_day: jax.Array | float, period: jax.Array | float, lifespan: jax.Array | float
) -> Pulse:
    """Yearly pulse of labile release or leaf fall.

    Parameters
    ----------
    peak_day
        Day of year of the peak; any whole number of years of 365.25 days may be added.
    period
        Length of the pulse, d.
    lifespan
        Lifespan of the pool, yr, above 1.
    """
    log_excess = jnp.log(jnp.asarray(lifespan) - 1.0)
    width = period * jnp.sqrt(2.0) / 2.0
    fraction = 0.5 * (jnp.log(lifespan) - log_excess)
    offset = jnp.zeros_like(log_excess)
    for coefficient in _OFFSET:
        offset = offset * log_excess + coefficient
    offset = offset * width
    shift = (peak_day - offset) * jnp.pi / DAYS_PER_YEAR
    sharpness = DAYS_PER_YEAR / jnp.pi / width
    return Pulse(
        2.0 / jnp.sqrt(jnp.pi) * (fraction / width),
        jnp.cos(shift) * sharpness,
        jnp.sin(shift) * sharpness,
    )


def pulse_rate(when: Season, pulse: Pulse) -> jax.Array:
    """Daily rate of labile release or leaf fall in the middle of a step, d-1."""
    phase = when.sine * pulse.sine_weight - when.cosine * pulse.cosine_weight
    return pulse.height * jnp.exp(-(phase**2))
