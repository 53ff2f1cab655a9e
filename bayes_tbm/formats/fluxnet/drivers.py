"""Drivers from daily columns of the product, complete or not at all."""

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.formats.fluxnet.half_hours import HIGHEST, LOWEST, SHORTWAVE
from bayes_tbm.formats.fluxnet.quality import filled_share
from bayes_tbm.formats.fluxnet.steps import Floats, Steps, Times
from bayes_tbm.formats.reading import Reading
from bayes_tbm.formats.stated import stated_co2
from bayes_tbm.formats.subdaily import ENOUGH
from bayes_tbm.sites.drivers import make_drivers

CANDIDATES = {
    "temperature": ("TA_F", "TA_F_MDS"),
    "shortwave": ("SW_IN_F", "SW_IN_F_MDS"),
    "vpd": ("VPD_F", "VPD_F_MDS"),
    "precipitation": ("P_F", "P"),
    "co2": ("CO2_F_MDS", "CO2"),
}
"""Columns of each driver, those that the product fills from reanalysis first."""
DRIVER_COLUMNS = tuple(
    name + ending for names in CANDIDATES.values() for name in names for ending in ("", "_QC")
)
NO_EXTREMES = (
    "t_min, t_max: a daily file holds none: TA_F_DAY and TA_F_NIGHT are means of day and night "
    "(at FI-Hyy 1.7 K apart where the daily range is 6.2 K, and the wrong way round on 14 % of "
    "days); put the half-hourly file (HH or HR) of the same tower beside it, or name it: "
    "half_hourly=... (--half-hourly)"
)
_NO_CO2 = "state it, co2=390 (--co2 390), such as the global mean of those years [ppm]"


@dataclass(frozen=True, eq=False)
class DriversRead:
    """Drivers, or why there are none.

    Attributes
    ----------
    drivers : xarray.Dataset or None
        As of a site.
    notes, lacks : tuple of str
        What was decided, and what is missing.
    """

    drivers: xr.Dataset | None
    notes: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()


def source(steps: Steps, driver: str) -> str:
    """Return the column of a driver that has values; the first if none has."""
    names = CANDIDATES[driver]
    return next((name for name in names if steps.holds(name)), names[0])


def read_drivers(steps: Steps, reading: Reading) -> DriversRead:
    """Return the drivers of a daily table with extremes of temperature.

    Parameters
    ----------
    steps : Steps
        One for every day, with `LOWEST` and `HIGHEST`.
    reading : Reading
        Whether gaps of CO2 are filled.

    Returns
    -------
    DriversRead
    """
    chosen = {driver: source(steps, driver) for driver in CANDIDATES}
    steps, notes = _with_leap_days(steps, (LOWEST, HIGHEST, *chosen.values()))
    stated, told = stated_co2(steps[chosen["co2"]], reading, steps.where)
    co2, filled = _filled(steps.middle, stated, fill=reading.fill_co2)
    filled = told or filled
    if filled:
        steps = replace(steps, columns={**steps.columns, chosen["co2"]: co2})
    needed = {LOWEST: f"t_min, t_max: {chosen['temperature']}"}
    needed |= {name: f"{driver}: {name}" for driver, name in list(chosen.items())[1:]}
    lacks = [line for name, label in needed.items() if (line := _gaps(steps, name, label))]
    if lacks:
        return DriversRead(None, (), (*lacks, *_whole_part(steps, tuple(needed))))
    columns = {
        "t_min": steps[LOWEST],
        "t_max": steps[HIGHEST],
        "shortwave": steps[chosen["shortwave"]] * SHORTWAVE,
        "vpd": steps[chosen["vpd"]],
        "precipitation": steps[chosen["precipitation"]],
        "co2": co2,
    }
    shares = ", ".join(filled_share(steps, name) for name in chosen.values())
    notes += [filled] * bool(filled)
    notes += [
        f"{driver}: {name}, as {names[0]} has no value"
        for (driver, names), name in zip(CANDIDATES.items(), chosen.values(), strict=True)
        if name != names[0]
    ]
    notes += [f"drivers filled less than well, or from reanalysis: {shares}"]
    return DriversRead(make_drivers(steps.middle, columns, where=steps.where), tuple(notes))


def _with_leap_days(steps: Steps, names: tuple[str, ...]) -> tuple[Steps, list[str]]:
    """Put the mean of their neighbours on days of 29 February on which every driver is missing."""
    day = steps.start.astype("datetime64[D]")
    of_month = (day - day.astype("datetime64[M]").astype("datetime64[D]")).astype(int) + 1
    month = day.astype("datetime64[M]").astype(int) % 12 + 1
    leap = (month == 2) & (of_month == 29)
    leap &= ~np.isfinite([steps[name] for name in names]).any(axis=0)
    leap[[0, -1]] = False
    place = np.flatnonzero(leap)
    if not place.size:
        return steps, []
    columns = dict(steps.columns)
    for name in names:
        columns[name] = steps[name].copy()
        columns[name][place] = (steps[name][place - 1] + steps[name][place + 1]) / 2
    note = f"{place.size} days of 29 February are not in the file: drivers are the mean of the "
    return replace(steps, columns=columns), [note + "days before and after"]


def _filled(time: Times, co2: Floats, *, fill: bool) -> tuple[Floats, str]:
    gaps = np.isnan(co2)
    if not fill or not gaps.any() or gaps.all():
        return co2, ""
    days = (time - time[0]) / np.timedelta64(1, "D")
    values = np.where(gaps, np.interp(days, days[~gaps], co2[~gaps]), co2)
    longest = max(run.size for run in _runs(gaps))
    return values, f"co2: {gaps.sum()} of {gaps.size} days filled, at most {longest} in a row"


def _gaps(steps: Steps, name: str, label: str) -> str:
    """Say what is missing of a driver, and the remedy; nothing if it is whole."""
    values = steps[name]
    gaps = np.isnan(values)
    co2 = name in CANDIDATES["co2"]
    if not gaps.any():
        return ""
    if gaps.all():
        what = "has no value" if name in steps.columns else "column is missing"
        if name in steps.sparse:
            what = f"has values, but on no day at {ENOUGH:.0%} of the times"
        return f"{label}: {what}{f'; {_NO_CO2}' if co2 else ''}"
    dates = steps.start[gaps].astype("datetime64[D]").astype(str)
    shown = ", ".join(dates[:3]) + f", ... {dates[-1]}" * (dates.size > 3)
    fill = "; fill_co2=True (--fill-co2) fills them by straight lines" if co2 else ""
    return f"{label}: no value on {gaps.sum()} of {gaps.size} days ({shown}){fill}"


def _whole_part(steps: Steps, names: tuple[str, ...]) -> tuple[str, ...]:
    """Name the longest run of days without gaps, to which the file may be cut."""
    whole = np.isfinite([steps[name] for name in names]).all(axis=0)
    runs = _runs(whole)
    if not runs:
        return ()
    longest = max(runs, key=lambda run: run.size)
    first, last = steps.start[longest[[0, -1]]].astype("datetime64[D]")
    return (f"or keep the lines of {first} to {last} alone, the longest time without gaps",)


def _runs(which: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
    """Return the places of each run of true values."""
    place = np.flatnonzero(which)
    return np.split(place, np.flatnonzero(np.diff(place) > 1) + 1) if place.size else []
