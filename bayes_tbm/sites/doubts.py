"""What whole series tell of a wrong unit, a wrong sign, or values too few for their steps."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.sites.doubts_against_weather import MORE_THAN_FALLS, against_weather, correlation
from bayes_tbm.sites.doubts_of_leaves import TOO_LITTLE
from bayes_tbm.sites.doubts_of_sign import wrong_signs
from bayes_tbm.sites.doubts_of_spread import spread
from bayes_tbm.sites.observations import FLUXES, Observations
from bayes_tbm.sites.time_axis import step_bounds
from bayes_tbm.units import UNITS

_SMALL = {"shortwave": 5.0, "vpd": 3.0, "gpp": 0.1, "reco": 0.1, "nee": 0.05, "nbe": 0.05,
          "et": 0.1, "lai": 0.3}  # fmt: skip
"""Below which the largest size of no series over a year lies, in the canonical unit."""
_LITTLE_RAIN = "precipitation: very small"
_DRY, _WET = 0.05, 20.0
"""Mean precipitation below which next to nothing grows, and which falls nowhere [mm d-1]."""
_APART = 0.5
"""Difference of a day's extremes that no place has at half of all steps [degC]."""
_BURNT = 0.2
"""Share of the area above which nobody measures what burns at every step, on average."""
_SOMETIMES, _OFTEN = 0.215, 0.5
"""Shares of steps up to which radiation and vapour may be impossible: instruments err."""
_SUN = 3.0
"""By how much a day's radiation may be above the atmosphere's [MJ m-2 d-1]."""
_BRIGHT, _DARKEST = 5.0, 0.1
"""Light above the air [MJ m-2 d-1] from which a month is no polar night, and the least share of it
that a month of clouds leaves."""
_TROPIC = 23.5
_STOCKS = {"wood": 50.0, "live_biomass": 20.0, "som": 50.0}
"""Below which no stock is worth a measurement [g C m-2]."""
_YEAR = 360.0
_OPPOSITE = -0.5
_LONG = 5.0
"""Steps [d] from which fluxes of days are means over less than the step."""
_SHARE = 0.25
_OVERLAP, _DAYS_OVER = 0.005, 3.5
"""Share of a record, and days, that its steps may count twice, as equal months do."""


def doubts(
    latitude: float, drivers: xr.Dataset, observations: Mapping[str, Observations]
) -> dict[str, str]:
    """Return what is to be doubted of whole series, by a head that stays the same for parts.

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
        The rest of each message by its head, as in ``'vpd: very small'``.
    """
    told = _of_a_year(latitude, drivers) | _small_stocks(observations)
    for name in (*FLUXES, "lai"):
        seen = observations.get(name)
        if seen is not None and len(seen) > 1:
            if np.ptp(seen.time) >= _YEAR * np.timedelta64(1, "D"):
                told |= _small(name, seen.value) | _negative(name, seen.value)
            told |= _few_in_steps(seen, drivers) if name in FLUXES else {}
    step = float(np.median(drivers["step_length"].values))
    for seen in observations.values():
        told |= spread(seen, step) | _differing(seen)
    against = against_weather(latitude, drivers, observations)
    if _LITTLE_RAIN in told:
        against.pop(MORE_THAN_FALLS, None)  # a doubt a fault
    if told.keys() & {"lai: very small", "shortwave: very small"}:
        against.pop(TOO_LITTLE, None)
    told |= against
    return told | wrong_signs(latitude, observations)


def _of_a_year(latitude: float, drivers: xr.Dataset) -> dict[str, str]:
    """Doubt what no weather of a year comes to."""
    lengths = drivers["step_length"].values
    if lengths.sum() < _YEAR:
        return {}
    told = impossible(latitude, drivers)
    rain = float(np.average(drivers["precipitation"].values, weights=lengths))
    asked = f"{rain:.2g} mm d-1 on average: is the unit right, and is it per day?"
    if 0.0 < rain < _DRY:
        told[_LITTLE_RAIN] = asked
    elif rain > _WET:
        told["precipitation: very large"] = asked
    burnt = float(drivers["burned_fraction"].values.mean())
    if burnt > _BURNT:
        told["burned_fraction: very large"] = f"{burnt:.2g} of the area at a step, on average"
    for name in ("shortwave", "vpd"):
        told |= _small(name, drivers[name].values)
    return told | _overlapping(drivers)


def _overlapping(drivers: xr.Dataset) -> dict[str, str]:
    """Doubt steps that count more days, or fewer, than lie between the first and the last."""
    time, lengths = drivers["time"].values, drivers["step_length"].values
    between = float((time[-1] - time[0]) / np.timedelta64(1, "D"))
    counted = float(lengths.sum() - 0.5 * (lengths[0] + lengths[-1]))
    if abs(counted - between) < max(_OVERLAP * between, _DAYS_OVER):
        return {}
    return {
        "time: steps overlap or leave gaps": f"they count {counted:.0f} d within {between:.0f}: "
        "give drivers of days or months"
    }


def _small_stocks(observations: Mapping[str, Observations]) -> dict[str, str]:
    most = {name: float(observations[name].value.max(initial=0.0)) for name in _STOCKS
            if name in observations}  # fmt: skip
    return {
        f"{name}: very small": f"{size:.2g} g C m-2 at most: is the unit right?"
        for name, size in most.items()
        if 0.0 < size < _STOCKS[name]
    }


