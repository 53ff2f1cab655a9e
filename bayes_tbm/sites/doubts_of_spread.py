"""Values that were repeated or interpolated between measurements, and are no measurements."""

import numpy as np

from bayes_tbm.sites.observations import Observations

_MOSTLY = 0.6
"""Share of values from which a series was spread: 2 of 3 days of a product of three are."""
_STRAIGHT = 1e-5
"""Departure from a line that is none, as a share of the range; float32 noise is below it."""
_MEASURED = 6
"""Measurements from which a pattern is none of chance, or of a series made by hand."""
_ALONE = 0.75
"""Share of measurements that no other one follows; of rounded values, which repeat too, few."""
_NEXT = 1.5
"""Distance of neighbours, in usual ones."""
_STEP = 0.5
"""Share of a step from which values are no parts of its mean."""


def spread(seen: Observations, step: float) -> dict[str, str]:
    """Doubt a series most of whose values repeat the one before, or lie on a line between others.

    Parameters
    ----------
    seen : Observations
        Of any series.
    step : float
        Usual step of the drivers [d].

    Returns
    -------
    dict of str to str
        As of `bayes_tbm.sites.doubts.doubts`.
    """
    time, first = np.unique(seen.time, return_index=True)
    value = seen.value[first]
    if value.size < 2 * _MEASURED:
        return {}
    apart = np.diff(time) / np.timedelta64(1, "D")
    usual = float(np.median(apart))
    if usual < _STEP * step:  # values within a step are one, their mean
        return {}
    near, change = apart < _NEXT * usual, np.diff(value)
    filled = near & (change == 0.0)
    bend = np.abs(np.diff(change / apart)) * usual
    filled[:-1] |= near[1:] & near[:-1] & (bend <= _STRAIGHT * np.ptp(value))
    filled &= value[1:] != 0.0  # no flux in winter is one every day
    new = ~filled & (value[1:] != 0.0)
    alone = new & ~np.append(new[1:], False)
    count, kept = int(filled.sum()), int(new.sum())
    if kept < _MEASURED or count < _MOSTLY * (count + kept) or alone.sum() < _ALONE * kept:
        return {}
    return {
        f"{seen.name}: values are spread": f"{count} of {value.size} repeat the one before or lie "
        "on a line between their neighbours; a value that is spread is no new measurement: give "
        "those that were measured, at their own times"
    }
