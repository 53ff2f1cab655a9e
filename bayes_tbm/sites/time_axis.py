"""Times of steps and observations: days since the field's epoch, and the usual step."""

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.units import DAYS_PER_MONTH

EPOCH = np.datetime64("2001-01-01T00:00:00", "ns")
"""Day zero of the field's files and of `Site.drivers['days']`."""
_MILLISECONDS_PER_DAY = 86_400_000
_ONE_DAY, _HOURS = 0.01, 6.0
"""By how much steps may differ from a day [d], and middles of days from noon [h]."""


def time_from_days(
    days: ArrayLike, *, where: str | None = None, epoch: np.datetime64 = EPOCH
) -> NDArray[np.datetime64]:
    """Return datetime64[ns] of days since `epoch`, shape (n,), exact to the millisecond.

    Raises
    ------
    InputError
        If a time is missing.
    """
    array = np.asarray(days, dtype=np.float64)
    if not np.isfinite(array).all():
        rule, found = "every step needs a time", f"{(~np.isfinite(array)).sum()} missing"
        raise InputError(where=where, variable="time", rule=rule, found=found)
    milliseconds = np.round(array * _MILLISECONDS_PER_DAY).astype("timedelta64[ms]")
    return np.asarray(epoch + milliseconds, dtype="datetime64[ns]")


def days_from_time(time: NDArray[np.datetime64]) -> NDArray[np.float64]:
    """Return float64 days since 2001-01-01 00:00, shape (n,)."""
    milliseconds = (time - EPOCH) / np.timedelta64(1, "ms")
    return np.round(milliseconds) / _MILLISECONDS_PER_DAY


def step_bounds(drivers: xr.Dataset) -> NDArray[np.datetime64]:
    """Return start and end of each step, (time, 2), exact to the millisecond."""
    time = drivers["time"].values
    half = np.round(drivers["step_length"].values * (_MILLISECONDS_PER_DAY / 2))
    half = half.astype("timedelta64[ms]")
    return np.stack([time - half, time + half], axis=1)


def never_noon(time: NDArray[np.datetime64], days: float) -> str:
    """Return the clock of times that cannot be the middles of days, or nothing.

    The middle of a day is about noon of the site's own clock, and that of other odd numbers of
    days no midnight.
    """
    hours = (time - time.astype("datetime64[D]")) / np.timedelta64(1, "h")
    if days % 2 == 1 and days < 28 and (hours == 0).all():
        return "midnights"
    if abs(days - 1) < _ONE_DAY and (np.abs(hours - 12) > _HOURS).all():
        return str(time[0].astype("datetime64[m]"))[11:]
    return ""


def usual_step(time: NDArray[np.datetime64]) -> float:
    """Return the usual step length [d]: the median, or the mean month for monthly steps."""
    if time.size < 2:
        return np.nan
    median = float(np.median(np.diff(time) / np.timedelta64(1, "D")))
    # Months and times rounded to a tenth of a day scatter about the field's 365.25 / 12.
    return DAYS_PER_MONTH if 28 <= median <= 31 else median
