"""A run's memory on disk: arrays and a manifest, written so that a kill at any moment loses little.

Every file is written beside its place and then moved there, which either happens or does not. The
manifest says what the arrays belong to; a run of anything else is refused, with the difference.
Nothing is written, and nothing of an earlier run is lost, before the run begins.
"""

from __future__ import annotations

import io
import json
import math
import shutil
import threading
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_tbm.errors import DataWarning, InputError
from bayes_tbm.runtime.files import write_whole

Arrays = dict[str, NDArray[Any]]
MANIFEST = "manifest.json"
_EARLIER = "earlier_processors"  # entry of the manifest that is no part of the identity
_PROCESSOR = ("device", "compiled")
_DENSITY = "density"
_SAME_DENSITY = 1e-8  # relative, of one density on two kinds of processor
_OWN_OR_NEW = "give what it was made with, or begin anew in another folder"
_GO_ON = (
    "go on here with --other-processor (other_processor=True), which gives the same posterior but "
    "not the same draws bit for bit"
)


class Checkpoint:
    """A folder of named groups of arrays that belong to one run.

    Parameters
    ----------
    folder
        Where to keep them; made where it is missing, when the run begins.
    identity
        What the run is: plain data that must be the same for the arrays to be of use.
    resume
        Whether to go on from what the folder holds.
    overwrite
        Whether to replace what the folder holds, when the run begins.
    other_processor
        Whether to go on from what another kind of processor did. Draws are then as good, but not
        those of a run on one processor, bit for bit.
    confirmed_later
        Whether `confirm` will add to the identity what takes long to find. Another run is refused
        by the rest at once.

    Raises
    ------
    InputError
        The folder holds a run and may be neither resumed nor replaced; or it holds another run; or
        one of its files cannot be read.
    """

    def __init__(
        self, folder: str | Path, identity: Mapping[str, Any], *, resume: bool = False,
        overwrite: bool = False, other_processor: bool = False, confirmed_later: bool = False,
    ) -> None:  # fmt: skip
        self.folder = Path(folder)
        self._identity = json.loads(json.dumps(identity))
        self._earlier: list[str] = []
        self._kept: dict[str, Any] | None = None
        self._other_processor = other_processor
        self._begun, self._lock = False, threading.Lock()
        self._replaces = overwrite and not resume
        manifest = self.folder / MANIFEST
        if self.folder.exists() and not self.folder.is_dir():
            raise InputError(
                where=str(self.folder), rule="must be a folder that can be written", found="a file"
            )
        if manifest.exists() and not self._replaces:
            if not resume:
                raise InputError(
                    where=str(self.folder), rule="must not hold a checkpoint when a run begins",
                    found=MANIFEST,
                    remedy="resume it (--resume, or resume=True), or choose another folder",
                )  # fmt: skip
            self._kept = _manifest(manifest)
            for path in sorted(self.folder.glob("*.npz")):  # before anything is written
                _arrays(path)
            known = self._identity.keys() - {*_PROCESSOR, _DENSITY}
            if different := _different(self._identity, self._kept) & known:
                raise _another(self.folder, self._identity, self._kept, different, _OWN_OR_NEW)
        if not confirmed_later:
            self.confirm({})

    @property
    def processors(self) -> list[str]:
        """Kinds of processor that have worked on the run; more than one is not bit for bit."""
        return [*self._earlier, _processor(self._identity)]

    def confirm(self, more: Mapping[str, Any]) -> None:
        """Add to what the run is, and refuse what the folder holds if it is of another run.

        Raises
        ------
        InputError
            It is, or its processor was another and that may not be.
        """
        self._identity |= json.loads(json.dumps(more))
        if self._kept is None:
            return
        kept = dict(self._kept)
        earlier = [str(name) for name in kept.pop(_EARLIER, [])]
        _refuse_another(self.folder, self._identity, kept, other_processor=self._other_processor)
        changed = _processor(kept) != _processor(self._identity)
        self._earlier = [*earlier, *([_processor(kept)] if changed else [])]
        if changed:
            warnings.warn(
                f"{self.folder}: goes on on another processor (was {_processor(kept)}, is "
                f"{_processor(self._identity)}): draws are not bit for bit those of one processor",
                DataWarning,
                stacklevel=2,
            )

    def begin(self) -> None:
        """Write what the run is, in place of an earlier one where that may be replaced."""
        with self._lock:
            if self._begun:
                return
            if self._replaces:
                shutil.rmtree(self.folder, ignore_errors=True)
            earlier = {_EARLIER: self._earlier} if self._earlier else {}
            text = json.dumps(self._identity | earlier, indent=1)
            write_whole(self.folder / MANIFEST, text)
            self._begun = True

    def save(self, name: str, arrays: Mapping[str, Any]) -> None:
        """Keep a group of arrays, in place of an earlier one of that name.

        Raises
        ------
        WriteError
            It cannot be written; the earlier one is still there.
        """
        self.begin()
        content = io.BytesIO()  # a zip that cannot be written to the end would not close quietly
        np.savez(content, allow_pickle=False, **arrays)
        write_whole(self.folder / f"{name}.npz", content.getbuffer())

    def drop(self, start: str) -> None:
        """Forget the groups whose names begin so."""
        for path in self.folder.glob(f"{start}*.npz"):
            path.unlink()

    def load(self, name: str) -> Arrays | None:
        """Group of arrays of a name, or None."""
        path = self.folder / f"{name}.npz"
        fresh = self._replaces and not self._begun  # what is there is another run's
        return None if fresh or not path.exists() else _arrays(path)


