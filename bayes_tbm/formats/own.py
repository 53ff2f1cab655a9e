"""Our own site format: netCDF that follows CF, written by `Site.to_netcdf`.

Global attributes, optional: ``site_name`` (else the file's stem), ``source``, ``notes`` (lines).
Scalars: ``latitude`` (degrees_north); optional ``longitude`` (degrees_east).
Dimension ``time``, the middle of each step, in CF units; CF bounds count where there are some.
Drivers over ``time``, gaps not allowed: ``t_min``, ``t_max``, ``shortwave``, ``co2``, ``vpd``,
``precipitation``; optional ``burned_fraction`` (0 if absent), ``day_of_year``, ``step_length``
(from ``time`` if absent).
Observations: any name of `OBSERVED`, over ``time`` (NaN where missing) or over a dimension
``<name>_time`` with a coordinate of that name; standard deviations in ``<name>_sd``, same shape,
absolute; attributes ``note`` and ``systematic`` (the sd of an error that all values share: of NEE
and NBE in their unit, of others a share). Everything but time needs a ``units`` attribute; units
that can be converted are. NEE and NBE are taken as they stand: neither is derived from the other.
"""

from pathlib import Path

import numpy as np
import xarray as xr

from bayes_tbm.errors import InputError
from bayes_tbm.formats.attributes import number, text
from bayes_tbm.formats.netcdf import column, degrees, driver_columns, read_netcdf, times
from bayes_tbm.formats.unused import unused
from bayes_tbm.sites.drivers import make_drivers
from bayes_tbm.sites.observations import OBSERVED, OFFSETS, Observations, join_notes
from bayes_tbm.sites.schema import DRIVERS, FORMAT
from bayes_tbm.sites.site import Site
from bayes_tbm.units import UNITS


def is_own(data: xr.Dataset) -> bool:
    """Return whether a dataset has the layout of our own format."""
    return text(data.attrs, "format") == FORMAT or {"t_min", "t_max"} <= set(data.variables)


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
    time, placed = times(data, "time", where)
    names = {name: name for name in DRIVERS if name != "days"}
    columns, notes = driver_columns(data, names, where, units_needed=True)
    drivers = make_drivers(time, columns, where=where)
    series = [_observations(data, name, where) for name in OBSERVED if name in data]
    written = text(data.attrs, "notes").split("\n")
    return Site(
        name=text(data.attrs, "site_name") or path.stem,
        latitude=_degrees(data, "latitude", where),
        longitude=_degrees(data, "longitude", where) if "longitude" in data else None,
        drivers=drivers,
        observations={seen.name: seen for seen in series if len(seen)},
        source=where,
        notes=(*written, placed, *notes, *unused(data, _known(data), where)),
    )


def _known(data: xr.Dataset) -> set[str]:
    """Return the variables of the format, and those that these name."""
    known = {*DRIVERS, "latitude", "longitude", "time"}
    for name in OBSERVED:
        known |= {name, f"{name}_sd"} | (
            {str(d) for d in data[name].dims} if name in data else set()
        )
    return known | {text(data[name].attrs, "bounds") for name in known if name in data}


def _degrees(data: xr.Dataset, name: str, where: str) -> float:
    if name in data and not text(data[name].attrs, "units"):
        rule = f"needs a units attribute, as in {UNITS[name]!r}"
        raise InputError(where=where, variable=name, rule=rule)
    return degrees(data, name, name, where)


def _observations(data: xr.Dataset, name: str, where: str) -> Observations:
    if data[name].ndim != 1:
        rule, found = "must have one dimension, a time", data[name].dims
        raise InputError(where=where, variable=name, rule=rule, found=found)
    axis = str(data[name].dims[0])
    time, placed = times(data, axis, where)
    value = column(data, name, name, where, units_needed=True)
    named, sd = f"{name}_sd", np.full(value.values.shape, np.nan)
    if named in data:
        spread = column(data, named, name, where, units_needed=True, like=value.conversion)
        sd = spread.values
    if sd.shape != value.values.shape:
        rule, found = f"must have shape {value.values.shape}, as {name} has", sd.shape
        raise InputError(where=where, variable=named, rule=rule, found=found)
    note = join_notes([text(data[name].attrs, "note"), value.note, placed * (axis != "time")])
    shared = number(data[name].attrs, "systematic", where=where, variable=name)
    if shared is not None and name in OFFSETS:
        shared *= value.conversion.factor
    return Observations(name, UNITS[name], time, value.values, sd, note, shared)
