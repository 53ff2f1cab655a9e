"""Monthly climates along a ladder of winter cold, and made-up months about them.

Hyytiälä: as in `bayes_tbm.synthetic.climate`. Thompson (Manitoba), Poker Flat (Alaska), Cherskiy
(Siberia): means of the drivers of CARDAMOM-FLUXVAL v1.0 (flux sites CA-Man, US-Prr, RU-Che,
2001-2016), whose daily range, of six-hourly values, is widened by 6 K. Sodankylä and the old black
spruce of Saskatchewan are mixed from neighbours on the ladder so that their coldest month is right.
"""

import dataclasses
import itertools

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.sites.drivers import make_drivers
from bayes_tbm.sites.time_axis import time_from_days
from bayes_tbm.synthetic.climate import NORMALS
from bayes_tbm.synthetic.weather import DIGITS, START
from bayes_tbm.units import DAYS_PER_MONTH

Months = NDArray[np.float64]
_WIDENED = 3.0  # K at either end of the daily range
_VPD_PER_RANGE = 1.4  # of half the difference of saturation pressures, as at Hyytiälä and Thompson


@dataclasses.dataclass(frozen=True)
class Climate:
    """Normals of January to December.

    Attributes
    ----------
    latitude
        Degrees north.
    t_min, t_max, shortwave, precipitation
        degC, degC, MJ m-2 d-1, mm d-1; shape (12,).
    """

    latitude: float
    t_min: Months
    t_max: Months
    shortwave: Months
    precipitation: Months

    @property
    def coldest_month(self) -> float:
        """Mean temperature of the coldest month [degC]."""
        return float((0.5 * (self.t_min + self.t_max)).min())

    @property
    def vpd(self) -> Months:
        """Vapour pressure deficit [hPa], from the daily range of temperature."""
        return _VPD_PER_RANGE * 0.5 * (_saturation(self.t_max) - _saturation(self.t_min))


def _saturation(temperature: Months) -> Months:
    """Saturation vapour pressure [hPa] (FAO 56, eq. 11)."""
    return 6.108 * np.exp(17.27 * temperature / (temperature + 237.3))


def _of_month(*values: float) -> Months:
    return np.array(values)


def _fluxval(latitude: float, t_min: Months, t_max: Months, light: Months, rain: Months) -> Climate:
    low, high = t_min - _WIDENED, t_max + _WIDENED
    return Climate(latitude, low, high, light, rain / DAYS_PER_MONTH)


def _between(latitude: float, warm: Climate, cold: Climate, coldest: float) -> Climate:
    """Mix two climates to a coldest month."""
    share = (warm.coldest_month - coldest) / (warm.coldest_month - cold.coldest_month)
    names = ("t_min", "t_max", "shortwave", "precipitation")
    mixed = (getattr(warm, n) * (1.0 - share) + getattr(cold, n) * share for n in names)
    return Climate(latitude, *mixed)


