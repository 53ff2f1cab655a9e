"""What every site must satisfy before anything else sees it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.sites.observations import Observations
from bayes_tbm.units import UNITS

NON_NEGATIVE_HINT = "mark missing values as NaN or -9999"
BOUNDS: dict[str, tuple[float, float, str]] = {
    "t_min": (-90.0, 65.0, "is it in kelvin while its unit says degC?"),
    "t_max": (-90.0, 65.0, "is it in kelvin while its unit says degC?"),
    "shortwave": (0.0, 60.0, "is it in W m-2 or per step while its unit says MJ m-2 d-1?"),
    "co2": (100.0, 2000.0, "it must be a mole fraction in ppm"),
    "day_of_year": (0.0, 367.0, "count days from 1 January of each year"),
    "burned_fraction": (0.0, 1.0, "it must be the fraction of the area burned in the step"),
    "vpd": (0.0, 150.0, "is it in Pa while its unit says hPa?"),
    "precipitation": (0.0, 2000.0, NON_NEGATIVE_HINT),
    "step_length": (1e-3, 400.0, "it must be in days"),
}
"""Closed bounds of each driver, in its canonical unit, and the likely cause where they break."""
STEP_TOLERANCE = 0.2


def check_site(
    where: str,
    latitude: float,
    longitude: float | None,
    drivers: xr.Dataset,
    observations: Mapping[str, Observations],
) -> None:
    """Check what a site is made of; ``where`` names it in messages.

    Raises
    ------
    InputError
        Naming source, variable, rule and first offending date.
    """
    _check_place(latitude, longitude, where)
    _check_complete(drivers, where)
    time = drivers["time"].values
    _check_time(time, where)
    for name, (low, high, hint) in BOUNDS.items():
        values = drivers[name].values
        bad = (values < low) | (values > high)
        _refuse(bad, time, values, where, name, f"must be within {low:g} to {high:g}", hint)
    t_min, t_max = drivers["t_min"].values, drivers["t_max"].values
    difference = t_max - t_min
    hint = "are t_min and t_max swapped?"
    _refuse(difference < 0, time, difference, where, "t_max - t_min", "must not be negative", hint)
    for name, seen in observations.items():
        rule, hint = "standard deviation must not be negative", "a missing one is NaN or -9999"
        _refuse(seen.sd < 0, seen.time, seen.sd, where, name, rule, hint)


def _check_place(latitude: float, longitude: float | None, where: str) -> None:
    if not -90 <= latitude <= 90:
        raise InputError(
            where=where,
            variable="latitude",
            rule="must be within -90 to 90 degrees",
            found=latitude,
            remedy="did you swap latitude and longitude?" if 90 < abs(latitude) <= 360 else None,
        )
    if longitude is not None and not -180 <= longitude <= 360:
        rule = "must be within -180 to 360 degrees"
        raise InputError(where=where, variable="longitude", rule=rule, found=longitude)


def _check_complete(drivers: xr.Dataset, where: str) -> None:
    """Refuse absent drivers and gaps: the model needs a value at every step."""
    for name in (*BOUNDS, "days"):
        if name not in drivers:
            raise InputError(where=where, variable=name, rule="driver is missing")
        values = drivers[name].values
        gaps = ~np.isfinite(values)
        rule, hint = "a driver must have a value at every step", "fill the gaps first"
        _refuse(gaps, drivers["time"].values, values, where, name, rule, hint)


def _check_time(time: NDArray[np.datetime64], where: str) -> None:
    """Refuse too few, duplicate, unsorted or uneven steps."""
    if time.size < 2:
        rule = "at least two steps are needed"
        raise InputError(where=where, variable="time", rule=rule, found=time.size)
    if np.isnat(time).any():
        rule, found = "every step needs a time", f"{np.isnat(time).sum()} missing"
        raise InputError(where=where, variable="time", rule=rule, found=found)
    step = np.diff(time) / np.timedelta64(1, "D")
    ordered = np.sort(time)
    duplicate = np.isin(time, ordered[1:][ordered[1:] == ordered[:-1]])
    _refuse(duplicate, time, time, where, "time", "must not repeat", "drop duplicate steps")
    rule, hint = "must increase", "sort the steps by time"
    _refuse(np.append(False, step < 0), time, time, where, "time", rule, hint)
    typical = np.median(step)
    uneven = np.append(False, np.abs(step - typical) > STEP_TOLERANCE * typical)
    rule = f"steps must be within {STEP_TOLERANCE:.0%} of the usual {typical:g} d"
    hint = "are steps missing?"
    _refuse(uneven, time, np.append(typical, step), where, "time", rule, hint)


def _refuse(
    bad: NDArray[np.bool_],
    time: NDArray[np.datetime64],
    values: NDArray[Any],
    where: str,
    name: str,
    rule: str,
    hint: str,
) -> None:
    """Raise if any value is bad, naming the first one and how many there are."""
    if not bad.any():
        return
    first = int(np.argmax(bad))
    unit = UNITS.get(name, "")
    value = values[first] if values.dtype.kind == "M" else f"{values[first]:g} {unit}".strip()
    date = "" if values.dtype.kind == "M" else f" on {time[first].astype('datetime64[D]')}"
    found = f"{str(value)[:19]}{date} ({bad.sum()} of {bad.size} values)"
    raise InputError(where=where, variable=name, rule=rule, found=found, remedy=hint)
