"""Parts that every reader shares: the time axis, the driver dataset, NEE and NBE without fire."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.sites.observations import Observations, join_notes, missing_to_nan
from bayes_tbm.sites.site import DRIVERS
from bayes_tbm.units import DAYS_PER_MONTH, UNITS

EPOCH = np.datetime64("2001-01-01T00:00:00", "ns")
"""Day zero of the field's files and of `Site.drivers['days']`."""
_MILLISECONDS_PER_DAY = 86_400_000
LONG_NAMES = {
    "t_min": "daily minimum air temperature, mean over the step",
    "t_max": "daily maximum air temperature, mean over the step",
    "shortwave": "downward shortwave radiation",
    "co2": "atmospheric carbon dioxide mole fraction",
    "day_of_year": "day of year",
    "burned_fraction": "fraction of the area burned in the step",
    "vpd": "vapour pressure deficit",
    "precipitation": "precipitation, rain and snow",
    "step_length": "length of the step",
    "days": "days since 2001-01-01 00:00, middle of the step",
    "gpp": "gross primary production",
    "nee": "net ecosystem exchange, positive to the atmosphere",
    "nbe": "net biospheric exchange, fire included, positive to the atmosphere",
    "reco": "ecosystem respiration",
    "et": "evapotranspiration",
    "lai": "leaf area index",
    "live_biomass": "carbon in live biomass, all pools",
    "wood": "carbon in wood",
    "som": "carbon in soil organic matter",
}


def time_from_days(
    days: ArrayLike, *, where: str | None = None, epoch: np.datetime64 = EPOCH
) -> NDArray[np.datetime64]:
    """Return datetime64[ns] of days since `epoch`, shape (n,), exact to the millisecond.

    Raises
    ------
    InputError
        If a time is missing.
    """
    array = missing_to_nan(days)
    if not np.isfinite(array).all():
        rule, found = "every step needs a time", f"{(~np.isfinite(array)).sum()} missing"
        raise InputError(where=where, variable="time", rule=rule, found=found)
    milliseconds = np.round(array * _MILLISECONDS_PER_DAY).astype("timedelta64[ms]")
    return np.asarray(epoch + milliseconds, dtype="datetime64[ns]")


def days_from_time(time: NDArray[np.datetime64]) -> NDArray[np.float64]:
    """Return float64 days since 2001-01-01 00:00, shape (n,)."""
    milliseconds = (time - EPOCH) / np.timedelta64(1, "ms")
    return np.round(milliseconds) / _MILLISECONDS_PER_DAY


def usual_step(time: NDArray[np.datetime64]) -> float:
    """Return the usual step length [d]: the median, or the mean month for monthly steps."""
    if time.size < 2:
        return np.nan
    median = float(np.median(np.diff(time) / np.timedelta64(1, "D")))
    # Months and times rounded to a tenth of a day scatter about the field's 365.25 / 12.
    return DAYS_PER_MONTH if 28 <= median <= 31 else median


def make_drivers(
    time: NDArray[np.datetime64], columns: Mapping[str, ArrayLike], *, where: str | None = None
) -> xr.Dataset:
    """Return the driver dataset of a site.

    Parameters
    ----------
    time : numpy.ndarray
        Middle of each step, datetime64[ns], shape (n,).
    columns : mapping of str to array
        Drivers in canonical units, each of shape (n,). ``burned_fraction`` (0),
        ``day_of_year`` and ``step_length`` may be absent.
    where : str, optional
        File, for messages.

    Raises
    ------
    InputError
        If a driver is absent or of another length.
    """
    start_of_year = time.astype("datetime64[Y]").astype("datetime64[ns]")
    complete: dict[str, ArrayLike] = {
        "burned_fraction": 0.0,
        "day_of_year": np.floor((time - start_of_year) / np.timedelta64(1, "D")) + 1,
        "step_length": usual_step(time),
        **columns,
        "days": days_from_time(time),
    }
    variables = {}
    for name in DRIVERS:
        if name not in complete:
            raise InputError(where=where, variable=name, rule="driver is missing")
        values = missing_to_nan(complete[name])
        if values.shape not in ((), time.shape):
            rule, found = f"must have shape {time.shape}, as time has", values.shape
            raise InputError(where=where, variable=name, rule=rule, found=found)
        attrs = {"units": UNITS[name], "long_name": LONG_NAMES[name]}
        variables[name] = ("time", np.broadcast_to(values, time.shape).copy(), attrs)
    axis = ("time", time, {"long_name": "middle of the step", "standard_name": "time"})
    return xr.Dataset(variables, coords={"time": axis})


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
                same = f"same series as {name}: nothing burned, so NBE = NEE"
                note = join_notes([observed[name].note, same])
                observed[other] = replace(observed[name], name=other, note=note)
                break
    return observed
