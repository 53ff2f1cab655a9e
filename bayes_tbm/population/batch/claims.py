"""Who is at work on a fit: a file that only one process can make, and that tells whether it lives.

Fits are told apart by their content and go on from checkpoints, so that a claim that is lost or
taken twice costs time, not results.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

CLAIM = "claim"
BEAT, STALE = 30.0, 180.0
"""Seconds between signs of life, and without one until a claim counts no more."""


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[bool]:
    """Claim a folder while the block runs; tells whether it is ours.

    Parameters
    ----------
    folder
        Of a fit; made if missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / CLAIM
    if not (_make(path) or (is_stale(path) and _take_over(path))):
        yield False
        return
    stop = threading.Event()
    beat = threading.Thread(target=_live, args=(path, stop), daemon=True)
    beat.start()
    try:
        yield True
    finally:
        stop.set()
        beat.join()
        path.unlink(missing_ok=True)


def is_stale(path: Path) -> bool:
    """Whether who made a claim is gone: the process, or its signs of life."""
    try:
        age = time.time() - path.stat().st_mtime
        made = json.loads(path.read_text(encoding="utf-8"))
        here = made["host"] == socket.gethostname() and not _alive(int(made["pid"]))
    except FileNotFoundError:
        return True
    except (ValueError, KeyError, TypeError):  # killed while it wrote this
        return age > BEAT
    return here or age > STALE


def _make(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w") as file:
        json.dump({"host": socket.gethostname(), "pid": os.getpid()}, file)
    return True


def _take_over(path: Path) -> bool:
    path.unlink(missing_ok=True)
    return _make(path)


def _alive(pid: int) -> bool:
    if pid == os.getpid():
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    """Whether a process has ended, and only its parent has not noticed (Linux)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (OSError, IndexError):
        return False


def _live(path: Path, stop: threading.Event) -> None:
    while not stop.wait(BEAT):
        with contextlib.suppress(OSError):
            os.utime(path)
