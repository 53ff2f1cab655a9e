"""Parts that every reader shares: the time axis, the driver dataset, NEE and NBE without fire."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.sites.missing import missing_to_nan
from bayes_tbm.sites.observations import Observations, join_notes
from bayes_tbm.sites.schema import DRIVERS, LONG_NAMES
from bayes_tbm.sites.time_axis import days_from_time, usual_step
from bayes_tbm.units import UNITS


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
                same = f"same series as {name}: nothing burned, so NBE = NEE"
                note = join_notes([observed[name].note, same])
                observed[other] = replace(observed[name], name=other, note=note)
                break
    return observed
