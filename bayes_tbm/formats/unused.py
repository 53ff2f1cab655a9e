"""What a netCDF file holds beside what a reader takes: priors, other data, options. Said, each."""

from collections.abc import Collection

import numpy as np
import xarray as xr

from bayes_tbm.errors import InputError
from bayes_tbm.formats.attributes import numbers
from bayes_tbm.formats.packing import unpacked
from bayes_tbm.sites.missing import missing_to_nan

SETTINGS = {
    "ID", "EDC", "EDCDIAG", "MCMCID", "LAT", "LON", "lat", "lon", "nodays", "time", "TIME_INDEX",
    "crs", "spatial_ref",
}  # fmt: skip
"""Switches of CARDAMOM's own sampler and coordinates: nothing that data or priors say."""
PRIOR_ARRAYS = {"PARPRIORS": "PARPRIORUNC", "OTHERPRIORS": "OTHERPRIORSUNC"}
ABOUT = {
    "_FillValue", "missing_value", "scale_factor", "add_offset", "valid_min", "valid_max",
    "valid_range", "reference_mean", "actual_range",
}  # fmt: skip
"""Attributes of any variable that are read or say nothing of the likelihood."""


def unused(data: xr.Dataset, used: Collection[str], where: str) -> list[str]:
    """Return a note of every prior, and one of all other data, that a reader does not take.

    Parameters
    ----------
    data : xarray.Dataset
        Opened file.
    used : collection of str
        Variables that are read.
    where : str
        File, for messages.
    """
    notes, rest = [], []
    for name in map(str, data.variables):
        if name in SETTINGS or name in used or name in PRIOR_ARRAYS.values():
            continue
        values = _values(data, name, where)
        if not np.isfinite(values).any():
            continue
        if name in PRIOR_ARRAYS:
            notes += _priors(data, name, values, where)
        elif values.size == 1:
            notes.append(f"{name} = {values[0]:g}{_options(data, name, where)} is not used")
        else:
            rest.append(f"{name} ({np.isfinite(values).sum()} values)")
    return notes + [f"not used: {', '.join(rest)}"] * bool(rest)


def unused_attributes(data: xr.Dataset, variable: str, used: Collection[str], where: str) -> str:
    """Return which attributes of a variable hold numbers and are not read."""
    left = _options(data, variable, where, leave=used)
    return f"attributes not used:{left.replace('(', '').replace(')', '')}" if left else ""


def _values(
    data: xr.Dataset, name: str, where: str
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the numbers of a variable; none if it holds text or cannot be read."""
    try:
        return missing_to_nan(unpacked(data[name], where, name)[0]).ravel()
    except InputError:
        return np.zeros(0)


def _priors(
    data: xr.Dataset, name: str, values: np.ndarray[tuple[int], np.dtype[np.float64]], where: str
) -> list[str]:
    partner = PRIOR_ARRAYS[name]
    spread = _values(data, partner, where) if partner in data else np.zeros(0)
    notes = []
    for place in np.flatnonzero(np.isfinite(values)):
        known = place < spread.size and np.isfinite(spread[place])
        by = f" (uncertainty {spread[place]:g})" if known else ""
        notes.append(f"{name} {place + 1} = {values[place]:g}{by} is not used")
    return notes


def _options(data: xr.Dataset, name: str, where: str, leave: Collection[str] = ()) -> str:
    """Return the attributes of a variable that hold numbers, as in `` (unc = 1.5)``."""
    stated = []
    for attribute in map(str, data[name].attrs):
        if attribute in ABOUT or attribute in leave:
            continue
        try:
            values = missing_to_nan(
                numbers(data[name].attrs, attribute, where=where, variable=name)
            )
        except InputError:  # a text that describes
            continue
        stated += [f"{attribute} = {value:g}" for value in values if np.isfinite(value)]
    return f" ({', '.join(stated)})" if stated else ""
