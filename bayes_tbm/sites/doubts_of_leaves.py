"""What leaf area tells of its scale: whole numbers, or too little of it for the GPP."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.sites.observations import Observations
from bayes_tbm.sites.ranges import OBSERVED_RANGES

TOO_LITTLE = "gpp: more than the leaves can take up"
_MOST = 3.5
"""GPP over the light that leaves absorb, on average [g C MJ-1]: 0.4 to 2.3 at 61 records of towers,
4.4 where each photon counts."""
_VISIBLE, _EXTINCTION = 0.48, 0.5
_MANY, _DISTINCT = 10, 4
"""Values that are no accident if all are whole, and how many of them must differ."""
_STEPS = 11


def of_leaves(
    drivers: xr.Dataset,
    observations: Mapping[str, Observations],
    means: Mapping[str, NDArray[np.float64]],
) -> dict[str, str]:
    """Doubt leaf area that is stored integers, or too little for the GPP of the same steps.

    Parameters
    ----------
    drivers : xarray.Dataset
        As `Site.drivers`, checked.
    observations : mapping of str to Observations
        As `Site.observations`, checked.
    means : mapping of str to numpy.ndarray
        GPP and leaf area by step, shape (n,), NaN where there is none; of a year or more.

    Returns
    -------
    dict of str to str
        As of `bayes_tbm.sites.doubts.doubts`.
    """
    lai = observations.get("lai")
    if lai is None:
        return {}
    told = _whole(lai.value)
    if {"gpp", "lai"} <= means.keys():
        told |= _too_little(drivers["shortwave"].values, means["gpp"], means["lai"])
    return told


def _whole(values: NDArray[np.float64]) -> dict[str, str]:
    usual = OBSERVED_RANGES["lai"].usual[1]
    if values.size < _MANY or np.unique(values).size < _DISTINCT or (values % 1.0).any():
        return {}
    if values.max() > usual:  # told as unusual
        return {}
    return {
        "lai: whole numbers": f"{values.size}, up to {values.max():g} m2 m-2: are they stored "
        "integers of MODIS, to be multiplied by 0.1?"
    }


def _too_little(
    light: NDArray[np.float64], gpp: NDArray[np.float64], lai: NDArray[np.float64]
) -> dict[str, str]:
    both = np.isfinite(gpp) & np.isfinite(lai)
    absorbed = (_VISIBLE * light * (1.0 - np.exp(-_EXTINCTION * lai)))[both].sum()
    if both.sum() < _STEPS or not gpp[both].sum() > _MOST * absorbed > 0.0:
        return {}
    return {
        TOO_LITTLE: f"{gpp[both].sum() / absorbed:.2g} g C MJ-1 of the light that they absorb, "
        f"usual are up to {_MOST:g}: are the units of gpp, lai and shortwave right, and is lai "
        "multiplied by 0.1 once, not twice?"
    }
