"""What a user states of a site in passing: dates, and sizes of errors."""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from bayes_tbm.errors import InputError
from bayes_tbm.plain import as_number, check_kind, finite_number
from bayes_tbm.sites.dates import without_zone

When = str | date | np.datetime64
_DATE = re.compile(r"\d{4}(-\d{1,2}(-\d{1,2}(?P<clock>[T ].*)?)?)?$")
_RULE = "must be a date, as in 2005-01-31, 2005-01 or 2005"


def finite(value: float, name: str, where: str) -> float:
    """Return a number as a float.

    Raises
    ------
    InputError
        If it is none, or infinite.
    """
    number = finite_number(value)
    if number is None:
        raise InputError(where=where, variable=name, rule="must be a number", found=repr(value))
    return number


def positive(sd: float, name: str, where: str) -> float:
    """Return a standard deviation as a number; text, as in an experiment file, is none.

    Raises
    ------
    InputError
        If it is not positive.
    """
    size = as_number(sd)
    if size is None or not (np.isfinite(size) and size > 0):
        rule = "uncertainty must be positive" + (", a number" if size is None else "")
        raise InputError(where=where, variable=name, rule=rule, found=repr(sd))
    return size


def sizes(given: Any, where: str) -> Iterable[tuple[str, float]]:
    """Return what is stated of series, by name.

    Raises
    ------
    InputError
        If it is no mapping.
    """
    check_kind(
        given, Mapping, "must be a mapping of series to standard deviations", where=where,
        variable="uncertainty", remedy='as in {"gpp": 0.5}',
    )  # fmt: skip
    pairs: Iterable[tuple[str, float]] = given.items()
    return pairs


def bound(when: When | None, label: str) -> np.datetime64:
    """Return the first or last instant of a date: of a day, month or year, as it was given.

    Parameters
    ----------
    when : str, datetime.date, numpy.datetime64 or None
        None is the far past or future. Midnight, which dates of Python and pandas carry, is its
        day; a time zone is left out, its clock kept.
    label : str
        ``'start'`` or ``'end'``.

    Raises
    ------
    InputError
        If it is no date, or one with another time of day.
    """
    if when is None:
        far = pd.Timestamp.min if label == "start" else pd.Timestamp.max
        return np.datetime64(far.value, "ns")
    try:
        period, has_clock = _period(when)
        begin = period.start_time
        if has_clock:
            period = period.asfreq("D")
        if begin != period.start_time:
            raise ValueError
        instant = (begin if label == "start" else period.end_time).value
    except (ValueError, OverflowError) as error:  # the latter of the year 9999
        raise InputError(
            variable=label, rule=f"{_RULE}, without a time of day", found=repr(when),
            remedy="leave it out for the whole record",
        ) from error  # fmt: skip
    return np.datetime64(instant, "ns")


def _period(when: Any) -> tuple[pd.Period, bool]:
    """Return the period that a date is, and whether a time of day belongs to it."""
    text = str(without_zone(when)[0])
    found = _DATE.match(text)
    if not found:  # 01.02.2005 is another day in another country
        raise ValueError
    return pd.Period(text), bool(found["clock"])


def day(when: When, name: str, where: str) -> np.datetime64:
    """Return the first instant of a date or time at which a series was observed.

    Raises
    ------
    InputError
        If it is no date.
    """
    try:
        return np.datetime64(_period(when)[0].start_time.value, "ns")
    except (ValueError, OverflowError) as error:
        raise InputError(
            where=where, variable=f"{name} time", rule=_RULE, found=repr(when)
        ) from error
