"""The likelihood of one stream, bound to what was observed of it; a calibration adds them up."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Self, TypeVar, override

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.model import Trajectory
from bayes_tbm.model.regrowth import at_age, departed
from bayes_tbm.parameters import AbstractPrior, Parameters
from bayes_tbm.streams.averaging import Averaging
from bayes_tbm.streams.definition import Stream
from bayes_tbm.streams.errors import ErrorData, ErrorParameter
from bayes_tbm.streams.errors.common import has_common
from bayes_tbm.streams.errors.padding import length, padded

T = TypeVar("T", jax.Array, NDArray[Any])
Array = NDArray[np.float64]
Times = NDArray[np.datetime64]


@dataclasses.dataclass(frozen=True, eq=False)
class AbstractBoundStream:
    """One stream's likelihood.

    Attributes
    ----------
    stream
        What is observed and with which errors.
    data
        The points that the error model compares, (point,).
    """

    stream: Stream
    data: ErrorData

    @property
    def name(self) -> str:
        """The stream's name."""
        return self.stream.name

    @property
    def priors(self) -> dict[str, AbstractPrior]:
        """Priors of the error parameters by full name, such as ``gpp_structural_sd``."""
        own = self.stream.errors.priors(self.data)
        return {f"{self.name}_{suffix}": prior for suffix, prior in own.items()}

    @property
    def error_parameters(self) -> dict[str, ErrorParameter]:
        """What is known of the error parameters, by full name."""
        return self.stream.error_parameters

    @property
    def ages(self) -> Array:
        """Stand ages in years at which the stream sees the regrowth, (age,); none by default."""
        return np.zeros(0)

    @property
    def ready(self) -> Self:
        """The same with all that does not depend on the model worked out: for many evaluations.

        Points may have places without one behind them: `of_points` leaves those out.
        """
        data = dataclasses.replace(self.data, rows=self.stream.errors.rows(self.data))
        return dataclasses.replace(self, data=data)

    def of_points(self, places: T) -> T:
        """Return values of the points alone, (..., point), of those that `ready` has places for."""
        found: T = places[..., : len(self.data.value)]
        return found

    def with_points(self, value: ArrayLike) -> Self:
        """Return the same with other points than those observed, which err as those do.

        Parameters
        ----------
        value
            Points, (point,), in the stream's unit.

        Raises
        ------
        InputError
            There are more or fewer, or one that is not finite, or not positive where it must be.
        """
        points, count = np.asarray(value, dtype=float), len(self.data.value)
        least = 0.0 if self.stream.errors.positive else -np.inf
        if points.shape != (count,) or not (np.isfinite(points) & (points > least)).all():
            positive = "positive " if self.stream.errors.positive else ""
            raise InputError(
                where="points", variable=self.name, rule=f"must be {count} {positive}numbers",
                found=f"shape {points.shape}" if points.shape != (count,) else f"{points.min():g}",
            )  # fmt: skip
        return dataclasses.replace(self, data=self.data.with_value(points))

    def with_common_error(self, scale_sd: float = 0.0, offset_sd: float = 0.0) -> Self:
        """Return the same with one more error that all points share, in quadrature.

        Parameters
        ----------
        scale_sd
            Of the model's values, as a share; of the logarithm for errors of the logarithm.
        offset_sd
            In the stream's unit.
        """
        data = dataclasses.replace(
            self.data,
            scale_sd=_in_quadrature(self.data.scale_sd, scale_sd),
            offset_sd=_in_quadrature(self.data.offset_sd, offset_sd),
        )
        return dataclasses.replace(self, data=data)

    def with_systematic(self, size: float) -> Self:
        """Return the same with another standard deviation of the stream's own systematic error.

        Parameters
        ----------
        size
            Of the kind that the stream says; 0 for none. Given once.
        """
        stream = dataclasses.replace(self.stream, systematic=size)
        kind = "offset_sd" if stream.is_offset else "scale_sd"
        return dataclasses.replace(self.with_common_error(**{kind: size}), stream=stream)

    @property
    def oldest(self) -> float:
        """Greatest of the ages; 0 if there are none."""
        return float(self.ages.max(initial=0.0))

    @property
    def point(self) -> NDArray[np.generic]:
        """What tells points apart in a result: time or age, (point,)."""
        raise NotImplementedError

    def series(self, run: Trajectory, parameters: Parameters) -> jax.Array:
        """Model counterpart as it is reported, time first and a batch last.

        `expected` makes that of the points of it.
        """
        raise NotImplementedError

    def expected(self, series: jax.Array) -> jax.Array:
        """Model counterpart of every point, (point, ...)."""
        raise NotImplementedError

    def log_likelihood(
        self,
        series: jax.Array,
        errors: Mapping[str, jax.Array],
        value: jax.Array | None = None,
    ) -> jax.Array:
        """Log density of every point given those before it, (point,).

        Parameters
        ----------
        series
            As `series` gives it.
        errors
            Values by full names, as in `priors`.
        value
            Points whose density is wanted, (point,); by default those that were observed.
        """
        data = self.data if value is None else self.data.with_value(value)
        return self.stream.errors.log_likelihood(self.expected(series), data, self._own(errors))

    def log_density(self, series: jax.Array, errors: Mapping[str, jax.Array]) -> jax.Array:
        """Log density of all points together, of the batch's shape."""
        return self.log_density_of(self.expected(series), errors)

    def log_density_of(self, expected: jax.Array, errors: Mapping[str, jax.Array]) -> jax.Array:
        """Log density of all points together from what `expected` gave, of the batch's shape."""
        return self.stream.errors.log_density(expected, self.data, self._own(errors))

    def sample(
        self, key: jax.Array, series: jax.Array, errors: Mapping[str, jax.Array]
    ) -> jax.Array:
        """Draw synthetic points, (point,)."""
        return self.stream.errors.sample(key, self.expected(series), self.data, self._own(errors))

    def sample_given(
        self, key: jax.Array, normal: jax.Array, series: jax.Array,
        errors: Mapping[str, jax.Array], given: Any,
    ) -> jax.Array:  # fmt: skip
        """Draw synthetic points of the same instrument, (point,), or (``given`` 0) as `sample`.

        With ``given`` 1 what all points share follows, from a standard ``normal`` number, what the
        observed points tell of it: that uncertainty is in the posterior already. Errors along age
        are always drawn anew.
        """
        model, own, expected = self.stream.errors, self._own(errors), self.expected(series)
        if model.of_curve or not has_common(self.data):
            return model.sample(key, expected, self.data, own)
        common = self.draw_common(normal, series, errors, given)
        rest = dataclasses.replace(self.data, scale_sd=None, offset_sd=None, rows=None)
        return model.sample(key, model.shifted(expected, self.data, own, common), rest, own)

    def draw_common(
        self, normal: jax.Array, series: jax.Array, errors: Mapping[str, jax.Array], given: Any
    ) -> jax.Array:
        """Draw the error that all points share, in its own sd: given the points, or anew (0)."""
        mean, sd = self.common_given(series, errors)
        drawn: jax.Array = given * mean + (given * sd + 1.0 - given) * normal
        return drawn

    def common_given(
        self, series: jax.Array, errors: Mapping[str, jax.Array]
    ) -> tuple[jax.Array, jax.Array]:
        """Mean and sd, in its own sd, of the error that all points share, given the points."""
        if not has_common(self.data):
            return jnp.zeros(()), jnp.zeros(())
        model = self.stream.errors
        return model.whitened(self.expected(series), self.data, self._own(errors)).common_given()

    def predicted(
        self, key: jax.Array, series: jax.Array, errors: Mapping[str, jax.Array], common: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """Draw points where the error that all share is known, and weigh those that were observed.

        Parameters
        ----------
        key
            Of the randomness.
        series, errors
            As in `log_likelihood`.
        common
            That error in its own standard deviations, ().

        Returns
        -------
        points
            Synthetic ones, (point,).
        log_density
            Of each observed point by itself, none of the others known, (point,).
        """
        model, own, expected = self.stream.errors, self._own(errors), self.expected(series)
        if has_common(self.data):
            expected = model.shifted(expected, self.data, own, common)
        rest = dataclasses.replace(self.data, scale_sd=None, offset_sd=None, rows=None)
        columns = (expected, rest.value, rest.measurement_sd, rest.day, rest.year)

        def alone(*point: jax.Array) -> jax.Array:
            """Log density of one point that knows of no other."""
            at, value, sd, day, year = [number[None] for number in point]
            data = ErrorData(value, sd, day, year, rest.points_per_year)  # type: ignore[arg-type]  # traced
            return model.log_likelihood(at, data, own)[0]

        log_density: jax.Array = jax.vmap(alone)(*(jnp.asarray(column) for column in columns))
        return model.sample(key, expected, rest, own), log_density

    def _own(self, errors: Mapping[str, jax.Array]) -> dict[str, jax.Array]:
        start = f"{self.name}_"
        return {n.removeprefix(start): v for n, v in errors.items() if n.startswith(start)}


def _in_quadrature(before: float | None, more: float) -> float | None:
    return math.hypot(before or 0.0, more) if more else before


@dataclasses.dataclass(frozen=True)
class Room:
    """What a record could hold of a stream at most, values before it included."""

    points: int
    values: int
    years: int


_EMPTY: NDArray[np.float64] = np.zeros(0)


@dataclasses.dataclass(frozen=True, eq=False)
class BoundStream(AbstractBoundStream):
    """A stream observed at times.

    What follows `earlier` is for people, and does not go into the likelihood.

    Attributes
    ----------
    averaging
        Makes the model's counterparts of points from its series.
    earlier
        Stand ages in years of the values observed before the record, (earlier,): they come first
        among all values, and see the stand's regrowth.
    step
        Place in `series` of every observed value, (value,).
    value, measurement_sd
        Observed values there, (value,).
    block
        Point that each value belongs to, (value,).
    time
        Middle of each point, (point,).
    left_out
        Times of observations that are not used: outside the drivers' period.
    room
        What the record could hold; None for no more than there is.
    """

    averaging: Averaging
    earlier: Array = dataclasses.field(default_factory=lambda: _EMPTY)
    step: NDArray[np.int64] = dataclasses.field(default_factory=lambda: _EMPTY.astype(np.int64))
    value: Array = dataclasses.field(default_factory=lambda: _EMPTY)
    measurement_sd: Array = dataclasses.field(default_factory=lambda: _EMPTY)
    block: NDArray[np.int64] = dataclasses.field(default_factory=lambda: _EMPTY.astype(np.int64))
    time: Times = dataclasses.field(default_factory=lambda: _EMPTY.astype("datetime64[s]"))
    left_out: Times = dataclasses.field(default_factory=lambda: _EMPTY.astype("datetime64[s]"))
    room: Room | None = None

    @property
    def ages(self) -> Array:
        """Stand ages in years of the values before the record, (earlier,)."""
        return self.earlier

    @property
    @override
    def ready(self) -> Self:
        if self.room is None:
            return super().ready
        points = length(len(self.data.value), self.room.points)
        values = length(len(self.step), self.room.values)
        data = padded(self.data, points, self.room.years)
        data = dataclasses.replace(data, rows=self.stream.errors.rows(data))
        return dataclasses.replace(self, data=data, averaging=self.averaging.padded(points, values))

    @property
    def point(self) -> NDArray[np.generic]:
        """Middle of each point, (point,)."""
        return self.time

    @override
    def with_points(self, value: ArrayLike) -> Self:
        other = super().with_points(value)
        return dataclasses.replace(other, value=other.data.value[self.block])

    def series(self, run: Trajectory, parameters: Parameters) -> jax.Array:
        """Model counterpart at the earlier ages, then at every step, (earlier + time, ...)."""
        series = self.stream.operator(run, parameters)
        if not len(self.earlier):
            return series
        of_stand = self.stream.of_stand
        if run.regrowth is None or of_stand is None:
            raise ValueError(f"{self.name}: values before the record need the regrowth run")
        # The stand's own past: it departed from the regrowth then as it does now.
        stand = at_age(of_stand(departed(parameters, run.regrowth)), self.earlier)
        return jnp.concatenate([stand, series])

    def expected(self, series: jax.Array) -> jax.Array:
        """Model counterpart of every point, (point, ...): the mean over its observed steps."""
        return self.averaging(series)


@dataclasses.dataclass(frozen=True, eq=False)
class BoundAges(AbstractBoundStream):
    """A stream observed at ages of the stand; it sees the regrowth alone.

    Attributes
    ----------
    age
        Years since the disturbance, (point,).
    """

    age: Array

    @property
    def ages(self) -> Array:
        """Stand ages in years at which the stream sees the regrowth, (point,)."""
        return self.age

    @property
    def point(self) -> NDArray[np.generic]:
        """Age of each point in years, (point,)."""
        return self.age

    def series(self, run: Trajectory, parameters: Parameters) -> jax.Array:
        """Model counterpart at the observed ages, (point,)."""
        of_stand = self.stream.of_stand
        if run.regrowth is None or of_stand is None:
            raise ValueError(f"{self.name}: ages need the regrowth run")
        return at_age(of_stand(run.regrowth), self.age)

    def expected(self, series: jax.Array) -> jax.Array:
        """Model counterpart of every point, (point, ...)."""
        return series


# Numbers of a likelihood are arguments of what is compiled, so that others of its form share it.
jax.tree_util.register_dataclass(
    BoundStream,
    data_fields=("data", "averaging", "earlier"),
    meta_fields=("stream",),
    drop_fields=("step", "value", "measurement_sd", "block", "time", "left_out", "room"),
)
jax.tree_util.register_dataclass(BoundAges, data_fields=("data", "age"), meta_fields=("stream",))
