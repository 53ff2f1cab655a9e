"""Reader of the CARDAMOM netCDF format (``.cbf.nc``).

Uncertainties, as CARDAMOM's C code takes them: for each variable X, ``Xunc`` for each value,
else the attribute ``single_unc`` (or its mean, monthly and annual forms), of the kind that
``opt_unc_type`` says; ``structural_unc`` is added in quadrature. ``X_val`` holds validation data.
Older files hold starts of months in ``time`` and the middles in ``TIME_INDEX``. Priors and what
else is not read are noted, each.
"""

import functools
import warnings
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.errors import DataWarning, InputError
from bayes_tbm.formats.attributes import number, text
from bayes_tbm.formats.common import check_length, collect
from bayes_tbm.formats.netcdf import (
    FIELD_DRIVERS,
    Column,
    column,
    degrees,
    field_columns,
    read_netcdf,
    scalar,
    times,
)
from bayes_tbm.formats.packing import unpacked
from bayes_tbm.formats.uncertainty import ABSOLUTE, absolute_sd, mend_sd
from bayes_tbm.formats.unused import unused, unused_attributes
from bayes_tbm.sites.drivers import make_drivers
from bayes_tbm.sites.missing import missing_to_nan
from bayes_tbm.sites.observations import STOCKS, Observations, join_notes
from bayes_tbm.sites.site import Site
from bayes_tbm.units import UNITS, Conversion, check_unit

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
READ = {"opt_unc_type", "min_threshold", "structural_unc", "opt_filter"}
"""Attributes of an observed variable that are read, but for the one of `SINGLE` that counts."""
EPOCH = "days since 2001-01-01"
INITIAL_SOM = "PEQ_iniSOM"


def is_cardamom_netcdf(data: xr.Dataset) -> bool:
    """Return whether a dataset has the layout of a CARDAMOM netCDF file."""
    return {"LAT", "T2M_MIN", "SSRD", "time"} <= set(data.variables)


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
    time, placed = _time(data, where)
    columns, noted = field_columns(data, where)
    drivers = make_drivers(time, columns, where=where)
    present = [name for name, variable in VARIABLES.items() if variable in data]
    series = [_observations(data, name, time, where) for name in present]
    known = {*FIELD_DRIVERS.values(), *VARIABLES.values(), *(f"{v}unc" for v in VARIABLES.values())}
    if INITIAL_SOM in data and not any(seen.name == "som" and len(seen) for seen in series):
        series.append(_initial_som(data, time, where))
        known.add(INITIAL_SOM)
    return Site(
        name=path.name.removesuffix(".nc").removesuffix(".cbf"),
        latitude=degrees(data, "LAT", "latitude", where),
        longitude=degrees(data, "LON", "longitude", where) if "LON" in data else None,
        drivers=drivers,
        observations=collect(series, drivers["burned_fraction"].values),
        source=where,
        notes=(placed, *noted, *unused(data, known, where)),
    )


def _time(data: xr.Dataset, where: str) -> tuple[NDArray[np.datetime64], str]:
    """Return the mid-step times and what was decided about them."""
    attrs = data["time"].attrs
    epoch = text(attrs, "units")
    if "TIME_INDEX" in data:
        since = epoch if "since" in epoch else EPOCH
        time, note = times(data, "TIME_INDEX", where, epoch=since)
        return time, join_notes(["times are TIME_INDEX, the middles; time holds starts", note])
    time, note = times(data, "time", where, epoch=EPOCH)
    if "since" in epoch:
        return time, note
    # The demo's text says 2000, but its GPP and CO2 are those of 2001 at US-NR1.
    assumed = "time has no epoch in its units: read as days since 2001-01-01, CARDAMOM's own"
    info = text(attrs, "info")
    said = f" (the info text says {info!r})" if info and "2001" not in info else ""
    return time, join_notes([assumed + said, note])


def _kind(data: xr.Dataset, variable: str, where: str) -> int:
    """Return ``opt_unc_type``, absolute where it is not given."""
    kind = number(data[variable].attrs, "opt_unc_type", where=where, variable=variable) or 0.0
    if not kind.is_integer():
        rule = "opt_unc_type must be 0 (absolute), 1 (factor) or 2 (fraction)"
        raise InputError(where=where, variable=variable, rule=rule, found=kind)
    return int(kind)


