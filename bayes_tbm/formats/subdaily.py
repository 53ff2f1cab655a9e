"""Days from half-hours or hours: means and extremes over calendar days of the file's own clock."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayes_tbm.errors import DataWarning, InputError

ENOUGH = 0.75
"""Share of a day's steps that must hold a value."""
NEAR = 7
"""Days on either side whose mean at a time of day stands in for a missing step of sunlight."""
_DAY = np.timedelta64(1, "D")
_LONGEST = np.timedelta64(1, "h")
_OFF = 3.0
"""Hours from noon beyond which sunshine is not by local time."""
_FEW, _DIM, _ROUND = 5, 1.0, 0.3
"""Fewer days, less sunshine [MJ m-2 d-1] or a rounder day, of 0 to 1, do not tell noon."""


@dataclass(frozen=True, eq=False)
class Days:
    """Whole days of a record, and which step belongs to which.

    Attributes
    ----------
    day : numpy.ndarray
        Each day from the first to the last, datetime64[D], shape (d,).
    steps : int
        Steps that a day has.
    kept : numpy.ndarray
        Which of the record's steps lie in these days, boolean, shape (n,).
    place : numpy.ndarray
        Index of the day of each kept step, shape (k,).
    time : numpy.ndarray
        Index of each kept step within its day, shape (k,).
    """

    day: NDArray[np.datetime64]
    steps: int
    kept: NDArray[np.bool_]
    place: NDArray[np.intp]
    time: NDArray[np.intp]

    @property
    def noon(self) -> NDArray[np.datetime64]:
        """Middle of each day, datetime64[ns], shape (d,)."""
        return (self.day + np.timedelta64(12, "h")).astype("datetime64[ns]")

    def mean(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return means over days, (d,), of values (n,); NaN where too few of them are there."""
        kept = values[self.kept]
        seen = np.isfinite(kept)
        total = np.bincount(self.place[seen], kept[seen], self.day.size)
        count = np.bincount(self.place[seen], minlength=self.day.size)
        good = count >= ENOUGH * self.steps
        return np.where(good, total / np.maximum(count, 1), np.nan)

    def cycle_mean(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what `mean` does, of a quantity with a daily cycle; see the function."""
        shape = (self.day.size, self.steps)
        return cycle_mean(values[self.kept], self.place, self.time, shape)

    def lacking(self, values: NDArray[np.float64]) -> int:
        """Return how many days have a mean although some of their steps have no value."""
        seen = np.isfinite(values[self.kept])
        count = np.bincount(self.place[seen], minlength=self.day.size)
        return int(np.sum((count >= ENOUGH * self.steps) & (count < self.steps)))

    def extremes(
        self, values: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the lowest and the highest value of each day, as `mean` does."""
        low, high = np.full((2, self.day.size), np.nan)
        np.fmin.at(low, self.place, values[self.kept])
        np.fmax.at(high, self.place, values[self.kept])
        few = np.isnan(self.mean(values))
        return np.where(few, np.nan, low), np.where(few, np.nan, high)

    def share(self, true: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the share of each day's steps, (d,), where something (n,) is true."""
        kept = true[self.kept]
        return np.bincount(self.place[kept], minlength=self.day.size) / self.steps


def doubt_clock(days: Days, sun: NDArray[np.float64], where: str) -> None:
    """Warn of sunshine that is centred far from noon, as where steps are stamped in UTC.

    Solar noon is within three hours of noon wherever people set their clocks.

    Parameters
    ----------
    days : Days
        Of the record.
    sun : numpy.ndarray
        Shortwave radiation of the record's steps, MJ m-2 d-1, shape (n,).
    where : str
        File, for messages.

    Warns
    -----
    DataWarning
        Not where days are few, a time of day has no value, or night and day are alike.
    """
    usual = np.full((days.day.size, days.steps), np.nan)
    usual[days.place, days.time] = sun[days.kept]
    cycle = np.maximum(_known_mean(usual, axis=0), 0.0)
    if days.day.size < _FEW or not np.mean(cycle) > _DIM:  # NaN too
        return
    hours = (np.arange(days.steps) + 0.5) * 24.0 / days.steps
    mean = np.average(np.exp(2j * np.pi * hours / 24.0), weights=cycle)
    centre = np.angle(mean) * 12.0 / np.pi % 24.0
    if np.abs(mean) > _ROUND and abs(centre - 12.0) > _OFF:
        told = f"{where}: sunshine is centred on {centre:.0f} h: are stamps UTC? "
        told += "They must be local standard time, by which days are made"
        warnings.warn(told, DataWarning, stacklevel=5)


def whole_days(start: NDArray[np.datetime64], where: str) -> tuple[Days, tuple[str, ...]]:
    """Return the days of a record, and notes.

    Days at either end that lack a step are left out.

    Parameters
    ----------
    start : numpy.ndarray
        Start of each step, datetime64[ns], shape (n,), increasing.
    where : str
        File, for messages.

    Raises
    ------
    InputError
        If steps are longer than an hour, uneven or unsorted, stamped at their end, or make fewer
        than two whole days.
    """
    step = _step(start, where)
    steps = int(_DAY / step)
    day = start.astype("datetime64[D]")
    if start[0] - day[0] == step and start[-1] == day[-1] and start.size > steps:
        raise InputError(
            where=where, variable="time", rule="must be the start of each step",
            found=f"{_said(start[0])} to {_said(start[-1])}, which are ends",
            remedy=f"take away {step / np.timedelta64(1, 'm'):g} minutes",
        )  # fmt: skip
    days, counts = np.unique(day, return_counts=True)
    whole = np.flatnonzero(counts >= steps)
    if whole.size < 2:
        found = f"{start.size} steps from {_said(start[0])} to {_said(start[-1])}"
        rule = "at least two whole days are needed"
        raise InputError(where=where, variable="time", rule=rule, found=found)
    first, last = days[whole[0]], days[whole[-1]]
    kept = (day >= first) & (day <= last)
    place = ((day[kept] - first) / _DAY).astype(np.intp)
    every = np.arange(first, last + _DAY)
    minutes = step / np.timedelta64(1, "m")
    left = [f"{one} ({n} of {steps} steps)" for one, n in zip(days, counts, strict=True)
            if one < first or one > last]  # fmt: skip
    notes = [f"days from steps of {minutes:g} minutes"]
    more = f" and {len(left) - 3} more" if len(left) > 3 else ""
    notes += [f"not whole, left out: {', '.join(left[:3])}{more}"] * bool(left)
    time = ((start[kept] - day[kept]) / step).astype(np.intp)
    return Days(every, steps, kept, place, time), tuple(notes)


def cycle_mean(
    values: NDArray[np.float64],
    day: NDArray[np.integer],
    time: NDArray[np.integer],
    shape: tuple[int, int],
) -> NDArray[np.float64]:
    """Return means over days of a quantity with a daily cycle, such as sunlight.

    A day without its night would be too bright: a missing step is the mean at its time of day
    over the days within a week, and only where there is none is it left out of the mean.

    Parameters
    ----------
    values : numpy.ndarray
        Of steps, NaN where missing, shape (n,).
    day, time : numpy.ndarray
        Day of each step and its place within it, shape (n,).
    shape : tuple of int
        Number d of days and of steps a day.

    Returns
    -------
    numpy.ndarray
        Shape (d,); NaN where too few steps of a day have a value.
    """
    grid = np.full(shape, np.nan)
    grid[day, time] = values
    known = np.isfinite(grid)
    enough = known.sum(axis=1) >= ENOUGH * shape[1]
    filled = grid.copy()
    for row in np.flatnonzero(enough & ~known.all(axis=1)):
        near = slice(max(row - NEAR, 0), row + NEAR + 1)
        usual = _known_mean(grid[near], axis=0)
        filled[row] = np.where(known[row], grid[row], usual)
    return np.where(enough, _known_mean(filled, axis=1), np.nan)


def _known_mean(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    count = np.isfinite(values).sum(axis=axis)
    return np.where(count > 0, np.nansum(values, axis=axis) / np.maximum(count, 1), np.nan)


def _step(start: NDArray[np.datetime64], where: str) -> np.timedelta64:
    """Return the step, a half-hour or another part of a day, none longer than an hour."""
    if start.size < 2 or np.isnat(start).any():
        rule, found = "every step needs a time, and two are needed", f"{start.size} steps"
        raise InputError(where=where, variable="time", rule=rule, found=found)
    apart = np.diff(start)
    back = np.flatnonzero(apart <= np.timedelta64(0, "s"))
    if back.size:
        found = f"{_said(start[back[0] + 1])} after {_said(start[back[0]])}"
        raise InputError(where=where, variable="time", rule="must increase", found=found)
    step = np.median(apart.astype(np.int64)).astype("timedelta64[ns]")
    if step > _LONGEST or _DAY % step:
        rule = "steps must be half-hours, hours or another part of an hour"
        found = f"steps of {step / np.timedelta64(1, 'h'):g} h"
        raise InputError(where=where, variable="time", rule=rule, found=found)
    odd = np.flatnonzero(apart % step)
    if odd.size:
        rule = f"steps must be {step / np.timedelta64(1, 'm'):g} minutes apart"
        found = f"{_said(start[odd[0] + 1])} after {_said(start[odd[0]])}"
        raise InputError(where=where, variable="time", rule=rule, found=found)
    return np.timedelta64(step)


def _said(time: np.datetime64) -> str:
    return str(time)[:16].replace("T", " ")
