"""One progress bar for everything that takes long, safe to advance from several threads."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from tqdm import tqdm


class Progress:
    """A progress bar, or nothing at all.

    Parameters
    ----------
    label
        What is going on.
    total
        How many units of work there are.
    show
        Whether to draw the bar.
    """

    def __init__(self, label: str, total: int, *, show: bool) -> None:
        self._lock = threading.Lock()
        self._bar = tqdm(total=total, desc=label, disable=not show, mininterval=0.5, ncols=88)

    def advance(self, units: int, note: str | None = None) -> None:
        """Report work done, with a note to show behind the bar."""
        with self._lock:
            if note:
                self._bar.set_postfix_str(note, refresh=False)
            self._bar.update(units)

    def expect(self, units: int) -> None:
        """Announce work that comes on top of the total."""
        with self._lock:
            self._bar.total += units
            self._bar.refresh()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.close()
