"""One thread for the linear algebra of a fit: its numbers do not hang on how many there may be."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from threadpoolctl import threadpool_limits


class _Fits:
    """How many run in this process, and what was allowed before the first of them."""

    def __init__(self) -> None:
        self.lock, self.running = threading.Lock(), 0
        self.before: threadpool_limits | None = None


_fits = _Fits()


@contextlib.contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep BLAS to one thread meanwhile, in the whole process.

    Two threads share out a product otherwise than one does, and its last bits with it: a fit would
    give other draws in a worker that keeps to a core. Matrices here are small, so that nothing is
    lost. Fits in several threads end in any order; the last one sets back what was found.
    """
    with _fits.lock:
        if not _fits.running:
            _fits.before = threadpool_limits(limits=1, user_api="blas")
        _fits.running += 1
    try:
        yield
    finally:
        with _fits.lock:
            _fits.running -= 1
            if not _fits.running and _fits.before is not None:
                _fits.before.restore_original_limits()
