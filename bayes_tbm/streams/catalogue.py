"""The streams there are: every module of ``streams/observed`` that defines ``STREAM``."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Sequence

from bayes_tbm.errors import InputError
from bayes_tbm.streams import observed
from bayes_tbm.streams.definition import Stream


def _find() -> dict[str, Stream]:
    modules = (
        importlib.import_module(f"{observed.__name__}.{module.name}")
        for module in pkgutil.iter_modules(observed.__path__)
    )
    return {module.STREAM.name: module.STREAM for module in modules}


STREAMS: dict[str, Stream] = _find()


def as_streams(streams: Sequence[str | Stream]) -> tuple[Stream, ...]:
    """Streams from names or from streams themselves.

    Raises
    ------
    InputError
        None is given, a name is unknown, or one is given twice.
    """
    if isinstance(streams, str):
        streams = streams.split(",")
    chosen = tuple(_lookup(stream) for stream in streams if stream != "")
    names = [stream.name for stream in chosen]
    if not chosen or len(set(names)) < len(names):
        raise InputError(
            where="streams",
            rule="at least one stream must be given, each once",
            found=", ".join(names) or "none",
            remedy=f"choose from {', '.join(STREAMS)}",
        )
    return chosen


def _lookup(stream: str | Stream) -> Stream:
    if isinstance(stream, Stream):
        return stream
    name = stream.strip().lower()
    if name not in STREAMS:
        near = difflib.get_close_matches(name, STREAMS, n=1)
        raise InputError(
            where="streams",
            variable=stream,
            rule=f"must be one of {', '.join(STREAMS)}",
            found=stream,
            remedy=f"did you mean {near[0]}?" if near else None,
        )
    return STREAMS[name]
