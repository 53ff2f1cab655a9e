"""HDF5 files in half the time: what was looked up once is not looked up again."""

from __future__ import annotations

from typing import Any

import h5py


class KeptLookups(h5py.File):  # type: ignore[misc]  # h5py ships no types
    """A file for h5netcdf, which looks a variable up anew for everything it asks of it.

    Those look-ups, some fifty a variable, are half of what a file of many variables costs. For
    xarray: ``with KeptLookups(path) as file: xr.load_dataset(file, engine="h5netcdf")``, or
    ``with KeptLookups(path, "w") as file: data.to_netcdf(file, engine="h5netcdf")``.
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
