"""The driver dataset of a site, from columns over time."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.sites.missing import missing_to_nan
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
