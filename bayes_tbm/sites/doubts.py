"""What whole series tell of a wrong unit, a wrong sign, or values too few for their steps."""

from collections.abc import Mapping
from functools import reduce
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.sites.observations import FLUXES, Observations
from bayes_tbm.units import UNITS

_SMALL = {"shortwave": 5.0, "vpd": 3.0, "gpp": 0.1, "reco": 0.1, "nee": 0.05, "nbe": 0.05,
          "et": 0.1}  # fmt: skip
"""Below which the largest size of no series over a year lies, in the canonical unit."""
_DRY = 0.05
"""Mean precipitation below which next to nothing grows [mm d-1]."""
_YEAR = 360.0
_OPPOSITE = -0.5
_ENOUGH = 10
_LONG = 5.0
"""Steps [d] from which fluxes of days are means over less than the step."""
_SHARE = 0.25


def doubts(drivers: xr.Dataset, observations: Mapping[str, Observations]) -> dict[str, str]:
    """Return what is to be doubted of whole series, by a head that stays the same for parts.

    Parameters
    ----------
    drivers : xarray.Dataset
        As `Site.drivers`, checked.
    observations : mapping of str to Observations
        As `Site.observations`, checked.

    Returns
    -------
    dict of str to str
        The rest of each message by its head, as in ``'vpd: very small'``.
    """
    told: dict[str, str] = {}
    lengths = drivers["step_length"].values
    if lengths.sum() >= _YEAR:
        mean = float(np.average(drivers["precipitation"].values, weights=lengths))
        if 0.0 < mean < _DRY:
            told["precipitation: very small"] = f"{mean:.2g} mm d-1 on average: is the unit right?"
        for name in ("shortwave", "vpd"):
            told |= _small(name, drivers[name].values)
    for name in FLUXES:
        seen = observations.get(name)
        if seen is not None and len(seen) > 1:
            if np.ptp(seen.time) >= _YEAR * np.timedelta64(1, "D"):
                told |= _small(name, seen.value)
            told |= _few_in_steps(seen, drivers)
    return told | _opposite(observations)


def _small(name: str, values: NDArray[np.float64]) -> dict[str, str]:
    largest = float(np.abs(values).max())
    if largest == 0.0 or largest >= _SMALL[name]:  # no factor makes nothing
        return {}
    return {f"{name}: very small": f"{largest:.2g} {UNITS[name]} at most: is the unit right?"}


def _few_in_steps(seen: Observations, drivers: xr.Dataset) -> dict[str, str]:
    """Doubt fluxes of single days that are taken for means of much longer steps."""
    lengths: NDArray[np.float64] = drivers["step_length"].values
    usual = float(np.median(lengths))
    days = np.unique(seen.time.astype("datetime64[D]"))
    if usual < _LONG or not (np.diff(days) == np.timedelta64(1, "D")).any():
        return {}
    half = np.round(lengths / 2 * 86_400e3).astype("timedelta64[ms]")
    step = np.searchsorted(drivers["time"].values - half, days + np.timedelta64(12, "h"), "right")
    days_seen = float(np.median(np.unique(step, return_counts=True)[1]))
    if days_seen >= _SHARE * usual:
        return {}
    return {
        f"{seen.name}: few days in a step": f"{days_seen:g} of {usual:.3g} where there is any; "
        "they are compared with the mean over the step: give drivers of days, or means over steps"
    }


def _opposite(observations: Mapping[str, Observations]) -> dict[str, str]:
    """Doubt the sign of NEE where it goes against RECO - GPP."""
    held = [observations[name] for name in ("nee", "gpp", "reco") if name in observations]
    if len(held) < 3:
        return {}
    common: NDArray[Any] = reduce(np.intersect1d, [seen.time for seen in held])
    if common.size < _ENOUGH:
        return {}
    nee, gpp, reco = (_at(seen, common) for seen in held)
    net = reco - gpp
    if nee.std() == 0 or net.std() == 0:
        return {}
    r = float(np.corrcoef(nee, net)[0, 1])
    if r >= _OPPOSITE:
        return {}
    return {"nee: against RECO - GPP": f"correlation {r:.2f}: is it positive into the land here?"}


def _at(seen: Observations, times: NDArray[Any]) -> NDArray[np.float64]:
    """Return the first value at each of some of its times."""
    known, place = np.unique(seen.time, return_index=True)
    return np.asarray(seen.value[place[np.searchsorted(known, times)]])
