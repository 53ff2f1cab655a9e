"""What a prediction must beat: the mean seasonal cycle and the last year of what was fitted."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from bayes_tbm.units import DAYS_PER_YEAR

Array = NDArray[np.float64]
_NEAREST = 6.0
"""Days within which points of other years count as of the same season, at least."""
_SEASON = 45.0
"""Days within which residuals tell the scatter of a season."""
_FEWEST = 3
_YEARS = 1.5
"""Years that fitted points must span to tell how one year differs from another."""
_MONTH = 31.0


@dataclasses.dataclass(frozen=True)
class Normal:
    """A normal distribution for each point, (point,); NaN where a baseline says nothing."""

    mean: Array
    sd: Array


def seasonal_cycle(day: Array, value: Array, at: Array) -> Normal:
    """Mean over the fitted years at the same season.

    Parameters
    ----------
    day, value
        Fitted points: days since any date, and what was observed, (fitted,).
    at
        Days of the points to predict, (point,).

    Returns
    -------
    Normal
        The mean of fitted points nearby in the year, at least three; its sd is that of residuals
        within six weeks about the mean of other years, since those of one year err together. Of
        less than a year and a half nothing is said.
    """
    if len(value) < 2 or np.ptp(day) < _YEARS * DAYS_PER_YEAR:
        return _silent(at)
    left_out = _cycle(day, value, day, of_other_years=True)
    # Such residuals hold the scatter of the mean already, of one year fewer.
    return Normal(_cycle(day, value, at), _scatter(day, value - left_out, at))


def last_year(day: Array, value: Array, at: Array) -> Normal:
    """Return what was observed in the last fitted year at the same day.

    Its sd is that of the differences between fitted points a year apart, within six weeks.
    """
    if len(value) < 2:
        return _silent(at)
    recent = day > day.max() - DAYS_PER_YEAR
    mean = _nearest(np.where(recent, _apart(at, day), np.inf), day[recent], value)
    before = _nearest(np.abs(day[:, None] - DAYS_PER_YEAR - day), day, value)
    sd = _scatter(day, value - before, at)
    return Normal(np.where(np.isfinite(sd), mean, np.nan), sd)


def _scatter(day: Array, residual: Array, at: Array) -> Array:
    """Root mean square of the residuals within six weeks of the season, or of all if few are."""
    known = np.isfinite(residual)
    if known.sum() < _FEWEST:
        return np.full(len(at), np.nan)
    near = (_apart(at, day) <= _SEASON) & known
    near |= (near.sum(axis=1, keepdims=True) < _FEWEST) & known
    squares: Array = np.where(near, np.nan_to_num(residual) ** 2, 0.0).sum(axis=1)
    return np.asarray(np.sqrt(squares / near.sum(axis=1)))


def _cycle(day: Array, value: Array, at: Array, *, of_other_years: bool = False) -> Array:
    """Mean of the points nearest in the year; the window widens to hold three.

    Of other years, NaN where those have none within six weeks of the season.
    """
    apart = _apart(at, day)
    if of_other_years:
        apart = np.where(np.abs(at[:, None] - day) < _SEASON, np.inf, apart)
        apart = np.where(apart <= _SEASON, apart, np.inf)
    there = np.isfinite(apart).sum(axis=1)
    place = np.maximum(np.minimum(_FEWEST, there) - 1, 0)
    last = np.take_along_axis(np.sort(apart, axis=1), place[:, None], axis=1)
    near = (apart <= np.maximum(last, _NEAREST) + 1e-6) & np.isfinite(apart)
    with np.errstate(invalid="ignore"):  # none of them
        mean: Array = near @ value / near.sum(axis=1)
    return mean


def _nearest(apart: Array, day: Array, value: Array) -> Array:
    """Value of the point that is least apart, NaN where none is near enough, (row,)."""
    place = apart.argmin(axis=1)
    spacing = float(np.median(np.diff(np.sort(day)))) if len(day) > 1 else 0.0
    near = apart.min(axis=1) <= max(_NEAREST, 0.6 * min(spacing, _MONTH))
    return np.where(near, value[place], np.nan)


def _apart(at: Array, day: Array) -> Array:
    """Days between seasons, around the year, (at, day)."""
    apart = np.abs(at[:, None] - day) % DAYS_PER_YEAR
    return np.minimum(apart, DAYS_PER_YEAR - apart)


def _silent(at: Array) -> Normal:
    return Normal(np.full(len(at), np.nan), np.full(len(at), np.nan))
