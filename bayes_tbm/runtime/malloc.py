"""Keeping the work space of compiled functions between calls."""

from __future__ import annotations

import ctypes
import functools
import resource
import sys
from pathlib import Path

_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1  # of glibc's malloc.h
_KEPT = 256 * 2**20


@functools.cache
def keep_work_space() -> None:
    """Ask the C library to keep freed blocks of up to 256 MiB instead of returning them.

    XLA on CPU allocates the work space of a function at every call. Blocks above 128 KiB go back to
    the system when freed, and each page is then fetched anew: a fifth of the time of one gradient
    of daily data and more of a batch. Only glibc on Linux knows these settings; elsewhere nothing
    happens.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(_MMAP_THRESHOLD, _KEPT)
            mallopt(_TRIM_THRESHOLD, _KEPT)


def give_back() -> None:
    """Return freed memory to the system, as between two fits of many; glibc alone can."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def resident() -> int:
    """Memory that the process has now, bytes; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    return pages * resource.getpagesize()
