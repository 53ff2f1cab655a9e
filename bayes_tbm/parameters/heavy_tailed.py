"""Priors with the tails of a Student t of 4 degrees of freedom, whose quantiles have a closed form.

With sin 3a = 2p - 1 the quantile at p is 2 tan b, sin b = 2 sin a: the distribution function
1/2 + (3 s - s^3) / 4, s = x / sqrt(4 + x^2), is the formula of the threefold angle (derived here).
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any, ClassVar, override

import jax
import jax.numpy as jnp
from jax.scipy.stats import norm
from jax.typing import ArrayLike

from bayes_tbm.parameters.families import _OnLogit, _Scaled
from bayes_tbm.parameters.functions import log, normal_cdf

FREEDOM = 4.0
"""Degrees of freedom."""
_LEAST = 1e-300  # of a probability, so that its root has a slope
_FAR = 1e100  # stands for infinity, of which differences are no numbers


def _arctan(x: jax.Array) -> jax.Array:
    """Arc tangent of -1 to 1, of operations that there is machine code for: a series."""
    for _ in range(2):
        x = x / (1.0 + jnp.sqrt(1.0 + x * x))
    square, total = x * x, jnp.zeros_like(x)
    for power in range(21, -1, -2):  # |x| < 0.2
        total = (1.0 if power % 4 == 1 else -1.0) / power + square * total
    return 4.0 * x * total


def _quantile(below: jax.Array, above: jax.Array) -> jax.Array:
    """Quantile of a t where so much of it lies below and above: both, since one rounds to 1."""
    root = 2.0 * jnp.sqrt(below * above)  # cos 3a
    third = 2.0 / 3.0 * _arctan((below - above) / (1.0 + root))
    return 4.0 * jnp.sin(third) * jnp.sqrt(jnp.cos(third) / root)


def _above(x: ArrayLike) -> jax.Array:
    """Probability of a t above x, with all its digits."""
    x = jnp.clip(x, -_FAR, _FAR)
    root = jnp.sqrt(4.0 + x * x)
    rest = 1.0 + jnp.abs(x) / root  # 1 - s below zero; above it, 1 - s = (1 - s^2) / (1 + s)
    rest = jnp.where(x > 0.0, jnp.square(2.0 / root) / rest, rest)
    return 0.25 * rest * rest * (3.0 - rest)


class _HeavyTailed(_Scaled):
    """A Student t on a transformed scale, between bounds."""

    def _outside(self) -> tuple[Any, Any]:
        """Probability of the whole t below and above the bounds."""
        raise NotImplementedError

    def _standard(self, value: ArrayLike) -> jax.Array:
        return super().to_normal(value)

    @override
    def from_normal(self, z: ArrayLike) -> jax.Array:
        z = jnp.asarray(z)
        location, scale = self._location_scale()
        below, above = self._outside()
        within = 1.0 - below - above
        x = _quantile(
            below + within * normal_cdf(z) + _LEAST, above + within * normal_cdf(-z) + _LEAST
        )
        return self._inverse_link(location + scale * x)

    @override
    def to_normal(self, value: ArrayLike) -> jax.Array:
        x = self._standard(value)
        below, above = self._outside()
        within = 1.0 - below - above
        low, high = (_above(-x) - below) / within, (_above(x) - above) / within
        return jnp.where(low < high, norm.ppf(low), -norm.ppf(high))

    @override
    def log_density(self, value: ArrayLike) -> jax.Array:
        _, scale = self._location_scale()
        below, above = self._outside()
        tail = -2.5 * jnp.log1p(0.25 * jnp.square(self._standard(value)))
        return jnp.asarray(math.log(0.375) + tail - log(scale) - jnp.log1p(-below - above))


@dataclasses.dataclass(frozen=True)
class LogStudentT(_HeavyTailed):
    """The natural logarithm follows a Student t of 4 degrees of freedom, cut off at the bounds.

    Attributes
    ----------
    mode, log_scale
        Where the logarithm's density is greatest, as a value in the parameter's unit; scale of the
        logarithm.
    lower, upper
        Bounds, both positive, in the parameter's unit.
    """

    family: ClassVar[str] = "log_student_t"
    least: ClassVar[float] = 0.0
    mode: float
    log_scale: float
    lower: float
    upper: float

    @override
    def _is_resolved(self) -> bool:
        width = math.log(self.upper) - math.log(self.lower)
        return self.log_scale < 1e3 * width  # no wider, or what lies within is lost

    def _location_scale(self) -> tuple[Any, Any]:
        return log(self.mode), self.log_scale

    def _link(self, value: ArrayLike) -> jax.Array:
        return jnp.log(jnp.asarray(value))

    def _inverse_link(self, x: ArrayLike) -> jax.Array:
        return jnp.exp(jnp.asarray(x))

    def _outside(self) -> tuple[Any, Any]:
        return _above(-self._standard(self.lower)), _above(self._standard(self.upper))


@dataclasses.dataclass(frozen=True)
class LogitStudentT(_HeavyTailed, _OnLogit):
    """The logit of the place between bounds follows a Student t of 4 degrees of freedom.

    Attributes
    ----------
    median
        Of the value, in the parameter's unit.
    logit_scale
        Scale of the logit of the place between the bounds.
    lower, upper
        Bounds, 0 and 1 by default.
    """

    family: ClassVar[str] = "logit_student_t"
    median: float
    logit_scale: float
    lower: float = 0.0
    upper: float = 1.0

    def _location_scale(self) -> tuple[Any, Any]:
        return self._location(), self.logit_scale

    def _outside(self) -> tuple[Any, Any]:
        return 0.0, 0.0
