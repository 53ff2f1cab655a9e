"""Turnover of pools over a step of any length, and the climate of decomposition."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from bayes_tbm.units import DAYS_PER_YEAR


def fraction_lost(
    daily_rate: jax.Array | float, step_length: jax.Array | float, *, daily: bool = False
) -> jax.Array:
    """Fraction of a pool lost over a step at a daily rate: ``1 - (1 - k)^d``.

    Parameters
    ----------
    daily_rate
        Rate k, d-1, below 1.
    step_length
        Length d of the step, d.
    daily
        Whether every step is one day, which needs no power at all.
    """
    if daily:
        return jnp.asarray(daily_rate)
    return -jnp.expm1(step_length * jnp.log1p(-jnp.asarray(daily_rate)))


def daily_rate(residence_time: jax.Array | float) -> jax.Array | float:
    """Daily rate for a residence time in years."""
    return 1.0 / (DAYS_PER_YEAR * residence_time)


def decomposition_climate(
    warmth: jax.Array,
    wetness: jax.Array,
    temperature_sensitivity: jax.Array | float,
    moisture_sensitivity: jax.Array | float,
) -> jax.Array:
    """Factor on litter and soil rates, one at the reference climate.

    Parameters
    ----------
    warmth
        Temperature of the step less that of the record, degC.
    wetness
        Precipitation of the step over that of the record, less one.
    temperature_sensitivity
        Exponent Q, degC-1.
    moisture_sensitivity
        Weight s of relative precipitation, 0 to 1.

    Notes
    -----
    ``exp(Q (T - MAT)) ((P / MAP - 1) s + 1)``, DALEC993.
    """
    return jnp.exp(temperature_sensitivity * warmth) * (wetness * moisture_sensitivity + 1.0)
