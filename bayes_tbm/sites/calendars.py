"""Times as files state them, ``days since 2001-1-1``, in the calendars of the field's models."""

import re

import numpy as np
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.sites.dates import zone_note
from bayes_tbm.sites.missing import HUGE
from bayes_tbm.sites.observations import join_notes

_DAYS_OF = {
    "day": 1.0, "hour": 1 / 24, "minute": 1 / 1440, "second": 1 / 86400,
    "d": 1.0, "h": 1 / 24, "hr": 1 / 24, "min": 1 / 1440, "s": 1 / 86400, "sec": 1 / 86400,
}  # fmt: skip
_SINCE = re.compile(
    r"(?P<unit>[a-z]+?)s?\s+since\s+(?P<year>\d{1,4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"
    r"(?:[t\s]+(?P<hour>\d{1,2}):(?P<minute>\d{1,2})(?::(?P<second>\d{1,2}(?:\.\d*)?))?)?"
    r"\s*(?P<zone>z|utc|gmt|[+]0?0(?::?00)?)?"
)
_OFFSET = re.compile(r"\s*[+-]\d{1,2}(:?\d{2})?$|\s+\d{1,2}:\d{2}$")
"""Of a time zone, as it may follow the clock."""
_REAL = ("", "standard", "gregorian", "proleptic_gregorian")
_NOLEAP = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_ALL_LEAP = (31, 29, *_NOLEAP[2:])
_MONTHS: dict[str, tuple[int, ...]] = {
    "noleap": _NOLEAP, "365_day": _NOLEAP, "all_leap": _ALL_LEAP, "366_day": _ALL_LEAP,
    "360_day": (30,) * 12,
}  # fmt: skip
_REFORM = np.datetime64("1582-10-15", "ms")
_FIRST, _LAST = np.datetime64("1678-01-01", "ms"), np.datetime64("2262-01-01", "ms")


def decode_time(
    values: NDArray[np.float64], units: str, calendar: str, *, where: str, variable: str
) -> tuple[NDArray[np.datetime64], str]:
    """Return the times that numbers stand for.

    Days of a calendar whose years have another length are placed at the same fraction of the real
    year, so that seasons stay where they are.

    Parameters
    ----------
    values : numpy.ndarray
        Shape (n,); NaN where there is no time.
    units, calendar : str
        As in CF: ``'days since 2001-01-01'``, ``'noleap'``.
    where, variable : str
        For messages.

    Returns
    -------
    time : numpy.ndarray
        datetime64[ns], shape (n,), exact to the millisecond; NaT where there is none.
    note : str
        What was done to the calendar, and that a zone was left out.

    Raises
    ------
    InputError
        If the units or the calendar cannot be read.
    """
    name = calendar.strip().lower()
    since = _SINCE.fullmatch(units.strip().lower())
    if since is None or since["unit"] not in _DAYS_OF:
        rule, remedy = "unit must be 'days since YYYY-MM-DD'", "hours, minutes and seconds will do"
        offset = _OFFSET.search(units.strip())
        without = _SINCE.fullmatch(units.strip().lower()[: offset.start()]) if offset else None
        if offset and without and without["unit"] in _DAYS_OF:
            remedy = f"leave the zone {offset.group().strip()} out: times are the site's own clock"
        raise InputError(
            where=where, variable=variable, rule=rule, found=repr(units), remedy=remedy
        )
    if name not in _REAL and name not in _MONTHS:
        known = ", ".join((*_REAL[1:], *_MONTHS))
        rule = f"calendar must be one of {known}"
        raise InputError(where=where, variable=variable, rule=rule, found=repr(calendar))
    days = np.where(np.abs(values) < HUGE, values, np.nan) * _DAYS_OF[since["unit"]]
    clock = [float(since[part] or 0) for part in ("hour", "minute", "second")]
    fraction = (clock[0] + clock[1] / 60 + clock[2] / 3600) / 24
    date = tuple(int(since[part]) for part in ("year", "month", "day"))
    try:
        if name in _MONTHS:
            time = _stretched(days + fraction, date, _MONTHS[name])
            note = f"{variable} is in the {name} calendar: placed at the same fraction of each year"
        else:
            time, note = _real(days + fraction, date, proleptic=name == "proleptic_gregorian"), ""
    except (ValueError, OverflowError, IndexError) as error:
        raise InputError(
            where=where, variable=variable, rule="times must lie within 1678 to 2262",
            found=f"{units!r}, calendar {calendar or 'standard'!r} ({error})",
        ) from error  # fmt: skip
    return time, join_notes([note, zone_note(["UTC"] * bool(since["zone"]))])


def _real(
    days: NDArray[np.float64], date: tuple[int, ...], *, proleptic: bool
) -> NDArray[np.datetime64]:
    year, month, day = date
    epoch = np.datetime64(f"{year:04d}-{month:02d}-{day:02d}", "ms")
    if epoch < _REFORM and not proleptic:
        raise ValueError("the calendar changed in 1582: state proleptic_gregorian, or a later day")
    return _within(epoch + _milliseconds(days))


def _stretched(
    days: NDArray[np.float64], date: tuple[int, ...], months: tuple[int, ...]
) -> NDArray[np.datetime64]:
    year, month, day = date
    if not 1 <= day <= months[month - 1]:
        raise ValueError("no such day")
    length = sum(months)
    years = year + (sum(months[: month - 1]) + day - 1 + days) / length
    whole = np.nan_to_num(np.floor(years), nan=2001.0)
    start = (whole.astype(np.int64) - 1970).astype("datetime64[Y]")
    end = start + np.timedelta64(1, "Y")
    real = (end.astype("datetime64[D]") - start.astype("datetime64[D]")).astype(float)
    # The year is exact, so the fraction loses no digits to it.
    of_year = (sum(months[: month - 1]) + day - 1 + days) - (whole - year) * length
    return _within(start.astype("datetime64[ms]") + _milliseconds(of_year / length * real))


def _milliseconds(days: NDArray[np.float64]) -> NDArray[np.timedelta64]:
    if np.any(np.abs(days[np.isfinite(days)]) > 1e8):
        raise ValueError("too many days")
    span = np.full(days.shape, "NaT", dtype="timedelta64[ms]")
    known = np.isfinite(days)
    span[known] = np.round(days[known] * 86_400_000).astype(np.int64).astype("timedelta64[ms]")
    return span


def _within(time: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    known = time[~np.isnat(time)]
    if known.size and (known.min() < _FIRST or known.max() > _LAST):
        raise ValueError(f"{known.min()} to {known.max()}")
    return np.asarray(time, dtype="datetime64[ns]")
