"""Prior families as plain data, each with its map from a standard normal.

Every family knows how a latent ``z ~ Normal(0, 1)`` becomes a value, so that inference always
moves in one space in which the whole prior is a standard normal, whatever families a user picks.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, override

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy import special
from jax.scipy.stats import norm
from jax.typing import ArrayLike

from bayes_tbm.errors import InputError
from bayes_tbm.plain import as_number


def _log(x: Any) -> Any:
    """Logarithm that leaves a number a Python float, which JAX never promotes by."""
    return math.log(x) if isinstance(x, (int, float)) else np.log(x)


@dataclasses.dataclass(frozen=True)
class AbstractPrior:
    """A univariate prior: data plus a map from and to a standard normal.

    ``log_density`` is the density on the family's natural scale (log for log-normal, logit for
    logit-normal, the value itself for uniform), the scale on which power-scaling the prior means
    what a reader expects: a wider prior of the same family, never a shifted one.
    """

    family: ClassVar[str]

    def from_normal(self, z: ArrayLike) -> jax.Array:
        """Value for a latent standard normal ``z``."""
        raise NotImplementedError

    def to_normal(self, value: ArrayLike) -> jax.Array:
        """Latent standard normal for a value; the inverse of ``from_normal``."""
        raise NotImplementedError

    def log_density(self, value: ArrayLike) -> jax.Array:
        """Log density on the family's natural scale."""
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
        return jnp.asarray(norm.logpdf(self.to_normal(value)) - _log(scale))