def impossible(latitude: float, drivers: xr.Dataset) -> dict[str, str]:
    """Return what the physics of the air rules out at many steps, as `doubts` does.

    Parameters
    ----------
    latitude : float
        Degrees north.
    drivers : xarray.Dataset
        As `Site.drivers`, checked.
    """
    told = {}
    warmest = drivers["t_max"].values
    apart = float(np.median(warmest - drivers["t_min"].values))
    if apart < _APART:
        told["t_max: hardly above t_min"] = (
            f"by {apart:.2g} degC at the median step: they are extremes of a day, not its mean"
        )
    saturated = 6.108 * np.exp(17.27 * warmest / (warmest + 237.3))  # hPa, Tetens
    share = float(np.mean(drivers["vpd"].values > 1.05 * saturated + 0.5))
    if share > _OFTEN:
        told["vpd: above saturation"] = (
            f"at {share:.0%} of steps it is more than the air can hold: is the unit right?"
        )
    days, light = drivers["day_of_year"].values, drivers["shortwave"].values
    there = above_the_air(latitude, days)
    share = float(np.mean(light > there + _SUN))
    asked = f"at {latitude:.4g} degrees north: are latitude, times and unit right?"
    if share > _SOMETIMES:
        told["shortwave: more than the sun gives"] = f"at {share:.0%} of steps, {asked}"
    elif _against(light, there, latitude):
        told["shortwave: against the season"] = f"most in winter, {asked}"
    elif light.max() >= _SMALL["shortwave"] and (dark := _dark(light, there, days)):
        told["shortwave: less than clouds leave"] = f"{dark:.0%} of the sun's in one month, {asked}"
    return told


def _against(light: NDArray[np.float64], there: NDArray[np.float64], latitude: float) -> bool:
    """Whether light follows the season of the other hemisphere; monsoons come to a third of it."""
    return abs(latitude) >= _TROPIC and correlation(light, there) < _OPPOSITE


def _dark(
    light: NDArray[np.float64], there: NDArray[np.float64], days: NDArray[np.float64]
) -> float:
    """Share of the sun's light in the darkest month that has any; 0 where no cloud is in doubt."""
    month = (days * (12.0 / 366.0)).astype(int) % 12
    sun, seen = (np.bincount(month, x, 12) for x in (there, light))
    count = np.maximum(np.bincount(month, minlength=12), 1)
    bright = sun / count > _BRIGHT
    least = float((seen[bright] / sun[bright]).min(initial=1.0))
    return least if 0.0 < least < _DARKEST else 0.0


def above_the_air(latitude: float, day_of_year: NDArray[np.float64]) -> NDArray[np.float64]:
    """Radiation of a day outside the atmosphere, MJ m-2 d-1 (Allen et al. 1998, FAO 56)."""
    turn, place = 2.0 * np.pi * day_of_year / 365.25, np.deg2rad(latitude)
    tilt = 0.409 * np.sin(turn - 1.39)
    sunset = np.arccos(np.clip(-np.tan(np.clip(place, -1.57, 1.57)) * np.tan(tilt), -1.0, 1.0))
    height = sunset * np.sin(place) * np.sin(tilt) + np.cos(place) * np.cos(tilt) * np.sin(sunset)
    found: NDArray[np.float64] = 37.6 * (1.0 + 0.033 * np.cos(turn)) * height
    return found


def _negative(name: str, values: NDArray[np.float64]) -> dict[str, str]:
    """Doubt the sign of what goes one way."""
    mean = float(values.mean())
    if name not in ("gpp", "reco", "et") or mean >= 0.0:
        return {}
    return {f"{name}: negative": f"{mean:.2g} {UNITS[name]} on average: is the sign right?"}


def _small(name: str, values: NDArray[np.float64]) -> dict[str, str]:
    largest = float(np.abs(values).max())
    if largest == 0.0 or largest >= _SMALL[name]:  # no factor makes nothing
        return {}
    return {f"{name}: very small": f"{largest:.2g} {UNITS[name]} at most: is the unit right?"}


def _differing(seen: Observations) -> dict[str, str]:
    """Count the times at which a series holds several values that differ."""
    order = np.lexsort((seen.value, seen.time))
    time, value = seen.time[order], seen.value[order]
    times = np.unique(time[1:][(time[1:] == time[:-1]) & (value[1:] != value[:-1])])
    if not times.size:
        return {}
    return {
        f"{seen.name}: values differ at one time": f"{times.size} times, first on "
        f"{times[0].astype('datetime64[D]')}: their mean counts, as one measurement; leave out "
        "what is not meant"
    }


def _few_in_steps(seen: Observations, drivers: xr.Dataset) -> dict[str, str]:
    """Doubt fluxes of single days that are taken for means of much longer steps."""
    lengths: NDArray[np.float64] = drivers["step_length"].values
    usual = float(np.median(lengths))
    days = np.unique(seen.time.astype("datetime64[D]"))
    if usual < _LONG or not (np.diff(days) == np.timedelta64(1, "D")).any():
        return {}
    step = np.searchsorted(step_bounds(drivers)[:, 0], days + np.timedelta64(12, "h"), "right")
    days_seen = float(np.median(np.unique(step, return_counts=True)[1]))
    if days_seen >= _SHARE * usual:
        return {}
    return {
        f"{seen.name}: few days in a step": f"{days_seen:g} of {usual:.3g} where there is any; "
        "they are compared with the mean over the step: give drivers of days, or means over steps"
    }
