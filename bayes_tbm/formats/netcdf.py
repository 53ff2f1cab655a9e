"""Opening netCDF files and reading variables: missing values, scales, units, times."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.formats.attributes import text
from bayes_tbm.formats.common import doubt_latitude
from bayes_tbm.formats.packing import unpacked
from bayes_tbm.runtime.netcdf import KeptLookups
from bayes_tbm.sites.calendars import decode_time
from bayes_tbm.sites.missing import MISSING, marks_note, missing_to_nan
from bayes_tbm.sites.observations import join_notes
from bayes_tbm.units import UNITS, Conversion, check_unit

HDF5, CLASSIC, CDF5 = b"\x89HDF\r\n\x1a\n", b"CDF", b"CDF\x05"
FIELD_DRIVERS: dict[str, str] = {
    "t_min": "T2M_MIN",
    "t_max": "T2M_MAX",
    "shortwave": "SSRD",
    "co2": "CO2",
    "day_of_year": "DOY",
    "vpd": "VPD",
    "precipitation": "TOTAL_PREC",
    "burned_fraction": "BURNED_AREA",
}
"""Driver names that DifferLand and CARDAMOM share."""
OPTIONAL_DRIVERS = ("burned_fraction", "day_of_year", "step_length")
"""What `make_drivers` fills in where a file does not hold it."""


_kept: dict[tuple[str, int, int], xr.Dataset] = {}
"""Files that were recognised, until they are read."""
_MOST_KEPT = 4


@dataclass(frozen=True)
class Column:
    """A variable of a file in its canonical unit.

    Attributes
    ----------
    values : numpy.ndarray
        Shape (n,); NaN where missing.
    conversion : Conversion
        From the file's unit, for uncertainties that are stated in it.
    note : str
        What was taken for granted or for missing.
    """

    values: NDArray[np.float64]
    conversion: Conversion
    note: str = ""


def is_netcdf(path: Path) -> bool:
    """Return whether the first bytes are those of netCDF-4 (HDF5) or classic netCDF."""
    with path.open("rb") as file:
        head = file.read(8)
    return head == HDF5 or head.startswith(CLASSIC)


def read_netcdf(path: Path, *, keep: bool = False) -> xr.Dataset:
    """Return a netCDF file in memory as it stands, nothing decoded.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    keep : bool, optional
        Whether the next call for this file, as it is now, gives what this one read: a file is
        recognised first, and then read.

    Raises
    ------
    InputError
        If the file is not netCDF or is damaged.
    """
    now = path.stat()
    key = str(path), now.st_mtime_ns, now.st_size
    data = _kept.pop(key, None)
    if data is None:
        data = _loaded(path)
    if keep:
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        _kept[key] = data
    return data


def _loaded(path: Path) -> xr.Dataset:
    if not is_netcdf(path):
        with path.open("rb") as file:
            head = file.read(24)
        rule, remedy = "is not a netCDF file", "is it a text file or a failed download?"
        raise InputError(where=path.name, rule=rule, found=f"first bytes {head!r}", remedy=remedy)
    with path.open("rb") as file:
        head = file.read(8)
    if head.startswith(CDF5):
        rule, remedy = "must be netCDF-4 or classic netCDF", "nccopy -k nc4 FILE NEW makes it so"
        raise InputError(where=path.name, rule=rule, found="CDF-5 (64-bit data)", remedy=remedy)
    try:
        if head != HDF5:
            return xr.load_dataset(path, engine="scipy", decode_cf=False)
        with KeptLookups(path) as file:
            return xr.load_dataset(file, engine="h5netcdf", decode_cf=False)
    except (OSError, ValueError, LookupError, TypeError, RuntimeError) as error:
        rule, remedy = f"cannot be read as netCDF ({error})", "is the file cut short?"
        raise InputError(where=path.name, rule=rule, remedy=remedy) from error


def scalar(data: xr.Dataset, name: str, where: str) -> float:
    """Return a scalar variable; NaN if it is missing in the file's own sense.

    Raises
    ------
    InputError
        If there is no such variable or it holds several values or none that is a number.
    """
    if name not in data:
        raise InputError(where=where, variable=name, rule="variable is missing")
    values = missing_to_nan(unpacked(data[name], where, name)[0]).ravel()
    if values.size != 1:
        rule, found = "must be one number", f"{values.size} values"
        raise InputError(where=where, variable=name, rule=rule, found=found)
    return float(values[0])


def degrees(data: xr.Dataset, variable: str, name: str, where: str) -> float:
    """Return latitude or longitude, ``name``, with its unit checked where it states one.

    Raises
    ------
    InputError
        If it is missing, several numbers or of another unit.
    """
    value = scalar(data, variable, where)
    if stated := text(data[variable].attrs, "units"):
        return float(check_unit(stated, UNITS[name], where=where, variable=variable)(value))
    return value


def place(data: xr.Dataset, name: str, stated: float | None, where: str) -> float | None:
    """Return latitude or longitude: as stated, else of the variable of that name, if there is one.

    Warns
    -----
    PlaceWarning
        The file has quite another latitude.
    """
    if name not in data:
        return stated
    if stated is None:
        return degrees(data, name, name, where)
    if name == "latitude":
        with contextlib.suppress(InputError):  # where the file's will not do, it is stated
            doubt_latitude(degrees(data, name, name, where), stated, where)
    return stated


def column(
    data: xr.Dataset,
    variable: str,
    name: str,
    where: str,
    *,
    units_needed: bool = False,
    like: Conversion | None = None,
) -> Column:
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
    like : Conversion, optional
        That of the variable this one is the standard deviation of: where no unit is stated it is
        the same, and an offset does not count.

    Raises
    ------
    InputError
        If the variable or its unit is missing or wrong, or it is no series of numbers.
    """
    if variable not in data:
        raise InputError(where=where, variable=variable, rule="variable is missing")
    raw, note = unpacked(data[variable], where, variable)
    if raw.ndim > 1:
        raw = raw.squeeze()
    if raw.ndim > 1:
        rule, found = "must have one dimension, a time", data[variable].dims
        raise InputError(where=where, variable=variable, rule=rule, found=found)
    stated = text(data[variable].attrs, "units")
    if "units" not in data[variable].attrs and units_needed:
        rule = f"needs a units attribute, as in {UNITS[name]!r}"
        raise InputError(where=where, variable=variable, rule=rule)
    convert = like or Conversion()
    if "units" in data[variable].attrs and (stated or units_needed):
        convert = check_unit(stated, UNITS[name], where=where, variable=variable, quantity=name)
    if like is not None:
        convert = Conversion(convert.factor)
    note = join_notes([note, marks_note(raw), convert.note])
    return Column(convert(missing_to_nan(raw)), convert, note)


