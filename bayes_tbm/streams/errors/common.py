"""An error common to all points of a stream: one rank of their covariance, integrated over.

Calibration of an instrument, partitioning, gap filling, allometry: what all values share does not
average out. With ``g`` what one standard deviation of it does to each point, the covariance is
``D + g g'``; the error itself is a standard normal that is never sampled. Scale errors follow the
model's values, not the observed ones: those would pull the fit low (Peelle's puzzle; D'Agostini
1994, doi 10.1016/0168-9002(94)90719-6).
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from bayes_tbm.streams.errors.base import ErrorData
from bayes_tbm.streams.errors.padding import only_points


def has_common(data: ErrorData) -> bool:
    """Whether points share an error."""
    return data.scale_sd is not None or data.offset_sd is not None


def pattern(expected: jax.Array, data: ErrorData) -> jax.Array:
    """Return what one standard deviation of the common error does to each point, (point, ...)."""
    if has_two(data):
        scale, offset = jnp.asarray(data.scale_sd), jnp.asarray(data.offset_sd)
        return only_points(jnp.sqrt(offset**2 + (scale * expected) ** 2), data)
    return only_points(size(data) * shape(expected, data), data)


def has_two(data: ErrorData) -> bool:
    """Whether points share both a scale and an offset: `pattern` is then no `size` of a `shape`."""
    return data.scale_sd is not None and data.offset_sd is not None


def size(data: ErrorData) -> jax.Array:
    """Return the standard deviation of the common error, of scale or offset."""
    return jnp.asarray(data.scale_sd if data.offset_sd is None else data.offset_sd)


def shape(expected: jax.Array, data: ErrorData) -> jax.Array:
    """Return what the common error does to each point for each unit of its `size`."""
    return expected if data.offset_sd is None else jnp.ones_like(expected)


def log_gain(cross: jax.Array, square: jax.Array) -> jax.Array:
    """Return what a common error adds to the log density of all points together.

    Parameters
    ----------
    cross
        Squared sum over points of whitened residual times whitened `pattern`.
    square
        Sum of the whitened pattern's squares.
    """
    return 0.5 * (cross / (1.0 + square) - jnp.log1p(square))


def drawn(key: jax.Array, expected: jax.Array, data: ErrorData) -> jax.Array:
    """Draw the common error of every point, (point,), on the scale of ``expected``."""
    if not has_common(data):
        return jnp.zeros_like(expected)
    return jax.random.normal(jax.random.fold_in(key, 1)) * pattern(expected, data)
