"""The climate of Hyytiälä: monthly normals as a smooth annual cycle, and clear-sky radiation.

Normals: tower data of FI-Hyy, 2006 to 2014, as published with DifferLand (Fang & Gentine, 2024,
doi 10.1029/2024MS004308). Clear sky: FAO Irrigation and Drainage Paper 56 (Allen et al., 1998).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import PchipInterpolator

from bayes_tbm.units import DAYS_PER_MONTH, DAYS_PER_YEAR

Series = NDArray[np.float64]
LATITUDE, LONGITUDE = 61.847, 24.295
"""SMEAR II station, degrees north and east."""
NORMALS: dict[str, tuple[float, ...]] = {
    "t_min": (-9.8, -10.2, -6.1, -0.3, 5.6, 9.6, 12.9, 11.6, 7.1, 2.1, -1.8, -5.8),
    "t_max": (-5.0, -5.2, 0.4, 7.4, 14.4, 18.0, 21.1, 18.9, 13.3, 6.7, 1.7, -1.9),
    "shortwave": (0.75, 2.42, 7.07, 12.0, 16.8, 18.4, 17.7, 13.1, 7.3, 3.0, 0.81, 0.34),
    "vpd": (0.30, 0.34, 1.30, 2.89, 5.54, 6.40, 7.01, 5.04, 2.28, 1.04, 0.51, 0.42),
    "precipitation": tuple(
        month / DAYS_PER_MONTH for month in (38, 28, 30, 35, 47, 89, 83, 89, 69, 76, 48, 54)
    ),
}
"""Means of January to December: degC, degC, MJ m-2 d-1, hPa, mm d-1."""
CLEAR_SKY = 0.755
"""Clear-sky radiation over that above the atmosphere at 180 m (FAO 56, eq. 37)."""


def normal(name: str, day: ArrayLike) -> Series:
    """Return the annual cycle whose mean over each twelfth of the year is that month's normal.

    Parameters
    ----------
    name : str
        Key of `NORMALS`.
    day : array_like
        Days since the start of any year.

    Returns
    -------
    numpy.ndarray
        In the unit of the normal; continuous, and nowhere negative where no normal is.
    """
    # The slope of a monotone curve through cumulated sums keeps every month's mean and stays
    # positive; temperatures are lifted meanwhile to be positive too.
    lift = 100.0 if name.startswith("t_") else 0.0
    edges = DAYS_PER_MONTH * np.arange(-12, 25)
    total = np.cumsum([0.0, *np.tile(NORMALS[name], 3) + lift]) * DAYS_PER_MONTH
    cycle = PchipInterpolator(edges, total).derivative()
    return np.asarray(cycle(np.mod(day, DAYS_PER_YEAR)) - lift)


def clear_sky(day: ArrayLike, latitude: float = LATITUDE) -> Series:
    """Return shortwave radiation without clouds (FAO 56, eq. 21 to 25 and 37).

    Parameters
    ----------
    day : array_like
        Days since the start of any year.
    latitude : float
        Degrees north.

    Returns
    -------
    numpy.ndarray
        MJ m-2 d-1; zero in the polar night.
    """
    year = 2.0 * np.pi * np.asarray(day) / DAYS_PER_YEAR
    distance, declination = 1.0 + 0.033 * np.cos(year), 0.409 * np.sin(year - 1.39)
    north = np.deg2rad(latitude)
    sunset = np.arccos(np.clip(-np.tan(north) * np.tan(declination), -1.0, 1.0))
    height = sunset * np.sin(north) * np.sin(declination)
    height += np.cos(north) * np.cos(declination) * np.sin(sunset)
    return np.asarray(CLEAR_SKY * 118.08 / np.pi * distance * np.maximum(height, 0.0))
