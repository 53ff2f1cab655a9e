"""What every error model offers, and what it is given."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.parameters import AbstractPrior, LogNormal
from bayes_tbm.plain import as_number


@dataclasses.dataclass(frozen=True)
class ErrorData:
    """Observed points of a stream as an error model sees them; arrays of shape (point,).

    Attributes
    ----------
    value
        Observed values (means over blocks where the stream averages), in the stream's unit.
    measurement_sd
        Standard deviation of measurement, same unit.
    day
        Days since 2001-01-01 of each point, increasing.
    year
        Whole years since the first step, from 0; years without a point may be absent.
    points_per_year
        How many points a year without gaps holds.
    """

    value: NDArray[np.float64]
    measurement_sd: NDArray[np.float64]
    day: NDArray[np.float64]
    year: NDArray[np.int64]
    points_per_year: float


@dataclasses.dataclass(frozen=True)
class AbstractErrorModel:
    """How observed points scatter around their expectation.

    Attributes
    ----------
    averaging
        Length in days of the blocks whose means are compared; 0 compares every value.
    positive
        Whether values must be above zero.
    """

    positive: ClassVar[bool] = False
    averaging: float = 0.0

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            if isinstance(field.default, float):  # an option, not a prior
                number = as_number(getattr(self, field.name))
                self._require(field.name, number is not None, "a number")
                object.__setattr__(self, field.name, number)
        self._require("averaging", self.averaging >= 0.0, "a number of days, 0 or more")

    @property
    def options(self) -> dict[str, float]:
        """Numeric options by name; priors of error parameters stand among all priors."""
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return {name: v for name, v in fields.items() if isinstance(v, (int, float))}

    def _require(self, name: str, holds: bool, rule: str) -> None:
        """Refuse an option that makes no sense."""
        if not holds:
            raise InputError(
                where=type(self).__name__,
                variable=name,
                rule=f"must be {rule}",
                found=repr(getattr(self, name)),
            )

    def priors(self, data: ErrorData) -> dict[str, AbstractPrior]:
        """Priors of the error model's own parameters, by suffix."""
        raise NotImplementedError

    def log_likelihood(
        self, expected: jax.Array, data: ErrorData, errors: Mapping[str, jax.Array]
    ) -> jax.Array:
        """Log density of every point given the points before it, (point,)."""
        raise NotImplementedError

    def log_density(
        self, expected: jax.Array, data: ErrorData, errors: Mapping[str, jax.Array]
    ) -> jax.Array:
        """Log density of all points together, the sum of `log_likelihood`.

        A model whose sum is cheaper than its terms says so here: samplers ask for nothing else.

        Parameters
        ----------
        expected
            (point, ...), the batch last.
        data
            Observed points.
        errors
            Values of the error model's own parameters, of the batch's shape.

        Returns
        -------
        jax.Array
            Of the batch's shape.
        """
        if expected.ndim == 1:
            return jnp.sum(self.log_likelihood(expected, data, errors))

        def of_one(x: jax.Array, own: Mapping[str, jax.Array]) -> jax.Array:
            return self.log_density(x, data, own)

        each: jax.Array = jax.vmap(of_one, in_axes=-1, out_axes=-1)(expected, errors)
        return each

    def sample(
        self, key: jax.Array, expected: jax.Array, data: ErrorData, errors: Mapping[str, jax.Array]
    ) -> jax.Array:
        """Draw synthetic points, (point,)."""
        raise NotImplementedError


def structural_prior(
    given: AbstractPrior | None, data: ErrorData, share: float = 0.3
) -> AbstractPrior:
    """Prior of the structural error's sd: as given, else log-normal around a share of the spread.

    The default is weakly informative: a median of ``share`` times the standard deviation of the
    observed values, and a factor two either way at one standard deviation.
    """
    if given is not None:
        return given
    spread = float(np.std(data.value))
    scale = spread if spread > 0 else float(np.mean(np.abs(data.value))) or 1.0
    return LogNormal(share * scale, 0.7)
