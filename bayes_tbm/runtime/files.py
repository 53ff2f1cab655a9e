"""Files that appear whole or not at all, and are on the disk before anything relies on them."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bayes_tbm.errors import WriteError

_PARTIAL, _LEFT_OVER = ".partial", 86_400.0
"""Ending of what is being written, and seconds after which nobody is at it any more."""


def write_whole(path: Path, content: bytes | memoryview | str) -> Path:
    """Write a file in place of an earlier one, which stays until the new one is safe.

    The content goes to a file beside it, from there to the disk, and only then to its name: neither
    a kill nor a power cut nor a full disk leaves half of it, and of several writers the last one
    stays. Folders are made where they are missing. Text is written as UTF-8.

    Raises
    ------
    WriteError
        It cannot be written; nothing has changed.
    """
    data = content.encode() if isinstance(content, str) else content
    beside = partial(path)
    missing = [folder for folder in path.parents if not folder.exists()]
    try:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _remove_left_overs(path)
            with beside.open("xb") as file:
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


def partial(path: Path) -> Path:
    """Return a hidden name beside a path that no other writer has, for what is not whole yet."""
    return path.with_name(f"{_stem(path)}{secrets.token_hex(4)}{_PARTIAL}")


def replace_folder(new: Path, path: Path) -> Path:
    """Put a folder in the place of an earlier one; of several writers the last one stays.

    Parameters
    ----------
    new
        Written whole, beside it, under a name from `partial`.
    path
        Where it goes.
    """
    remove_folder(path)
    while True:
        try:
            return new.rename(path)
        except OSError:
            if not path.exists():
                raise
            remove_folder(path)  # another writer was faster


def remove_folder(path: Path) -> None:
    """Remove a folder, if it is there: at once for those who look, and for those left by a kill."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(path.rename(partial(path)), ignore_errors=True)
    _remove_left_overs(path)


def _stem(path: Path) -> str:
    return f".{path.name[:50]}."  # a name has 255 bytes at most, a letter up to four


def _remove_left_overs(path: Path) -> None:
    """Remove what writers of a path left that were killed a day ago or earlier."""
    with contextlib.suppress(OSError):
        for name in os.listdir(path.parent):
            if not (name.startswith(_stem(path)) and name.endswith(_PARTIAL)):
                continue
            left = path.with_name(name)
            if time.time() - left.stat().st_mtime < _LEFT_OVER:
                continue
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)


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
