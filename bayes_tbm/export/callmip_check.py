"""What of a file is not as CalLMIP phase 1b asks.

The organisers have no such program; the rules are the protocol's, and what their example file does
besides is noted, not refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bayes_tbm.export.callmip_content import Content, read_content
from bayes_tbm.export.callmip_days import date_of, days_of, first_day, of_observed
from bayes_tbm.export.callmip_departure import (
    Array,
    Departure,
    first,
    noted,
    numbers,
    wrong,
)
from bayes_tbm.export.callmip_names import FILE_NAME, PHASE, SCENARIOS, SITES, SPLITS, STAGES
from bayes_tbm.export.callmip_variables import of_signs, of_variables

_ATTRIBUTES = {
    "Model": (),
    "CalLMIP_Phase": (PHASE,),
    "Calibration_Scenario": tuple(SCENARIOS),
    "Calibration_stage": STAGES,
    "Cal_Val": tuple(SPLITS.values()),
}
_DIMS = ("time", "lat", "lon")
_SINCE = re.compile(
    r"days since (\d{4}-\d{1,2}-\d{1,2})(?:[ T](\d{1,2}:\d{2}(?::\d{2}(?:\.0*)?)?))?"
)
_CLOSE = 0.02  # degrees between two statements of one place
_EVER = 1e6  # days since whatever date


def check_callmip(file: str | Path, observations: str | Path | None = None) -> list[Departure]:
    """List what of a file is not as CalLMIP phase 1b asks.

    Parameters
    ----------
    file
        NetCDF file, classic or netCDF-4, of any model.
    observations
        The site's flux file, of which an entry has every day; by default that is not looked at.

    Returns
    -------
    list of Departure
        ``where``, ``text`` and whether it ``matters``; empty where all is as asked.

    Raises
    ------
    InputError
        A file is absent, no netCDF, or no flux file.
    """
    path = Path(file)
    content = read_content(path)
    found = judge(path.name, content)
    return found if observations is None else [*found, *of_observed(content, Path(observations))]


def judge(name: str, content: Content) -> list[Departure]:
    """List the departures of a file's name and content."""
    return [*_of_name(name, content), *_of_layout(content), *_of_time(content),
            *of_variables(content), *of_signs(content)]  # fmt: skip


def _of_name(file: str, content: Content) -> Iterator[Departure]:
    """File name and global attributes, which must say the same."""
    for name, allowed in _ATTRIBUTES.items():
        value = content.attributes.get(name)
        if value is None:
            yield wrong(name, "global attribute is missing")
        elif allowed and value not in allowed:
            yield wrong(name, f"must be {' or '.join(allowed)}; found {value!r}")
    match = FILE_NAME.fullmatch(file)
    if match is None:
        asked = "<model>.<version>_Phase1b_Scen<n>_<site>_<Cal|Val>_<Prior|Posterior>.nc"
        yield wrong("file name", f"must be {asked}; found {file}")
        return
    said = match.groupdict()
    stated = {
        "Model": f"{said['model']}.{said['version']}", "CalLMIP_Phase": said["phase"],
        "Calibration_Scenario": said["scenario"], "Calibration_stage": said["stage"],
        "Cal_Val": SPLITS[said["split"]],
    }  # fmt: skip
    for name, text in stated.items():
        if content.attributes.get(name, text) != text:
            found = content.attributes[name]
            yield wrong(name, f"the file's name says {text}; found {found!r}")
    if said["site"] not in SITES[said["split"]]:
        yield wrong("file name", f"{said['site']} is no site of {SPLITS[said['split']].lower()}")


def _of_layout(content: Content) -> Iterator[Departure]:
    """Dimensions and the place."""
    for name in _DIMS:
        if name not in content.dims:
            yield wrong(name, "dimension is missing")
    for short, full, limit in (("lat", "latitude", 90.0), ("lon", "longitude", 360.0)):
        if content.dims.get(short, 1) != 1:
            yield wrong(short, f"dimension must be 1 long; found {content.dims[short]}")
        scalar = content.variables.get(short)
        if scalar is None:
            yield wrong(short, "scalar variable is missing")
            continue
        if scalar.dims:
            yield wrong(short, f"must be a scalar variable; found dimensions {scalar.dims}")
        degrees = first(scalar)
        if not abs(degrees) <= limit:
            yield wrong(short, f"must be degrees; found {degrees:g}")
        yield from _second_place(content, short, full, degrees)


def _second_place(content: Content, short: str, full: str, degrees: float) -> Iterator[Departure]:
    """Coordinate that says the place again, with its unit."""
    held = content.variables.get(full)
    if held is None:
        yield noted(full, f"the example has {full}({short}) too")
        return
    if held.dims != (short,):
        yield wrong(full, f"must have dimension {short}; found {held.dims}")
    unit = str(held.attributes.get("units", ""))
    if not unit.startswith("degree"):
        yield wrong(full, f"must have units in degrees; found {unit or 'none'!r}")
    value = first(held)
    if not abs(value - degrees) <= _CLOSE:
        yield wrong(full, f"{short} is {degrees:g}, {full} {value:g}")
    elif value != degrees:
        yield noted(full, f"{short} is {degrees:g}, {full} {value:g}")


def _of_time(content: Content) -> Iterator[Departure]:
    """Every day once, leap days included, counted from a 1 January."""
    held = content.variables.get("time")
    if held is None:
        yield wrong("time", "variable is missing")
        return
    units = str(held.attributes.get("units", ""))
    calendar = held.attributes.get("calendar")
    if calendar not in ("standard", "gregorian", "proleptic_gregorian"):
        yield wrong("time", f"calendar must be standard; found {calendar!r}")
    days = numbers(held)
    if held.dims != ("time",) or not (np.abs(days) < _EVER).all() or len(days) < 2:
        yield wrong("time", f"must be days over time; found dimensions {held.dims}, {len(days)}")
        return
    if not np.allclose(np.diff(days), 1.0, atol=1e-6):
        yield wrong("time", f"steps must be days; found {np.diff(days).min():g} to "
                     f"{np.diff(days).max():g} d")  # fmt: skip
    match = _SINCE.fullmatch(units.strip())
    if match is None:
        yield wrong("time", f"units must be days since YYYY-01-01 00:00:00; found {units!r}")
        return
    yield from _of_origin(match, days)


def _of_origin(match: re.Match[str], days: Array) -> Iterator[Departure]:
    clock = match[2]
    if clock != "00:00:00":
        how = noted if clock in (None, "00:00") else wrong
        yield how("time", f"units must end in 00:00:00; found {clock}")
    origin = date_of(match[1])
    if origin is None:
        yield wrong("time", f"units must name a date; found {match[0]!r}")
        return
    if str(origin)[5:] != "01-01":
        yield noted("time", f"counted from {origin}, and not from a 1 January")
    begin = first_day(origin, days)
    if str(begin)[5:] != "01-01":
        yield noted("time", f"begins on {begin}: the observations begin on a 1 January")
    last = begin + days_of(len(days) - 1)
    if str(last)[5:] != "12-31":
        yield noted("time", f"ends on {last}: the observations end on a 31 December")
