"""Numbers of an xarray variable that its file was to decode, and those it calls missing."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.plain import as_number

_NEUTRAL = {"scale_factor": 1.0, "add_offset": 0.0}
_MARKS = ("_FillValue", "missing_value")
_ROUNDING = 1e-6
"""Share by which a mark may differ from a value: one of the two may be float32."""


def decoded(variable: xr.DataArray, name: str, where: str) -> NDArray[Any]:
    """Return the values of a variable, NaN where its own attributes say that they are missing.

    Parameters
    ----------
    variable : xarray.DataArray
        As it is in memory; opened as usual, it has none of these attributes.
    name, where : str
        For messages.

    Raises
    ------
    InputError
        If it states a scale or an offset: its numbers are those that a file stores.
    """
    for attribute, neutral in _NEUTRAL.items():
        stated = variable.attrs.get(attribute, neutral)
        if as_number(stated) != neutral:
            raise InputError(
                where=where, variable=name, rule="must be decoded", found=f"{attribute} {stated}",
                remedy="open the file without mask_and_scale=False, or delete the attribute if the "
                "values are decoded",
            )  # fmt: skip
    values: NDArray[Any] = variable.values
    stated = [np.ravel(variable.attrs[one]) for one in _MARKS if one in variable.attrs]
    if not stated or values.dtype.kind not in "iuf":
        return values
    gap = np.zeros(values.shape, dtype=bool)
    for mark in pd.to_numeric(pd.Series(np.concatenate(stated)), errors="coerce"):
        gap |= np.isclose(values, mark, rtol=_ROUNDING, atol=0.0)
    return np.where(gap, np.nan, values)
