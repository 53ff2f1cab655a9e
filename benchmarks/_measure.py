"""What the benchmarks share: one core, the machine, times taken in turn, Markdown tables.

Nothing here imports JAX before it must: `pin` has to come first.
"""

from __future__ import annotations

import dataclasses
import datetime
import os
import platform
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
_BURST = 0.02  # seconds that one function runs before it is the next one's turn


def prepare_environment(data: str | None) -> None:
    """Choose the CPU unless told otherwise, compile everything anew, find the site data.

    Parameters
    ----------
    data
        Folder of site files; None takes ``BAYES_TBM_DATA``, then ``../shared/data`` beside the
        checkout, else the package fetches what it needs.
    """
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    os.environ.pop("JAX_COMPILATION_CACHE_DIR", None)  # a first call is a first call
    beside = ROOT.parent / "shared" / "data"
    if data is not None:
        os.environ["BAYES_TBM_DATA"] = data
    elif beside.is_dir():
        os.environ.setdefault("BAYES_TBM_DATA", str(beside))


def pin(cores: int) -> str:
    """Keep this process and all threads that it starts later on so many cores; say so.

    Call before anything imports JAX: importing `bayes_tbm` starts its threads.
    """
    if not hasattr(os, "sched_setaffinity"):
        return "cores not pinned: this system cannot"
    allowed = sorted(os.sched_getaffinity(0))
    chosen = allowed[-cores:]  # the first core serves most interrupts
    os.sched_setaffinity(0, chosen)
    return f"pinned to core{'s'[: len(chosen) > 1]} {', '.join(map(str, chosen))}"


def machine() -> str:
    """Date, processor, load, versions and commit, in one line."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    models = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    load = f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    parts = (
        f"{datetime.datetime.now().astimezone():%Y-%m-%d %H:%M}",
        models[0] if models else platform.processor() or platform.machine(),
        f"{os.cpu_count()} cores",
        load,
        f"Python {platform.python_version()}",
        f"jax {version('jax')}",
        f"bayes_tbm {_installed()} {_commit()}",
    )
    return ", ".join(part.strip() for part in parts if part)


def _installed() -> str:
    try:
        return version("bayes-tbm")
    except PackageNotFoundError:
        return "source tree"


def _commit() -> str:
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


@dataclasses.dataclass(frozen=True)
class Times:
    """Seconds of every call of one function, by the clock and of the processor."""

    wall: tuple[float, ...]
    processor: tuple[float, ...]

    @property
    def figures(self) -> tuple[float, float, float]:
        """Least and median by the clock, and median of the processor's seconds.

        On one idle core all three are near. Under load the first is that of the call which nothing
        disturbed, if calls are short enough for there to be one; the last leaves out the time that
        other processes had the core.
        """
        return min(self.wall), float(np.median(self.wall)), float(np.median(self.processor))


def timed(call: Callable[[], object]) -> tuple[float, float]:
    """Seconds until what a call returns is there: by the clock and of the processor."""
    import jax

    begin, busy = time.perf_counter(), time.process_time()
    jax.block_until_ready(call())
    return time.perf_counter() - begin, time.process_time() - busy


def take_turns(
    calls: Mapping[str, Callable[[], object]], seconds: float, least: int = 3
) -> dict[str, Times]:
    """Time functions in turn (a, b, a, b, ...), so that what disturbs one disturbs the others.

    Parameters
    ----------
    calls
        Compiled functions by name.
    seconds
        How long to go on.
    least
        Turns that each gets, however long they take. A turn is a burst of calls, of 20 ms or one
        call: the first after another function's turn finds cold caches, the next ones do not.
    """
    size = {name: 1 + int(_BURST / timed(call)[0]) for name, call in calls.items()}
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in calls}
    end, turns = time.perf_counter() + seconds, 0
    while turns < least or time.perf_counter() < end:
        for name, call in calls.items():
            taken[name] += [timed(call) for _ in range(size[name])]
        turns += 1
    return {name: Times(*zip(*each, strict=True)) for name, each in taken.items()}


def joined(figures: Iterable[float]) -> str:
    """Figures to three digits in one cell of a table."""
    return " / ".join(f"{figure:.3g}" for figure in figures)


def slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Exponent of y in x: the slope of a line through the logarithms."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0]) if len(x) > 1 else float("nan")


class Table:
    """A Markdown table, printed row by row as results come."""

    def __init__(self, *columns: str) -> None:
        self._widths = [max(len(column), 6) for column in columns]
        self.row(*columns)
        self.row(*("-" * width for width in self._widths))

    def row(self, *cells: object) -> None:
        """Print a row: numbers to three significant digits, the rest as text."""
        texts = (f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in cells)
        padded = (text.rjust(width) for text, width in zip(texts, self._widths, strict=True))
        print("| " + " | ".join(padded) + " |", flush=True)


def interval(quantiles: np.ndarray) -> str:
    """Write median and central 90 %."""
    low, middle, high = quantiles
    return f"{middle:.3g} ({low:.3g} to {high:.3g})"