_HYYTIALA = Climate(
    61.85, *(np.array(NORMALS[n]) for n in ("t_min", "t_max", "shortwave", "precipitation"))
)
_THOMPSON = _fluxval(
    55.75,
    _of_month(-22.2, -22.7, -16.5, -6.7, 2.1, 10.1, 13.8, 11.6, 6.4, -0.3, -10.1, -19.4),
    _of_month(-19.6, -17.2, -8.0, 3.1, 10.4, 18.0, 21.2, 19.1, 12.6, 3.1, -7.5, -17.3),
    _of_month(2.4, 6.0, 11.3, 17.9, 21.6, 22.2, 20.1, 15.9, 10.6, 5.5, 2.6, 1.6),
    _of_month(23, 15, 26, 27, 46, 67, 109, 87, 61, 53, 29, 21),
)
_CHERSKIY = _fluxval(
    68.75,
    _of_month(-33.8, -34.3, -24.8, -17.1, -2.3, 7.9, 10.4, 7.4, 1.0, -9.5, -20.9, -30.1),
    _of_month(-33.4, -32.9, -19.5, -9.1, 3.7, 13.8, 16.5, 13.3, 5.6, -7.3, -20.2, -29.5),
    _of_month(0.1, 1.5, 6.6, 15.1, 21.4, 22.0, 18.4, 12.3, 6.1, 1.9, 0.2, 0.0),
    _of_month(10, 8, 9, 8, 14, 29, 42, 39, 38, 26, 19, 16),
)
_POKER_FLAT_LIGHT = 0.5 * (_HYYTIALA.shortwave + _CHERSKIY.shortwave)  # only its mean is known
_POKER_FLAT = _fluxval(
    65.25,
    _of_month(-23.4, -21.1, -17.5, -5.9, 4.2, 10.5, 11.8, 9.0, 3.1, -5.8, -17.7, -21.8),
    _of_month(-21.6, -15.5, -8.8, 3.2, 13.2, 18.9, 19.3, 17.1, 10.6, -0.6, -15.2, -21.0),
    _POKER_FLAT_LIGHT * 9.1 / _POKER_FLAT_LIGHT.mean(),
    _of_month(20, 16, 13, 19, 37, 75, 90, 66, 51, 27, 24, 22),
)
CLIMATES: dict[str, Climate] = {
    "FI-Hyy": _HYYTIALA,
    "FI-Sod": _between(67.36, _HYYTIALA, _CHERSKIY, -12.0),
    "CA-Obs": _between(53.99, _HYYTIALA, _THOMPSON, -15.1),
    "CA-Man": _THOMPSON,
    "US-Prr": _POKER_FLAT,
    "RU-Che": _CHERSKIY,
}
"""By the site that each is like, from mild to cold winters."""


def climate_at(coldest_month: float) -> Climate:
    """Return the climate of a place on the ladder, mixed from the two that it lies between.

    Parameters
    ----------
    coldest_month : float
        Mean temperature of the coldest month [degC], between those of the ends of the ladder.

    Raises
    ------
    InputError
        It lies beyond them.
    """
    rungs = list(CLIMATES.values())
    for warm, cold in itertools.pairwise(rungs):
        if cold.coldest_month <= coldest_month <= warm.coldest_month:
            share = (warm.coldest_month - coldest_month) / (warm.coldest_month - cold.coldest_month)
            latitude = warm.latitude * (1.0 - share) + cold.latitude * share
            return _between(latitude, warm, cold, coldest_month)
    raise InputError(
        where="ladder", variable="coldest_month", found=coldest_month,
        rule=f"must lie in {rungs[-1].coldest_month:.1f} to {rungs[0].coldest_month:.1f} degC",
    )  # fmt: skip


def monthly_weather(rng: np.random.Generator, climate: Climate, years: int) -> xr.Dataset:
    """Return the driver dataset of made-up months about a climate, from `START` on.

    Temperatures scatter by 1.2 degC in summer and 3 degC in winter, radiation by 8 %, deficit by
    12 %, precipitation by 35 %; factors have mean one.
    """
    months = 12 * years
    again = np.tile(np.arange(12), years)
    anomaly = rng.standard_normal(months) * (2.1 + 0.9 * np.cos(2.0 * np.pi * again / 12.0))
    days = (np.arange(months) + 0.5) * DAYS_PER_MONTH

    def scattered(normal: Months, log_sd: float) -> NDArray[np.float64]:
        noise = log_sd * rng.standard_normal(months)
        return np.asarray(normal[again] * np.exp(noise - 0.5 * log_sd**2))

    columns = {
        "t_min": climate.t_min[again] + anomaly,
        "t_max": climate.t_max[again] + anomaly,
        "shortwave": scattered(climate.shortwave, 0.08),
        "co2": 385.0 + 2.0 * days / 365.25,
        "vpd": scattered(climate.vpd, 0.12),
        "precipitation": scattered(climate.precipitation, 0.35),
    }
    rounded = {name: np.round(series, DIGITS) for name, series in columns.items()}
    time = time_from_days(days, epoch=START)
    return make_drivers(time, {**rounded, "step_length": np.array(DAYS_PER_MONTH)})
