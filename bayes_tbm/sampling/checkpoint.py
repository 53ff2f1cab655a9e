"""A run's memory on disk: arrays and a manifest, written so that a kill at any moment loses little.

Every file is written beside its place and then moved there, which either happens or does not. The
manifest says what the arrays belong to; a run of anything else is refused, with the difference.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_tbm.errors import InputError

Arrays = dict[str, NDArray[Any]]
MANIFEST = "manifest.json"


class Checkpoint:
    """A folder of named groups of arrays that belong to one run.

    Parameters
    ----------
    folder
        Where to keep them; made where it is missing.
    identity
        What the run is: plain data that must be the same for the arrays to be of use.
    resume
        Whether to go on from what the folder holds.

    Raises
    ------
    InputError
        The folder holds a run and ``resume`` is false; or it holds another run; or it cannot be
        read or written.
    """

    def __init__(
        self, folder: str | Path, identity: Mapping[str, Any], *, resume: bool = False
    ) -> None:
        self.folder = Path(folder)
        manifest = self.folder / MANIFEST
        now = json.loads(json.dumps(identity))
        if manifest.exists():
            if not resume:
                raise InputError(
                    where=str(self.folder), rule="must not hold a checkpoint when a run begins",
                    found=MANIFEST,
                    remedy="resume it (--resume, or resume=True), or choose another folder",
                )  # fmt: skip
            self._refuse_another(now, _manifest(manifest))
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _replace(manifest, json.dumps(now, indent=1).encode())
        except OSError as error:
            raise InputError(
                where=str(self.folder), rule="must be a folder that can be written", found=error
            ) from error

    def _refuse_another(self, now: dict[str, Any], then: dict[str, Any]) -> None:
        different = [key for key in {**now, **then} if now.get(key) != then.get(key)]
        if different:
            raise InputError(
                where=str(self.folder), variable=", ".join(different),
                rule="a checkpoint must be of the same run",
                found="; ".join(_difference(key, then.get(key), now.get(key))
                                for key in different),
                remedy="give what it was made with, or begin anew in another folder",
            )  # fmt: skip

    def save(self, name: str, arrays: Mapping[str, Any]) -> None:
        """Keep a group of arrays, in place of an earlier one of that name."""
        path = self.folder / f"{name}.npz"
        beside = path.with_suffix(".partial")
        with beside.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
        os.replace(beside, path)

    def drop(self, start: str) -> None:
        """Forget the groups whose names begin so."""
        for path in self.folder.glob(f"{start}*.npz"):
            path.unlink()

    def load(self, name: str) -> Arrays | None:
        """Group of arrays of a name, or None."""
        path = self.folder / f"{name}.npz"
        if not path.exists():
            return None
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return dict(arrays)
        except (OSError, ValueError) as error:
            raise InputError(
                where=str(path), rule="must be a readable group of arrays", found=error,
                remedy="remove this file: what it held is computed again",
            ) from error  # fmt: skip


def _manifest(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError) as error:
        raise InputError(
            where=str(path), rule="must be a readable manifest", found=error
        ) from error


def _difference(key: str, then: Any, now: Any) -> str:
    """Say what was and what is; inside of mappings, only what differs."""
    if isinstance(then, dict) and isinstance(now, dict):
        inner = [name for name in {**then, **now} if then.get(name) != now.get(name)]
        return "; ".join(_difference(f"{key} {n}", then.get(n), now.get(n)) for n in inner)
    return f"{key} was {_short(then)}, is {_short(now)}"


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _replace(path: Path, content: bytes) -> None:
    beside = path.with_suffix(".partial")
    beside.write_bytes(content)
    os.replace(beside, path)
