"""How files mark missing values."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

MISSING = -9999.0
"""The field's own mark."""
MARKS = (MISSING, -999.0, -99999.0, -999999.0, -32767.0, -32768.0, -2147483647.0, -2147483648.0)
"""Numbers that mark a missing value and that nothing here can be, in any unit people use."""
HUGE = 1e15
"""Nothing here is greater in any unit: 9.97e36 (netCDF), 1e20 (CMIP), 3.4e38 (rasters) are gaps."""


def is_missing(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return where values are NaN or a mark of missing ones; infinities are neither."""
    huge = np.isfinite(values) & (np.abs(values) >= HUGE)
    return np.isnan(values) | np.isin(values, MARKS) | huge


def unmasked(values: Any) -> Any:
    """Return an array where what a masked one masks is NaN, NaT or None; all else as it is."""
    if not isinstance(values, np.ma.MaskedArray):
        return values
    if values.dtype.kind in "iuf":
        return np.ma.filled(values.astype(np.float64), np.nan)
    array = np.asarray(values.data if values.dtype.kind == "M" else values.data.astype(object))
    gap: Any = np.array("NaT", array.dtype) if array.dtype.kind == "M" else None
    return np.where(np.ma.getmaskarray(values), gap, array)


def missing_to_nan(values: ArrayLike) -> NDArray[np.float64]:
    """Return a float64 copy where every mark of a missing value is NaN."""
    array = np.array(unmasked(values), dtype=np.float64)
    array[is_missing(array)] = np.nan
    return array


def marks_note(values: NDArray[np.float64]) -> str:
    """Return which marks but the field's own were met, and how often."""
    odd = values[is_missing(values) & ~np.isnan(values) & (values != MISSING)]
    marks, counts = np.unique(odd, return_counts=True)
    met = [f"{n} of {mark:g}" for mark, n in zip(marks, counts, strict=True)]
    return f"taken as missing: {', '.join(met)}" if met else ""
