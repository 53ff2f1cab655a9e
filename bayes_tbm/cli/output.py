"""Standard output and error that do not end a run where nobody can read them any more."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import Any, TextIO


class Terminal:
    """A stream that goes quiet once it cannot be written: its reader has left, its disk is full.

    Parameters
    ----------
    stream
        Standard output or error.

    Attributes
    ----------
    error
        Why it is quiet; None while it is not.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.error: OSError | None = None

    def write(self, text: str) -> int:
        """Write text, or drop it where the stream is quiet."""
        self._attempt(self._stream.write, text)
        return len(text)

    def flush(self) -> None:
        """Flush the stream, unless it is quiet."""
        self._attempt(self._stream.flush)

    def _attempt(self, act: Callable[..., Any], *arguments: Any) -> None:
        if self.error is not None:
            return
        try:
            act(*arguments)
        except OSError as error:
            self.error = error
            self._discard()

    def _discard(self) -> None:
        """Give what is still in the buffer somewhere to go when Python ends."""
        with contextlib.suppress(OSError):  # a stream without a file
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
