"""Vapour pressure deficit from relative or specific humidity."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

_RATIO = 0.622
"""Molar mass of water over that of dry air; Allen et al. (1998, FAO 56)."""


def saturation_pressure(temperature: ArrayLike) -> NDArray[np.float64]:
    """Return the saturation vapour pressure over water [hPa], of the temperature's shape.

    Parameters
    ----------
    temperature : array_like
        Air temperature [degC].

    Notes
    -----
    Tetens (1930), with the coefficients of Allen et al. (1998, FAO 56, equation 11).
    """
    degrees = np.asarray(temperature, dtype=np.float64)
    return np.asarray(6.108 * np.exp(17.27 * degrees / (degrees + 237.3)))


def vpd_from_relative(humidity: ArrayLike, temperature: ArrayLike) -> NDArray[np.float64]:
    """Return the vapour pressure deficit [hPa] of relative humidity (0 to 1) at [degC]."""
    return saturation_pressure(temperature) * (1 - np.asarray(humidity, dtype=np.float64))


def vpd_from_specific(
    humidity: ArrayLike, pressure: ArrayLike, temperature: ArrayLike
) -> NDArray[np.float64]:
    """Return the vapour pressure deficit of specific humidity.

    Parameters
    ----------
    humidity : array_like
        Mass of water vapour over that of moist air [kg kg-1].
    pressure : array_like
        Of the air [hPa].
    temperature : array_like
        Of the air [degC].

    Returns
    -------
    numpy.ndarray
        [hPa]; below 0 where the air is more than saturated.
    """
    wet = np.asarray(humidity, dtype=np.float64)
    vapour = wet * np.asarray(pressure, dtype=np.float64) / (_RATIO + (1 - _RATIO) * wet)
    return saturation_pressure(temperature) - vapour
