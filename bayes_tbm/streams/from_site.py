"""A stream's likelihood from a site: which steps were observed, what was seen there, how well."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.sites.site import Observations, Site
from bayes_tbm.streams.averaging import averaging
from bayes_tbm.streams.definition import Stream, require_errors
from bayes_tbm.streams.errors import ErrorData
from bayes_tbm.streams.likelihood import BoundStream, Room
from bayes_tbm.units import DAYS_PER_YEAR

_ORIGIN = np.datetime64("2001-01-01", "ns")


def bind(
    stream: Stream,
    site: Site,
    observations: Observations | None = None,
    *,
    stand_age: float | None = None,
) -> BoundStream:
    """Bind a stream to what a site observed of it.

    Parameters
    ----------
    stream, site
        What was observed and where.
    observations
        What was seen; by default the site's observations of that name.
    stand_age
        Age of the stand in years at the first step, where it is known. What was seen of a stock
        before that is then bound to the stand's regrowth; else it is left out.

    Raises
    ------
    InputError
        The site does not observe the stream, no value can be used, no uncertainty is known, a
        value that must be positive is not, or the error model is one of growth curves.
    """
    require_errors(stream.name, stream.errors, of_curve=False)
    seen = observations or _observations(stream, site)
    stream = _with_systematic(stream, seen)
    step, inside = _steps(seen, site)
    age = _ages(stream, seen, site, stand_age)
    early = age > 0.0
    if not (inside | early).any():
        raise InputError(
            where=site.source or site.name,
            variable=stream.name,
            rule="some observation must lie within the drivers' period",
            found=f"{len(seen)} values from {_day(seen.time.min())} to {_day(seen.time.max())}, "
            f"drivers from {_day(site.drivers.time.values[0])} "
            f"to {_day(site.drivers.time.values[-1])}",
            remedy="widen the window, leave the stream out, or, for stocks before the window, "
            "state the stand's age at its start",
        )
    first = np.flatnonzero(early)[np.argsort(age[early], kind="stable")]
    later = np.flatnonzero(inside)[np.argsort(step[inside], kind="stable")]  # in time, as blocks
    order, count = np.concatenate([first, later]), len(first)
    value, sd = seen.value[order], seen.sd[order]
    _check_values(stream, site, value, sd)
    place = np.concatenate([np.arange(count), count + step[later]])
    day = np.concatenate([_day_number(seen)[first], site.drivers.days.values[step[later]]])
    block = _blocks(stream, site, place, day)
    size = np.bincount(block)
    mid = np.bincount(block, day) / size
    year = ((mid - _first_instant(site)) // DAYS_PER_YEAR).astype(np.int64)
    data = ErrorData(
        value=np.bincount(block, value) / size,
        measurement_sd=np.sqrt(np.bincount(block, sd**2) / size),
        day=mid,
        year=year - min(int(year.min()), 0),
        points_per_year=_points_per_year(stream, site, year - year.min()),
    )
    return BoundStream(
        stream, data,
        # Values from before the record shift the places of all others.
        averaging(
            place, block, 0 if count else _steps_per_block(stream, site), site.drivers.sizes["time"]
        ),
        earlier=age[first], step=place, value=value, measurement_sd=sd, block=block,
        time=_ORIGIN + (mid * 86400.0).round().astype("timedelta64[s]"),
        left_out=seen.time[~(inside | early)], room=_room(stream, site, count),
    )  # fmt: skip


def _room(stream: Stream, site: Site, earlier: int) -> Room:
    """Return what the record could hold of the stream at most."""
    days, steps = site.drivers.days.values, site.drivers.sizes["time"]
    span, block = days[-1] - days[0], stream.errors.averaging
    blocks = min(steps, int(span // block) + 1) if block > 0 else steps
    years = int((days[-1] - _first_instant(site)) // DAYS_PER_YEAR) + 1
    return Room(points=earlier + blocks, values=earlier + steps, years=years)


def _with_systematic(stream: Stream, seen: Observations) -> Stream:
    """Take what the data tell of the error that all values share, where it is the larger.

    They know of thresholds and partitioning, the default of calibration and advection too.
    """
    size = max(stream.systematic, seen.systematic or 0.0)
    return dataclasses.replace(stream, systematic=size)


def _ages(
    stream: Stream, seen: Observations, site: Site, stand_age: float | None
) -> NDArray[np.float64]:
    """Stand age at every value that is seen before the record and can be used, else 0."""
    if stand_age is None or stream.of_stand is None:
        return np.zeros(len(seen))
    before = _first_instant(site) - _day_number(seen)
    return np.where(before > 0.0, np.maximum(stand_age - before / DAYS_PER_YEAR, 0.0), 0.0)


def _day_number(seen: Observations) -> NDArray[np.float64]:
    """Days since 2001-01-01 of every value."""
    return np.asarray((seen.time - _ORIGIN) / np.timedelta64(1, "D"), dtype=float)


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
    day = _day_number(seen)
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


def _blocks(
    stream: Stream, site: Site, place: NDArray[np.int64], day: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return the number of the averaging block of each value, counted without gaps from 0."""
    length = stream.errors.averaging
    start = day - site.drivers.days.values[0]
    key = place if length <= 0 else np.floor(start / length).astype(np.int64)
    return np.unique(key, return_inverse=True)[1].astype(np.int64)


def _steps_per_block(stream: Stream, site: Site) -> int:
    """Return the steps of each block where all steps are equal and fill blocks exactly, else 0."""
    length, average = site.drivers.step_length.values, stream.errors.averaging
    apart = np.diff(site.drivers.days.values)  # calendar months have one length, not one spacing
    equal = np.ptp(length) == 0 and (not len(apart) or np.ptp(apart) < 1e-6)
    whole = average > 0 and equal and average % length[0] == 0
    return int(average // length[0]) if whole else 0


def _first_instant(site: Site) -> float:
    """Start of the first step, in days: from its middle, a rounded month could change its year."""
    return float(site.drivers.days.values[0] - 0.5 * site.drivers.step_length.values[0])


def _points_per_year(stream: Stream, site: Site, year: NDArray[np.int64]) -> float:
    """Points of a full year, and no fewer than any year has: 36.5 blocks of ten days can be 37."""
    step_length = float(site.drivers.step_length.median())
    expected = DAYS_PER_YEAR / max(stream.errors.averaging, step_length)
    return max(expected, float(np.bincount(year).max()))