@dataclasses.dataclass(frozen=True)
class Normal(_Scaled):
    """Normal with ``mean`` and ``sd`` in the parameter's unit."""

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

    ``median`` is that of the value itself, ``log_sd`` the standard deviation of the log.
    """

    family: ClassVar[str] = "lognormal"
    median: float
    log_sd: float
    lower: float = 0.0

    def _location_scale(self) -> tuple[float, float]:
        return _log(self.median - self.lower), self.log_sd

    def _link(self, value: ArrayLike) -> jax.Array:
        return jnp.log(jnp.asarray(value) - self.lower)

    def _inverse_link(self, x: ArrayLike) -> jax.Array:
        return self.lower + jnp.exp(x)


@dataclasses.dataclass(frozen=True)
class BoundedLogNormal(_Scaled):
    """Close to log-normal, between positive bounds ``lower`` and ``upper``.

    The logarithm's place between those of the bounds is logit-normal, with ``log_sd`` the spread of
    the logarithm near the ``median``. Like the log-normal where bounds are far; smooth at them.
    """

    family: ClassVar[str] = "bounded_lognormal"
    median: float
    log_sd: float
    lower: float
    upper: float

    def _location_scale(self) -> tuple[float, float]:
        span = _log(self.upper / self.lower)
        share = _log(self.median / self.lower) / span
        return _log(share / (1.0 - share)), self.log_sd / (span * share * (1.0 - share))

    def _link(self, value: ArrayLike) -> jax.Array:
        return special.logit(jnp.log(jnp.asarray(value) / self.lower) / self._span())

    def _inverse_link(self, x: ArrayLike) -> jax.Array:
        return self.lower * jnp.exp(self._span() * jax.nn.sigmoid(x))

    def _span(self) -> Any:
        return _log(self.upper / self.lower)


@dataclasses.dataclass(frozen=True)
class LogitNormal(_Scaled):
    """Logit-normal between ``lower`` and ``upper``, with its ``median`` and the sd of the logit."""

    family: ClassVar[str] = "logitnormal"
    median: float
    logit_sd: float
    lower: float = 0.0
    upper: float = 1.0

    def _location_scale(self) -> tuple[float, float]:
        share = (self.median - self.lower) / (self.upper - self.lower)
        return _log(share / (1.0 - share)), self.logit_sd

    def _link(self, value: ArrayLike) -> jax.Array:
        return special.logit((jnp.asarray(value) - self.lower) / (self.upper - self.lower))

    def _inverse_link(self, x: ArrayLike) -> jax.Array:
        return self.lower + (self.upper - self.lower) * jax.nn.sigmoid(x)


@dataclasses.dataclass(frozen=True)
class Uniform(AbstractPrior):
    """Uniform between ``lower`` and ``upper``."""

    family: ClassVar[str] = "uniform"
    lower: float
    upper: float

    @override
    def from_normal(self, z: ArrayLike) -> jax.Array:
        return self.lower + (self.upper - self.lower) * norm.cdf(z)

    @override
    def to_normal(self, value: ArrayLike) -> jax.Array:
        return norm.ppf((jnp.asarray(value) - self.lower) / (self.upper - self.lower))

    @override
    def log_density(self, value: ArrayLike) -> jax.Array:
        return jnp.full(jnp.shape(value), -_log(self.upper - self.lower))


@dataclasses.dataclass(frozen=True)
class LogUniform(AbstractPrior):
    """Log-uniform between ``lower`` and ``upper``, both positive: usual in the DALEC family."""

    family: ClassVar[str] = "loguniform"
    lower: float
    upper: float

    @override
    def from_normal(self, z: ArrayLike) -> jax.Array:
        return self.lower * jnp.exp(_log(self.upper / self.lower) * norm.cdf(z))

    @override
    def to_normal(self, value: ArrayLike) -> jax.Array:
        span = _log(self.upper / self.lower)
        return norm.ppf(jnp.log(jnp.asarray(value) / self.lower) / span)

    @override
    def log_density(self, value: ArrayLike) -> jax.Array:
        return jnp.full(jnp.shape(value), -_log(_log(self.upper / self.lower)))


@dataclasses.dataclass(frozen=True)
class Fixed(AbstractPrior):
    """A value held fixed: not sampled at all."""

    family: ClassVar[str] = "fixed"
    value: float

    @override
    def from_normal(self, z: ArrayLike) -> jax.Array:
        return jnp.full(jnp.shape(z), self.value)

    @override
    def to_normal(self, value: ArrayLike) -> jax.Array:
        return jnp.zeros(jnp.shape(value))

    @override
    def log_density(self, value: ArrayLike) -> jax.Array:
        return jnp.zeros(jnp.shape(value))


def stack_priors[P: AbstractPrior](priors: Sequence[P]) -> P:
    """One prior of arrays from several of one family: maps vectors instead of one value each."""
    names = [field.name for field in dataclasses.fields(priors[0])]
    arrays = {name: np.array([getattr(prior, name) for prior in priors]) for name in names}
    return type(priors[0])(**arrays)


FAMILIES: dict[str, type[AbstractPrior]] = {
    family.family: family
    for family in (Normal, LogNormal, BoundedLogNormal, LogitNormal, Uniform, LogUniform, Fixed)
}


def prior_from_dict(
    name: str, data: Mapping[str, Any] | float, where: str = "priors"
) -> AbstractPrior:
    """Build a prior from plain data such as a TOML table.

    Parameters
    ----------
    name
        The parameter that the prior is for; only used in messages.
    data
        ``{"family": "lognormal", "median": 60.0, "log_sd": 0.8}``, or a number to hold it fixed.
    where
        What the data was read from; only used in messages.

    Raises
    ------
    InputError
        Unknown family, missing or surplus or non-numeric entries, or a spread that is not positive.
    """
    if (number := as_number(data)) is not None:
        data = {"family": "fixed", "value": number}
    entries = dict(data) if isinstance(data, Mapping) else {}
    family = FAMILIES.get(str(entries.pop("family", None)).lower())
    if family is None:
        raise InputError(
            where=where,
            variable=name,
            rule=f"family must be one of {', '.join(FAMILIES)}",
            found=str(data),
            remedy='write for example {family = "lognormal", median = 60.0, log_sd = 0.8}',
        )
    try:
        prior = family(**{key: _number(value) for key, value in entries.items()})
    except (TypeError, ValueError) as error:
        fields = ", ".join(field.name for field in dataclasses.fields(family))
        raise InputError(
            where=where,
            variable=name,
            rule=f"a {family.family} prior takes the numbers {fields}",
            found=str(entries),
            remedy="name each of them once, as a number",
        ) from error
    _check(name, prior, where)
    return prior


def _number(value: Any) -> float:
    number = as_number(value)
    if number is None:
        raise TypeError(f"{value!r} is no number")
    return number


def _check(name: str, prior: AbstractPrior, where: str) -> None:
    """Refuse a prior that is no distribution, before anything is traced."""
    data = {key: value for key, value in prior.to_dict().items() if key != "family"}
    finite = all(math.isfinite(value) for value in data.values())
    spread = data.get("sd", data.get("log_sd", data.get("logit_sd", 1.0)))
    lower, upper = data.get("lower", -math.inf), data.get("upper", math.inf)
    middle = data.get("median", math.nan)
    ordered = lower < upper and not (middle <= lower or middle >= upper)
    positive = lower > 0 if prior.family in ("loguniform", "bounded_lognormal") else True
    if not (finite and spread > 0 and ordered and positive):
        raise InputError(
            where=where,
            variable=name,
            rule="spread must be positive, lower < median < upper, and every entry finite",
            found=str(prior.to_dict()),
            remedy="correct the entry that breaks the rule",
        )
