"""Points of one age, such as plots of a chronosequence: their scatter, and a slope despite it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def scatter(age: Array, log_value: Array) -> float:
    """Return the standard deviation of logarithms about the mean of their age.

    Stands of one age differ by more than their measurement; that is theirs alone, while what a
    stated error is made of (allometry, protocol) they share.

    Parameters
    ----------
    age
        Years, (point,).
    log_value
        Logarithm of biomass, (point,).

    Returns
    -------
    float
        Pooled over the ages that repeat; 0 where none does.
    """
    ages, number = np.unique(age, return_inverse=True)
    spare = len(age) - len(ages)
    if not spare:
        return 0.0
    mean = np.bincount(number, log_value) / np.bincount(number)
    return float(np.sqrt(np.sum((log_value - mean[number]) ** 2) / spare))


def log_slope(age: Array, log_value: Array) -> Array:
    """Return the slope of the logarithm by age, (point,), in yr-1.

    Differences between neighbours; where ages repeat, of a power of age, since neighbours then
    scatter by more than they grow.

    Parameters
    ----------
    age
        Years, not decreasing, (point,).
    log_value
        Logarithm of biomass, (point,).
    """
    ages = np.unique(age)
    if len(ages) == 1:
        return np.zeros(age.shape)
    if len(ages) == len(age):
        return np.asarray(np.gradient(log_value, age))
    log_age = np.log(age) - np.log(age).mean()
    return np.asarray((log_age @ log_value) / (log_age @ log_age) / age)
