"""What values can be, and what they usually are, for every driver and every observed series."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ROUNDING = 1e-6
"""What rounding may do, as a share of the usual range: float32 keeps seven digits."""
_MARK = "mark missing values as NaN, or state the unit the values are in"


@dataclass(frozen=True)
class Range:
    """Closed bounds in the canonical unit, and what to do beyond them.

    Attributes
    ----------
    low, high : float
        Nothing beyond can be true.
    usual : tuple of float
        Values beyond are used, with a warning.
    too_low, too_high : str
        Remedies, each of which is accepted when followed.
    asked : str
        What to ask where values are not usual.
    """

    low: float
    high: float
    usual: tuple[float, float]
    too_low: str = _MARK
    too_high: str = _MARK
    asked: str = ""

    @property
    def slack(self) -> float:
        """Distance beyond a bound that is rounding."""
        return ROUNDING * (self.usual[1] - self.usual[0])


_KELVIN = "correct it; is it in kelvin while its unit says degC?"
_NEGATIVE = "set what is negative to 0, or fill it if it marks a gap"
_FLUX = Range(-20.0, 100.0, (-5.0, 40.0))  # noise and partitioning make small negative ones
_STOCK = Range(0.0, 5e5, (0.0, 8e4))

DRIVER_RANGES: dict[str, Range] = {
    "t_min": Range(-90.0, 65.0, (-70.0, 45.0), "correct or fill it", _KELVIN),
    "t_max": Range(-90.0, 65.0, (-70.0, 55.0), "correct or fill it", _KELVIN),
    "shortwave": Range(
        0.0, 60.0, (0.0, 45.0), _NEGATIVE,
        "correct it; is it in W m-2 or per step while its unit says MJ m-2 d-1?",
    ),
    "co2": Range(
        100.0, 2000.0, (170.0, 1200.0), "state its unit, such as mol mol-1, or convert it to ppm",
        "state its unit, such as ppb, or convert it to ppm",
    ),
    "day_of_year": Range(
        0.0, 367.0, (0.0, 367.0), "count days from 1 January of each year",
        "count days from 1 January of each year",
    ),
    "burned_fraction": Range(
        0.0, 1.0, (0.0, 1.0), _NEGATIVE,
        "give the fraction of the area burned in the step, or state % as its unit",
    ),
    "vpd": Range(
        0.0, 150.0, (0.0, 80.0), _NEGATIVE, "correct it; is it in Pa while its unit says hPa?"
    ),
    "precipitation": Range(
        0.0, 2000.0, (0.0, 500.0), _NEGATIVE,
        "correct it; is it per month or year while its unit says mm d-1?",
    ),
    "step_length": Range(
        1e-3, 400.0, (1e-2, 367.0), "give it in days or state its unit",
        "give it in days or state its unit",
    ),
}  # fmt: skip
"""Of every driver."""
OBSERVED_RANGES: dict[str, Range] = {
    "gpp": _FLUX,
    "reco": _FLUX,
    "nee": Range(-100.0, 200.0, (-40.0, 40.0)),
    "nbe": Range(-100.0, 1e4, (-40.0, 100.0)),  # a fire can give a year's growth in a day
    "et": Range(-20.0, 60.0, (-3.0, 15.0)),
    "lai": Range(  # no canopy has more, and MODIS' marks of missing times 0.1 are 24.9 to 25.5
        0.0,
        24.0,
        (0.0, 12.0),
        _MARK,
        "state the unit the values are in, 0.1 m2 m-2 for what MODIS "
        "stores, and mark missing ones (there 249 to 255, or 24.9 to 25.5) as NaN",
        "are they stored integers of MODIS, to be multiplied by 0.1?",
    ),
    "live_biomass": _STOCK,
    "wood": _STOCK,
    "som": Range(0.0, 5e5, (0.0, 1.5e5)),
}
"""Of every observed series."""


def without_rounding(
    values: NDArray[np.float64], low: float, high: float, slack: float
) -> tuple[NDArray[np.float64], str]:
    """Set values beyond a bound by no more than rounding to it.

    Parameters
    ----------
    values : numpy.ndarray
        Shape (n,).
    low, high, slack : float
        Bounds, and what rounding may do.

    Returns
    -------
    values : numpy.ndarray
        The same array if nothing was changed.
    note : str
        How many were changed and by how much at most.
    """
    off = np.where(values < low, low - values, np.where(values > high, values - high, 0.0))
    rounded = (off > 0.0) & (off <= slack)
    if not rounded.any():
        return values, ""
    count = f"{rounded.sum()} of {values.size} values"
    by = f"beyond {low:g} to {high:g} by rounding ({off[rounded].max():.1g} at most)"
    return np.where(rounded, np.clip(values, low, high), values), f"{count} {by}, set to the bound"


def unusual(values: NDArray[np.float64], usual: tuple[float, float]) -> NDArray[np.bool_]:
    """Return where values are beyond the usual range."""
    return (values < usual[0]) | (values > usual[1])
