"""Numbers as people give them: Python's, NumPy's and JAX's, but neither truth values nor text."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from textwrap import shorten
from typing import Any

import numpy as np

from bayes_tbm.errors import InputError


def as_number(value: Any) -> float | None:
    """Return a real number as a float, or None where it is none.

    Examples
    --------
    >>> as_number(np.float32(0.5)), as_number(np.array(3)), as_number(True), as_number("1")
    (0.5, 3.0, None, None)
    """
    scalar = _scalar(value)
    try:
        return float(scalar) if isinstance(scalar, numbers.Real) else None
    except OverflowError:  # an integer beyond all floats
        return None


def as_whole(value: Any) -> int | None:
    """Return a whole number as an int, or None where it is none; 3.0 is none.

    Examples
    --------
    >>> as_whole(np.int64(3)), as_whole(np.array(3)), as_whole(3.0), as_whole(True)
    (3, 3, None, None)
    """
    scalar = _scalar(value)
    return int(scalar) if isinstance(scalar, numbers.Integral) else None


def finite_number(value: Any) -> float | None:
    """Return a real number as a float, or None where it is none, infinite or not a number.

    Examples
    --------
    >>> finite_number(np.float32(0.5)), finite_number(np.inf), finite_number(np.nan)
    (0.5, None, None)
    """
    number = as_number(value)
    return number if number is not None and math.isfinite(number) else None


def whole_at_least(
    least: int, name: str, value: Any, *, where: str, below: float = math.inf
) -> int:
    """Return a whole number.

    Raises
    ------
    InputError
        It is none, below the least, or too large.
    """
    number = as_whole(value)
    if number is None or not least <= number < below:
        most = f"below {below:.0f}" if number is not None and number >= below else ""
        raise InputError(
            where=where, variable=name, found=repr(value),
            rule=f"must be a whole number, {most or f'at least {least}'}",
        )  # fmt: skip
    return number


def told(value: object) -> str:
    """Return what a value is, in a few words for a message.

    Parameters
    ----------
    value
        Anything that was given by mistake.

    Returns
    -------
    str
        Its type, and the beginning of how it is written.

    Examples
    --------
    >>> told("run/")
    "str 'run/'"
    """
    return f"{type(value).__name__} {shorten(repr(value), 60)}"


def check_kind(
    given: object,
    kinds: Any,
    rule: str,
    *,
    where: str,
    variable: str | None = None,
    remedy: str | None = None,
) -> None:
    """Refuse what is of another kind than is needed.

    Parameters
    ----------
    given
        What a user gave.
    kinds
        A class, or a union of classes.
    rule, where, variable, remedy
        Of the error, see `bayes_tbm.errors.InputError`.

    Raises
    ------
    InputError
        It is of none of the kinds; the message tells what it is.
    """
    if not isinstance(given, kinds):
        raise InputError(
            where=where, variable=variable, rule=rule, found=told(given), remedy=remedy
        )


def plain(data: Any) -> Any:
    """Return data with NumPy's numbers as Python's, for TOML, JSON and comparisons."""
    if isinstance(data, Mapping):
        return {key: plain(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [plain(value) for value in data]
    for convert in (as_whole, as_number):
        if (number := convert(data)) is not None:
            return number
    return bool(data) if isinstance(data, np.bool_) else data


def _scalar(value: Any) -> Any:
    """Value, out of its array where it has no axes; None for truth values and masked ones."""
    if value is np.ma.masked:
        return None
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        try:
            value = value.item()
        except TypeError:  # JAX is tracing it
            return None
    return None if isinstance(value, bool) else value
