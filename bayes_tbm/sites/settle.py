"""What is set right in a site's data without asking, and noted; what is doubted, and warned of."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.errors import DataWarning, InputError
from bayes_tbm.sites.doubts import doubts
from bayes_tbm.sites.doubts_of_days import foreign_days
from bayes_tbm.sites.observations import (
    FLUXES,
    OFFSETS,
    Observations,
    join_notes,
    largest_systematic,
)
from bayes_tbm.sites.ranges import (
    DRIVER_RANGES,
    OBSERVED_RANGES,
    Range,
    unusual,
    without_rounding,
)
from bayes_tbm.sites.time_axis import days_from_time
from bayes_tbm.units import UNITS, check_unit

_SAME_DAY = 1e-4
"""By how much days may differ from those of the time [d]."""
_WARMEST_RANGE = (0.0, 50.0)
"""Usual difference of t_max and t_min [degC]."""
_LONGER = 1.5
"""Spacing of fluxes over the step from which they look like means over longer than it."""
_REGULAR = 0.9
_FEW = 6


def settled_drivers(drivers: xr.Dataset, where: str) -> tuple[xr.Dataset, tuple[str, ...]]:
    """Convert drivers that state another unit, set rounding beyond a bound to the bound.

    Days that are not those of the time are set to them: whoever gives drivers another time finds
    them left over from the old one.

    Parameters
    ----------
    drivers : xarray.Dataset
        As `Site.drivers`; what is absent is left to the checks.
    where : str
        For messages.

    Returns
    -------
    drivers : xarray.Dataset
        The same if nothing was changed.
    notes : tuple of str
        A line for each driver that was changed.

    Raises
    ------
    InputError
        If a unit is of another quantity.
    """
    drivers, stale = _days_of_time(drivers)
    notes, changed = [stale] * bool(stale), {}
    for name, allowed in DRIVER_RANGES.items():
        if name in drivers:
            driver = drivers[name]
            unit = driver.attrs.get("units", UNITS[name])
            values, note = _clipped(_canonical(driver.values, unit, name, where)[0], allowed)
            if note or unit != UNITS[name]:
                changed[name] = driver.copy(data=values).assign_attrs(units=UNITS[name])
            notes += [f"{name}: {note}"] * bool(note)
    if {"t_min", "t_max"} <= set(drivers):
        cold = changed.get("t_min", drivers["t_min"]).values
        warm = changed.get("t_max", drivers["t_max"]).values
        slack = DRIVER_RANGES["t_max"].slack
        apart, note = without_rounding(warm - cold, 0.0, np.inf, slack)
        if note:
            changed["t_max"] = drivers["t_max"].copy(data=np.where(apart == 0.0, cold, warm))
            notes.append(f"t_max - t_min: {note}")
    return (drivers.assign(changed) if changed else drivers), tuple(notes)


def _days_of_time(drivers: xr.Dataset) -> tuple[xr.Dataset, str]:
    time, held = drivers.get("time"), drivers.get("days")
    if time is None or held is None or time.dtype.kind != "M" or held.shape != time.shape:
        return drivers, ""  # a site says what is wrong
    days = days_from_time(time.values)
    apart = np.abs(held.values - days)
    if not (np.isfinite(apart).all() and (apart > _SAME_DAY).any()):
        return drivers, ""
    note = f"days: {apart.max():.6g} d from those of time at most, set to them"
    return drivers.assign(days=held.copy(data=days)), note


def settled_observations(seen: Observations, drivers: xr.Dataset, where: str) -> Observations:
    """Convert another unit, leave out values without a time, mend rounding and gaps in the sd.

    Raises
    ------
    InputError
        If the unit is of another quantity.

    Warns
    -----
    DataWarning
        If a value has no time, or fluxes look like means over longer than a step.
    """
    if seen.unit != UNITS[seen.name]:
        value, granted = _canonical(seen.value, seen.unit, seen.name, where)
        # A spread has no offset, and no observed unit has one.
        sd, _ = _canonical(seen.sd, seen.unit, seen.name, where)
        note = join_notes([seen.note, granted])
        shared = seen.systematic
        if shared is not None and seen.name in OFFSETS:  # of other fluxes it is a share
            shared = float(_canonical(np.array([shared]), seen.unit, seen.name, where)[0][0])
        seen = replace(
            seen, unit=UNITS[seen.name], value=value, sd=sd, systematic=shared, note=note
        )
    untimed = np.isnat(seen.time)
    if untimed.any():
        note = f"{untimed.sum()} of {len(seen)} values without a time, left out"
        seen = replace(seen.select(~untimed), note=join_notes([seen.note, note]))
        _warn(where, f"{seen.name}: {note}")
    _check_systematic(seen, where)
    value, rounded = _clipped(seen.value, OBSERVED_RANGES[seen.name])
    sd, filled = _filled(seen.sd)
    longer = _longer_than_steps(seen, drivers)
    if longer and longer not in seen.note:
        _warn(where, f"{seen.name}: {longer}")
    else:
        longer = ""
    if not (rounded or filled or longer):
        return seen
    note = join_notes([seen.note, rounded, filled, longer])
    return replace(seen, value=value, sd=sd, note=note)


def _check_systematic(seen: Observations, where: str) -> None:
    most, kind = largest_systematic(seen.name)
    if seen.systematic is not None and seen.systematic > most:
        raise InputError(
            where=where, variable=f"{seen.name} systematic error", found=f"{seen.systematic:g}",
            rule=f"must be {kind}, at most {most:g}",
        )  # fmt: skip


def warn_unusual(
    where: str,
    place: tuple[float, float | None],
    drivers: xr.Dataset,
    observations: Mapping[str, Observations],
    notes: Sequence[str],
) -> list[str]:
    """Warn of values and series that are possible but not usual; return what is not noted yet.

    ``place`` is latitude and longitude.

    Warns
    -----
    DataWarning
        Once for each driver and series.
    """
    time = drivers["time"].values
    apart = drivers["t_max"].values - drivers["t_min"].values
    series: dict[str, tuple[NDArray[Any], NDArray[np.float64], tuple[float, float]]] = {
        name: (time, drivers[name].values, allowed.usual) for name, allowed in DRIVER_RANGES.items()
    }
    series["t_max - t_min"] = (time, apart, _WARMEST_RANGE)
    for name, seen in observations.items():
        usual = OBSERVED_RANGES[name].usual
        series[name] = (seen.time, seen.value, usual)
        series[f"{name} sd"] = (seen.time, seen.sd, (0.0, usual[1] - usual[0]))
    told = []
    for name, (when, values, usual) in series.items():
        odd = unusual(values, usual)
        head = f"{name}: unusual values"
        if odd.any() and not any(note.startswith(head) for note in notes):
            first = int(np.argmax(odd))
            unit = UNITS.get(name.split()[0], "")
            date = when[first].astype("datetime64[D]")
            example = f"{values[first]:g} {unit} on {date} ({odd.sum()} of {odd.size})"
            told.append(
                f"{head}, such as {example}: usual are {usual[0]:g} to {usual[1]:g}{_asked(name)}"
            )
            _warn(where, told[-1])
    doubted = doubts(place[0], drivers, observations)
    doubted |= foreign_days(place[1], drivers, observations, notes)
    for head, rest in doubted.items():
        if not any(head in note for note in notes):  # a file's are told with its name before
            told.append(f"{head}: {rest}")
            _warn(where, told[-1])
    return told


def _asked(name: str) -> str:
    asked = OBSERVED_RANGES[name].asked if name in OBSERVED_RANGES else ""
    return f"; {asked}" * bool(asked)


def _canonical(
    values: NDArray[np.float64], unit: str, name: str, where: str
) -> tuple[NDArray[np.float64], str]:
    """Return values in the canonical unit of a variable, and what that takes for granted."""
    convert = check_unit(unit, UNITS[name], where=where, variable=name, quantity=name)
    return convert(values), convert.note


def _clipped(values: NDArray[np.float64], allowed: Range) -> tuple[NDArray[np.float64], str]:
    return without_rounding(values, allowed.low, allowed.high, allowed.slack)


def _filled(sd: NDArray[np.float64]) -> tuple[NDArray[np.float64], str]:
    """Set standard deviations that are missing among others to their median."""
    missing = np.isnan(sd)
    if not missing.any() or missing.all():
        return sd, ""
    median = float(np.median(sd[~missing]))
    note = f"{missing.sum()} of {sd.size} sd missing, set to the median {median:.3g}"
    return np.where(missing, median, sd), note


def _longer_than_steps(seen: Observations, drivers: xr.Dataset) -> str:
    """Say so where fluxes come at regular times further apart than the steps."""
    if seen.name not in FLUXES or len(seen) < _FEW or "step_length" not in drivers:
        return ""
    spacing = np.diff(np.sort(seen.time)) / np.timedelta64(1, "D")
    usual, step = float(np.median(spacing)), float(np.median(drivers["step_length"].values))
    regular = np.mean(np.abs(spacing - usual) <= 0.2 * usual) >= _REGULAR
    if not regular or step <= 0 or usual < _LONGER * step:
        return ""
    return (
        f"values every {usual:g} d against steps of {step:g} d: each is compared with the one step "
        "that holds its time; if they are means over longer, average the drivers to their step"
    )


def _warn(where: str, message: str) -> None:
    warnings.warn(f"{where}: {message}", DataWarning, stacklevel=5)
