"""What every error model offers, and what it is given."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.parameters import AbstractPrior, Fixed, LogNormal, PriorLike, as_prior
from bayes_tbm.plain import finite_number
from bayes_tbm.streams.errors.whitening import Whitening


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class ErrorData:
    """Observed points of a stream as an error model sees them; arrays of shape (point,).

    Error models compute with them as JAX does: while a posterior is compiled they are arguments.

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
    observed
        What was observed, where ``value`` is something else whose density is wanted.
    scale_sd, offset_sd
        Standard deviation of an error that all points share: of their scale, as a share of what the
        model expects (of the logarithm for errors of the logarithm), and of an offset, in the
        stream's unit. None where there is none.
    rows
        What `AbstractErrorModel.rows` made of all that, where it was worked out beforehand.
    present
        1 where there is a point and 0 in places behind them that only make up a common length, see
        `bayes_tbm.streams.errors.padding`; None without such places.
    years
        Static: how many years have rows of their own; None for those with points.
    """

    value: NDArray[np.float64]
    measurement_sd: NDArray[np.float64]
    day: NDArray[np.float64]
    year: NDArray[np.int64]
    points_per_year: float
    observed: NDArray[np.float64] | None = dataclasses.field(default=None, kw_only=True)
    scale_sd: Any | None = dataclasses.field(default=None, kw_only=True)
    offset_sd: Any | None = dataclasses.field(default=None, kw_only=True)
    rows: NDArray[np.float64] | None = dataclasses.field(default=None, kw_only=True)
    present: NDArray[np.float64] | None = dataclasses.field(default=None, kw_only=True)
    years: int | None = dataclasses.field(default=None, kw_only=True, metadata={"static": True})

    def with_value(self, value: Any) -> Self:
        """Return other points, (point,), that err as the observed ones do."""
        observed = self.value if self.observed is None else self.observed
        return dataclasses.replace(self, value=value, observed=observed, rows=None)

    @property
    def log_value(self) -> jax.Array:
        """Logarithm of the values, (point,)."""
        return jnp.log(self.value)

    @property
    def measurement_log_variance(self) -> jax.Array:
        """Variance of measurement of the logarithm, (point,).

        Of a log-normal with the relative standard deviation that was observed:
        ``log(1 + (sd / value)^2)``.
        """
        observed = self.value if self.observed is None else self.observed
        return jnp.log1p((self.measurement_sd / observed) ** 2)


@dataclasses.dataclass(frozen=True)
class ErrorParameter:
    """A parameter of an error model, inferred or held fixed.

    Attributes
    ----------
    suffix
        Its name after that of the stream, as in ``gpp_structural_sd``.
    lower, upper
        Range that a prior must keep to.
    is_open
        Whether the parameter cannot be held at the lower end of the range itself.
    """

    suffix: str
    lower: float = 0.0
    upper: float = math.inf
    is_open: bool = False

    def check(self, prior: AbstractPrior, where: str, variable: str) -> None:
        """Refuse a prior of values that have no meaning.

        Raises
        ------
        InputError
            The prior's support reaches beyond the range.
        """
        low, high = prior.support
        at_end = self.is_open and isinstance(prior, Fixed) and low == self.lower
        if not self.lower <= low <= high <= self.upper or at_end:
            span = f"{self.lower:g} to {self.upper:g}" + ", 0 left out" * self.is_open
            raise InputError(
                where=where, variable=variable, rule=f"must have a prior within {span}",
                found=f"{low:g} to {high:g} with {prior}",
                remedy="choose a family that ends there, such as a log-normal",
            )  # fmt: skip


STRUCTURAL_SD = ErrorParameter("structural_sd")
STRUCTURAL_LOG_SD = ErrorParameter("structural_log_sd")


@dataclasses.dataclass(frozen=True, kw_only=True)
class AbstractErrorModel:
    """How observed points scatter around their expectation.

    Fields are given by name. Those that hold a prior, listed in ``parameters``, take what
    `bayes_tbm.Calibration` takes for one: a prior, its plain data, or a number to hold the value
    fixed.

    Attributes
    ----------
    averaging
        Length in days of the blocks whose means are compared; 0 compares every value.
    positive
        Whether values must be above zero.
    takes_common
        Whether points may share an error of scale or offset besides.
    of_curve
        Whether the model is that of a growth curve's points, and of nothing else.
    parameters
        The model's own parameters, by the field that holds their prior.

    Raises
    ------
    InputError
        On construction: a field is no number, no prior, or holds values that have no meaning.
    """

    positive: ClassVar[bool] = False
    takes_common: ClassVar[bool] = True
    of_curve: ClassVar[bool] = False
    parameters: ClassVar[Mapping[str, ErrorParameter]] = {}
    averaging: float = 0.0

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            given = getattr(self, field.name)
            if field.name in self.parameters:
                if given is not None or field.default is not None:  # None: set from the data
                    object.__setattr__(self, field.name, self._prior(field.name, given))
            elif isinstance(field.default, float):
                number = finite_number(given)
                self._require(field.name, number is not None, "a finite number")
                object.__setattr__(self, field.name, number)
        self._require("averaging", self.averaging >= 0.0, "a number of days, 0 or more")

    def _prior(self, name: str, given: PriorLike) -> AbstractPrior:
        prior = as_prior(name, given, type(self).__name__)
        self.parameters[name].check(prior, type(self).__name__, name)
        return prior

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
        """Priors of the error model's own parameters.

        Parameters
        ----------
        data
            Observed points, whose spread sets the scale of defaults.

        Returns
        -------
        dict
            By suffix: ``structural_sd`` becomes ``gpp_structural_sd`` for the stream ``gpp``.
        """
        raise NotImplementedError

    def rows(self, data: ErrorData) -> NDArray[np.float64] | None:
        """Return what the sum over points needs and no model changes, (row, point), if anything.

        Parameters
        ----------
        data
            Observed points, as NumPy's arrays.
        """
        return None

    def whitened(
        self, expected: jax.Array, data: ErrorData, errors: Mapping[str, jax.Array]
    ) -> Whitening:
        """Residuals, of the logarithm in models that are Gaussian there, made independent.

        A model that is not Gaussian has none and says its `log_likelihood` itself.

        Parameters
        ----------
        expected, data, errors
            As in `log_likelihood`.
        """
        raise NotImplementedError

    def shifted(
        self, expected: jax.Array, data: ErrorData, errors: Mapping[str, jax.Array], common: Any
    ) -> jax.Array:
        """Return what is expected of points where the error that all share is known.

        Parameters
        ----------
        expected, data, errors
            As in `log_likelihood`.
        common
            The error in its own standard deviations, ().

        Returns
        -------
        jax.Array
            In the stream's unit, (point,).
        """
        pattern = self.whitened(expected, data, errors).common
        return expected if pattern is None else expected + common * pattern

    def log_likelihood(
        self, expected: jax.Array, data: ErrorData, errors: Mapping[str, jax.Array]
    ) -> jax.Array:
        """Log density of every point given the points before it.

        Parameters
        ----------
        expected
            What the model expects, (point,), in the stream's unit.
        data
            Observed points.
        errors
            Values of the error model's own parameters, by suffix.

        Returns
        -------
        jax.Array
            In nats, (point,).
        """
        return self.whitened(expected, data, errors).log_terms()

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
            terms = self.log_likelihood(expected, data, errors)
            return jnp.sum(terms if data.present is None else terms * data.present)

        def of_one(x: jax.Array, own: Mapping[str, jax.Array]) -> jax.Array:
            return self.log_density(x, data, own)

        each: jax.Array = jax.vmap(of_one, in_axes=-1, out_axes=-1)(expected, errors)
        return each

    def sample(
        self, key: jax.Array, expected: jax.Array, data: ErrorData, errors: Mapping[str, jax.Array]
    ) -> jax.Array:
        """Draw synthetic points.

        Parameters
        ----------
        key
            Of the randomness.
        expected, data, errors
            As in `log_likelihood`.

        Returns
        -------
        jax.Array
            In the stream's unit, (point,).
        """
        raise NotImplementedError


def structural_prior(given: PriorLike | None, data: ErrorData, share: float = 0.3) -> AbstractPrior:
    """Prior of the structural error's sd: as given, else log-normal around a share of the spread.

    The default is weakly informative: a median of ``share`` times the standard deviation of the
    observed values, and a factor two either way at one standard deviation.
    """
    if given is not None:
        return as_prior("structural", given)
    spread = float(np.std(data.value))
    scale = spread if spread > 0 else float(np.mean(np.abs(data.value))) or 1.0
    return LogNormal(share * scale, 0.7)
