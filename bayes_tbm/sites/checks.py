"""What every site must satisfy before anything else sees it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.plain import as_number
from bayes_tbm.sites.observations import Observations
from bayes_tbm.sites.ranges import DRIVER_RANGES, OBSERVED_RANGES, Range
from bayes_tbm.sites.time_axis import never_noon
from bayes_tbm.units import DAYS_PER_YEAR, UNITS

STEP_TOLERANCE = 0.2
_LONGEST = 35.0
"""Steps beyond which none is a month [d]: the model has seasons."""
_DAY_TOLERANCE = 2.0
"""Days by which day_of_year may differ from the time: it counts from 0 or 1, in a mean year."""
_STEP_SHARE = 0.25
"""The same as a share of the step: half a step is a stamp at its start."""
_COMPOSITES = (8.0, 16.0)
_AT_THE_TURN = (
    "steps that begin anew with every year end in a shorter one: give drivers of days or months, "
    "and what was observed over 8 or 16 days as observations"
)


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
    time = drivers["time"].values
    _check_time(time, where)
    _check_complete(drivers, where)
    for name, allowed in DRIVER_RANGES.items():
        _check_range(drivers[name].values, allowed, time, where, name)
    _check_lengths(drivers, where)
    t_min, t_max = drivers["t_min"].values, drivers["t_max"].values
    difference = t_max - t_min
    hint = "are t_min and t_max swapped?"
    _refuse(difference < 0, time, difference, where, "t_max - t_min", "must not be negative", hint)
    _check_day_of_year(drivers, where)
    for name, seen in observations.items():
        _check_range(seen.value, OBSERVED_RANGES[name], seen.time, where, name)
        rule = "standard deviation must not be negative"
        hint = "mark a missing one as NaN; is it a mark that was converted with the values?"
        _refuse(seen.sd < 0, seen.time, seen.sd, where, name, rule, hint)


def _check_range(
    values: NDArray[np.float64],
    allowed: Range,
    time: NDArray[np.datetime64],
    where: str,
    name: str,
) -> None:
    rule = f"must be within {allowed.low:g} to {allowed.high:g}"
    _refuse(values < allowed.low, time, values, where, name, rule, allowed.too_low)
    _refuse(values > allowed.high, time, values, where, name, rule, allowed.too_high)


def _check_day_of_year(drivers: xr.Dataset, where: str) -> None:
    """Refuse a day of year of another season than the time's, as where stamps start a step."""
    time, stated = drivers["time"].values, drivers["day_of_year"].values
    start = time.astype("datetime64[Y]").astype("datetime64[ns]")
    of_year = (time - start) / np.timedelta64(1, "D") + 0.5
    apart = (stated - of_year + DAYS_PER_YEAR / 2) % DAYS_PER_YEAR - DAYS_PER_YEAR / 2
    most = np.maximum(_DAY_TOLERANCE, _STEP_SHARE * drivers["step_length"].values)
    rule = "must be that of the time, the middle of the step"
    hint = "correct the one that is wrong: is time the start of the step?"
    _refuse(np.abs(apart) > most, time, stated, where, "day_of_year", rule, hint)


def _check_lengths(drivers: xr.Dataset, where: str) -> None:
    """Refuse steps that are said to be of another length than they are apart."""
    apart = float(np.median(np.diff(drivers["time"].values) / np.timedelta64(1, "D")))
    stated = drivers["step_length"].values
    rule = f"must be about as long as steps are apart, {apart:.4g} d"
    hint = "correct it, or the times"
    bad = np.abs(stated - apart) > STEP_TOLERANCE * apart
    _refuse(bad, drivers["time"].values, stated, where, "step_length", rule, hint)


def _check_place(latitude: float, longitude: float | None, where: str) -> None:
    for name, number in (("latitude", latitude), ("longitude", longitude)):
        if number is not None and as_number(number) is None:
            rule = "must be a number of degrees"
            raise InputError(where=where, variable=name, rule=rule, found=repr(number))
    if latitude is None:
        raise InputError(where=where, variable="latitude", rule="must be stated", found="None")
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
    for name in (*DRIVER_RANGES, "days"):
        if name not in drivers:
            raise InputError(where=where, variable=name, rule="driver is missing")
        values = drivers[name].values
        gaps = ~np.isfinite(values)
        rule, hint = "a driver must have a value at every step", "fill the gaps"
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
    if typical > _LONGEST:
        raise InputError(
            where=where, variable="time", rule="steps must be a month or shorter",
            found=f"{typical:g} d", remedy="give drivers of days, weeks or months",
        )  # fmt: skip
    uneven = np.append(False, np.abs(step - typical) > STEP_TOLERANCE * typical)
    rule = f"steps must be within {STEP_TOLERANCE:.0%} of the usual {typical:g} d"
    hint = "are steps missing?"
    if typical in _COMPOSITES and (first := np.flatnonzero(uneven)).size:
        turn = time[first].astype("datetime64[Y]") != time[first - 1].astype("datetime64[Y]")
        hint = _AT_THE_TURN if turn.all() else hint
    _refuse(uneven, time, np.append(typical, step), where, "time", rule, hint)
    _check_month_stamps(time, typical, where)
    _check_noon(time, typical, where)


def _check_noon(time: NDArray[np.datetime64], days: float, where: str) -> None:
    if clock := never_noon(time, days):
        raise InputError(
            where=where, variable="time", rule="must be the middle of each step",
            found=f"{clock}, {days:g} d apart, as on {time[0].astype('datetime64[D]')}",
            remedy="add half a step where they are starts, take it away where they are ends, for "
            "observations too (stamp='start' or 'end' does, for tables); the clock must be that of "
            "the site",
        )  # fmt: skip


def _check_month_stamps(time: NDArray[np.datetime64], typical: float, where: str) -> None:
    """Refuse months that are all stamped on their first or last day: that is not the middle."""
    if not 28 <= typical <= 31 or time.size < 3:
        return
    date = time.astype("datetime64[D]")
    for shift, place, move in ((0, "first", "add"), (1, "last", "take away")):
        day = date + np.timedelta64(shift, "D")
        if (day == day.astype("datetime64[M]")).all():
            raise InputError(
                where=where, variable="time", rule="must be the middle of each step",
                found=f"the {place} day of every month, as on {date[0]}",
                remedy=f"{move} half a month, for observations too",
            )  # fmt: skip


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
    if values.dtype.kind == "M":
        value = str(values[first])[:19]
    else:
        number = f"{values[first]:g} {unit}".strip()
        value = f"{number} on {time[first].astype('datetime64[D]')}"
    found = f"{value} ({bad.sum()} of {bad.size} values)"
    raise InputError(where=where, variable=name, rule=rule, found=found, remedy=hint)
