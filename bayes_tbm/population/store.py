"""The store of a batch's draws, read whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from bayes_tbm.errors import InputError
from bayes_tbm.population.batch.collect import DRAWS

_NEEDED = ("site", "state", "effective", "priors")
_HEADER = 16  # bytes of a chunk that Blosc packed, the last four of which say how long it is


def read_store(folder: Path) -> xr.Dataset:
    """Read all draws that a batch keeps.

    Parameters
    ----------
    folder
        Of the batch.

    Raises
    ------
    InputError
        There are none, or what is there is torn.
    """
    path = folder / DRAWS
    if not path.is_dir():
        raise InputError(
            where=str(folder), variable=DRAWS, rule="must be a folder of a batch that is done",
            found="no draws", remedy="run bayes-tbm many to its end",
        )  # fmt: skip
    try:
        if short := _short_chunks(path):  # Blosc itself may read on beyond their end
            raise EOFError(f"{short[0]} shorter than it says")
        with xr.open_zarr(path) as opened:
            store: xr.Dataset = opened.load()
    except Exception as error:  # zarr raises what the torn place makes it raise
        raise torn(folder, error) from error
    if lost := [name for name in _NEEDED if name not in store]:
        raise torn(folder, f"no {lost[0]}")
    if not (np.isfinite(store["effective"].values).all() and store.indexes["site"].is_unique):
        raise torn(folder, "sites without a name or without effective draws")
    return store


def priors_in(text: object, folder: Path) -> dict[str, Any]:
    """Return priors of a site by parameter, from the text that the store keeps.

    Raises
    ------
    InputError
        It is none.
    """
    try:
        return dict(json.loads(str(text)))
    except ValueError as error:
        raise torn(folder, f"priors that cannot be read ({error})") from error


def torn(folder: Path, found: object) -> InputError:
    """Return the error of a batch whose store does not hold what it should."""
    return InputError(
        where=str(folder / DRAWS), rule="must hold the draws of a batch", found=found,
        remedy=collect_again(folder),
    )  # fmt: skip


def collect_again(folder: Path) -> str:
    """Return what to do where files that a batch collects are lost."""
    return f"repeat bayes-tbm many --out {folder}: it keeps all fits, and collects them again"


def _short_chunks(path: Path) -> list[str]:
    """Chunks that end before their header says."""
    short = []
    for about in path.glob("*/.zarray"):
        packed = json.loads(about.read_text(encoding="utf-8"))["compressor"] or {}
        if packed.get("id") != "blosc":
            continue
        for chunk in about.parent.glob("[0-9]*"):
            with chunk.open("rb") as file:
                length = int.from_bytes(file.read(_HEADER)[-4:], "little")
            if chunk.stat().st_size < max(length, _HEADER):
                short.append(f"{about.parent.name}/{chunk.name}")
    return sorted(short)
