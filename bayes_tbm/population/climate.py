"""Climate of a site as a covariate, from its own drivers."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.sites import Site
from bayes_tbm.units import DAYS_PER_YEAR

CLIMATE = ("coldest", "warmest", "mean_temperature", "precipitation", "cell")
"""Names of what `climate` gives."""
_WHOLE = 0.04  # yr, half a month: a record that differs so little from whole years is one of them


def climate(site: Site, whole: Site | None = None) -> dict[str, float | str]:
    """Return the climate of a site over the period that is fitted.

    Other products and periods give other numbers: the coldest month of FLUXVAL's drivers (2001 to
    2016) is 1.8 K warmer in the mean than WorldClim's (1950 to 2000), and up to 4 K.

    Parameters
    ----------
    site
        With drivers over at least a year.
    whole
        The site with all that its file holds, of which ``site`` may be some years.

    Returns
    -------
    dict
        ``coldest``, ``warmest`` (means of the coldest and warmest calendar month, degC),
        ``mean_temperature`` (degC) and ``precipitation`` (mm yr-1), means of the months of a year,
        and ``cell``, which is the same for sites under the same drivers, whatever years of them are
        fitted.
    """
    coldest, warmest, mean, rain = _means(site)
    label = _means(site if whole is None else whole)
    return {
        "coldest": round(coldest, 3), "warmest": round(warmest, 3),
        "mean_temperature": round(mean, 3), "precipitation": round(rain, 1),
        "cell": f"{label[0]:.1f}|{label[2]:.1f}|{label[3]:.0f}",
    }  # fmt: skip


def _means(site: Site) -> tuple[float, float, float, float]:
    """Coldest and warmest calendar month and mean, degC, and precipitation, mm yr-1."""
    drivers = site.drivers
    weight = _weights(drivers)
    temperature = 0.5 * (drivers["t_min"].values + drivers["t_max"].values)
    month = drivers["time"].dt.month.values
    length = np.bincount(month, weight, minlength=13)[1:]
    total = np.bincount(month, weight * temperature, minlength=13)[1:]
    monthly = total[length > 0.0] / length[length > 0.0]
    rain = float(np.average(drivers["precipitation"].values, weights=weight) * DAYS_PER_YEAR)
    mean = float(np.average(temperature, weights=weight))
    return float(monthly.min()), float(monthly.max()), mean, rain


def _weights(drivers: xr.Dataset) -> NDArray[np.float64]:
    """Days that each step stands for in a mean over the year, (time,).

    Its length; but of a record of one summer more than winters, each calendar month counts by how
    long it is at most, not by how often it is there.
    """
    length = np.asarray(drivers["step_length"].values, dtype=float)
    years = length.sum() / DAYS_PER_YEAR
    year, month = (getattr(drivers["time"].dt, part).values for part in ("year", "month"))
    held = np.zeros((np.ptp(year) + 1, 12))
    np.add.at(held, (year - year.min(), month - 1), length)
    if abs(years - round(years)) < _WHOLE or not held.any(axis=0).all():
        return length
    share: NDArray[np.float64] = held.max(axis=0) / held.sum(axis=0)
    counted: NDArray[np.float64] = length * share[month - 1]
    return counted