def field_columns(
    data: xr.Dataset, where: str
) -> tuple[dict[str, NDArray[np.float64]], tuple[str, ...]]:
    """Return the drivers of a DifferLand or CARDAMOM file by name, (n,) each, and notes.

    Raises
    ------
    InputError
        If a driver is missing or has a wrong unit.
    """
    return driver_columns(data, FIELD_DRIVERS, where)


def driver_columns(
    data: xr.Dataset, names: Mapping[str, str], where: str, *, units_needed: bool = False
) -> tuple[dict[str, NDArray[np.float64]], tuple[str, ...]]:
    """Return drivers by canonical name, (n,) each, and what was noted of them.

    Parameters
    ----------
    data : xarray.Dataset
        Opened file.
    names : mapping of str to str
        Names in the file by canonical name; `OPTIONAL_DRIVERS` may be absent.
    where : str
        File, for messages.
    units_needed : bool
        As in `column`.
    """
    read = {
        name: column(data, variable, name, where, units_needed=units_needed)
        for name, variable in names.items()
        if variable in data or name not in OPTIONAL_DRIVERS
    }
    notes = tuple(f"{name}: {one.note}" for name, one in read.items() if one.note)
    return {name: one.values for name, one in read.items()}, notes


def times(
    data: xr.Dataset, axis: str, where: str, *, epoch: str = ""
) -> tuple[NDArray[np.datetime64], str]:
    """Return the times of an axis, datetime64[ns], and what was decided about them.

    Where it has CF bounds, the middle between them counts.

    Parameters
    ----------
    data : xarray.Dataset
        Opened file.
    axis : str
        Variable of times.
    where : str
        File, for messages.
    epoch : str
        Units to read it in where it states none, or days without saying since when.

    Raises
    ------
    InputError
        If the axis is missing, or its unit or calendar cannot be read.
    """
    if axis not in data:
        raise InputError(where=where, variable=axis, rule="time coordinate is missing")
    attrs, note = data[axis].attrs, ""
    values = unpacked(data[axis], where, axis)[0]
    values[_lonely_marks(values)] = np.nan
    bounds = text(attrs, "bounds")
    if bounds in data and data[bounds].shape == (*values.shape, 2):
        middle = unpacked(data[bounds], where, bounds)[0].mean(axis=-1)
        if np.any(np.abs(middle - values) > 1e-9 * np.abs(values)):
            values, note = middle, f"{axis}: the middle between {bounds}"
    stated = text(attrs, "units")
    units = epoch if epoch and stated.lower() in ("", "d", "day", "days") else stated
    calendar = text(attrs, "calendar")
    time, decided = decode_time(values, units, calendar, where=where, variable=axis)
    return time, join_notes([note, decided])


def _lonely_marks(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return where a mark of missing values stands for a time: days before the epoch are times too.

    A true one has another within a year.
    """
    marked = np.isin(values, (MISSING, -999.0))
    others = values[~marked & np.isfinite(values)]
    if not marked.any() or not others.size:
        return np.zeros(values.shape, dtype=bool)
    nearest = np.array([np.abs(others - value).min() for value in values[marked]])
    marked[marked] = nearest > 366
    return marked
