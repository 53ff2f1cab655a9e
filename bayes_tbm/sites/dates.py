"""Dates as people give them: by the site's own clock, a period by its middle."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_tbm.sites.missing import unmasked

MIDDLE = "time: the middle of each period"
_DATED = re.compile(r"\s*(\d{4}-\d{1,2}(-\d{1,2}.*)?|NaT|nan|)\s*$", re.IGNORECASE)
"""Text of a month, a day or a time, or of none; a year alone tells no day."""
_ZONED = re.compile(
    r"\s*(?P<clock>\d{4}-\d{1,2}-\d{1,2}(?P<time>[T ]\d[\d:.]*)?)\s*"
    r"(?P<zone>Z|UTC|GMT|(?(time)[+-]\d{1,2}(:?\d{2})?|(?!)))\s*$",
    re.IGNORECASE,
)
_LEFT_OUT = re.compile(r"time: zone (?P<names>[^;]+?) left out, its clock kept")
_AHEAD = re.compile(r"UTC((?P<sign>[+-])(?P<hours>\d{1,2}):?(?P<minutes>\d{2})?)?", re.IGNORECASE)


def without_zone(date: Any) -> tuple[Any, str]:
    """Return a date without its time zone, the clock kept, and the zone; other things as they are.

    Examples
    --------
    >>> without_zone("2007-01-01T00:00+02:00")
    ('2007-01-01T00:00', 'UTC+02:00')
    >>> without_zone("2007-01-01")
    ('2007-01-01', '')
    """
    if isinstance(date, str) and (found := _ZONED.match(date)):
        offset = found["zone"] if found["zone"][0] in "+-" else ""
        return found["clock"], f"UTC{offset}"
    if isinstance(date, datetime) and date.tzinfo is not None:
        return date.replace(tzinfo=None), str(date.tzinfo)
    return date, ""


def zone_note(zones: Iterable[str]) -> str:
    """Return the note of zones that were left out."""
    names = ", ".join(dict.fromkeys(filter(None, zones)))
    return f"time: zone {names} left out, its clock kept" if names else ""


def without_zone_note(note: str) -> str:
    """Return a note without what `zone_note` says in it."""
    return _LEFT_OUT.sub("", note).strip("; ")


def zones_of(notes: Iterable[str]) -> list[str]:
    """Return the zones that were left out, of the notes of `zone_note`.

    Examples
    --------
    >>> zones_of(["a.nc: " + zone_note(["UTC", "UTC+02:00"]), "no value"])
    ['UTC', 'UTC+02:00']
    """
    found = (_LEFT_OUT.search(note) for note in notes)
    names = [name for one in found if one for name in one["names"].split(", ")]
    return list(dict.fromkeys(names))


def hours_ahead(zone: str, when: np.datetime64) -> float | None:
    """Return how many hours a zone is ahead of UTC; None if that is not known.

    Parameters
    ----------
    zone : str
        As `without_zone` names it.
    when : numpy.datetime64
        For zones of which it depends on the date.

    Examples
    --------
    >>> hours_ahead("UTC-0330", np.datetime64("2007-01-01"))
    -3.5
    """
    if offset := _AHEAD.fullmatch(zone):
        hours = int(offset["hours"] or 0) + int(offset["minutes"] or 0) / 60
        return -hours if offset["sign"] == "-" else hours
    try:
        ahead = ZoneInfo(zone).utcoffset(when.astype("datetime64[s]").item())
    except (KeyError, ValueError, OSError):  # no such zone, or no table of zones
        return None
    return None if ahead is None else ahead.total_seconds() / 3600


def times_of_dates(given: Any) -> tuple[NDArray[np.datetime64], str]:
    """Return the times of dates of any kind.

    Parameters
    ----------
    given : array-like
        numpy.datetime64, dates of Python or pandas, periods, or text; with zones or without.

    Returns
    -------
    time : numpy.ndarray
        datetime64[ns], of the same shape.
    note : str
        What was decided.

    Raises
    ------
    ValueError, TypeError, OverflowError
        If one is no date, such as a bare number or year: NumPy counts them from 1970.
    """
    dates = np.asarray(unmasked(given))
    if dates.dtype.kind == "M":
        if np.datetime_data(dates.dtype)[0] == "Y":
            raise ValueError
        return np.asarray(dates, dtype="datetime64[ns]"), ""
    each = [without_zone(one) for one in dates.ravel().tolist()]
    if not all(_may_be_date(one) for one, _ in each):
        raise ValueError
    periods = [isinstance(one, pd.Period) for one, _ in each]
    plain = [_instant(one) for one, _ in each]
    time = np.array(plain, dtype="datetime64[ns]").reshape(dates.shape)
    return time, zone_note(zone for _, zone in each) or MIDDLE * any(periods)


def _instant(date: Any) -> Any:
    """Return the middle of a period, and None for pandas' own mark of no date."""
    if isinstance(date, pd.Period):
        start = date.start_time
        return start + ((date + 1).start_time - start) / 2
    return None if date is pd.NaT else date


def _may_be_date(one: object) -> bool:
    """Whether something is no bare number, and no text that NumPy would take for one."""
    if isinstance(one, str):
        return bool(_DATED.match(one))
    return not isinstance(one, int | float | complex | timedelta | np.number | np.timedelta64)
