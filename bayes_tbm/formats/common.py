"""Parts that readers share: checks of length, NEE and NBE without fire."""

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayes_tbm.errors import InputError, PlaceWarning
from bayes_tbm.sites.observations import Observations, join_notes

Place = tuple[float | None, float | None]
APART = 0.1
"""Degrees of latitude, or along a parallel as far, within which two files are of one place."""
_COPY = "same series as"
_FAR = 5.0
"""Degrees that a stated latitude may be off the file's, which may be that of a large cell."""


def doubt_latitude(held: float, stated: float, where: str) -> None:
    """Warn of a latitude that is stated in place of quite another: swapped, for example.

    Zero is what files hold that know of none.

    Warns
    -----
    PlaceWarning
        They are more than 5 degrees apart.
    """
    if held and abs(held - stated) > _FAR:
        told = f"latitude {stated:g} as stated, the file has {held:g}: which one is right?"
        warnings.warn(f"{where}: {told}", PlaceWarning, stacklevel=6)


def apart(here: Place, there: Place) -> float:
    """Return how far two places are from each other, in degrees of latitude; 0 if one is unknown.

    Parameters
    ----------
    here, there : tuple of float or None
        Latitude and longitude.
    """
    if here[0] is None or there[0] is None:
        return 0.0
    north, east = abs(here[0] - there[0]), 0.0
    if here[1] is not None and there[1] is not None:
        east = abs((here[1] - there[1] + 180.0) % 360.0 - 180.0)
    return float(max(north, east * np.cos(np.deg2rad(here[0]))))


def check_length(
    value: NDArray[np.float64],
    sd: NDArray[np.float64],
    time: NDArray[np.datetime64],
    where: str,
    variable: str,
) -> None:
    """Refuse a series, or its standard deviations, of another length than time.

    Raises
    ------
    InputError
        Naming the file and the variable.
    """
    for name, array in ((variable, value), (f"{variable}unc", sd)):
        if array.shape != time.shape:
            rule = f"must have shape {time.shape}, as time has"
            raise InputError(where=where, variable=name, rule=rule, found=array.shape)


def collect(series: Iterable[Observations], burned: ArrayLike) -> dict[str, Observations]:
    """Return the series that hold values, by name; NEE and NBE stand for each other without fire.

    Parameters
    ----------
    series : iterable of Observations
        Observed series.
    burned : array_like
        Burned fraction of each step, shape (n,).
    """
    observed = {seen.name: seen for seen in series if len(seen)}
    if not np.any(burned):
        for name, other in (("nee", "nbe"), ("nbe", "nee")):
            if name in observed and other not in observed:
                same = f"{_COPY} {name}: nothing burned, so NBE = NEE"
                note = join_notes([observed[name].note, same])
                observed[other] = replace(observed[name], name=other, note=note)
                break
    return observed


def without_copies(observations: Mapping[str, Observations]) -> dict[str, Observations]:
    """Return observed series but NEE or NBE where `collect` made it of the other."""
    return {name: seen for name, seen in observations.items() if _COPY not in seen.note}
