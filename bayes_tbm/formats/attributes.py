"""Attributes of netCDF files, whatever they were written as: numbers as text, text as bytes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.sites.missing import missing_to_nan

_NOTHING = {"", "nan", "none", "na", "n/a", "null"}


def text(attrs: Mapping[Any, Any], name: str) -> str:
    """Return an attribute as text, several values as lines; empty if there is none."""
    return "\n".join(_words(attrs.get(name)))


def numbers(
    attrs: Mapping[Any, Any], name: str, *, where: str, variable: str
) -> NDArray[np.float64]:
    """Return an attribute as numbers as they stand, shape (n,); none if absent or empty.

    Raises
    ------
    InputError
        If it is text that holds no number.
    """
    words = [part for word in _words(attrs.get(name)) for part in word.replace(",", " ").split()]
    try:
        return np.array([float(word) for word in words if word.lower() not in _NOTHING])
    except ValueError as error:
        raise InputError(
            where=where, variable=variable, rule=f"attribute {name} must be a number",
            found=repr(text(attrs, name)), remedy="write a number, or remove the attribute",
        ) from error  # fmt: skip


def number(attrs: Mapping[Any, Any], name: str, *, where: str, variable: str) -> float | None:
    """Return an attribute as one number, or None if it is absent, empty, missing or infinite.

    Raises
    ------
    InputError
        If it is text that holds no number, or several numbers.
    """
    values = numbers(attrs, name, where=where, variable=variable)
    values = missing_to_nan(values)
    if values.size > 1:
        raise InputError(
            where=where, variable=variable, rule=f"attribute {name} must be one number",
            found=f"{values.size} values", remedy="write one, or remove the attribute",
        )  # fmt: skip
    return float(values[0]) if values.size and np.isfinite(values[0]) else None


def _words(value: Any) -> list[str]:
    """Return what an attribute holds, each value as text."""
    if value is None or getattr(value, "shape", ()) is None:  # h5py's Empty has no shape
        return []
    if isinstance(value, bytes):
        return [value.decode("utf-8", "replace").strip("\0 ")]
    if isinstance(value, str):
        return [value.strip("\0 ")]
    if isinstance(value, np.ndarray | list | tuple):
        return [word for part in np.asarray(value).ravel().tolist() for word in _words(part)]
    return [repr(value.item()) if isinstance(value, np.generic) else str(value)]
