"""Made-up weather: a seeded daily generator about the climate of Hyytiälä.

Every random factor has mean one and every random term mean zero, so that long means are the
normals. Spreads and memories are chosen here, to look like the site.
"""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.sites.drivers import make_drivers
from bayes_tbm.sites.time_axis import time_from_days
from bayes_tbm.synthetic.climate import Series, clear_sky, normal
from bayes_tbm.synthetic.noise import autoregressive, spells
from bayes_tbm.units import DAYS_PER_YEAR

START = np.datetime64("2006-01-01", "ns")
DIGITS = 4
"""Decimals kept, as files would; rounding also hides that machines differ in the last bits."""
WET_SHARE, WET_CORRELATION = 0.45, 0.3
"""Share of days with rain or snow, and the correlation of neighbouring days."""
WET_FACTOR = {"range": 0.75, "shortwave": 0.65, "vpd": 0.6}
"""What a wet day has of the normal; dry days make up for it. Range: t_max - t_min."""
ANOMALY = ((0.85, 3.0), (0.53, 30.0))
"""Parts of the temperature anomaly: share of its sd, memory [d]; weather, and months."""
VPD_PER_DEGREE = 0.06
"""Relative slope of saturation vapour pressure near 15 degC [degC-1] (Clausius-Clapeyron)."""
RANGE_LOG_SD, RAIN_SHAPE, SKY_CONCENTRATION = 0.3, 0.75, 8.0
"""Of the log-normal factor on the range, the gamma amounts of rain, the beta clearness."""


def weather_drivers(rng: np.random.Generator, years: int, step_length: float) -> xr.Dataset:
    """Return the driver dataset of made-up weather from `START` on.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    years : int
        Length of the record [yr].
    step_length : float
        Length of a step [d]; a step is the mean of the days whose middle it holds.
    """
    days = int(years * DAYS_PER_YEAR)
    step = ((np.arange(days) + 0.5) / step_length).astype(int)
    count = np.bincount(step)
    time = time_from_days((np.arange(count.size) + 0.5) * step_length, epoch=START)
    columns = {
        name: np.round(np.bincount(step, series) / count, DIGITS)
        for name, series in daily_weather(rng, days).items()
    }
    return make_drivers(time, {**columns, "step_length": np.array(step_length)})


def daily_weather(rng: np.random.Generator, days: int) -> dict[str, Series]:
    """Return made-up weather from a 1 January on, each series of shape (days,).

    Temperatures [degC], shortwave [MJ m-2 d-1], CO2 [ppm], VPD [hPa], precipitation [mm d-1].
    """
    day = np.arange(days, dtype=np.float64) + 0.5
    season = 2.0 * np.pi * day / DAYS_PER_YEAR
    wet = spells(rng, days, WET_SHARE, WET_CORRELATION)
    amount = rng.gamma(RAIN_SHAPE, 1.0 / RAIN_SHAPE, days) / WET_SHARE
    spread = 4.5 + 1.5 * np.cos(season - 0.26)  # widest in mid January
    parts = [size * autoregressive(rng, days, np.exp(-1.0 / memory)) for size, memory in ANOMALY]
    anomaly = spread * np.sum(parts, axis=0)
    variance = spread**2 * sum(size**2 for size, _ in ANOMALY)
    t_min, t_max = normal("t_min", day), normal("t_max", day)
    middle = 0.5 * (t_min + t_max) + anomaly
    half_range = 0.5 * (t_max - t_min) * _wetness("range", wet) * _factor(rng, days, RANGE_LOG_SD)
    warmth = np.exp(VPD_PER_DEGREE * anomaly - 0.5 * VPD_PER_DEGREE**2 * variance)
    return {
        "t_min": middle - half_range,
        "t_max": middle + half_range,
        "shortwave": _shortwave(rng, day, wet),
        "co2": 385.0 + 2.0 * day / DAYS_PER_YEAR + 7.0 * np.cos(season - 1.3),
        "vpd": normal("vpd", day) * _wetness("vpd", wet) * warmth,
        "precipitation": normal("precipitation", day) * wet * amount,
    }


def _wetness(name: str, wet: NDArray[np.bool_]) -> Series:
    """Return the factor of wet and dry days, of mean one."""
    factor = WET_FACTOR[name]
    return np.where(wet, factor, (1.0 - WET_SHARE * factor) / (1.0 - WET_SHARE))


def _factor(rng: np.random.Generator, days: int, log_sd: float) -> Series:
    """Return log-normal factors of mean one."""
    return np.exp(log_sd * rng.standard_normal(days) - 0.5 * log_sd**2)


def _shortwave(rng: np.random.Generator, day: Series, wet: NDArray[np.bool_]) -> Series:
    """Return radiation between none and that of a clear sky, with the normal for its mean."""
    clear = clear_sky(day)
    share = np.divide(normal("shortwave", day), clear, out=np.zeros_like(day), where=clear > 0)
    share = np.clip(share * _wetness("shortwave", wet), 0.02, 0.98)
    return clear * rng.beta(SKY_CONCENTRATION * share, SKY_CONCENTRATION * (1.0 - share))
