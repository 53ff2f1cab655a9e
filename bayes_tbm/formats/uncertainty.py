"""Standard deviations: the field's ways of stating them, made absolute; gaps and zeros mended."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.sites.missing import missing_to_nan
from bayes_tbm.sites.observations import join_notes

ABSOLUTE, LOG_FACTOR, FRACTION = 0, 1, 2
"""CARDAMOM's ``opt_unc_type``."""
FLOOR = 0.01
"""Smallest sd kept, as a fraction of the series' median sd."""


def absolute_sd(
    uncertainty: ArrayLike,
    value: ArrayLike,
    kind: int = ABSOLUTE,
    threshold: float = 0.0,
    *,
    of_logarithm: bool = False,
    where: str | None = None,
    variable: str | None = None,
) -> NDArray[np.float64]:
    """Return absolute standard deviations, shape (n,).

    Parameters
    ----------
    uncertainty : array_like
        Scalar or shape (n,): absolute, a factor (1.5 = half as much again), or a fraction.
    value : array_like
        Observed values, shape (n,).
    kind : int
        `ABSOLUTE`, `LOG_FACTOR` (sd = ln(factor) max(abs(value), threshold)) or `FRACTION`.
    threshold : float
        Smallest magnitude that a relative uncertainty applies to, in the unit of value.
    of_logarithm : bool
        Whether a factor is that of log-normal errors, as of stocks: see `log_normal_sd`.
    where, variable : str, optional
        File and variable, for messages.

    Raises
    ------
    InputError
        If the kind is unknown or a factor is below 1.
    """
    given, values = missing_to_nan(uncertainty), missing_to_nan(value)
    if kind == ABSOLUTE:
        return np.broadcast_to(given, values.shape).copy()
    size = np.maximum(np.abs(values), threshold)
    if kind == LOG_FACTOR:
        if np.any(given < 1):
            rule = "an uncertainty given as a factor must be at least 1"
            found = np.nanmin(given)
            raise InputError(where=where, variable=variable, rule=rule, found=found)
        return log_normal_sd(np.log(given), size) if of_logarithm else np.log(given) * size
    if kind == FRACTION:
        return np.asarray(given * size)
    rule = "opt_unc_type must be 0 (absolute), 1 (factor) or 2 (fraction)"
    raise InputError(where=where, variable=variable, rule=rule, found=kind)


def log_normal_sd(log_sd: ArrayLike, value: ArrayLike) -> NDArray[np.float64]:
    """Return the sd that log-normal errors take for one of the logarithm, shape (n,).

    Parameters
    ----------
    log_sd : array_like
        Standard deviation of the logarithm: ln 3 for a factor of 3.
    value : array_like
        Shape (n,).
    """
    return np.asarray(np.abs(value) * np.sqrt(np.expm1(np.square(log_sd))))


def mend_sd(sd: ArrayLike, value: ArrayLike) -> tuple[NDArray[np.float64], str]:
    """Fill missing standard deviations by the median of the others, and lift those near zero.

    Parameters
    ----------
    sd, value : array_like
        Standard deviations and observed values, shape (n,). Steps without a value do not count.

    Returns
    -------
    sd : numpy.ndarray
        Shape (n,); all NaN where no standard deviation was given.
    note : str
        How many were mended.
    """
    values = missing_to_nan(value)
    mended = np.where(np.isfinite(values), missing_to_nan(sd), np.nan)
    given = np.isfinite(mended)
    seen = int(np.isfinite(values).sum())
    if not given.any():
        return mended, "no uncertainty given" if seen else ""
    median = float(np.median(mended[given]))
    gaps = np.isfinite(values) & ~given
    tiny = given & (mended >= 0) & (mended < FLOOR * median)  # negative ones are left to the checks
    mended[gaps] = median
    mended[tiny] = FLOOR * median
    filled = f"{gaps.sum()} of {seen} sd missing, set to the median {median:.3g}"
    lifted = f"{tiny.sum()} of {seen} sd below 1 % of the median, lifted to {FLOOR * median:.2g}"
    return mended, join_notes([filled * bool(gaps.any()), lifted * bool(tiny.any())])