def _stated_sd(
    data: xr.Dataset, name: str, read: Column, time: NDArray[np.datetime64], where: str
) -> tuple[NDArray[np.float64], str]:
    """Return absolute sd as the file states it, NaN where it does not, and what was used.

    Absolute ones and the threshold are in the unit of the variable, the others have none.
    """
    variable = VARIABLES[name]
    attrs, value = data[variable].attrs, read.values
    kind = _kind(data, variable, where)
    scale = read.conversion.factor
    of_kind = scale if kind == ABSOLUTE else 1.0

    def option(attribute: str, unit: float) -> float | None:
        stated = number(attrs, attribute, where=where, variable=variable)
        return None if stated is None else stated * unit

    threshold = option("min_threshold", scale) or 0.0
    given = np.full(value.shape, np.nan)
    if f"{variable}unc" in data:
        like = read.conversion if kind == ABSOLUTE else None
        given = _each(data, f"{variable}unc", name, where, like)
        check_length(value, given, time, where, variable)
    stated = {attribute: option(attribute, of_kind) for attribute in SINGLE}
    single = next(((a, unc) for a, unc in stated.items() if unc is not None), None)
    note = ""
    if single and not np.isfinite(given[np.isfinite(value)]).all():
        given = np.where(np.isfinite(given), given, single[1])
        note = f"sd from {single[0]} = {single[1] / of_kind:g} (opt_unc_type {kind})"
    state = functools.partial(
        absolute_sd, value=value, kind=kind, threshold=threshold, of_logarithm=name in STOCKS,
        where=where, variable=variable,
    )  # fmt: skip
    sd = state(given)
    structural = option("structural_unc", of_kind)
    if structural is not None:
        sd = np.hypot(sd, state(structural))
        note = join_notes([note, f"structural_unc = {structural / of_kind:g} added in quadrature"])
    if np.isfinite(value).any():
        used = READ | ({single[0]} if single else set())
        note = join_notes([note, unused_attributes(data, variable, used, where)])
    return sd, note


def _each(
    data: xr.Dataset, variable: str, name: str, where: str, like: Conversion | None
) -> NDArray[np.float64]:
    """Return the uncertainty of each value; of the variable's unit if absolute, else of none."""
    if like is not None:
        return column(data, variable, name, where, like=like).values
    return missing_to_nan(unpacked(data[variable], where, variable)[0]).ravel()


def _observations(
    data: xr.Dataset, name: str, time: NDArray[np.datetime64], where: str
) -> Observations:
    variable = VARIABLES[name]
    read = column(data, variable, name, where)
    check_length(read.values, read.values, time, where, variable)
    sd, note = _stated_sd(data, name, read, time, where)
    sd, mended = mend_sd(sd, read.values)
    filtered = ""
    option = number(data[variable].attrs, "opt_filter", where=where, variable=variable) or 0.0
    if option != 0 and np.isfinite(read.values).any():
        filtered = f"opt_filter = {option:g} asks for aggregates; every value is used pointwise"
        warnings.warn(f"{where}: {variable}: {filtered}", DataWarning, stacklevel=2)
    notes = join_notes([read.note, note, mended, filtered])
    return Observations(name, UNITS[name], time, read.values, sd, notes)


def _initial_som(data: xr.Dataset, time: NDArray[np.datetime64], where: str) -> Observations:
    """Return the prior of initial soil carbon as an observation at the first step."""
    name = INITIAL_SOM
    stated = scalar(data, name, where)
    attrs = data[name].attrs
    units = text(attrs, "units")
    convert = Conversion()
    if units:
        convert = check_unit(units, UNITS["som"], where=where, variable=name, quantity="som")
    unc, kind = number(attrs, "unc", where=where, variable=name), _kind(data, name, where)
    value = convert(np.array([stated]))
    given = np.nan if unc is None else unc * (convert.factor if kind == ABSOLUTE else 1.0)
    sd = absolute_sd(given, value, kind, of_logarithm=True, where=where, variable=name)
    sd, mended = mend_sd(sd, value)
    note = join_notes([f"initial soil carbon, {name}", mended])
    return Observations("som", UNITS["som"], time[:1], value, sd, note)
