"""What a user states in place of what a file does not hold."""

import numpy as np
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.formats.reading import Reading


def stated_co2(
    values: NDArray[np.float64], reading: Reading, where: str
) -> tuple[NDArray[np.float64], str]:
    """Return CO2 [ppm], that stated where there is none, and a note.

    Parameters
    ----------
    values : numpy.ndarray
        As in the file, shape (n,), NaN where missing.
    reading : Reading
        With ``co2``.
    where : str
        File, for messages.

    Raises
    ------
    InputError
        If it is stated and the file holds values too.
    """
    if reading.co2 is None:
        return values, ""
    seen = np.isfinite(values)
    if seen.any():
        raise InputError(
            where=where, variable="co2", rule="is for files that hold none",
            found=f"values on {seen.sum()} of {seen.size} days, {np.nanmean(values):.4g} ppm",
            remedy="leave it out; fill_co2=True (--fill-co2) fills gaps",
        )  # fmt: skip
    return np.full(values.shape, reading.co2), f"co2: {reading.co2:g} ppm at every step, as stated"
