"""Half-hours or hours made days as the product makes them, with the extremes it leaves out.

A half-hour belongs to the day on which it starts. Quality flags (0 measured, 1 filled well,
2 and 3 filled less well) become the share of the day's half-hours that are 0 or 1; random errors
are added in quadrature; precipitation is summed; the rest is a mean. Joint uncertainties of
half-hours cannot be made those of a day, since their parts average in different ways.
"""

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from bayes_tbm.errors import InputError
from bayes_tbm.formats.fluxnet.steps import DAY, Floats, Steps, Times
from bayes_tbm.formats.subdaily import ENOUGH, NEAR, Days, doubt_clock
from bayes_tbm.units import CARBON_MOLAR_MASS, SECONDS_PER_DAY

CARBON_FLUX = CARBON_MOLAR_MASS * 1e-6 * SECONDS_PER_DAY
"""1 umol CO2 m-2 s-1 in g C m-2 d-1: 1.0377."""
SHORTWAVE = 0.0864
"""1 W m-2 over a day in MJ m-2 d-1."""
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
    days = _days(steps)
    start: Times = days.day.astype("datetime64[ns]")
    columns = {
        name: _daily(name, values, days, steps)
        for name, values in steps.columns.items()
        if not name.endswith("_JOINTUNC")
    }
    if temperature is not None:
        columns[LOWEST], columns[HIGHEST] = days.extremes(steps[temperature])
    sparse = {n for n in columns if steps.holds(n) and not np.isfinite(columns[n]).any()}
    sparse |= {LOWEST, HIGHEST} if temperature in sparse else set()
    return replace(
        steps, resolution="daily", start=start, end=start + DAY, columns=columns,
        sparse=frozenset(sparse),
    )  # fmt: skip


def _days(steps: Steps) -> Days:
    """Return every day from the first step's to the last one's."""
    day = steps.start.astype("datetime64[D]")
    step = steps.end[0] - steps.start[0]
    return Days(
        day=np.arange(day[0], day[-1] + DAY),
        steps=int(DAY // step),
        kept=np.ones(day.size, dtype=bool),
        place=(day - day[0]).astype(np.intp),
        time=((steps.start - day) // step).astype(np.intp),
    )


def check_clock(steps: Steps, sun: str) -> None:
    """Warn of half-hours that are not by local time.

    Parameters
    ----------
    steps : Steps
        Half-hours or hours.
    sun : str
        Column of shortwave radiation, W m-2.
    """
    doubt_clock(_days(steps), steps[sun] * SHORTWAVE, steps.where)


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
    days = _days(steps)
    lacking = {name: days.lacking(steps[name]) for name in dict.fromkeys(names)}
    said = ", ".join(f"{name} {count}" for name, count in lacking.items() if count)
    if not said:
        return ""
    sun = any(count and name.startswith(SUN) for name, count in lacking.items())
    how = f"; those of {SUN} are the mean at their time of day within {NEAR} days" if sun else ""
    return f"days read although some of their {days.steps} values are missing: {said}{how}"


def _without_ragged_ends(steps: Steps) -> Steps:
    """Leave out days at either end of which most lines are missing, as where a file was cut."""
    day = steps.start.astype("datetime64[D]")
    days, lines = np.unique(day, return_counts=True)
    whole = np.flatnonzero(lines >= ENOUGH * (DAY // (steps.end[0] - steps.start[0])))
    if not whole.size:
        return steps
    first, last = days[whole[[0, -1]]]
    left = [str(end) for end in (days[0], days[-1]) if not first <= end <= last]
    if not left:
        return steps
    note = f"left out, as most of its half-hours have no line: {' and '.join(left)}"
    kept = steps.select((day >= first) & (day <= last))
    return replace(kept, notes=(*steps.notes, note))


def _daily(name: str, values: Floats, days: Days, steps: Steps) -> Floats:
    """Return what the daily product holds of a column."""
    known = np.isfinite(values)
    if name.endswith("_QC"):
        _refuse_flags(name, values, steps)
        if not known.any():  # no flags at all is not the same as nothing measured
            return np.full(days.day.size, np.nan)
        return days.share(values <= 1.0)
    if name.startswith(SUN):
        return days.cycle_mean(values)
    carbon = CARBON_FLUX if name.startswith(_CARBON) else 1.0
    if name.endswith("_RANDUNC"):  # known only where a flux was measured
        count = np.bincount(days.place[known], minlength=days.day.size)
        squares = np.bincount(days.place[known], values[known] ** 2, days.day.size)
        with np.errstate(invalid="ignore"):
            return np.asarray(np.where(count > 0, np.sqrt(squares) / count, np.nan) * carbon)
    return days.mean(values) * (days.steps if name in SUMS else carbon)


def _refuse_flags(name: str, values: Floats, steps: Steps) -> None:
    odd = np.flatnonzero(np.isfinite(values) & ~np.isin(values, _FLAGS))
    if odd.size:
        raise InputError(
            where=steps.where, variable=name, rule="must be a flag: 0, 1, 2 or 3",
            found=f"{values[odd[0]]:g} at {str(steps.start[odd[0]])[:16]}",
            remedy="is it the share of a daily file?",
        )  # fmt: skip
