"""What a netCDF file of any kind holds, where xarray cannot read it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_tbm.errors import InputError

_SCALAR = "_nc4_non_coord_"  # how HDF5 keeps a variable with a dimension's name and none of its own


@dataclasses.dataclass(frozen=True)
class Held:
    """A variable: its dimensions, attributes and values as stored."""

    dims: tuple[str, ...]
    attributes: Mapping[str, Any]
    values: NDArray[Any]


@dataclasses.dataclass(frozen=True)
class Content:
    """A file: its dimensions, global attributes and variables by name."""

    dims: Mapping[str, int]
    attributes: Mapping[str, Any]
    variables: Mapping[str, Held]


def read_content(path: Path) -> Content:
    """Read a netCDF file, classic or netCDF-4.

    Raises
    ------
    InputError
        It is absent, or no netCDF.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        rule, found = "must be a file that can be read", error.strerror
        raise InputError(where=str(path), rule=rule, found=found) from error
    if start[:3] != b"CDF" and start != b"\x89HDF":
        found = f"a file that begins with {start!r}" if start else "an empty file"
        raise InputError(where=str(path), rule="must be a netCDF file", found=found)
    try:
        return _classic(path) if start[:3] == b"CDF" else _hdf5(path)
    except Exception as error:  # whatever the torn place makes the readers raise
        rule = "must be a whole netCDF file"
        raise InputError(where=str(path), rule=rule, found=f"cannot be read: {error}") from error


def _classic(path: Path) -> Content:
    from scipy.io import netcdf_file

    with netcdf_file(path, "r", mmap=False) as file:
        variables = {
            name: Held(tuple(v.dimensions), plain(v._attributes), _native(np.asarray(v.data)))
            for name, v in file.variables.items()
        }
        # an unlimited dimension has no length of its own
        lengths = {
            d: n for v in variables.values() for d, n in zip(v.dims, v.values.shape, strict=True)
        }
        dims = {d: lengths.get(d, 0) if n is None else int(n) for d, n in file.dimensions.items()}
        return Content(dims, plain(file._attributes), variables)


def _hdf5(path: Path) -> Content:
    import h5netcdf

    with h5netcdf.File(path, "r", decode_vlen_strings=True) as file:
        variables = {
            name.removeprefix(_SCALAR): Held(
                tuple(v.dimensions), plain(v.attrs), np.asarray(v[...])
            )
            for name, v in file.variables.items()
        }
        dims = {name: int(d.size) for name, d in file.dimensions.items()}
        return Content(dims, plain(file.attrs), variables)


def _native(values: NDArray[Any]) -> NDArray[Any]:
    """Values in the order of bytes of this machine, a copy."""
    return values.astype(values.dtype.newbyteorder("="))


def plain(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes as text and numbers; a row of several is written out."""
    return {name: _text(value) for name, value in attributes.items()}


def _text(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").rstrip("\0")
    if isinstance(value, np.ndarray) and value.size == 1:
        return _text(value.reshape(-1)[0])
    return str(value) if isinstance(value, np.str_ | np.ndarray) else value
