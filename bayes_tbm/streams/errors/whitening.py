"""Residuals made independent of each other, and the error that all of them share besides."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.scipy.stats import norm


@dataclasses.dataclass(frozen=True)
class Whitening:
    """Residuals of a Gaussian error model, one after another.

    Attributes
    ----------
    residual
        Of every point, (point,).
    common
        What one standard deviation of the error that all share does to each, (point,); None
        without one.
    white
        Takes what the points before it say, and the scale, from each entry of a vector.
    scale
        Standard deviation of each residual given those before it, common error aside, (point,).
    """

    residual: jax.Array
    common: jax.Array | None
    white: Callable[[jax.Array], jax.Array]
    scale: jax.Array

    def log_terms(self) -> jax.Array:
        """Log density of each residual given those before it, (point,)."""
        white = self.white(self.residual)
        if self.common is None:
            return norm.logpdf(white) - jnp.log(self.scale)
        own = self.white(self.common)
        known = 1.0 + before(own**2)  # precision of the common error, given the points before
        mean = own * before(own * white) / known
        spread = jnp.sqrt(1.0 + own**2 / known)
        return norm.logpdf(white, mean, spread) - jnp.log(self.scale)

    def common_given(self) -> tuple[jax.Array, jax.Array]:
        """Mean and standard deviation of the common error given all residuals.

        Before them it is a standard normal.
        """
        if self.common is None:
            return jnp.zeros(()), jnp.ones(())
        own = self.white(self.common)
        precision = 1.0 + jnp.sum(own**2)
        return jnp.sum(own * self.white(self.residual)) / precision, precision**-0.5


def before(x: jax.Array) -> jax.Array:
    """Sum of the entries before each, (point,)."""
    return jnp.cumsum(x) - x
