"""What observations tell against their steps' weather: more water than falls, winter's growth."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.sites.doubts_of_leaves import of_leaves
from bayes_tbm.sites.observations import Observations
from bayes_tbm.sites.time_axis import step_bounds

MORE_THAN_FALLS = "et: more than falls"
_EVAPORATED = 2.0
"""Evapotranspiration of a year over its precipitation beyond which it is watered, or wrong."""
_TROPIC = 23.5
_OPPOSITE = -0.5
_YEAR, _MONTHS = 360.0, 11


def against_weather(
    latitude: float, drivers: xr.Dataset, observations: Mapping[str, Observations]
) -> dict[str, str]:
    """Doubt ET of twice the precipitation, GPP that is high where light is low, little leaf area.

    Parameters
    ----------
    latitude : float
        Degrees north.
    drivers : xarray.Dataset
        As `Site.drivers`, checked.
    observations : mapping of str to Observations
        As `Site.observations`, checked.

    Returns
    -------
    dict of str to str
        As of `bayes_tbm.sites.doubts.doubts`.
    """
    told = {}
    lengths = drivers["step_length"].values
    if (et := _over_a_year(observations.get("et"), drivers)) is not None:
        held = np.flatnonzero(np.isfinite(et))
        span = slice(held[0], held[-1] + 1)
        days = lengths[span].sum()
        rain = float((drivers["precipitation"].values * lengths)[span].sum() / days)
        most = float((et * lengths)[held].sum() / days)  # as if there were none in the gaps
        if most > _EVAPORATED * rain > 0.0:
            told[MORE_THAN_FALLS] = (
                f"{most:.2g} mm d-1 on average against {rain:.2g} of precipitation: are both units "
                "right, and is the land not watered?"
            )
    held_a_year = {name: _over_a_year(observations.get(name), drivers) for name in ("gpp", "lai")}
    means = {name: mean for name, mean in held_a_year.items() if mean is not None}
    gpp = means.get("gpp")
    if gpp is not None and abs(latitude) >= _TROPIC:
        held = np.flatnonzero(np.isfinite(gpp))
        r = correlation(gpp[held], drivers["shortwave"].values[held])
        if held.size >= _MONTHS and r < _OPPOSITE:
            told["gpp: against the season"] = (
                f"correlation {r:.2f} with shortwave: are its times and the drivers' right?"
            )
    return told | of_leaves(drivers, observations, means)


def _over_a_year(seen: Observations | None, drivers: xr.Dataset) -> NDArray[np.float64] | None:
    """Return the mean of a series in every step, NaN in others; None for less than a year of it."""
    if seen is None or not len(seen):
        return None
    lengths = drivers["step_length"].values
    step = np.searchsorted(step_bounds(drivers)[:, 0], seen.time, "right") - 1
    inside = (step >= 0) & (seen.time <= drivers["time"].values[-1])
    count = np.bincount(step[inside], minlength=lengths.size)
    held = np.flatnonzero(count)
    if not held.size or lengths[held[0] : held[-1] + 1].sum() < _YEAR:
        return None
    with np.errstate(invalid="ignore"):
        return np.asarray(np.bincount(step[inside], seen.value[inside], lengths.size) / count)


def correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the correlation of two series, 0 where one is constant."""
    if one.std() == 0.0 or other.std() == 0.0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])