def _arrays(path: Path) -> Arrays:
    try:
        content = io.BytesIO(path.read_bytes())
        with np.load(content, allow_pickle=False) as arrays:
            return dict(arrays)
    except Exception as error:  # whatever zip, header and numbers raise where the file is torn
        raise InputError(
            where=str(path), rule="must be a readable group of arrays", found=error,
            remedy="remove this file: what it held is computed again",
        ) from error  # fmt: skip


def _manifest(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            where=str(path), rule="must be a readable manifest", found=error,
            remedy="put it back from a copy, or begin anew (--overwrite, or another folder)",
        ) from error  # fmt: skip


def _processor(identity: Mapping[str, Any]) -> str:
    return ", ".join(str(identity[key]) for key in _PROCESSOR if identity.get(key))


def _refuse_another(
    folder: Path, current: dict[str, Any], kept: dict[str, Any], *, other_processor: bool
) -> None:
    """Refuse arrays that belong to another run, naming what differs."""
    different = _different(current, kept)
    of_processor = different <= {*_PROCESSOR, _DENSITY} and _are_close(
        current.get(_DENSITY), kept.get(_DENSITY)
    )
    if not different or (of_processor and other_processor):
        return
    raise _another(folder, current, kept, different, _GO_ON if of_processor else _OWN_OR_NEW)


def _different(current: Mapping[str, Any], kept: Mapping[str, Any]) -> set[str]:
    """Entries of two identities that differ."""
    return {key for key in {**current, **kept} if current.get(key) != kept.get(key)}


def _another(
    folder: Path, current: Mapping[str, Any], kept: Mapping[str, Any], different: set[str],
    remedy: str,
) -> InputError:  # fmt: skip
    """Error that says in what a folder's run is another."""
    names = [key for key in {**current, **kept} if key in different]
    return InputError(
        where=str(folder), variable=", ".join(names), rule="a checkpoint must be of the same run",
        found="; ".join(_difference(key, kept.get(key), current.get(key)) for key in names),
        remedy=remedy,
    )  # fmt: skip


def _are_close(density: Any, other: Any) -> bool:
    """Whether the values of two densities at points are one, but for the processor's rounding."""
    if not (isinstance(density, Mapping) and isinstance(other, Mapping)):
        return bool(density == other)
    return density.keys() == other.keys() and all(
        value == other[key] or math.isclose(float(value), float(other[key]), rel_tol=_SAME_DENSITY)
        for key, value in density.items()
    )


def _difference(key: str, then: Any, now: Any) -> str:
    """Say what was and what is; inside of mappings, only what differs."""
    if isinstance(then, dict) and isinstance(now, dict):
        inner = [name for name in {**then, **now} if then.get(name) != now.get(name)]
        inner = inner[:1] if key == _DENSITY else inner  # one point says it
        return "; ".join(_difference(f"{key} {n}", then.get(n), now.get(n)) for n in inner)
    return f"{key} was {_short(then)}, is {_short(now)}"


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
