"""Independent errors: Gaussian or Student-t on the value, Gaussian on the logarithm."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping
from typing import Any, ClassVar, override

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.stats import t
from numpy.typing import NDArray

from bayes_tbm.native import Stacked, summed
from bayes_tbm.parameters import AbstractPrior, Fixed, PriorLike, as_prior
from bayes_tbm.streams.errors.base import (
    STRUCTURAL_LOG_SD,
    STRUCTURAL_SD,
    AbstractErrorModel,
    ErrorData,
    ErrorParameter,
    structural_prior,
)
from bayes_tbm.streams.errors.common import (
    drawn,
    has_common,
    has_two,
    log_gain,
    pattern,
    shape,
    size,
)
from bayes_tbm.streams.errors.whitening import Whitening

_NONE = Fixed(0.0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Independent(AbstractErrorModel):
    """Measurement and structural errors in quadrature."""

    parameters: ClassVar[Mapping[str, ErrorParameter]] = {"structural": STRUCTURAL_SD}
    structural: PriorLike | None = None

    @override
    def priors(self, data: ErrorData) -> dict[str, AbstractPrior]:
        return {"structural_sd": structural_prior(self.structural, data)}

    def _sd(self, data: ErrorData, errors: Mapping[str, jax.Array]) -> jax.Array:
        return jnp.sqrt(data.measurement_sd**2 + errors["structural_sd"] ** 2)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Gaussian(_Independent):
    """Independent Gaussian errors, measurement and structural in quadrature.

    Attributes
    ----------
    structural
        Prior of the structural standard deviation; by default set from the spread of the data.
    averaging
        Length in days of the blocks whose means are compared; 0, the default, compares every value.
    """

    @override
    def rows(self, data: ErrorData) -> NDArray[np.float64]:
        present = np.ones(len(data.value)) if data.present is None else data.present
        return np.array([data.value, data.measurement_sd**2, present])

    @override
    def whitened(
        self, expected: jax.Array, data: ErrorData, errors: Mapping[str, jax.Array]
    ) -> Whitening:
        sd, common = self._sd(data, errors), pattern(expected, data) if has_common(data) else None
        return Whitening(jnp.asarray(data.value) - expected, common, lambda x: x / sd, sd)

    @override
    def log_density(
        self, expected: jax.Array, data: ErrorData, errors: Mapping[str, jax.Array]
    ) -> jax.Array:
        if has_two(data):
            return super().log_density(expected, data, errors)
        rows = jnp.asarray(self.rows(data) if data.rows is None else data.rows)
        term = functools.partial(_of_point, data=data)
        total: jax.Array
        total, *common = summed(term, rows, expected, Stacked.of(errors["structural_sd"])).tree
        if common:
            cross, square = common
            variance = size(data) ** 2
            total = total + log_gain(variance * cross**2, variance * square)
        return total

    @override
    def sample(
        self, key: jax.Array, expected: jax.Array, data: ErrorData, errors: Mapping[str, jax.Array]
    ) -> jax.Array:
        noise = self._sd(data, errors) * jax.random.normal(key, expected.shape)
        return expected + noise + drawn(key, expected, data)


def _of_point(
    known: list[jax.Array], x: jax.Array, structural: jax.Array, data: ErrorData
) -> list[jax.Array]:
    """Log density of a point, and what it adds to sums over what points share, if they do."""
    value, measured, present = known
    variance = measured + structural**2
    own = -0.5 * present * ((value - x) ** 2 / variance + jnp.log(2.0 * math.pi * variance))
    if not has_common(data):
        return [own]
    common = present * shape(x, data)
    return [own, common * (value - x) / variance, common**2 / variance]


@dataclasses.dataclass(frozen=True, kw_only=True)
class StudentT(_Independent):
    """Independent Student-t errors, for data with outliers.

    Attributes
    ----------
    structural
        As of `Gaussian`.
    degrees_of_freedom
        Of the t distribution; its scale is the Gaussian's standard deviation.
    averaging
        Length in days of the blocks whose means are compared; 0, the default, compares every value.
    """

    takes_common: ClassVar[bool] = False  # its sum over an error common to all has no closed form
    degrees_of_freedom: float = 4.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("degrees_of_freedom", self.degrees_of_freedom > 2.0, "above 2")

    @override
    def log_likelihood(
        self, expected: jax.Array, data: ErrorData, errors: Mapping[str, jax.Array]
    ) -> jax.Array:
        sd = self._sd(data, errors)
        return t.logpdf(jnp.asarray(data.value), self.degrees_of_freedom, expected, sd)

    @override
    def sample(
        self, key: jax.Array, expected: jax.Array, data: ErrorData, errors: Mapping[str, jax.Array]
    ) -> jax.Array:
        noise = jax.random.t(key, self.degrees_of_freedom, expected.shape)
        return expected + self._sd(data, errors) * noise


@dataclasses.dataclass(frozen=True, kw_only=True)
class LogNormalErrors(AbstractErrorModel):
    """Independent errors of the logarithm: for stocks, which are positive and err by a factor.

    The measurement sd becomes that of the logarithm, ``sqrt(log(1 + (sd / value)^2))``.

    Attributes
    ----------
    structural
        Prior of the structural sd of the logarithm; none by default, since a few inventories
        cannot tell it.
    averaging
        Length in days of the blocks whose means are compared; 0, the default, compares every value.
    """

    positive: ClassVar[bool] = True
    parameters: ClassVar[Mapping[str, ErrorParameter]] = {"structural": STRUCTURAL_LOG_SD}
    structural: PriorLike = _NONE

    @override
    def priors(self, data: ErrorData) -> dict[str, AbstractPrior]:
        return {"structural_log_sd": as_prior("structural", self.structural)}

    def _log_sd(self, data: ErrorData, errors: Mapping[str, jax.Array]) -> jax.Array:
        return jnp.sqrt(data.measurement_log_variance + errors["structural_log_sd"] ** 2)

    @override
    def whitened(
        self, expected: jax.Array, data: ErrorData, errors: Mapping[str, jax.Array]
    ) -> Whitening:
        log_sd, logs = self._log_sd(data, errors), jnp.log(expected)
        common = pattern(jnp.ones_like(logs), data) if has_common(data) else None
        return Whitening(data.log_value - logs, common, lambda x: x / log_sd, log_sd)

    @override
    def log_likelihood(
        self, expected: jax.Array, data: ErrorData, errors: Mapping[str, jax.Array]
    ) -> jax.Array:
        return super().log_likelihood(expected, data, errors) - data.log_value

    @override
    def shifted(
        self, expected: jax.Array, data: ErrorData, errors: Mapping[str, jax.Array], common: Any
    ) -> jax.Array:
        pattern = self.whitened(expected, data, errors).common
        return expected if pattern is None else expected * jnp.exp(common * pattern)

    @override
    def sample(
        self, key: jax.Array, expected: jax.Array, data: ErrorData, errors: Mapping[str, jax.Array]
    ) -> jax.Array:
        noise = self._log_sd(data, errors) * jax.random.normal(key, expected.shape)
        return expected * jnp.exp(noise + drawn(key, jnp.ones_like(expected), data))
