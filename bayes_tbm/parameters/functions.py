"""Functions that priors are made of, written so that there is machine code for them."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax.scipy.stats import norm
from jax.typing import ArrayLike


def log(x: Any) -> Any:
    """Logarithm that leaves a number a Python float, which JAX never promotes by."""
    return math.log(x) if isinstance(x, (int, float)) else jnp.log(x)


@jax.custom_jvp
def normal_cdf(z: ArrayLike) -> jax.Array:
    """Distribution function of the standard normal.

    Its derivative is written here since JAX's own goes by the bits of a number, for which there is
    no machine code (`native`).
    """
    return norm.cdf(z)


@normal_cdf.defjvp
def _normal_density(
    at: tuple[jax.Array], tangents: tuple[jax.Array]
) -> tuple[jax.Array, jax.Array]:
    (z,), (slope,) = at, tangents
    density = jnp.exp(-0.5 * jnp.square(z)) / math.sqrt(2.0 * math.pi)
    return normal_cdf(z), density * slope
