"""Climate of a site as a covariate, from its own drivers."""

from __future__ import annotations

import numpy as np

from bayes_tbm.sites import Site
from bayes_tbm.units import DAYS_PER_YEAR

CLIMATE = ("coldest", "warmest", "mean_temperature", "precipitation", "cell")
"""Names of what `climate` gives."""


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
        ``mean_temperature`` (degC), ``precipitation`` (mm yr-1) and ``cell``, which is the same for
        sites under the same drivers, whatever years of them are fitted.
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
    weight = drivers["step_length"].values
    temperature = 0.5 * (drivers["t_min"].values + drivers["t_max"].values)
    month = drivers["time"].dt.month.values
    length = np.bincount(month, weight, minlength=13)[1:]
    total = np.bincount(month, weight * temperature, minlength=13)[1:]
    monthly = total[length > 0.0] / length[length > 0.0]
    rain = float(np.average(drivers["precipitation"].values, weights=weight) * DAYS_PER_YEAR)
    mean = float(np.average(temperature, weights=weight))
    return float(monthly.min()), float(monthly.max()), mean, rain
