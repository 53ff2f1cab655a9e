"""Times of a pandas table: of its index or its column, moved to the middle of each step."""

import re
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.sites.dates import MIDDLE, without_zone, zone_note
from bayes_tbm.sites.time_axis import never_noon

STAMPS = ("start", "middle", "end")
_DAY = np.timedelta64(1, "D")
_MONTH = np.timedelta64(1, "M")
_YEAR = re.compile(r"\s*\d{4}\s*")
_SHORTEST = np.timedelta64(23, "h")
Times = NDArray[np.datetime64]


def times_of(frame: pd.DataFrame, column: str, where: str) -> tuple[Times, str, bool]:
    """Return the times of a table as they stand.

    Parameters
    ----------
    frame : pandas.DataFrame
        With a column of times, else an index of them.
    column : str
        Name of the column.
    where : str
        For messages.

    Returns
    -------
    time : numpy.ndarray
        datetime64[ns], shape (n,).
    note : str
        What was decided.
    middle : bool
        Whether they are middles already, as those of periods are.

    Raises
    ------
    InputError
        If there are none, or they cannot be read.
    """
    given: Any = pd.Index(frame[column]) if column in frame else frame.index
    periods = isinstance(given, pd.PeriodIndex)
    zones: set[str] = set()
    if given.dtype == object or isinstance(given.dtype, pd.StringDtype):
        given, zones = _parsed(given, where)
    if not periods and not isinstance(given, pd.DatetimeIndex):
        raise InputError(
            where=where, variable="time", found=f"an index of {given.dtype}",
            rule=f"needs an index of dates, or a column {column!r}",
            remedy="df.index = pd.to_datetime(df['date'])",
        )  # fmt: skip
    try:
        if periods:
            start, end = (_nanoseconds(one.start_time) for one in (given, given + 1))
            return start + (end - start) // 2, MIDDLE, True
        if given.tz is not None:
            given, zones = given.tz_localize(None), {str(given.tz)}
        return _nanoseconds(given), zone_note(sorted(zones)), False
    except (OverflowError, ValueError) as error:
        rule = "dates must lie within 1678 to 2262"
        raise InputError(where=where, variable="time", rule=rule, found=error) from error


def _nanoseconds(given: pd.DatetimeIndex) -> Times:
    return np.asarray(given.to_numpy("datetime64[ns]"))


def _parsed(given: pd.Index, where: str) -> tuple[pd.Index, set[str]]:
    """Return dates from text as ISO 8601 writes them, and the zones that were left out.

    Other orders of day and month are guesses, and a year alone tells no day.
    """
    each = [without_zone(one) for one in given]
    dates, wrong = [one for one, _ in each], given[:1]
    years = [bool(_YEAR.fullmatch(one)) if isinstance(one, str) else False for one in dates]
    try:
        if any(years):
            wrong = given[years]
            raise ValueError
        return pd.to_datetime(pd.Index(dates), format="ISO8601"), {zone for _, zone in each}
    except (ValueError, TypeError) as error:
        raise InputError(
            where=where, variable="time", rule="must be dates, or text such as 2008-07-31",
            found=repr(wrong[0]) if len(wrong) else "nothing",
            remedy="write a year's middle as 2008-07-01" if any(years) else
            "convert them: pd.to_datetime(..., format=...)",
        ) from error  # fmt: skip


def middles(time: Times, stamp: str, where: str) -> tuple[Times, str]:
    """Return the middle of each step.

    Parameters
    ----------
    time : numpy.ndarray
        Stamps, datetime64[ns], shape (n,).
    stamp : str
        What they are of their step: ``'start'``, ``'middle'`` or ``'end'``. Months are moved by
        half of their own length; their end may be their last day.
    where : str
        For messages.

    Raises
    ------
    InputError
        If steps are shorter than a day, midnights or other hours of the night are said to be the
        middle of one, or first or last days of months that of the month, or last days their start.
    """
    if stamp not in STAMPS:
        rule = f"must be one of {', '.join(STAMPS)}"
        raise InputError(where=where, variable="stamp", rule=rule, found=repr(stamp))
    step = np.diff(time)
    if time.size < 2 or np.isnat(time).any() or (step <= np.timedelta64(0, "ns")).any():
        return time, ""  # a site says what is wrong
    usual = np.median(step.astype(np.int64)).astype("timedelta64[ns]")
    if usual < _SHORTEST:
        found = f"steps of {usual / np.timedelta64(1, 'h'):g} h"
        remedy = "take means and extremes over days: df.resample('D')"
        raise InputError(where=where, variable="time", rule="steps must be a day or longer",
                         found=found, remedy=remedy)  # fmt: skip
    _check_months(time, usual, stamp, where)
    if stamp == "middle":
        _check_middles(time, usual, where)
        return time, ""
    note = f"time: the {stamp} of each step, moved to its middle"
    month = _months(time, usual, stamp)
    if month is None:
        half = usual // 2
        return (time + half if stamp == "start" else time - half), note
    start, end = (one.astype("datetime64[ns]") for one in (month, month + _MONTH))
    return start + (end - start) // 2, note


def _months(time: Times, usual: np.timedelta64, stamp: str) -> Times | None:
    """Return the month of each step, if they are all stamped at a first or a last day."""
    if not 28 * _DAY <= usual <= 31 * _DAY:
        return None
    month = time.astype("datetime64[M]")
    if _first_days(time):
        return month if stamp == "start" else np.asarray(month - _MONTH, "datetime64[M]")
    return month if stamp == "end" and _first_days(time + _DAY) else None


def _first_days(time: Times) -> bool:
    return bool((time == time.astype("datetime64[M]").astype("datetime64[ns]")).all())


def _check_months(time: Times, usual: np.timedelta64, stamp: str, where: str) -> None:
    """Refuse last days of months as starts, and first or last days as middles."""
    if not 28 * _DAY <= usual <= 31 * _DAY:
        return
    last = _first_days(time + _DAY)
    if stamp == "end" or not (last or (stamp == "middle" and _first_days(time))):
        return  # a month may end at midnight of the next one's first day
    day, right = ("last", "end") if last else ("first", "start")
    raise InputError(
        where=where, variable="time", rule=f"must be the {stamp} of each step",
        found=f"the {day} day of each month", remedy=f"say stamp='{right}'",
    )  # fmt: skip


def _check_middles(time: Times, usual: np.timedelta64, where: str) -> None:
    days = float(usual / _DAY)
    if clock := never_noon(time, days):
        raise InputError(
            where=where, variable="time", rule="must be the middle of each step",
            found=f"{clock}, {days:g} d apart",
            remedy="say stamp='start' if they are dates of days, or stamp='end'; the clock must be "
            "that of the site",
        )  # fmt: skip
