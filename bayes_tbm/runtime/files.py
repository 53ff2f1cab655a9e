"""Files that appear whole or not at all, and are on the disk before anything relies on them."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bayes_tbm.errors import WriteError


def write_whole(path: Path, content: bytes | memoryview | str) -> Path:
    """Write a file in place of an earlier one, which stays until the new one is safe.

    The content goes to a file beside it, from there to the disk, and only then to its name: neither
    a kill nor a power cut nor a full disk leaves half of it. Folders are made where they are
    missing. Text is written as UTF-8.

    Raises
    ------
    WriteError
        It cannot be written; nothing has changed.
    """
    data = content.encode() if isinstance(content, str) else content
    beside = path.with_name(f"{path.name}.partial")
    missing = [folder for folder in path.parents if not folder.exists()]
    try:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with beside.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, path)
        except BaseException:
            _discard(beside, missing)
            raise
        _sync_folder(path.parent)
    except OSError as error:
        raise WriteError(
            f"{path}: could not be written; found {error.strerror or error}; "
            "make room, or choose another place, and repeat the command"
        ) from error
    return path


def _discard(file: Path, folders: Sequence[Path]) -> None:
    """Remove what was begun: a file, and the folders that were made for it, inner ones first."""
    with contextlib.suppress(OSError):  # what is not there, or used by now by others
        file.unlink(missing_ok=True)
        for folder in folders:
            folder.rmdir()


def probe(folder: Path) -> None:
    """Try to write in a folder, leaving no trace; raises what writing would."""
    with tempfile.TemporaryFile(dir=folder):
        pass


def _sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk; only POSIX can open a folder."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
