"""The days of an entry, and whether they are those of the site's observations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bayes_tbm.errors import InputError
from bayes_tbm.export.callmip_content import Content, read_content
from bayes_tbm.export.callmip_departure import Array, Departure, first, numbers, wrong

_SINCE = re.compile(r"(days|seconds) since (\d{4}-\d{1,2}-\d{1,2})\b.*")
_SECONDS = {"days": 86_400.0, "seconds": 1.0}
_NEAR = 0.05  # degrees between two statements of a tower's place


def days_of(count: float) -> np.timedelta64:
    """Return a number of whole days."""
    return np.timedelta64(int(np.floor(count)), "D")


def date_of(text: str) -> np.datetime64 | None:
    """Return the date that a text such as 1996-1-1 says; None where there is no such date."""
    year, month, day = (int(part) for part in text.split("-"))
    try:
        return np.datetime64(f"{year:04d}-{month:02d}-{day:02d}")
    except ValueError:
        return None


def first_day(origin: np.datetime64, days: Array) -> np.datetime64:
    """Return the day of the first step; 1, 2, 3... from a 1 January begin with that day."""
    from_one = days[0] == 1.0 and str(origin)[5:] == "01-01"
    return origin if from_one else origin + days_of(days[0])


def of_observed(content: Content, path: Path) -> Iterator[Departure]:
    """Yield how days and place of an entry are not those of a flux file.

    Raises
    ------
    InputError
        That has no days.
    """
    observed = read_content(path)
    asked = _period(observed)
    if asked is None:
        rule = "must have a time in seconds or days since a date"
        raise InputError(where=path.name, variable="time", rule=rule)
    found = _period(content)
    if found != asked:
        text = "no days" if found is None else _said(found)
        yield wrong("time", f"the observations are {_said(asked)}; found {text}")
    for short, full in (("lat", "latitude"), ("lon", "longitude")):
        if short in content.variables and full in observed.variables:
            ours, theirs = first(content.variables[short]), first(observed.variables[full])
            if not abs(ours - theirs) <= _NEAR:
                yield wrong(short, f"the observations are at {theirs:g}; found {ours:g}")


def _period(content: Content) -> tuple[np.datetime64, int] | None:
    """First day and number of days."""
    held = content.variables.get("time")
    match = None if held is None else _SINCE.fullmatch(str(held.attributes.get("units")).strip())
    if held is None or match is None:
        return None
    days, origin = numbers(held) * _SECONDS[match[1]] / 86_400.0, date_of(match[2])
    if origin is None or not len(days) or not abs(days[0]) < 1e6:
        return None
    exact = match[1] == "seconds"  # as flux files count, from 0
    return origin + days_of(days[0]) if exact else first_day(origin, days), len(days)


def _said(period: tuple[np.datetime64, int]) -> str:
    return f"{period[1]} days from {period[0]}"
