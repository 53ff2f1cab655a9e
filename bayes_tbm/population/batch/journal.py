"""What happened to every site: a journal that is only ever added to, and what follows from it.

Each change is one line, written in one go, so that a kill leaves at most the last one torn and
several processes may write side by side. What a user sees is derived from it.
"""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bayes_tbm.errors import WriteError

EVENTS = "events.jsonl"
PENDING, RUNNING, INTERRUPTED = "pending", "running", "interrupted"
DONE, NOT_CONVERGED, SKIPPED, FAILED = "done", "not converged", "skipped", "failed"
STATES = (DONE, NOT_CONVERGED, SKIPPED, FAILED, RUNNING, INTERRUPTED, PENDING)
FITTED = (DONE, NOT_CONVERGED)


@dataclasses.dataclass(frozen=True)
class Event:
    """What happened to a site.

    Attributes
    ----------
    site, key, folder
        Its name, the digest and the folder of its fit.
    state
        One of `STATES`.
    reason
        In a line, where it is not done.
    attempt
        Of the fit.
    seconds
        That it took, and ``rhat``, ``ess`` (smallest bulk or tail), ``divergences`` of its draws.
    memory
        Largest that the process had used by then, MB.
    climate
        Of the site, see `bayes_tbm.population.climate`.
    host, pid, time
        Who wrote this, and when, s since 1970.
    """

    site: str
    key: str
    folder: str
    state: str
    reason: str = ""
    attempt: int = 1
    seconds: float | None = None
    rhat: float | None = None
    ess: float | None = None
    divergences: int | None = None
    memory: float | None = None
    climate: dict[str, Any] | None = None
    host: str = dataclasses.field(default_factory=socket.gethostname)
    pid: int = dataclasses.field(default_factory=os.getpid)
    time: float = dataclasses.field(default_factory=time.time)


def write(folder: Path, event: Event) -> Event:
    """Add an event to the journal of a folder.

    Raises
    ------
    WriteError
        It cannot be written.
    """
    line = json.dumps(dataclasses.asdict(event)) + "\n"
    path = folder / EVENTS
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            os.write(descriptor, _after_a_torn_line(path) + line.encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise WriteError(
            f"{path}: could not be written; found {error.strerror or error}; "
            "make room, or choose another place, and repeat the command"
        ) from error
    return event


def read(folder: Path) -> dict[str, Event]:
    """Return the last event of every site; lines that a kill has torn are left out."""
    try:
        lines = (folder / EVENTS).read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return {}
    return {event.site: event for event in _events(lines)}


def _events(lines: Iterable[str]) -> Iterable[Event]:
    known = {field.name for field in dataclasses.fields(Event)}
    for line in lines:
        try:
            entry: dict[str, Any] = json.loads(line)
            event = Event(**{name: value for name, value in entry.items() if name in known})
        except (ValueError, TypeError, AttributeError):
            continue
        if all(isinstance(x, str) for x in (event.site, event.key, event.folder, event.state)):
            yield event


def _after_a_torn_line(path: Path) -> bytes:
    """Return what ends a line that a kill left open, so that it takes no other with it."""
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return b""
        file.seek(-1, os.SEEK_END)
        return b"" if file.read(1) == b"\n" else b"\n"
