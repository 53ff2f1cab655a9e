"""Opening netCDF files and reading variables with their units checked."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.sites.observations import missing_to_nan
from bayes_tbm.units import UNITS, check_unit

HDF5, CLASSIC = b"\x89HDF\r\n\x1a\n", b"CDF"
FIELD_DRIVERS: dict[str, str] = {
    "t_min": "T2M_MIN",
    "t_max": "T2M_MAX",
    "shortwave": "SSRD",
    "co2": "CO2",
    "day_of_year": "DOY",
    "vpd": "VPD",
    "precipitation": "TOTAL_PREC",
}
"""Driver names that DifferLand and CARDAMOM share."""


def is_netcdf(path: Path) -> bool:
    """Return whether the first bytes are those of netCDF-4 (HDF5) or classic netCDF."""
    with path.open("rb") as file:
        head = file.read(8)
    return head == HDF5 or head.startswith(CLASSIC)


def read_netcdf(path: Path) -> xr.Dataset:
    """Return a netCDF file in memory, times not decoded, missing values as NaN.

    Raises
    ------
    InputError
        If the file is not netCDF or is damaged.
    """
    if not is_netcdf(path):
        with path.open("rb") as file:
            head = file.read(24)
        rule, remedy = "is not a netCDF file", "is it a text file or a failed download?"
        raise InputError(where=path.name, rule=rule, found=f"first bytes {head!r}", remedy=remedy)
    with path.open("rb") as file:
        engine = "h5netcdf" if file.read(8) == HDF5 else "scipy"
    try:
        return xr.load_dataset(path, engine=engine, decode_times=False)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        rule, remedy = f"cannot be read as netCDF ({error})", "is the file cut short?"
        raise InputError(where=path.name, rule=rule, remedy=remedy) from error


def scalar(data: xr.Dataset, name: str, where: str) -> float:
    """Return a scalar variable; NaN if it is missing in the file's own sense.

    Raises
    ------
    InputError
        If there is no such variable or it holds several values.
    """
    if name not in data:
        raise InputError(where=where, variable=name, rule="variable is missing")
    values = missing_to_nan(data[name].values).ravel()
    if values.size != 1:
        rule, found = "must be one number", f"{values.size} values"
        raise InputError(where=where, variable=name, rule=rule, found=found)
    return float(values[0])


def column(
    data: xr.Dataset, variable: str, name: str, where: str, *, units_needed: bool = False
) -> NDArray[np.float64]:
    """Return a variable in the canonical unit of `name`, NaN where missing.

    Parameters
    ----------
    data : xarray.Dataset
        Opened file.
    variable, name : str
        Name in the file and in `bayes_tbm.units.UNITS`.
    where : str
        File, for messages.
    units_needed : bool
        Whether a missing units attribute is an error; the field's formats fix the units.

    Raises
    ------
    InputError
        If the variable or its unit is missing or the unit is wrong.
    """
    if variable not in data:
        raise InputError(where=where, variable=variable, rule="variable is missing")
    found = data[variable].attrs.get("units")
    values = missing_to_nan(data[variable].values)
    if found is None:
        if units_needed:
            rule = f"needs a units attribute, as in {UNITS[name]!r}"
            raise InputError(where=where, variable=variable, rule=rule)
        return values
    return check_unit(found, UNITS[name], where=where, variable=variable)(values)


def field_columns(
    data: xr.Dataset, where: str, extra: Mapping[str, str] | None = None
) -> dict[str, NDArray[np.float64]]:
    """Return the drivers of a DifferLand or CARDAMOM file by canonical name, each of shape (n,).

    Raises
    ------
    InputError
        If a driver is missing or has a wrong unit.
    """
    names = {**FIELD_DRIVERS, **(extra or {})}
    return {name: column(data, variable, name, where) for name, variable in names.items()}
