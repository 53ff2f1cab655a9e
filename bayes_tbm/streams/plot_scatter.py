"""How far points of a growth curve scatter about a smooth one, and the slope of that."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_FEWEST_POINTS, _FEWEST_AGES = 5, 4
_ALIKE = 0.02
"""Share of an age within which another is the same."""
_RATES = 60


def own_scatter(age: Array, log_value: Array, stated: Array) -> tuple[float, Array]:
    """Return how far points scatter for themselves, and the slope of their logarithm by age.

    Stands differ by more than their measurement; that is theirs alone, while what a stated error is
    made of (allometry, protocol) they share. Told from residuals about the curve of Chapman and
    Richards that fits best, less what is stated of errors; of fewer than five points, or of fewer
    than four ages, from those of one age alone. It does not change when ages move by days.

    Parameters
    ----------
    age
        Years, not decreasing, (point,).
    log_value
        Logarithm of biomass, (point,).
    stated
        Covariance of the logarithm's errors as they are stated, (point, point).

    Returns
    -------
    float
        Standard deviation of a point's own departure.
    Array
        In yr-1, (point,).
    """
    group = _alike(age)
    ages = int(group[-1]) + 1
    if ages < _FEWEST_AGES or len(age) < _FEWEST_POINTS:
        return _within(group, log_value), _power_slope(age, log_value) if ages > 1 else 0.0 * age
    residual, tangent, slope = _about_best_curve(age, log_value)
    basis = np.linalg.qr(tangent)[0]
    expected = np.trace(stated) - np.trace(basis.T @ stated @ basis)
    own = max(residual @ residual - expected, 0.0) / (len(age) - tangent.shape[1])
    return float(np.sqrt(own)), slope


def _about_best_curve(age: Array, log_value: Array) -> tuple[Array, Array, Array]:
    """Residuals about ``A (1 - exp(-k age))^p``, its slopes by parameter, and that by age."""
    low, high = 0.1 / age[-1], 3.0 / age[0]
    for _ in range(5):  # each time between the neighbours of the best
        rates = np.geomspace(low, high, _RATES)
        misfits = [np.sum(_fitted(rate, age, log_value)[1] ** 2) for rate in rates]
        best = int(np.argmin(misfits))
        low, high = rates[max(best - 1, 0)], rates[min(best + 1, _RATES - 1)]
    shape, residual, columns = _fitted(rates[best], age, log_value)
    by_exponent = 1.0 / np.expm1(rates[best] * age)  # of ln(1 - exp(-x)), by x
    tangent = np.column_stack([columns, age * by_exponent])
    return residual, tangent, shape * rates[best] * by_exponent


def _fitted(rate: float, age: Array, log_value: Array) -> tuple[float, Array, Array]:
    """Exponent ``p`` of the best curve of one rate, residuals about it, slopes by ln A and p."""
    columns = np.stack([np.ones_like(age), np.log(-np.expm1(-rate * age))], axis=1)
    found = np.linalg.lstsq(columns, log_value)[0]
    return float(found[1]), log_value - columns @ found, columns


def _alike(age: Array) -> NDArray[np.int64]:
    """Return the number of the group of nearly one age that each point is of, from 0."""
    group, first = np.zeros(len(age), dtype=np.int64), age[0]
    for place in range(1, len(age)):
        other = age[place] > first * (1.0 + _ALIKE)
        first = age[place] if other else first
        group[place] = group[place - 1] + other
    return group


def _within(group: NDArray[np.int64], log_value: Array) -> float:
    """Return the pooled standard deviation about means of groups; 0 where each has one point."""
    spare = len(group) - int(group[-1]) - 1
    if not spare:
        return 0.0
    mean = np.bincount(group, log_value) / np.bincount(group)
    return float(np.sqrt(np.sum((log_value - mean[group]) ** 2) / spare))


def _power_slope(age: Array, log_value: Array) -> Array:
    """Slope of a power of age, which neighbours that scatter by more than they grow do not bend."""
    log_age = np.log(age) - np.log(age).mean()
    return np.asarray((log_age @ log_value) / (log_age @ log_age) / age)
