"""Reader of the CARDAMOM netCDF format (``.cbf.nc``).

Uncertainties, as CARDAMOM's C code takes them: for each variable X, ``Xunc`` for each value,
else the attribute ``single_unc`` (or its mean, monthly and annual forms), of the kind that
``opt_unc_type`` says; ``structural_unc`` is added in quadrature. ``X_val`` holds validation data
and is not read.
"""

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.errors import DataWarning, InputError
from bayes_tbm.sites.formats.common import collect, make_drivers
from bayes_tbm.sites.formats.netcdf import column, field_columns, read_netcdf, scalar
from bayes_tbm.sites.formats.uncertainty import absolute_sd, mend_sd
from bayes_tbm.sites.observations import MISSING, Observations, join_notes, missing_to_nan
from bayes_tbm.sites.site import Site
from bayes_tbm.sites.time_axis import time_from_days
from bayes_tbm.units import UNITS

VARIABLES = {
    "gpp": "GPP",
    "nbe": "NBE",
    "et": "ET",
    "lai": "LAI",
    "live_biomass": "ABGB",
    "wood": "CWOOD",
    "som": "SOM",
}
SINGLE = ("single_unc", "single_mean_unc", "single_monthly_unc", "single_annual_unc")


def is_cardamom_netcdf(data: xr.Dataset) -> bool:
    """Return whether a dataset has the layout of a CARDAMOM netCDF file."""
    return {"LAT", "T2M_MIN", "SSRD", "time"} <= set(data.variables) and "nodays" not in data


def read_cardamom_netcdf(path: str | Path) -> Site:
    """Read a CARDAMOM netCDF file.

    Parameters
    ----------
    path : str or pathlib.Path
        File ``NAME.cbf.nc``.

    Returns
    -------
    Site

    Raises
    ------
    InputError
        If a variable is missing, a unit is wrong or a check fails.

    Warns
    -----
    DataWarning
        If the file asks for a series to be compared by its mean or anomalies only.
    """
    path = Path(path)
    data = read_netcdf(path)
    where = path.name
    time, note = _time(data, where)
    burned = {"burned_fraction": "BURNED_AREA"} if "BURNED_AREA" in data else {}
    drivers = make_drivers(time, field_columns(data, where, burned), where=where)
    present = [name for name, variable in VARIABLES.items() if variable in data]
    series = [_observations(data, name, time, where) for name in present]
    if not any(seen.name == "som" and len(seen) for seen in series):
        series.append(_initial_som(data, time, where))
    return Site(
        name=path.name.removesuffix(".nc").removesuffix(".cbf"),
        latitude=scalar(data, "LAT", where),
        longitude=scalar(data, "LON", where) if "LON" in data else None,
        drivers=drivers,
        observations=collect(series, drivers["burned_fraction"].values),
        source=where,
        notes=(note,),
    )


def _time(data: xr.Dataset, where: str) -> tuple[NDArray[np.datetime64], str]:
    """Return the mid-step times and what was decided about their epoch."""
    attrs = data["time"].attrs
    days = data["time"].values
    midnight = r"days since (\d{4}-\d{2}-\d{2})([ T]0?0:00(:00)?)?"
    stated = re.fullmatch(midnight, attrs.get("units", ""))
    if stated:
        epoch = np.datetime64(stated.group(1), "ns")
        return time_from_days(days, where=where, epoch=epoch), ""
    if attrs.get("units", "days").lower() not in ("d", "day", "days"):
        rule, found = "unit must be 'days since YYYY-MM-DD' or days", repr(attrs["units"])
        raise InputError(where=where, variable="time", rule=rule, found=found)
    # The demo's text says 2000, but its GPP and CO2 are those of 2001 at US-NR1.
    note = "time has no epoch in its units: read as days since 2001-01-01, CARDAMOM's own"
    info = attrs.get("info", "")
    said = f" (the info text says {info!r})" if info and "2001" not in info else ""
    return time_from_days(days, where=where), note + said


def _attribute(attrs: dict[str, Any], name: str) -> float | None:
    value = attrs.get(name)
    given = value is not None and np.isfinite(value) and value != MISSING
    return float(np.asarray(value).item()) if given else None


def _stated_sd(
    data: xr.Dataset, variable: str, value: NDArray[np.float64], where: str
) -> tuple[NDArray[np.float64], str]:
    """Return absolute sd as the attributes state it, NaN where they do not, and what was used."""
    attrs = data[variable].attrs
    kind = int(_attribute(attrs, "opt_unc_type") or 0)
    threshold = _attribute(attrs, "min_threshold") or 0.0
    each = f"{variable}unc"
    given = missing_to_nan(data[each].values) if each in data else np.full(value.shape, np.nan)
    stated = {name: _attribute(attrs, name) for name in SINGLE}
    single = next(((name, unc) for name, unc in stated.items() if unc is not None), None)
    note = ""
    if single and not np.isfinite(given[np.isfinite(value)]).all():
        given = np.where(np.isfinite(given), given, single[1])
        note = f"sd from {single[0]} = {single[1]:g} (opt_unc_type {kind})"
    sd = absolute_sd(given, value, kind, threshold, where=where, variable=variable)
    structural = _attribute(attrs, "structural_unc")
    if structural is not None:
        more = absolute_sd(structural, value, kind, threshold, where=where, variable=variable)
        sd = np.hypot(sd, more)
        note = join_notes([note, f"structural_unc = {structural:g} added in quadrature"])
    return sd, note


def _observations(
    data: xr.Dataset, name: str, time: NDArray[np.datetime64], where: str
) -> Observations:
    variable = VARIABLES[name]
    value = column(data, variable, name, where)
    sd, note = _stated_sd(data, variable, value, where)
    sd, mended = mend_sd(sd, value)
    filtered = ""
    option = _attribute(data[variable].attrs, "opt_filter") or 0.0
    if option != 0 and np.isfinite(value).any():
        filtered = f"opt_filter = {option:g} asks for aggregates; every value is used pointwise"
        warnings.warn(f"{where}: {variable}: {filtered}", DataWarning, stacklevel=2)
    notes = join_notes([note, mended, filtered])
    return Observations(name, UNITS[name], time, value, sd, notes)


def _initial_som(data: xr.Dataset, time: NDArray[np.datetime64], where: str) -> Observations:
    """Return the prior of initial soil carbon as an observation at the first step."""
    name = "PEQ_iniSOM"
    value = np.array([scalar(data, name, where) if name in data else np.nan])
    attrs = data[name].attrs if name in data else {}
    unc, kind = _attribute(attrs, "unc"), int(_attribute(attrs, "opt_unc_type") or 0)
    given = np.nan if unc is None else unc
    sd, mended = mend_sd(absolute_sd(given, value, kind, where=where, variable=name), value)
    note = join_notes([f"initial soil carbon, {name}", mended])
    return Observations("som", UNITS["som"], time[:1], value, sd, note)
