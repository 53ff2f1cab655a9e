"""Prior families as plain data, each with its map from a standard normal.

Every family knows how a latent ``z ~ Normal(0, 1)`` becomes a value, so that inference always
moves in one space in which the whole prior is a standard normal, whatever families a user picks.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, ClassVar, Self, override

import jax
import jax.numpy as jnp
from jax.scipy import special
from jax.scipy.stats import norm
from jax.typing import ArrayLike

from bayes_tbm.errors import InputError
from bayes_tbm.parameters.functions import log, normal_cdf
from bayes_tbm.plain import finite_number

_SPREADS = ("sd", "log_sd", "logit_sd", "log_scale", "logit_scale")


@dataclasses.dataclass(frozen=True)
class AbstractPrior:
    """A univariate prior: data plus a map from and to a standard normal.

    ``log_density`` is the density on the family's natural scale (log for log-normal, logit for
    logit-normal, the value itself for uniform), the scale on which power-scaling the prior means
    what a reader expects: a wider prior of the same family, never a shifted one.

    Raises
    ------
    InputError
        On construction: an entry is no finite number, a spread is not positive, or lower bound,
        median or mode, and upper bound do not lie in this order.
    """

    family: ClassVar[str]
    least: ClassVar[float] = -math.inf
    """Every bound must lie above this."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            number = finite_number(getattr(self, field.name))
            self._require(field.name, number is not None, "must be a finite number")
            object.__setattr__(self, field.name, number)
            if field.name in _SPREADS:
                self._require(field.name, getattr(self, field.name) > 0.0, "must be positive")
        below, limit = "", self.least
        for name in ("lower", "median", "mode", "upper"):
            if hasattr(self, name):
                rule = f"must lie above {below + ', ' if below else ''}{limit:g}"
                self._require(name, getattr(self, name) > limit, rule)
                below, limit = name, getattr(self, name)
        self._require(below, self._is_resolved(), "must not be lost in rounding")

    def _require(self, name: str, holds: bool, rule: str) -> None:
        if not holds:
            entries = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
            raise InputError(
                where=type(self).__name__, variable=name, rule=rule,
                found=f"{entries[name]!r} in {entries}",
            )  # fmt: skip

    def _is_resolved(self) -> bool:
        """Whether what is computed from the entries is finite, with a spread, in doubles."""
        return True

    @classmethod
    def of_numbers(cls, numbers: Sequence[Any]) -> Self:
        """Return a prior of such entries as they are: arrays, or what JAX traces.

        Parameters
        ----------
        numbers
            One for each field, in their order.
        """
        prior = object.__new__(cls)  # of checked numbers: not to be checked as one
        for field, number in zip(dataclasses.fields(cls), numbers, strict=True):
            object.__setattr__(prior, field.name, number)
        return prior

    @property
    def numbers(self) -> tuple[Any, ...]:
        """The entries, in the order of the fields."""
        return tuple(getattr(self, field.name) for field in dataclasses.fields(self))

    @property
    def support(self) -> tuple[float, float]:
        """Least and greatest value, themselves as a rule left out."""
        return getattr(self, "lower", -math.inf), getattr(self, "upper", math.inf)

    def from_normal(self, z: ArrayLike) -> jax.Array:
        """Value in the parameter's unit for a latent standard normal ``z`` of any shape."""
        raise NotImplementedError

    def to_normal(self, value: ArrayLike) -> jax.Array:
        """Latent standard normal for a value; not finite outside the prior's support."""
        raise NotImplementedError

    def log_density(self, value: ArrayLike) -> jax.Array:
        """Log density on the family's natural scale, in nats, of a value of any shape."""
        raise NotImplementedError

    @property
    def center(self) -> float:
        """Prior median."""
        with jax.ensure_compile_time_eval():  # a number, also while a function of it is traced
            return float(self.from_normal(0.0))

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as an experiment file holds it."""
        return {"family": self.family, **dataclasses.asdict(self)}


class _Scaled(AbstractPrior):
    """Normal on a transformed scale: ``value = inverse_link(location + scale z)``."""

    def _location_scale(self) -> tuple[Any, Any]:
        raise NotImplementedError

    @override
    def _is_resolved(self) -> bool:
        try:
            location, scale = self._location_scale()
        except (ArithmeticError, ValueError):  # a share that is rounded to 0 or 1
            return False
        return math.isfinite(location) and 0.0 < scale < math.inf

    def _link(self, value: ArrayLike) -> jax.Array:
        raise NotImplementedError

    def _inverse_link(self, x: ArrayLike) -> jax.Array:
        raise NotImplementedError

    @override
    def from_normal(self, z: ArrayLike) -> jax.Array:
        location, scale = self._location_scale()
        return self._inverse_link(location + scale * jnp.asarray(z))

    @override
    def to_normal(self, value: ArrayLike) -> jax.Array:
        location, scale = self._location_scale()
        return jnp.asarray((self._link(value) - location) / scale)

    @override
    def log_density(self, value: ArrayLike) -> jax.Array:
        _, scale = self._location_scale()
        return jnp.asarray(norm.logpdf(self.to_normal(value)) - log(scale))


@dataclasses.dataclass(frozen=True)
class Normal(_Scaled):
    """Normal.

    Attributes
    ----------
    mean, sd
        In the parameter's unit.
    """

    family: ClassVar[str] = "normal"
    mean: float
    sd: float

    def _location_scale(self) -> tuple[float, float]:
        return self.mean, self.sd

    def _link(self, value: ArrayLike) -> jax.Array:
        return jnp.asarray(value)

    def _inverse_link(self, x: ArrayLike) -> jax.Array:
        return jnp.asarray(x)


@dataclasses.dataclass(frozen=True)
class LogNormal(_Scaled):
    """Log-normal above ``lower``: ``log(value - lower)`` is normal.

    Attributes
    ----------
    median, log_sd
        Of the value, in the parameter's unit; standard deviation of its natural logarithm.
    lower
        Below which there is nothing, in the parameter's unit.
    """

    family: ClassVar[str] = "lognormal"
    median: float
    log_sd: float
    lower: float = 0.0

    def _location_scale(self) -> tuple[float, float]:
        return log(self.median - self.lower), self.log_sd

    def _link(self, value: ArrayLike) -> jax.Array:
        return jnp.log(jnp.asarray(value) - self.lower)

    def _inverse_link(self, x: ArrayLike) -> jax.Array:
        return self.lower + jnp.exp(x)


@dataclasses.dataclass(frozen=True)
class BoundedLogNormal(_Scaled):
    """Close to log-normal, between positive bounds.

    The logarithm's place between those of the bounds is logit-normal. Like the log-normal where
    bounds are far; smooth at them.

    Attributes
    ----------
    median, log_sd
        Of the value, in the parameter's unit; spread of its natural logarithm near the median.
    lower, upper
        Bounds, both positive, in the parameter's unit.
    """

    family: ClassVar[str] = "bounded_lognormal"
    least: ClassVar[float] = 0.0
    median: float
    log_sd: float
    lower: float
    upper: float

    def _location_scale(self) -> tuple[float, float]:
        span = log(self.upper / self.lower)
        share = log(self.median / self.lower) / span
        return log(share / (1.0 - share)), self.log_sd / (span * share * (1.0 - share))

    def _link(self, value: ArrayLike) -> jax.Array:
        return special.logit(jnp.log(jnp.asarray(value) / self.lower) / self._span())

    def _inverse_link(self, x: ArrayLike) -> jax.Array:
        return self.lower * jnp.exp(self._span() * jax.nn.sigmoid(x))

    def _span(self) -> Any:
        return log(self.upper / self.lower)


class _OnLogit(_Scaled):
    """On the logit of the place between bounds."""

    median: float
    lower: float
    upper: float

    def _location(self) -> Any:
        share = (self.median - self.lower) / (self.upper - self.lower)
        return log(share / (1.0 - share))

    def _link(self, value: ArrayLike) -> jax.Array:
        return special.logit((jnp.asarray(value) - self.lower) / (self.upper - self.lower))

    def _inverse_link(self, x: ArrayLike) -> jax.Array:
        return self.lower + (self.upper - self.lower) * jax.nn.sigmoid(x)


@dataclasses.dataclass(frozen=True)
class LogitNormal(_OnLogit):
    """Logit-normal between bounds: usual for shares.

    Attributes
    ----------
    median
        Of the value, in the parameter's unit.
    logit_sd
        Standard deviation of the logit of the place between the bounds.
    lower, upper
        Bounds, 0 and 1 by default.
    """

    family: ClassVar[str] = "logitnormal"
    median: float
    logit_sd: float
    lower: float = 0.0
    upper: float = 1.0

    def _location_scale(self) -> tuple[Any, Any]:
        return self._location(), self.logit_sd


@dataclasses.dataclass(frozen=True)
class Uniform(AbstractPrior):
    """Uniform between bounds.

    Attributes
    ----------
    lower, upper
        In the parameter's unit.
    """

    family: ClassVar[str] = "uniform"
    lower: float
    upper: float

    @override
    def _is_resolved(self) -> bool:
        return self.upper - self.lower < math.inf

    @override
    def from_normal(self, z: ArrayLike) -> jax.Array:
        return self.lower + (self.upper - self.lower) * normal_cdf(z)

    @override
    def to_normal(self, value: ArrayLike) -> jax.Array:
        return norm.ppf((jnp.asarray(value) - self.lower) / (self.upper - self.lower))

    @override
    def log_density(self, value: ArrayLike) -> jax.Array:
        return jnp.full(jnp.shape(value), -log(self.upper - self.lower))


@dataclasses.dataclass(frozen=True)
class LogUniform(AbstractPrior):
    """Log-uniform between bounds: usual in the DALEC family.

    Attributes
    ----------
    lower, upper
        Both positive, in the parameter's unit.
    """

    family: ClassVar[str] = "loguniform"
    least: ClassVar[float] = 0.0
    lower: float
    upper: float

    @override
    def _is_resolved(self) -> bool:
        return 1.0 < self.upper / self.lower < math.inf

    @override
    def from_normal(self, z: ArrayLike) -> jax.Array:
        return self.lower * jnp.exp(log(self.upper / self.lower) * normal_cdf(z))

    @override
    def to_normal(self, value: ArrayLike) -> jax.Array:
        span = log(self.upper / self.lower)
        return norm.ppf(jnp.log(jnp.asarray(value) / self.lower) / span)

    @override
    def log_density(self, value: ArrayLike) -> jax.Array:
        return jnp.full(jnp.shape(value), -log(log(self.upper / self.lower)))


@dataclasses.dataclass(frozen=True)
class Fixed(AbstractPrior):
    """A value held fixed: not sampled at all.

    Attributes
    ----------
    value
        In the parameter's unit.
    """

    family: ClassVar[str] = "fixed"
    value: float

    @property
    @override
    def support(self) -> tuple[float, float]:
        return self.value, self.value

    @override
    def from_normal(self, z: ArrayLike) -> jax.Array:
        return jnp.full(jnp.shape(z), self.value)

    @override
    def to_normal(self, value: ArrayLike) -> jax.Array:
        return jnp.zeros(jnp.shape(value))

    @override
    def log_density(self, value: ArrayLike) -> jax.Array:
        return jnp.zeros(jnp.shape(value))
