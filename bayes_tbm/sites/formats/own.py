"""Our own site format: netCDF that follows CF, written by `Site.to_netcdf`.

Global attributes, optional: ``site_name`` (else the file's stem), ``source``, ``notes`` (lines).
Scalars: ``latitude`` (degrees_north); optional ``longitude`` (degrees_east).
Dimension ``time``, the middle of each step, in CF units of the standard calendar.
Drivers over ``time``, gaps not allowed: ``t_min``, ``t_max``, ``shortwave``, ``co2``, ``vpd``,
``precipitation``; optional ``burned_fraction`` (0 if absent), ``day_of_year``, ``step_length``
(from ``time`` if absent).
Observations: any name of `OBSERVED`, over ``time`` (NaN where missing) or over a dimension
``<name>_time`` with a coordinate of that name; standard deviations in ``<name>_sd``, same shape,
absolute; an attribute ``note``. Everything but time needs a ``units`` attribute; units that can
be converted are. NEE and NBE are taken as they stand: neither is derived from the other.
"""

from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.sites.formats.common import make_drivers
from bayes_tbm.sites.formats.netcdf import column, read_netcdf, scalar
from bayes_tbm.sites.observations import OBSERVED, Observations
from bayes_tbm.sites.schema import DRIVERS, FORMAT
from bayes_tbm.sites.site import Site
from bayes_tbm.units import UNITS, check_unit

OPTIONAL = ("burned_fraction", "day_of_year", "step_length")


def is_own(data: xr.Dataset) -> bool:
    """Return whether a dataset has the layout of our own format."""
    return data.attrs.get("format") == FORMAT or {"t_min", "t_max"} <= set(data.variables)


def read_own(path: str | Path) -> Site:
    """Read a site in our own format.

    Parameters
    ----------
    path : str or pathlib.Path
        netCDF file.

    Returns
    -------
    Site

    Raises
    ------
    InputError
        If a variable or its unit is missing or wrong, or a check fails.
    """
    path = Path(path)
    data = read_netcdf(path)
    where = path.name
    time = _time(data, "time", where)
    wanted = [name for name in DRIVERS if name != "days" and (name in data or name not in OPTIONAL)]
    columns = {name: column(data, name, name, where, units_needed=True) for name in wanted}
    drivers = make_drivers(time, columns, where=where)
    series = [_observations(data, name, where) for name in OBSERVED if name in data]
    return Site(
        name=str(data.attrs.get("site_name", path.stem)),
        latitude=_degrees(data, "latitude", where),
        longitude=_degrees(data, "longitude", where) if "longitude" in data else None,
        drivers=drivers,
        observations={seen.name: seen for seen in series if len(seen)},
        source=where,
        notes=tuple(str(data.attrs.get("notes", "")).split("\n")),
    )


def _degrees(data: xr.Dataset, name: str, where: str) -> float:
    value = scalar(data, name, where)
    check_unit(data[name].attrs.get("units", "none"), UNITS[name], where=where, variable=name)
    return value


def _time(data: xr.Dataset, axis: str, where: str) -> NDArray[np.datetime64]:
    """Return the times of an axis, datetime64[ns], to the millisecond."""
    if axis not in data:
        raise InputError(where=where, variable=axis, rule="time coordinate is missing")
    try:
        decoded = xr.decode_cf(data[[axis]])[axis].values
    except (ValueError, OverflowError) as error:
        rule, found = "cannot be decoded as CF time", repr(data[axis].attrs.get("units"))
        raise InputError(where=where, variable=axis, rule=rule, found=found) from error
    if decoded.dtype.kind != "M":
        rule = "must have units 'days since YYYY-MM-DD' and the standard calendar"
        stated = {key: data[axis].attrs.get(key) for key in ("units", "calendar")}
        raise InputError(where=where, variable=axis, rule=rule, found=stated)
    # Times held as float64 days are exact to the millisecond, not to the nanosecond.
    half = np.timedelta64(500, "us")
    nearest = (decoded.astype("datetime64[ns]") + half).astype("datetime64[ms]")
    return np.asarray(nearest, dtype="datetime64[ns]")


def _observations(data: xr.Dataset, name: str, where: str) -> Observations:
    if data[name].ndim != 1:
        rule, found = "must have one dimension, a time", data[name].dims
        raise InputError(where=where, variable=name, rule=rule, found=found)
    time = _time(data, str(data[name].dims[0]), where)
    value = column(data, name, name, where, units_needed=True)
    named, sd = f"{name}_sd", np.full(value.shape, np.nan)
    note = str(data[name].attrs.get("note", ""))
    if named in data:
        sd = column(data, named, name, where, units_needed=True)
    return Observations(name, UNITS[name], time, value, sd, note)
