"""A stream bound to a site: which steps were observed, what was seen there, how well."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.model import Trajectory
from bayes_tbm.parameters import AbstractPrior, Parameters
from bayes_tbm.sites.site import Observations, Site
from bayes_tbm.streams.definition import Stream
from bayes_tbm.streams.errors import ErrorData
from bayes_tbm.units import DAYS_PER_YEAR

Times = NDArray[np.datetime64]


@dataclasses.dataclass(frozen=True, eq=False)
class BoundStream:
    """One stream's likelihood at one site.

    Attributes
    ----------
    stream
        What is observed and with which errors.
    step
        Model step of every observed value, (value,).
    value, measurement_sd
        Observed values at those steps, (value,).
    block
        Point that each value belongs to, (value,); points are what the error model compares.
    data
        The points, (point,).
    time
        Middle of each point, (point,).
    left_out
        Times of observations outside the drivers' period.
    steps_per_block
        Steps of every block, counted from the first step; 0 where blocks differ.
    """

    stream: Stream
    step: NDArray[np.int64]
    value: NDArray[np.float64]
    measurement_sd: NDArray[np.float64]
    block: NDArray[np.int64]
    data: ErrorData
    time: Times
    left_out: Times
    steps_per_block: int

    @property
    def name(self) -> str:
        """The stream's name."""
        return self.stream.name

    @property
    def priors(self) -> dict[str, AbstractPrior]:
        """Priors of the error parameters by full name, such as ``gpp_structural_sd``."""
        own = self.stream.errors.priors(self.data)
        return {f"{self.name}_{suffix}": prior for suffix, prior in own.items()}

    def series(self, run: Trajectory, parameters: Parameters) -> jax.Array:
        """Model counterpart at every step, (time,)."""
        return self.stream.operator(run, parameters)

    @functools.cached_property
    def _grid(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """For blocks of a fixed number of steps: which have a point, and each step's weight.

        Shapes (point,) and (block, step of the block).
        """
        place, within = np.divmod(self.step, self.steps_per_block)
        weights = np.zeros((int(place.max()) + 1, self.steps_per_block))
        weights[place, within] = 1.0 / np.bincount(self.block)[self.block]
        return np.unique(place), weights

    def expected(self, series: jax.Array) -> jax.Array:
        """Model counterpart of every point, (point,): the mean over its observed steps."""
        if len(self.data.value) == len(self.value):
            return series[self.step]
        if self.steps_per_block == 0:
            count = np.bincount(self.block)
            total = jax.ops.segment_sum(series[self.step], jnp.asarray(self.block), len(count))
            return total / count
        points, weights = self._grid  # the same mean without touching values one by one
        padded = jnp.pad(series, (0, max(weights.size - len(series), 0)))[: weights.size]
        return (padded.reshape(weights.shape) * weights).sum(axis=1)[points]

    def log_likelihood(self, series: jax.Array, errors: Mapping[str, jax.Array]) -> jax.Array:
        """Log density of every point given those before it, (point,).

        ``errors`` maps full names, as in `priors`, to values.
        """
        return self.stream.errors.log_likelihood(
            self.expected(series), self.data, self._own(errors)
        )

    def log_density(self, series: jax.Array, errors: Mapping[str, jax.Array]) -> jax.Array:
        """Log density of all points together, scalar."""
        return self.stream.errors.log_density(self.expected(series), self.data, self._own(errors))

    def sample(
        self, key: jax.Array, series: jax.Array, errors: Mapping[str, jax.Array]
    ) -> jax.Array:
        """Draw synthetic points, (point,)."""
        return self.stream.errors.sample(key, self.expected(series), self.data, self._own(errors))

    def _own(self, errors: Mapping[str, jax.Array]) -> dict[str, jax.Array]:
        start = f"{self.name}_"
        return {n.removeprefix(start): v for n, v in errors.items() if n.startswith(start)}


def bind(stream: Stream, site: Site) -> BoundStream:
    """Bind a stream to what a site observed of it.

    Raises
    ------
    InputError
        The site does not observe the stream, no value lies in the drivers' period, no uncertainty
        is known, or a value that must be positive is not.
    """
    seen = _observations(stream, site)
    step, inside = _steps(seen, site)
    if not inside.any():
        raise InputError(
            where=site.source or site.name,
            variable=stream.name,
            rule="some observation must lie within the drivers' period",
            found=f"{len(seen)} values from {_day(seen.time.min())} to {_day(seen.time.max())}, "
            f"drivers from {_day(site.drivers.time.values[0])} "
            f"to {_day(site.drivers.time.values[-1])}",
            remedy="widen the window or leave the stream out",
        )
    order = np.flatnonzero(inside)[
        np.argsort(step[inside], kind="stable")
    ]  # in time, as blocks are
    value, sd, step = seen.value[order], seen.sd[order], step[order]
    _check_values(stream, site, value, sd)
    block = _blocks(stream, site, step)
    count = np.bincount(block)
    mid = np.bincount(block, site.drivers.days.values[step]) / count
    year = ((mid - _first_instant(site)) // DAYS_PER_YEAR).astype(np.int64)
    data = ErrorData(
        value=np.bincount(block, value) / count,
        measurement_sd=np.sqrt(np.bincount(block, sd**2) / count),
        day=mid,
        year=year,
        points_per_year=_points_per_year(stream, site, year),
    )
    origin = np.datetime64("2001-01-01", "ns")
    time = origin + (mid * 86400.0).round().astype("timedelta64[s]")
    return BoundStream(
        stream, step, value, sd, block, data, time, left_out=seen.time[~inside],
        steps_per_block=_steps_per_block(stream, site),
    )  # fmt: skip


def _day(time: np.datetime64) -> str:
    return str(np.datetime64(time, "D"))


def _observations(stream: Stream, site: Site) -> Observations:
    if stream.name not in site.observations or not len(site.observations[stream.name]):
        raise InputError(
            where=site.source or site.name,
            variable=stream.name,
            rule="the site must have observations of every stream that is asked for",
            found=f"observed here: {', '.join(site.observations) or 'nothing'}",
            remedy="leave the stream out or add its observations to the site",
        )
    return site.observations[stream.name]


def _steps(seen: Observations, site: Site) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Step that contains each observation, and which observations any step contains."""
    origin = np.datetime64("2001-01-01", "ns")
    day = (seen.time - origin) / np.timedelta64(1, "D")
    middle, length = site.drivers.days.values, site.drivers.step_length.values
    starts = middle - 0.5 * length
    step = np.clip(np.searchsorted(starts, day, side="right") - 1, 0, len(starts) - 1)
    inside = (day >= starts[0]) & (np.abs(day - middle[step]) <= 0.5 * length[step] + 1e-6)
    return step.astype(np.int64), inside


def _check_values(
    stream: Stream, site: Site, value: NDArray[np.float64], sd: NDArray[np.float64]
) -> None:
    known = np.isfinite(sd) & (sd > 0)
    if not known.all():
        raise InputError(
            where=site.source or site.name,
            variable=f"{stream.name} uncertainty",
            rule="every observation needs a positive measurement standard deviation",
            found=f"{np.count_nonzero(~known)} of {len(sd)} missing or not positive",
            remedy=f'give one, as in open_site(..., uncertainty={{"{stream.name}": 1.0}}) '
            f"or --uncertainty {stream.name}=1.0 ({stream.unit})",
        )
    if stream.errors.positive and (value <= 0).any():
        raise InputError(
            where=site.source or site.name,
            variable=stream.name,
            rule="log-normal errors need positive values",
            found=f"{np.count_nonzero(value <= 0)} of {len(value)} not above zero",
            remedy="remove these values or choose Gaussian errors",
        )


def _blocks(stream: Stream, site: Site, step: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the number of the averaging block of each value, counted without gaps from 0."""
    length = stream.errors.averaging
    start = site.drivers.days.values[step] - site.drivers.days.values[0]
    key = step if length <= 0 else (start // length).astype(np.int64)
    return np.unique(key, return_inverse=True)[1].astype(np.int64)


def _steps_per_block(stream: Stream, site: Site) -> int:
    """Return the steps of each block where all steps are equal and fill blocks exactly, else 0."""
    length, average = site.drivers.step_length.values, stream.errors.averaging
    whole = average > 0 and np.ptp(length) == 0 and average % length[0] == 0
    return int(average // length[0]) if whole else 0


def _first_instant(site: Site) -> float:
    """Start of the first step, in days: from its middle, a rounded month could change its year."""
    return float(site.drivers.days.values[0] - 0.5 * site.drivers.step_length.values[0])


def _points_per_year(stream: Stream, site: Site, year: NDArray[np.int64]) -> float:
    """Points of a full year, and no fewer than any year has: 36.5 blocks of ten days can be 37."""
    step_length = float(site.drivers.step_length.median())
    expected = DAYS_PER_YEAR / max(stream.errors.averaging, step_length)
    return max(expected, float(np.bincount(year).max()))
