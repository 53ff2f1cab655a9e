"""Writing a site in our own netCDF format, as `bayes_tbm.formats.own` states it."""

from collections.abc import Mapping
from pathlib import Path

import xarray as xr

from bayes_tbm.runtime.netcdf import write_netcdf
from bayes_tbm.sites.observations import Observations
from bayes_tbm.sites.schema import FORMAT, LONG_NAMES, TIME_UNITS
from bayes_tbm.sites.time_axis import days_from_time
from bayes_tbm.units import UNITS


def write_site(
    path: str | Path,
    drivers: xr.Dataset,
    observations: Mapping[str, Observations],
    place: Mapping[str, float],
    texts: Mapping[str, str],
) -> None:
    """Write a site; reading it back gives the same numbers, bit for bit.

    Parameters
    ----------
    path : str or pathlib.Path
        File to create or replace.
    drivers : xarray.Dataset
        Drivers over ``time``.
    observations : mapping of str to Observations
        Observed series by name.
    place : mapping of str to float
        ``latitude`` and, where it is known, ``longitude``, in degrees north and east.
    texts : mapping of str to str
        Global attributes: ``site_name``, ``source``, ``notes``; empty ones are left out.
    """
    data = drivers.drop_vars("days")
    for name, degrees in place.items():
        data[name] = ((), degrees, {"units": UNITS[name]})
    for name, seen in observations.items():
        axis = f"{name}_time"
        attrs: dict[str, str | float] = {
            "units": seen.unit, "long_name": LONG_NAMES[name], "note": seen.note,
        }  # fmt: skip
        if seen.systematic is not None:
            attrs["systematic"] = seen.systematic
        about = {"units": seen.unit, "long_name": f"standard deviation of {LONG_NAMES[name]}"}
        data = data.assign_coords({axis: (axis, seen.time)})
        data[name] = (axis, seen.value, {key: text for key, text in attrs.items() if text})
        data[f"{name}_sd"] = (axis, seen.sd, about)
    for axis in ["time", *(f"{name}_time" for name in observations)]:
        attrs = {**data[axis].attrs, "units": TIME_UNITS, "calendar": "standard"}
        data = data.assign_coords({axis: (axis, days_from_time(data[axis].values), attrs)})
    data.attrs = {"Conventions": "CF-1.11", "format": FORMAT}
    data.attrs |= {key: text for key, text in texts.items() if text}
    write_netcdf(Path(path), data)
