"""Gaussian errors on block means, with structural error that averages out over the year."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections.abc import Mapping
from typing import Any, ClassVar, override

import jax
import jax.numpy as jnp
import numpy as np
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
from bayes_tbm.streams.errors.common import (
    drawn,
    has_common,
    has_two,
    log_gain,
    pattern,
    shape,
    size,
)
from bayes_tbm.streams.errors.padding import count
from bayes_tbm.streams.errors.whitening import Whitening, before


@dataclasses.dataclass(frozen=True, kw_only=True)
class BlockMeans(AbstractErrorModel):
    """The default of fluxes: means over blocks of ten days, balanced over the year.

    Within a year the errors have covariance ``diag(m^2 + s^2) - (1 - b^2) s^2 / n``, with ``m`` the
    measurement and ``s`` the inferred structural standard deviation, ``n`` the points of a full
    year and ``b`` the balance. The mean structural error of a year then has standard deviation
    ``b s / sqrt(n)``: with ``b = 1`` errors are independent, below one the model's annual mean is
    held closer to the data than scatter between weeks would allow. Years are
    independent but for the error that all values of a stream may share.

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

    @override
    def whitened(
        self, expected: jax.Array, data: ErrorData, errors: Mapping[str, jax.Array]
    ) -> Whitening:
        # With a shared covariance c the past enters only through sums of 1 / a and of x / a.
        a = errors["structural_sd"] ** 2 + data.measurement_sd**2
        c = self._shared(data, errors)
        shrink = c / (1.0 + c * _sum_before(1.0 / a, data))
        sd = jnp.sqrt(a + shrink)

        def white(x: jax.Array) -> jax.Array:
            return (x - shrink * _sum_before(x / a, data)) / sd

        common = pattern(expected, data) if has_common(data) else None
        return Whitening(jnp.asarray(data.value) - expected, common, white, sd)

    @override
    def rows(self, data: ErrorData) -> NDArray[np.float64]:
        present = np.ones(len(data.value)) if data.present is None else data.present
        years = np.unique(data.year[present > 0.0])
        spare = -1 - np.arange((data.years or 0) - len(years))  # of no point: they add nothing
        members = (data.year == np.concatenate([years, spare])[:, None]).astype(float)
        return np.array([data.value, data.measurement_sd**2, present, *members])

    @override
    def log_density(
        self, expected: jax.Array, data: ErrorData, errors: Mapping[str, jax.Array]
    ) -> jax.Array:
        if has_two(data):
            return super().log_density(expected, data, errors)
        rows = jnp.asarray(self.rows(data) if data.rows is None else data.rows)
        structural = Stacked.of(errors["structural_sd"])
        sums = summed(functools.partial(_of_point, data=data), rows, expected, structural)
        covariance = Stacked.of(self._shared(data, errors), structural.shape)
        shared = [size(data) ** 2] if has_common(data) else []
        variance = [Stacked.of(one, structural.shape) for one in shared]
        total = fused(_of_sums, sums, covariance, *variance)[0].tree
        density: jax.Array = total - 0.5 * count(data) * math.log(2.0 * math.pi)
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
        return expected + draws + shift + drawn(key, expected, data)


def _sum_before(x: jax.Array, data: ErrorData) -> jax.Array:
    """Sum of the earlier entries of the same year, (point,)."""
    earlier = before(x)
    first = jnp.searchsorted(jnp.asarray(data.year), jnp.asarray(data.year))
    return earlier - earlier[first]


def _year_sums(x: jax.Array, data: ErrorData) -> jax.Array:
    """Sum over each point's year, (point,)."""
    year = jnp.asarray(data.year)
    number = jnp.cumsum(jnp.diff(year, prepend=year[:1]) > 0)  # no more of them than points
    return jax.ops.segment_sum(x, number, len(year))[number]


def _of_point(known: list[jax.Array], x: jax.Array, structural: jax.Array, data: ErrorData) -> Any:
    """Work out what a point adds to sums: over all points, then over those of each year.

    Products under the inverse of its variance of the residual and, where points share an error, of
    what that does to them.
    """
    value, measured, present, *member = known
    variance = structural**2 + measured
    precision = present / variance
    vectors = [value - x]
    if has_common(data):
        vectors.append(shape(x, data))
    pairs = itertools.combinations_with_replacement(vectors, 2)
    products = [precision * a * b for a, b in pairs]
    years = [[m * precision * vector for m in member] for vector in vectors]
    return present * jnp.log(variance), products, [m * precision for m in member], years


def _of_sums(sums: Any, covariance: jax.Array, *variance: jax.Array) -> tuple[jax.Array]:
    """Log density from sums over points, but for a constant.

    Each year's covariance is a diagonal and one rank, of known inverse and determinant; so is that
    of all years with what they share.
    """
    log_variance, products, weights, years = sums
    scales = [1.0 + covariance * weight for weight in weights]

    def product(i: int, j: int, raw: jax.Array) -> jax.Array:
        """Product of two vectors under the inverse of the covariance without what years share."""
        shrunk = zip(scales, years[i], years[j], strict=True)
        less: jax.Array = raw - sum(covariance / scale * a * b for scale, a, b in shrunk)
        return less

    square = product(0, 0, products[0]) + sum(jnp.log(scale) for scale in scales)
    total = -0.5 * (square + log_variance)
    if variance:
        cross, shared = product(0, 1, products[1]), product(1, 1, products[2])
        total = total + log_gain(variance[0] * cross**2, variance[0] * shared)
    return (total,)
