"""Numbers of a netCDF variable as its attributes mean them: fill values, valid range, scale."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.formats.attributes import number, numbers
from bayes_tbm.sites.missing import is_missing
from bayes_tbm.sites.ranges import ROUNDING


def unpacked(variable: xr.DataArray, where: str, name: str) -> tuple[NDArray[np.float64], str]:
    """Return the numbers of a variable, NaN where its attributes call them missing.

    Parameters
    ----------
    variable : xarray.DataArray
        As it stands in the file.
    where, name : str
        File and variable, for messages.

    Returns
    -------
    values : numpy.ndarray
        Of the variable's shape; other marks of missing values are left as they are.
    note : str
        How many lay outside the range that the file calls valid.

    Raises
    ------
    InputError
        If it holds something else than finite numbers, or one of these attributes does.
    """
    raw = variable.values
    packed = raw.dtype.kind in "iu"
    try:
        values = np.array(raw, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(
            where=where, variable=name, rule="must be numbers", found=f"{raw.dtype} ({error})"
        ) from error
    attrs = variable.attrs
    missing = np.zeros(values.shape, dtype=bool)
    for attribute in ("_FillValue", "missing_value"):
        for mark in numbers(attrs, attribute, where=where, variable=name):
            rounded = np.float64(np.float32(mark)) if raw.dtype == np.float32 else mark
            missing |= values == rounded
    scale = number(attrs, "scale_factor", where=where, variable=name)
    offset = number(attrs, "add_offset", where=where, variable=name)
    if scale is not None and not (np.isfinite(scale) and scale > 0.0):
        raise InputError(
            where=where, variable=f"{name} scale_factor", rule="must be a positive number",
            found=f"{scale:g}", remedy="mend the attribute",
        )  # fmt: skip
    if not (scale is None and offset is None):  # a mark nobody declared, before it is scaled
        missing |= is_missing(values)
    low, high = _valid(variable, where, name)
    scaled = values if scale is None and offset is None else values * (scale or 1.0) + (offset or 0)
    # CF states the valid range in packed numbers; whoever writes it as a fraction means the others.
    whole = all(float(bound).is_integer() for bound in (low, high) if np.isfinite(bound))
    judged = values if packed and whole else scaled
    ends = [abs(bound) for bound in (low, high) if np.isfinite(bound)]
    slack = ROUNDING * max(ends, default=0.0) or ROUNDING
    outside = ~missing & ((judged < low - slack) | (judged > high + slack))
    result = np.where(missing | outside, np.nan, scaled)
    _refuse_infinite(result, variable, where, name)
    note = f"{outside.sum()} of {values.size} values outside the file's valid range, left out"
    return result, note if outside.any() else ""


def _refuse_infinite(
    values: NDArray[np.float64], variable: xr.DataArray, where: str, name: str
) -> None:
    endless = np.isinf(values)
    if endless.any():
        place = np.unravel_index(int(np.argmax(endless)), values.shape)
        at = ", ".join(f"{dim} {n}" for dim, n in zip(variable.dims, place, strict=True))
        count = f"{endless.sum()} of {values.size} values"
        raise InputError(
            where=where, variable=name, rule="must be finite numbers",
            found=f"{values[place]:g}{f' at {at} (from 0), {count}' if at else ''}",
            remedy="mark what is missing as NaN or by _FillValue",
        )  # fmt: skip


def _valid(variable: xr.DataArray, where: str, name: str) -> tuple[float, float]:
    """Return the range that the file calls valid, infinite where it does not say."""
    ends = numbers(variable.attrs, "valid_range", where=where, variable=name)
    if ends.size not in (0, 2):
        raise InputError(
            where=where, variable=name, rule="attribute valid_range must be two numbers",
            found=f"{ends.size} values", remedy="write both ends, or remove the attribute",
        )  # fmt: skip
    low, high = ends if ends.size else (-np.inf, np.inf)
    least = numbers(variable.attrs, "valid_min", where=where, variable=name)
    most = numbers(variable.attrs, "valid_max", where=where, variable=name)
    if least.size > 1 or most.size > 1:
        rule = "attributes valid_min and valid_max must be one number each"
        raise InputError(where=where, variable=name, rule=rule, found=f"{least} and {most}")
    return max([low, *least]), min([high, *most])
