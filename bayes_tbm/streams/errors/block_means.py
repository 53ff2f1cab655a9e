"""Gaussian errors on block means, with structural error that averages out over the year."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, ClassVar, override

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.stats import norm
from numpy.typing import NDArray

from bayes_tbm.native import Stacked, fused, summed
from bayes_tbm.parameters import AbstractPrior, PriorLike
from bayes_tbm.streams.errors.base import (
    STRUCTURAL_SD,
    AbstractErrorModel,
    ErrorData,
    ErrorParameter,
    structural_prior,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class BlockMeans(AbstractErrorModel):
    """The default of fluxes: means over blocks of ten days, balanced over the year.

    Within a year the errors have covariance ``diag(m^2 + s^2) - (1 - b^2) s^2 / n``, with ``m`` the
    measurement and ``s`` the inferred structural standard deviation, ``n`` the points of a full
    year and ``b`` the balance. The mean structural error of a year then has standard deviation
    ``b s / sqrt(n)``: with ``b = 1`` errors are independent, below one the model's annual mean is
    held closer to the data than scatter between weeks would allow. Years are independent.

    Daily residuals of a carbon model are mostly the model's own and last for weeks, so daily values
    counted one by one would claim tenfold information, and an autoregressive error free to explain
    them can explain away a wrong seasonal cycle too; block means do neither.

    Attributes
    ----------
    averaging
        Block length in days; measurement errors are taken as shared within a block.
    structural
        Prior of the structural standard deviation; by default set from the spread of the data.
    balance
        Share of independent scatter that is left in the annual mean of the structural error.
    """

    parameters: ClassVar[Mapping[str, ErrorParameter]] = {"structural": STRUCTURAL_SD}
    averaging: float = 10.0
    structural: PriorLike | None = None
    balance: float = 0.3

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("balance", 0.0 <= self.balance <= 1.0, "0 to 1")

    @override
    def priors(self, data: ErrorData) -> dict[str, AbstractPrior]:
        return {"structural_sd": structural_prior(self.structural, data)}

    def _shared(self, data: ErrorData, errors: Mapping[str, jax.Array]) -> jax.Array:
        """Covariance of any two points of a year."""
        return -(1.0 - self.balance**2) * errors["structural_sd"] ** 2 / data.points_per_year

    def _conditional(
        self, residual: jax.Array, data: ErrorData, errors: Mapping[str, jax.Array]
    ) -> tuple[jax.Array, jax.Array]:
        """Mean and variance of each residual given those before it in its year.

        With a shared covariance ``c`` the past enters only through two running sums, of
        ``1 / a`` and ``residual / a``.
        """
        a = errors["structural_sd"] ** 2 + data.measurement_sd**2
        c = self._shared(data, errors)
        weight = _sum_before(1.0 / a, data)
        pull = _sum_before(residual / a, data)
        shrink = c / (1.0 + c * weight)
        return shrink * pull, a + shrink

    @override
    def log_likelihood(
        self, expected: jax.Array, data: ErrorData, errors: Mapping[str, jax.Array]
    ) -> jax.Array:
        residual = jnp.asarray(data.value) - expected
        mean, variance = self._conditional(residual, data, errors)
        return norm.logpdf(residual, mean, jnp.sqrt(variance))

    @override
    def rows(self, data: ErrorData) -> NDArray[np.float64]:
        members = (data.year == np.unique(data.year)[:, None]).astype(float)
        return np.array([data.value, data.measurement_sd**2, *members])

    @override
    def log_density(
        self, expected: jax.Array, data: ErrorData, errors: Mapping[str, jax.Array]
    ) -> jax.Array:
        # Each year's covariance is a diagonal and one rank, of known inverse and determinant.
        rows = jnp.asarray(self.rows(data) if data.rows is None else data.rows)

        def term(known: list[jax.Array], x: jax.Array, structural: jax.Array) -> Any:
            value, measured, *member = known
            precision = 1.0 / (structural**2 + measured)
            weighted = precision * (value - x)
            squares = weighted * (value - x) - jnp.log(precision)
            return squares, [m * precision for m in member], [m * weighted for m in member]

        def whole(sums: Any, shared: jax.Array) -> tuple[jax.Array]:
            squares, weights, pulls = sums
            for weight, pull in zip(weights, pulls, strict=True):
                scale = 1.0 + shared * weight
                squares = squares + jnp.log(scale) - shared * pull**2 / scale
            return (-0.5 * (squares + len(data.value) * math.log(2.0 * math.pi)),)

        structural = Stacked.of(errors["structural_sd"])
        shared = Stacked.of(self._shared(data, errors), structural.shape)
        (total,) = fused(whole, summed(term, rows, expected, structural), shared)
        density: jax.Array = total.tree
        return density

    @override
    def sample(
        self, key: jax.Array, expected: jax.Array, data: ErrorData, errors: Mapping[str, jax.Array]
    ) -> jax.Array:
        structural = errors["structural_sd"] ** 2
        sd = jnp.sqrt(data.measurement_sd**2 + structural)
        c = self._shared(data, errors)
        draws = sd * jax.random.normal(key, expected.shape)
        # A negative shared covariance: shift each year by a multiple of its own weighted sum.
        total, weight = _year_sums(draws / sd**2, data), _year_sums(1.0 / sd**2, data)
        shift = (jnp.sqrt(1.0 + c * weight) - 1.0) / weight * total
        return expected + draws + shift


def _sum_before(x: jax.Array, data: ErrorData) -> jax.Array:
    """Sum of the earlier entries of the same year, (point,)."""
    before = jnp.cumsum(x) - x
    first = jnp.searchsorted(jnp.asarray(data.year), jnp.asarray(data.year))
    return before - before[first]


def _year_sums(x: jax.Array, data: ErrorData) -> jax.Array:
    """Sum over each point's year, (point,)."""
    year = jnp.asarray(data.year)
    number = jnp.cumsum(jnp.diff(year, prepend=year[:1]) > 0)  # no more of them than points
    return jax.ops.segment_sum(x, number, len(year))[number]
