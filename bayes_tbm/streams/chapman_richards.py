"""The growth curve of Chapman and Richards, and what errors of its parameters do to it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.streams.biomass import check_ages, numeric, positive_definite

Array = NDArray[np.float64]
PARAMETERS = ("asymptote", "rate", "shape", "B")


def chapman_richards(age: Array, parameters: Mapping[str, float], where: str) -> Array:
    """Return ``A (1 - B exp(-k age))^p``, (age,).

    Raises
    ------
    InputError
        A parameter is not positive, ages do not increase, or the curve is not positive at one.
    """
    for name in PARAMETERS:
        number = parameters.get(name, np.nan)
        if not (np.isfinite(number) and number > 0.0):
            raise InputError(where=where, variable=name, rule="must be positive", found=number)
    check_ages(age, where)
    grown = 1.0 - parameters["B"] * np.exp(-parameters["rate"] * age)
    if (grown <= 0.0).any():
        rule = "makes no biomass at the youngest age"
        found = f"B {parameters['B']:g} at age {age.min():g}"
        raise InputError(where=where, variable="B", rule=rule, found=found)
    curve: Array = parameters["asymptote"] * grown ** parameters["shape"]
    return curve


def log_slopes(age: Array, parameters: Mapping[str, float]) -> Array:
    """Return the slopes of the curve's logarithm by `PARAMETERS`, (age, 4)."""
    asymptote, rate, shape, b = (parameters[name] for name in PARAMETERS)
    decay = np.exp(-rate * age)
    grown = 1.0 - b * decay
    return np.stack(
        [np.full(age.shape, 1.0 / asymptote), shape * b * age * decay / grown,
         np.log1p(-b * decay), -shape * decay / grown], axis=1,
    )  # fmt: skip


def parameter_covariance(
    covariance: ArrayLike | None, errors: Mapping[str, float | None], where: str
) -> Array:
    """Return the covariance of `PARAMETERS`, (4, 4), from that given or from independent errors.

    Parameters
    ----------
    covariance
        Of the first three, or of all four; or None.
    errors
        Standard errors by parameter; that of the asymptote and the rate are needed.
    where
        For messages.

    Raises
    ------
    InputError
        Both or neither are given, an error is negative, or the covariance is none.
    """
    given = numeric(where, **{f"{name}_error": error for name, error in errors.items()})
    if covariance is None:
        for name in ("asymptote_error", "rate_error"):
            if name not in given:
                raise InputError(
                    where=where, variable=name, rule="must be given where there is no covariance",
                    remedy="give the covariance of the parameters, or the standard error of each",
                )  # fmt: skip
        for name, number in given.items():
            if not (np.isfinite(number) and number >= 0.0):
                rule = "must be a standard error, 0 or more"
                raise InputError(where=where, variable=name, rule=rule, found=number)
        if not any(given.values()):
            rule = "must be positive for one parameter at least"
            raise InputError(where=where, variable="asymptote_error", rule=rule, found=0.0)
        return np.diag([given.get(f"{name}_error", 0.0) ** 2 for name in PARAMETERS])
    if given:
        rule, found = "must not be given beside a covariance", ", ".join(given)
        raise InputError(where=where, variable=next(iter(given)), rule=rule, found=found)
    size = 4 if np.shape(covariance) == (4, 4) else 3
    whole = np.zeros((4, 4))
    whole[:size, :size] = positive_definite(covariance, (size, size), where)
    return whole
