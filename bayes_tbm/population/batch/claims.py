"""Who is at work on a fit: a file that only one process can make, and that tells whether it lives.

Fits are told apart by their content and go on from checkpoints, so that a claim that is lost or
taken twice costs time, not results.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from bayes_tbm.runtime.files import partial

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
    path, token = folder / CLAIM, secrets.token_hex(8)
    if not (_make(path, token) or (is_stale(path) and _take_over(path, token))):
        yield False
        return
    stop = threading.Event()
    beat = threading.Thread(target=_live, args=(path, token, stop), daemon=True)
    beat.start()
    try:
        yield True
    finally:
        stop.set()
        beat.join()
        if _is_of(path, token):  # it was taken over from who gave no sign of life for long
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


def _make(path: Path, token: str) -> bool:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w") as file:
        json.dump({"host": socket.gethostname(), "pid": os.getpid(), "token": token}, file)
    return True


def _take_over(path: Path, token: str) -> bool:
    """Make a claim in the place of a stale one, which only one process can put aside."""
    aside = partial(path)
    try:
        path.rename(aside)
    except FileNotFoundError:
        return _make(path, token)
    if is_stale(aside):
        aside.unlink(missing_ok=True)
        return _make(path, token)
    # another one was faster, and this is its claim: put it back, unless there is one by now
    try:
        os.link(aside, path)
    except FileExistsError:
        pass
    except OSError:  # no file has two names there
        aside.rename(path)
    aside.unlink(missing_ok=True)
    return False


def _is_of(path: Path, token: str) -> bool:
    """Whether a claim is that which was made with a token."""
    try:
        return bool(json.loads(path.read_text(encoding="utf-8")).get("token") == token)
    except (OSError, ValueError, AttributeError):
        return False


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


def _live(path: Path, token: str, stop: threading.Event) -> None:
    while not stop.wait(BEAT):
        with contextlib.suppress(OSError):
            if _is_of(path, token):
                os.utime(path)
