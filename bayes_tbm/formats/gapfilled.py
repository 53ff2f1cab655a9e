"""Finding the measurements behind a series that was spread over the days between them.

A value repeated or interpolated is no new measurement: counting it would make a ten-day product
look ten times as informative as it is.
"""

import numpy as np
from numpy.typing import NDArray

_STRAIGHT = 1e-5
"""Change of slope [unit d-2] below which three days lie on a line; float32 noise is below it."""
_MOSTLY = 0.5
Series = tuple[NDArray[np.datetime64], NDArray[np.float64], NDArray[np.float64], str]


def original_values(
    time: NDArray[np.datetime64], value: NDArray[np.float64], sd: NDArray[np.float64]
) -> Series:
    """Return the values that a daily series was spread from.

    A series where most days repeat the day before keeps the middle of each run of equal values,
    with the run's median sd. One where most days lie on a line between their neighbours keeps
    the days where the slope changes; its two ends cannot be told from filled days and are
    dropped. Any other series is returned whole.

    Parameters
    ----------
    time, value, sd : numpy.ndarray
        Daily series, each of shape (n,); NaN where missing.

    Returns
    -------
    time, value, sd : numpy.ndarray
        Shape (m,), m <= n.
    note : str
        What was done, or nothing.
    """
    seen = np.isfinite(value)
    time, value, sd = time[seen], value[seen], sd[seen]
    if value.size < 3:
        return time, value, sd, ""
    repeated = np.diff(value) == 0
    if repeated.mean() > _MOSTLY:
        keep, sd = _runs(repeated, sd)
        return _kept(keep, time, value, sd, "one a run of repeated values")
    slope = np.diff(value) / (np.diff(time) / np.timedelta64(1, "D"))
    bends = np.abs(np.diff(slope)) > _STRAIGHT
    if bends.mean() < 1 - _MOSTLY:
        keep = np.flatnonzero(bends) + 1
        return _kept(keep, time, value, sd[keep], "the rest is interpolated between them")
    return time, value, sd, ""


def _runs(
    repeated: NDArray[np.bool_], sd: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the middle index of each run of equal values and the median sd of the run."""
    runs = np.split(np.arange(sd.size), np.flatnonzero(~repeated) + 1)
    known = [sd[run][np.isfinite(sd[run])] for run in runs]
    medians = [float(np.median(given)) if given.size else np.nan for given in known]
    return np.array([run[len(run) // 2] for run in runs]), np.array(medians)


def _kept(
    keep: NDArray[np.intp],
    time: NDArray[np.datetime64],
    value: NDArray[np.float64],
    sd: NDArray[np.float64],
    why: str,
) -> Series:
    return time[keep], value[keep], sd, f"{keep.size} of {time.size} daily values kept: {why}"
