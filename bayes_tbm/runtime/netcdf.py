"""NetCDF files that appear whole, and HDF5 in half the time: what was looked up is kept."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import xarray as xr

from bayes_tbm.runtime.files import write_whole


class KeptLookups(h5py.File):  # type: ignore[misc]  # h5py ships no types
    """A file for h5netcdf, which looks a variable up anew for everything it asks of it.

    Those look-ups, some fifty a variable, are half of what a file of many variables costs. For
    xarray: ``with KeptLookups(path) as file: xr.load_dataset(file, engine="h5netcdf")``.
    """

    def __init__(self, file: Any, mode: str = "r") -> None:
        # A netCDF file tells the order in which things were made.
        super().__init__(file, mode, track_order=True if mode == "w" else None)
        self._found: dict[Any, Any] = {}

    def __getitem__(self, name: Any) -> Any:
        """Return a group or variable, by its path or a reference."""
        if not isinstance(name, str):
            return super().__getitem__(name)
        found = self._found.get(name)
        if found is None or not h5py.h5o.get_info(found.id).rc:  # none, or removed since
            found = self._found[name] = super().__getitem__(name)
        return found


def write_netcdf(
    path: Path, data: xr.Dataset | xr.DataTree, encoding: Mapping[Any, Any] | None = None
) -> Path:
    """Write a dataset or a tree; the file appears whole or not at all.

    Parameters
    ----------
    path
        File to write.
    data
        What it holds.
    encoding
        As xarray's ``to_netcdf`` takes it.

    Raises
    ------
    WriteError
        It cannot be written; an earlier file of that name is as it was.
    """
    # By way of memory: HDF5 that meets a full disk ends in a segmentation fault.
    content = io.BytesIO()
    with KeptLookups(content, "w") as file:
        data.to_netcdf(file, engine="h5netcdf", encoding=encoding)
    return write_whole(path, content.getbuffer())
