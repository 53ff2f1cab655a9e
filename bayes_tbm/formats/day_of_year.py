"""Times of steps that a file gives by day of year alone, the last day of each step."""

import numpy as np
from numpy.typing import NDArray

from bayes_tbm.errors import InputError

_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_ENDS = np.cumsum(_LENGTHS)
_LEAP_ENDS = np.cumsum((31, 29, *_LENGTHS[2:]))
_MONTH_OF = {int(end): month % 12 for month, end in enumerate([*_ENDS, *_LEAP_ENDS])}
_MOST = 5e4  # days of a run: some 137 years
_WHICH = "first_year is the year of the first row: is it right, and is no row missing?"
_DAY, _MONTH = np.timedelta64(1, "D"), np.timedelta64(1, "M")
Days = NDArray[np.datetime64]


def steps_by_day_of_year(
    day: NDArray[np.float64], first_year: int, *, where: str
) -> tuple[Days, str]:
    """Return the middle of each step.

    Parameters
    ----------
    day : numpy.ndarray
        Day of year of the last day of each step, from 1, shape (n,); it begins anew each year, or
        runs on over all of them.
    first_year : int
        Year of the first step.
    where : str
        File, for messages.

    Returns
    -------
    time : numpy.ndarray
        datetime64[ns], shape (n,).
    note : str
        How long the steps are, and what was decided.

    Raises
    ------
    InputError
        If the days are not those of daily, weekly or monthly steps from that year on.
    """
    _check_days(day, first_year, where)
    year = first_year + np.append(0, np.cumsum(np.diff(day) < 0))
    if year[-1] - first_year > _MOST / 365:
        found = f"{year[-1] - first_year + 1} years"
        raise InputError(where=where, variable="doy", rule="must increase within a year",
                         found=found, remedy="sort the rows by time")  # fmt: skip
    if all(int(one) in _MONTH_OF for one in day):
        start, end, note = _months(day, year, where)
    else:
        end = _first_of(year) + day.astype("timedelta64[D]")
        start, note = _before(end, where), ""
        _refuse_leap_days(day, year, where)
    usual = int(np.median((end - start) / np.timedelta64(1, "D")))
    name = {1: "daily", 7: "weekly"}.get(usual, "monthly")
    middle = start.astype("datetime64[ns]") + (end - start).astype("timedelta64[ns]") // 2
    return middle, f"{name} steps from {start[0]}, doy the last day of each{note}"


def _check_days(day: NDArray[np.float64], first_year: int, where: str) -> None:
    if not 1700 <= first_year <= 2100:
        raise InputError(where=where, variable="first_year", rule="must be a year",
                         found=first_year)  # fmt: skip
    if day.size < 2:
        rule = "at least two steps are needed"
        raise InputError(where=where, variable="doy", rule=rule, found=day.size)
    whole = np.isfinite(day) & (day >= 1) & (day < _MOST) & (day == np.floor(day))
    runs_on = bool(np.all(np.diff(day) > 0))
    bad = np.flatnonzero(~whole | ((day > 366) & (not runs_on)))
    if bad.size:
        rule = "must be a whole day of the year, from 1 to 366, the last of the step"
        found = f"{day[bad[0]]:g} in row {bad[0] + 1} ({bad.size} of {day.size} rows)"
        raise InputError(where=where, variable="doy", rule=rule, found=found)
    twice = np.flatnonzero(np.diff(day) == 0)
    if twice.size:
        found = f"{day[twice[0]]:g} in rows {twice[0] + 1} and {twice[0] + 2}"
        rule, remedy = "must not repeat", "average what is shorter than a day"
        raise InputError(where=where, variable="doy", rule=rule, found=found, remedy=remedy)


def _months(
    day: NDArray[np.float64], year: NDArray[np.int64], where: str
) -> tuple[Days, Days, str]:
    """Return first days of months and of those after them, by either calendar."""
    month = np.array([_MONTH_OF[int(one)] for one in day])
    start = (year - 1970).astype("datetime64[Y]").astype("datetime64[M]") + month.astype(
        "timedelta64[M]"
    )
    end = start + np.timedelta64(1, "M")
    gap = np.flatnonzero(np.diff(start) != np.timedelta64(1, "M"))
    if gap.size:
        found = f"{start[gap[0] + 1]} after {start[gap[0]]}"
        raise InputError(where=where, variable="doy", rule="months must follow each other",
                         found=found, remedy=_WHICH)  # fmt: skip
    first, after = start.astype("datetime64[D]"), end.astype("datetime64[D]")
    off = (_first_of(year) + day.astype("timedelta64[D]")) != after
    if not off.any():
        return first, after, ""
    if np.isin(day, _LEAP_ENDS[1:]).any():
        wrong = int(year[off][0])
        found = f"the days of a year of {365 + (not _is_leap(wrong))} days in {wrong}"
        raise InputError(where=where, variable="doy", rule="must be those of the years",
                         found=found, remedy=_WHICH)  # fmt: skip
    return first, after, "; its years have 365 days, the months are the real ones"


def _before(end: Days, where: str) -> Days:
    """Return the first day of each step: the end of the one before, or as long for the first."""
    length = np.diff(end) / np.timedelta64(1, "D")
    usual = int(np.median(length))
    months = end.astype("datetime64[M]")
    # The last week of a year is left a day or two longer.
    most = {1: 1, 7: 9}.get(usual, 31)
    good = (length >= usual) & (length <= most)
    if 28 <= usual <= 31:
        _refuse_inner_days(end, where)
        good = np.diff(months) == np.timedelta64(1, "M")
    elif usual not in (1, 7):
        good = np.zeros_like(good)
    if not good.all():
        bad = int(np.argmin(good))
        found = f"{length[bad]:g} days to {end[bad + 1] - _DAY}, where {usual:g} are usual"
        raise InputError(where=where, variable="doy", rule="steps must be days, weeks or months",
                         found=found, remedy=_WHICH)  # fmt: skip
    first = end[0] - usual * _DAY
    if usual >= 28:
        first = (months[0] - _MONTH).astype("datetime64[D]")
    return np.append(first, end[:-1])


def _refuse_inner_days(end: Days, where: str) -> None:
    """Refuse months that are given by their first or middle day."""
    inner = np.flatnonzero(end != end.astype("datetime64[M]").astype("datetime64[D]"))
    if inner.size:
        found = f"{end[inner[0]] - _DAY} in row {inner[0] + 1} ({inner.size} of {end.size} rows)"
        raise InputError(where=where, variable="doy", rule="must be the last day of the month",
                         found=found, remedy=f"give that; {_WHICH}")  # fmt: skip


def _refuse_leap_days(day: NDArray[np.float64], year: NDArray[np.int64], where: str) -> None:
    """Refuse the 366th day of a year of 365, which the steps after it do not show at the end."""
    if np.any(day > 366):
        return  # they run on over all years
    beyond = np.flatnonzero(day == 366)
    for row in beyond:
        if not _is_leap(int(year[row])):
            found = f"366 in {year[row]}, which has 365 days"
            raise InputError(where=where, variable="doy", rule="must be those of the years",
                             found=found, remedy=_WHICH)  # fmt: skip


def _first_of(year: NDArray[np.int64]) -> Days:
    return (year - 1970).astype("datetime64[Y]").astype("datetime64[D]")


def _is_leap(year: int) -> bool:
    return bool(np.datetime64(f"{year}-12-31") - np.datetime64(f"{year}-01-01") == 365 * _DAY)
