"""What whole series of NEE and NBE tell of their sign, positive to the air here."""

from collections.abc import Mapping
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_tbm.sites.observations import Observations

UPSIDE_DOWN = "is higher in summer than in winter"
_OPPOSITE = -0.5
_ENOUGH = 10
_SEASONAL = 45.0
"""Degrees from the equator beyond which land takes up carbon in summer."""
_DAYS, _MONTHS, _OF_MONTHS = 20, 6, 25.0
"""Values of a season that tell it, of days and of months, and how far apart those are [d]."""
_SUMMER, _WINTER = (5, 6, 7), (11, 0, 1)
"""Months of the north, from 0."""


def wrong_signs(latitude: float, observations: Mapping[str, Observations]) -> dict[str, str]:
    """Doubt NEE that goes against RECO - GPP, and without these NEE and NBE against the season.

    Parameters
    ----------
    latitude : float
        Degrees north.
    observations : mapping of str to Observations
        As `Site.observations`, checked.

    Returns
    -------
    dict of str to str
        As of `bayes_tbm.sites.doubts.doubts`.
    """
    told = {}
    r, known = _with_gpp(observations)
    if r < _OPPOSITE:
        told[f"nee: against {known}"] = f"correlation {r:.2f}: is it positive into the land here?"
    for name in ("nee", "nbe"):
        judged = name == "nee" and known
        if name in observations and not judged and upside_down(latitude, observations[name]):
            told[f"{name.upper()} {UPSIDE_DOWN}"] = "is it positive into the land here?"
    return told


def _with_gpp(observations: Mapping[str, Observations]) -> tuple[float, str]:
    """Return the correlation of NEE with RECO - GPP, or -GPP alone, and with which; 0 if none."""
    held = [observations[name] for name in ("nee", "gpp", "reco") if name in observations]
    if not {"nee", "gpp"} <= observations.keys():
        return 0.0, ""
    common: NDArray[Any] = reduce(np.intersect1d, [seen.time for seen in held])
    if common.size < _ENOUGH:
        return 0.0, ""
    nee, gpp, *reco = (_at(seen, common) for seen in held)
    net = sum(reco, start=-gpp)
    if nee.std() == 0 or net.std() == 0:
        return 0.0, ""
    return float(np.corrcoef(nee, net)[0, 1]), "RECO - GPP" if reco else "-GPP"


def _at(seen: Observations, times: NDArray[Any]) -> NDArray[np.float64]:
    """Return the first value at each of some of its times."""
    known, place = np.unique(seen.time, return_index=True)
    return np.asarray(seen.value[place[np.searchsorted(known, times)]])


def upside_down(latitude: float, seen: Observations) -> bool:
    """Whether land of the seasons takes up less in summer than in winter: the sign may be wrong.

    Parameters
    ----------
    latitude : float
        Degrees north.
    seen : Observations
        NEE or NBE.
    """
    if abs(latitude) < _SEASONAL:
        return False
    month = seen.time.astype("datetime64[M]").astype(np.int64) % 12
    north = np.isin(month, _SUMMER), np.isin(month, _WINTER)
    summer, winter = north if latitude > 0 else north[::-1]
    if not (summer.any() and winter.any()):
        return False
    apart = float(np.median(np.diff(np.sort(seen.time)) / np.timedelta64(1, "D")))
    if min(summer.sum(), winter.sum()) < (_DAYS if apart < _OF_MONTHS else _MONTHS):
        return False
    return bool(seen.value[summer].mean() > seen.value[winter].mean())
