"""Files that an experiment names: found beside it, and written relative to where it will lie."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bayes_tbm.experiment.stand import beside

PLACES = ("site", "observations", "reading")
"""Entries that name files of the site."""
_FILE = "half_hourly"


def found(data: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return the entries `PLACES` with their files found from the folder that they are named in."""
    data = {**data, "site": _own(folder, data["site"])}
    data["observations"] = tuple(_own(folder, name) for name in data.get("observations", ()))
    if isinstance(file := data.get("reading", {}).get(_FILE), str):
        data["reading"] = {**data["reading"], _FILE: _own(folder, file)}
    return data


def written(data: dict[str, Any], here: Path, folder: str | Path | None) -> dict[str, Any]:
    """Return the entries of an experiment with its files' paths from a folder.

    Parameters
    ----------
    data
        Plain entries.
    here
        Folder that paths of curves and stocks are relative to.
    folder
        Where the experiment will be written; None writes whole paths.
    """
    data = {**data, "site": _path_from(folder, data["site"])}
    for name in ("growth_curve", "stock"):
        if file := data.get(name, {}).get("file"):
            data[name] = {**data[name], "file": _path_from(folder, beside(here, file))}
    if names := data.get("observations"):
        data["observations"] = [_path_from(folder, name) for name in names]
    if file := data.get("reading", {}).get(_FILE):
        data["reading"] = {**data["reading"], _FILE: _path_from(folder, file)}
    return data


def _own(folder: Path, name: str) -> str:
    """Return the file of that name in the folder, or else the name, of a site or another file."""
    own = folder / name
    return str(own) if own.is_file() else name


def _path_from(folder: str | Path | None, file: str | Path) -> str:
    """Path of a file from a folder, whole where there is none (or none on that drive)."""
    if not Path(file).is_file():
        return str(file)
    whole = Path(file).resolve()
    if folder is None or whole.anchor != Path(folder).resolve().anchor:
        return str(whole)
    return Path(os.path.relpath(whole, Path(folder).resolve())).as_posix()
