"""Errors of a growth curve: log-normal, and shared by neighbouring ages."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import ClassVar, override

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import solve_triangular
from jax.scipy.stats import norm
from numpy.typing import NDArray

from bayes_tbm.parameters import AbstractPrior, Fixed, PriorLike, as_prior
from bayes_tbm.streams.errors.base import (
    STRUCTURAL_LOG_SD,
    AbstractErrorModel,
    ErrorData,
    ErrorParameter,
)
from bayes_tbm.streams.errors.common import has_common, pattern
from bayes_tbm.units import DAYS_PER_YEAR

_JITTER = 1e-9  # of the variance: a curve given by three parameters has a covariance of rank three
_FORTY_YEARS, _NONE, _FIVE_PERCENT = Fixed(40.0), Fixed(0.0), Fixed(0.05)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class AgeData(ErrorData):
    """Points of a growth curve.

    Attributes
    ----------
    log_covariance
        Covariance of the errors of the logarithms, (point, point), where it is known; else errors
        follow from standard deviations and the error model's correlation.
    own_log_sd
        Independent error of each logarithm, (point,): what an error of age does, to first order
        (the slope of the logarithm of the observed curve times the standard deviation of age), and
        the scatter of points about a smooth curve, in quadrature.
    """

    log_covariance: NDArray[np.float64] | None
    own_log_sd: NDArray[np.float64]


@dataclasses.dataclass(frozen=True, kw_only=True)
class AlongAge(AbstractErrorModel):
    """Gaussian errors of the logarithm with a covariance along age.

    Points of one curve share their errors: the plots, the allometry, the space-for-time
    substitution behind them are the same. With ``r = common + (1 - common) exp(-gap / length)`` the
    correlation of two points, a curve of 15 points says as much as a few independent ones. Errors
    of age and structural errors are independent from point to point and add to that, and so does
    the scatter of the data about a smooth curve, beyond what was stated: such points, as plots of a
    chronosequence, share the error that was stated, and scatter besides. Where the
    curve comes with its covariance, that replaces standard deviations and correlation.

    Attributes
    ----------
    length
        Prior of the gap in years over which the correlation falls to ``1 / e``; 40 yr by default.
        Any prior makes it inferred.
    common
        Prior of the share of variance that all points have in common; none by default.
    structural
        Prior of the independent log sd by which the model's growth departs from such a curve; 0.05
        by default.
    averaging
        Of no meaning along age: leave it at 0.
    """

    positive: ClassVar[bool] = True
    of_curve: ClassVar[bool] = True
    parameters: ClassVar[Mapping[str, ErrorParameter]] = {
        "length": ErrorParameter("error_length", is_open=True),
        "common": ErrorParameter("error_common", upper=1.0),
        "structural": STRUCTURAL_LOG_SD,
    }
    length: PriorLike = _FORTY_YEARS
    common: PriorLike = _NONE
    structural: PriorLike = _FIVE_PERCENT

    @override
    def priors(self, data: ErrorData) -> dict[str, AbstractPrior]:
        own = {"structural_log_sd": as_prior("structural", self.structural)}
        if isinstance(data, AgeData) and data.log_covariance is None and len(data.value) > 1:
            own["error_length"] = as_prior("length", self.length)
            own["error_common"] = as_prior("common", self.common)
        return own

    def stated_covariance(self, data: AgeData) -> jax.Array:
        """Covariance of the logarithms' errors, at the medians of the model's parameters.

        Parameters
        ----------
        data
            Points of a curve.

        Returns
        -------
        jax.Array
            (point, point).
        """
        centers = {name: jnp.asarray(p.center) for name, p in self.priors(data).items()}
        factor = self._factor(data, centers)
        return factor @ factor.T

    def _factor(self, data: ErrorData, errors: Mapping[str, jax.Array]) -> jax.Array:
        """Cholesky factor of the covariance of the logarithms, (point, point)."""
        assert isinstance(data, AgeData)  # bound by GrowthCurve alone
        if data.log_covariance is not None:
            covariance = jnp.asarray(data.log_covariance)
        else:
            sd = jnp.sqrt(data.measurement_log_variance)
            covariance = jnp.outer(sd, sd) * self._correlation(data, errors)
        own = data.own_log_sd**2 + errors["structural_log_sd"] ** 2
        if has_common(data):
            covariance = covariance + pattern(jnp.ones(()), data) ** 2
        own = own + _JITTER * jnp.diag(covariance)
        factor: jax.Array = jnp.linalg.cholesky(covariance + jnp.diag(own))
        return factor

    def _correlation(self, data: ErrorData, errors: Mapping[str, jax.Array]) -> jax.Array:
        if len(data.value) == 1:
            return jnp.ones((1, 1))
        gap = jnp.abs(jnp.subtract.outer(data.day, data.day)) / DAYS_PER_YEAR
        common = errors["error_common"]
        return common + (1.0 - common) * jnp.exp(-gap / errors["error_length"])

    @override
    def log_likelihood(
        self, expected: jax.Array, data: ErrorData, errors: Mapping[str, jax.Array]
    ) -> jax.Array:
        factor, log_value = self._factor(data, errors), data.log_value
        error = solve_triangular(factor, log_value - jnp.log(expected), lower=True)
        # In age order, each term is the density of a point given those at younger ages.
        return norm.logpdf(error) - jnp.log(jnp.diag(factor)) - log_value

    @override
    def sample(
        self, key: jax.Array, expected: jax.Array, data: ErrorData, errors: Mapping[str, jax.Array]
    ) -> jax.Array:
        noise = self._factor(data, errors) @ jax.random.normal(key, expected.shape)
        return expected * jnp.exp(noise)
