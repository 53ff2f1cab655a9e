"""Half-hours or hours made days as the product makes them, with the extremes it leaves out.

A half-hour belongs to the day on which it starts. Quality flags (0 measured, 1 filled well,
2 and 3 filled less well) become the share of the day's half-hours that are 0 or 1; random errors
are added in quadrature; precipitation is summed; the rest is a mean. Joint uncertainties of
half-hours cannot be made those of a day, since their parts average in different ways.
"""

from collections.abc import Collection
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.formats.fluxnet.steps import DAY, Floats, Steps
from bayes_tbm.formats.subdaily import NEAR, cycle_mean
from bayes_tbm.units import CARBON_MOLAR_MASS, SECONDS_PER_DAY

PRESENT = 0.75
"""Least share of a day's half-hours that must have a value: 36 of 48, 18 of 24."""
CARBON_FLUX = CARBON_MOLAR_MASS * 1e-6 * SECONDS_PER_DAY
"""1 umol CO2 m-2 s-1 in g C m-2 d-1: 1.0377."""
LOWEST, HIGHEST = "TA_LOWEST", "TA_HIGHEST"
"""Names, here only, of the daily extremes of air temperature."""
SUMS = ("P_F", "P")
SUN = "SW_IN"
_CARBON = ("NEE_", "GPP_", "RECO_")
_FLAGS = (0.0, 1.0, 2.0, 3.0)


def to_days(steps: Steps, temperature: str | None) -> Steps:
    """Return daily steps of half-hourly ones, in the units of the daily product.

    Parameters
    ----------
    steps : Steps
        Half-hours or hours.
    temperature : str or None
        Column whose extremes are wanted.

    Returns
    -------
    Steps
        One for every day from the first to the last that have three quarters of their lines; NaN
        where fewer than three quarters of a column's half-hours have a value.

    Raises
    ------
    InputError
        If a quality flag is not 0, 1, 2 or 3.
    """
    steps = _without_ragged_ends(steps)
    first = steps.start[0].astype("datetime64[D]")
    day = (steps.start.astype("datetime64[D]") - first).astype(np.int64)
    per_day = int(DAY // (steps.end[0] - steps.start[0]))
    start = (first + np.arange(day[-1] + 1)).astype("datetime64[ns]")
    columns = {
        name: _daily(name, values, day, per_day, steps)
        for name, values in steps.columns.items()
        if not name.endswith("_JOINTUNC")
    }
    if temperature is not None:
        columns[LOWEST], columns[HIGHEST] = _extremes(steps[temperature], day, per_day)
    return replace(steps, resolution="daily", start=start, end=start + DAY, columns=columns)


def lacking_note(steps: Steps, names: Collection[str]) -> str:
    """Count the days that are read although some of their half-hours have no value.

    Parameters
    ----------
    steps : Steps
        Half-hours or hours.
    names : collection of str
        Columns that are read.

    Returns
    -------
    str
        Nothing if every day is whole.
    """
    steps = _without_ragged_ends(steps)
    first = steps.start[0].astype("datetime64[D]")
    day = (steps.start.astype("datetime64[D]") - first).astype(np.int64)
    per_day = int(DAY // (steps.end[0] - steps.start[0]))
    counts = {name: _count(steps[name], day) for name in dict.fromkeys(names)}
    lacking = {n: int(np.sum((c >= PRESENT * per_day) & (c < per_day))) for n, c in counts.items()}
    said = ", ".join(f"{name} {days}" for name, days in lacking.items() if days)
    if not said:
        return ""
    sun = any(days and name.startswith(SUN) for name, days in lacking.items())
    how = f"; those of {SUN} are the mean at their time of day within {NEAR} days" if sun else ""
    return f"days read although some of their {per_day} values are missing: {said}{how}"


def _without_ragged_ends(steps: Steps) -> Steps:
    """Leave out days at either end of which most lines are missing, as where a file was cut."""
    day = steps.start.astype("datetime64[D]")
    days, lines = np.unique(day, return_counts=True)
    whole = np.flatnonzero(lines >= PRESENT * (DAY // (steps.end[0] - steps.start[0])))
    if not whole.size:
        return steps
    first, last = days[whole[[0, -1]]]
    left = [str(end) for end in (days[0], days[-1]) if not first <= end <= last]
    if not left:
        return steps
    note = f"left out, as most of its half-hours have no line: {' and '.join(left)}"
    kept = steps.select((day >= first) & (day <= last))
    return replace(kept, notes=(*steps.notes, note))


def _daily(name: str, values: Floats, day: NDArray[np.int64], per_day: int, steps: Steps) -> Floats:
    """Return what the daily product holds of a column."""
    count, days = _count(values, day), day[-1] + 1
    if name.endswith("_QC"):
        _refuse_flags(name, values, steps)
        if not count.any():  # no flags at all is not the same as nothing measured
            return np.full(days, np.nan)
        return np.bincount(day, weights=values <= 1.0, minlength=days) / per_day
    if name.startswith(SUN):
        return cycle_mean(values, day, _time_of_day(steps), (days, per_day))
    known = np.isfinite(values)
    carbon = CARBON_FLUX if name.startswith(_CARBON) else 1.0
    with np.errstate(invalid="ignore", divide="ignore"):
        if name.endswith("_RANDUNC"):  # known only where a flux was measured
            squares = np.bincount(day, weights=np.where(known, values, 0.0) ** 2, minlength=days)
            return np.asarray(np.where(count > 0, np.sqrt(squares) / count, np.nan) * carbon)
        total = np.bincount(day, weights=np.where(known, values, 0.0), minlength=days)
        mean = np.where(count >= PRESENT * per_day, total / count, np.nan)
    return np.asarray(mean * (per_day if name in SUMS else carbon))


def _time_of_day(steps: Steps) -> NDArray[np.int64]:
    """Return the place of each step within its day."""
    since = steps.start - steps.start.astype("datetime64[D]")
    return np.asarray(since // (steps.end[0] - steps.start[0]), dtype=np.int64)


def _extremes(values: Floats, day: NDArray[np.int64], per_day: int) -> tuple[Floats, Floats]:
    """Return the lowest and the highest value of each day."""
    enough = _count(values, day) >= PRESENT * per_day
    low, high = np.full(enough.size, np.inf), np.full(enough.size, -np.inf)
    np.fmin.at(low, day, values)
    np.fmax.at(high, day, values)
    return np.where(enough, low, np.nan), np.where(enough, high, np.nan)


def _count(values: Floats, day: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.bincount(day[np.isfinite(values)], minlength=day[-1] + 1)


def _refuse_flags(name: str, values: Floats, steps: Steps) -> None:
    odd = np.flatnonzero(np.isfinite(values) & ~np.isin(values, _FLAGS))
    if odd.size:
        raise InputError(
            where=steps.where, variable=name, rule="must be a flag: 0, 1, 2 or 3",
            found=f"{values[odd[0]]:g} at {str(steps.start[odd[0]])[:16]}",
            remedy="is it the share of a daily file?",
        )  # fmt: skip
