"""What of a file is not as CalLMIP phase 1b asks.

The organisers have no such program; the rules are the protocol's, and what their example file does
besides is noted, not refused.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_tbm.export.callmip_content import Content, Held, read_content
from bayes_tbm.export.callmip_names import (
    FILE_NAME,
    FILL,
    OPTIMISED,
    OUTPUTS,
    PHASE,
    SCENARIOS,
    SITES,
    SPLITS,
    STAGES,
    Output,
    uncertainty_of,
)
from bayes_tbm.units import LATENT_HEAT

Array = NDArray[np.float64]
_ATTRIBUTES = {
    "Model": (),
    "CalLMIP_Phase": (PHASE,),
    "Calibration_Scenario": tuple(SCENARIOS),
    "Calibration_stage": STAGES,
    "Cal_Val": tuple(SPLITS.values()),
}
_DIMS = ("time", "lat", "lon")
_SINCE = re.compile(
    r"days since (\d{4})-(\d{1,2})-(\d{1,2})(?:[ T](\d{1,2}:\d{2}(?::\d{2}(?:\.0*)?)?))?"
)
_CLOSE = 0.02  # degrees between two statements of one place
_OUTSIDE = 0.001  # share of days that may lie outside plausible values
_ROUND = 1e-3  # share of the larger by which sums may fail to close


@dataclasses.dataclass(frozen=True)
class Departure:
    """One way in which a file is not as the protocol asks.

    Attributes
    ----------
    where
        Variable, attribute or part of the file.
    text
        What was asked and what was found.
    matters
        Whether the file should be mended; else it is only noted.
    """

    where: str
    text: str
    matters: bool

    def __str__(self) -> str:
        return f"{'WRONG' if self.matters else 'noted'} {self.where}: {self.text}"


def _wrong(where: str, text: str) -> Departure:
    return Departure(where, text, matters=True)


def _noted(where: str, text: str) -> Departure:
    return Departure(where, text, matters=False)


def check_callmip(file: str | Path) -> list[Departure]:
    """List what of a file is not as CalLMIP phase 1b asks.

    Parameters
    ----------
    file
        NetCDF file, classic or netCDF-4, of any model.

    Returns
    -------
    list of Departure
        ``where``, ``text`` and whether it ``matters``; empty where all is as asked.

    Raises
    ------
    InputError
        The file is absent, or no netCDF.
    """
    path = Path(file)
    content = read_content(path)
    return [*_of_name(path, content), *_of_layout(content), *_of_time(content),
            *_of_variables(content), *_of_signs(content)]  # fmt: skip


def _of_name(path: Path, content: Content) -> Iterator[Departure]:
    """File name and global attributes, which must say the same."""
    for name, allowed in _ATTRIBUTES.items():
        value = content.attributes.get(name)
        if value is None:
            yield _wrong(name, "global attribute is missing")
        elif allowed and value not in allowed:
            yield _wrong(name, f"must be {' or '.join(allowed)}; found {value!r}")
    match = FILE_NAME.fullmatch(path.name)
    if match is None:
        asked = "<model>.<version>_Phase1b_Scen<n>_<site>_<Cal|Val>_<Prior|Posterior>.nc"
        yield _wrong("file name", f"must be {asked}; found {path.name}")
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
            yield _wrong(name, f"the file's name says {text}; found {found!r}")
    if said["site"] not in SITES[said["split"]]:
        yield _wrong("file name", f"{said['site']} is no site of {SPLITS[said['split']].lower()}")


def _of_layout(content: Content) -> Iterator[Departure]:
    """Dimensions and the place."""
    for name in _DIMS:
        if name not in content.dims:
            yield _wrong(name, "dimension is missing")
    for short, full, limit in (("lat", "latitude", 90.0), ("lon", "longitude", 360.0)):
        if content.dims.get(short, 1) != 1:
            yield _wrong(short, f"dimension must be 1 long; found {content.dims[short]}")
        scalar = content.variables.get(short)
        if scalar is None:
            yield _wrong(short, "scalar variable is missing")
            continue
        if scalar.dims:
            yield _wrong(short, f"must be a scalar variable; found dimensions {scalar.dims}")
        degrees = float(np.ravel(scalar.values)[0]) if scalar.values.size else np.nan
        if not abs(degrees) <= limit:
            yield _wrong(short, f"must be degrees; found {degrees:g}")
        yield from _second_place(content, short, full, degrees)


def _second_place(content: Content, short: str, full: str, degrees: float) -> Iterator[Departure]:
    """Coordinate that says the place again, with its unit."""
    held = content.variables.get(full)
    if held is None:
        yield _noted(full, f"the example has {full}({short}) too")
        return
    if held.dims != (short,):
        yield _wrong(full, f"must have dimension {short}; found {held.dims}")
    unit = str(held.attributes.get("units", ""))
    if not unit.startswith("degree"):
        yield _wrong(full, f"must have units in degrees; found {unit or 'none'!r}")
    value = float(np.ravel(held.values)[0]) if held.values.size else np.nan
    if not abs(value - degrees) <= _CLOSE:
        yield _wrong(full, f"{short} is {degrees:g}, {full} {value:g}")
    elif value != degrees:
        yield _noted(full, f"{short} is {degrees:g}, {full} {value:g}")


def _of_time(content: Content) -> Iterator[Departure]:
    """Every day once, leap days included, counted from a 1 January."""
    held = content.variables.get("time")
    if held is None:
        yield _wrong("time", "variable is missing")
        return
    units = str(held.attributes.get("units", ""))
    match = _SINCE.fullmatch(units.strip())
    calendar = held.attributes.get("calendar")
    if calendar not in ("standard", "gregorian", "proleptic_gregorian"):
        yield _wrong("time", f"calendar must be standard; found {calendar!r}")
    days = np.ravel(held.values).astype(float)
    if held.dims != ("time",) or not np.isfinite(days).all() or len(days) < 2:
        yield _wrong("time", f"must be days over time; found dimensions {held.dims}, {len(days)}")
        return
    if not np.allclose(np.diff(days), 1.0, atol=1e-6):
        yield _wrong("time", f"steps must be days; found {np.diff(days).min():g} to "
                     f"{np.diff(days).max():g} d")  # fmt: skip
    if match is None:
        yield _wrong("time", f"units must be days since YYYY-01-01 00:00:00; found {units!r}")
        return
    yield from _of_origin(match, days)


def _of_origin(match: re.Match[str], days: Array) -> Iterator[Departure]:
    year, month, day = (int(match[i]) for i in (1, 2, 3))
    clock = match[4]
    if clock != "00:00:00":
        how = _noted if clock in (None, "00:00") else _wrong
        yield how("time", f"units must end in 00:00:00; found {clock}")
    try:
        origin = np.datetime64(f"{year:04d}-{month:02d}-{day:02d}")
    except ValueError:
        yield _wrong("time", f"units must name a date; found {match[0]!r}")
        return
    first = origin + int(np.floor(days[0]))
    if (month, day) != (1, 1):
        yield _noted("time", f"counted from {origin}, and not from a 1 January")
    elif days[0] == 1.0:  # 1, 2, 3... from a 1 January is allowed, and then means that day
        first = origin
    if str(first)[5:] != "01-01":
        yield _noted("time", f"begins on {first}: the observations begin on a 1 January")
    last = first + len(days) - 1
    if str(last)[5:] != "12-31":
        yield _noted("time", f"ends on {last}: the observations end on a 31 December")


def _of_variables(content: Content) -> Iterator[Departure]:
    """Each variable that is asked for, and its uncertainty where it has one."""
    for name, output in OUTPUTS.items():
        held = content.variables.get(name)
        if held is not None:
            yield from _of_variable(name, output, held, content)
        elif output.required:
            yield _wrong(name, "variable is missing")
        else:
            yield _noted(name, "variable is missing, which is allowed where a model has none")
    yield from _of_uncertainties(content)
    known = {*OUTPUTS, *map(uncertainty_of, OUTPUTS), *_DIMS, "latitude", "longitude"}
    known |= {"time_bnds", "time_bounds"}
    if others := sorted(set(content.variables) - known):
        yield _noted("variables", f"not asked for: {', '.join(others)}")


def _of_uncertainties(content: Content) -> Iterator[Departure]:
    posterior = content.attributes.get("Calibration_stage") == "Posterior"
    scenario = SCENARIOS.get(str(content.attributes.get("Calibration_Scenario")), ())
    for calibrated, name in OPTIMISED.items():
        own = uncertainty_of(name)
        held = content.variables.get(own)
        if held is None:
            if posterior and calibrated in scenario:
                yield _wrong(own, "variable is missing, which a posterior must have")
            continue
        if not posterior:
            yield _noted(own, "variable of a posterior in another file")
        output = dataclasses.replace(OUTPUTS[name], name=own, least=0.0)
        yield from _of_variable(own, output, held, content)


def _of_variable(name: str, output: Output, held: Held, content: Content) -> Iterator[Departure]:
    if held.dims != _DIMS:
        yield _wrong(name, f"must have dimensions {_DIMS}; found {held.dims}")
    yield from _of_unit(name, output, held.attributes.get("units"))
    if "long_name" not in held.attributes:
        yield _noted(name, "has no long_name")
    if held.dims == _DIMS and held.attributes.get("coordinates") != "latitude longitude":
        yield _noted(name, "the example has coordinates = 'latitude longitude'")
    if held.values.dtype.kind not in "fiu":
        yield _wrong(name, f"must be numbers; found {held.values.dtype}")
        return
    if held.values.dtype != np.float64:
        yield _noted(name, f"the example is double; found {held.values.dtype}")
    yield from _of_fill(name, held)
    yield from _of_range(name, output, held)


def _of_unit(name: str, output: Output, unit: Any) -> Iterator[Departure]:
    allowed = (output.unit, *output.other_units)
    if unit is None:
        yield _wrong(name, f"has no units; must be {output.unit}")
    elif unit not in allowed:
        visible = "".join(c for c in str(unit) if unicodedata.category(c) != "Cf").strip()
        if visible in allowed:
            yield _noted(name, f"units hold what cannot be seen: {str(unit).encode()!r}")
        else:
            yield _wrong(name, f"units must be {' or '.join(allowed)}; found {unit!r}")


def _of_fill(name: str, held: Held) -> Iterator[Departure]:
    """Missing values are the fill value, which is stated, and nothing else."""
    fill = held.attributes.get("_FillValue")
    if fill is None:
        yield _wrong(name, f"has no _FillValue; the example has {FILL:g}")
    elif not np.isclose(float(fill), FILL, rtol=1e-6, atol=0.0):
        yield _noted(name, f"_FillValue is {float(fill):g}; the example has {FILL:g}")
    count = int((~np.isfinite(held.values)).sum())
    if count:
        yield _wrong(name, f"{count} values are not finite; missing ones must be _FillValue")
    stored = held.values[np.isfinite(held.values)]
    huge = np.abs(stored) > 1e15
    if fill is not None and (huge & (stored != held.values.dtype.type(fill))).any():
        yield _wrong(name, "has values near 1e20 or beyond that are not _FillValue")
    missing = stored.size - valid(held).size
    if missing and missing == stored.size:
        if held.attributes.get("note"):
            yield _noted(name, f"all values are missing: {held.attributes['note']}")
        else:
            yield _wrong(name, "all values are missing, and no attribute note says why")
    elif missing:
        yield _noted(name, f"{missing} of {stored.size} values are missing")


def valid(held: Held) -> Array:
    """Values that are there."""
    values = np.ravel(held.values).astype(float)
    return values[_there(held)]


def _there(held: Held) -> NDArray[np.bool_]:
    """Whether each value is there."""
    values, fill = np.ravel(held.values), held.attributes.get("_FillValue")
    there = np.isfinite(values)
    return there if fill is None else there & (values != values.dtype.type(fill))


def _of_range(name: str, output: Output, held: Held) -> Iterator[Departure]:
    values = valid(held)
    outside = (values < output.least) | (values > output.most)
    if values.size and outside.mean() > _OUTSIDE:
        yield _wrong(
            name, f"{int(outside.sum())} of {values.size} values are not plausible, outside "
            f"{output.least:g} to {output.most:g} {output.unit}: found {values.min():.3g} to "
            f"{values.max():.3g}"
        )  # fmt: skip


def _of_signs(content: Content) -> Iterator[Departure]:
    """Variables that say the same thing twice must agree: a flipped sign shows."""
    checks: tuple[tuple[str, tuple[str, ...], str, Callable[..., Array]], ...] = (
        ("nep", ("gpp", "reco"), "gpp - reco", lambda gpp, reco: gpp - reco),
        ("hfls", ("tran", "evspsblsoi"), "the heat of tran + evspsblsoi",
         lambda tran, soil: (tran + soil) * LATENT_HEAT * 1e6),
    )  # fmt: skip
    for name, others, text, make in checks:
        helds = [content.variables.get(each) for each in (name, *others)]
        found = _together([held for held in helds if held is not None])
        if found is None or len(found) != 1 + len(others):
            continue
        ours, same = found[0], make(*found[1:])
        size = float(np.abs(same).mean())
        apart, flipped = float(np.abs(ours - same).mean()), float(np.abs(ours + same).mean())
        if apart > flipped and apart > _ROUND * size:
            yield _wrong(name, f"has the opposite sign of {text}")
        elif apart > 0.5 * size:
            yield _wrong(name, f"is not near {text}: apart by {apart / size:.0%} of its size")
        elif apart > _ROUND * size:
            yield _noted(name, f"is not {text}: apart by {apart / size:.0%} of its size, as where "
                         "fire, canopy evaporation or sublimation are in one of them")  # fmt: skip


def _together(helds: list[Held]) -> list[Array] | None:
    """Values of variables where all are there; None where none is, or shapes differ."""
    if not helds or len({held.values.size for held in helds}) != 1:
        return None
    if any(held.values.dtype.kind not in "fiu" for held in helds):
        return None
    there = np.logical_and.reduce([_there(held) for held in helds])
    if not there.any():
        return None
    return [np.ravel(held.values).astype(float)[there] for held in helds]
