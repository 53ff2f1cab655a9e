"""One chain during one phase: its transitions so far, and how to go on from them."""

from __future__ import annotations

import threading
import time
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from bayes_tbm.sampling.adaptation import DualAveraging, Metric
from bayes_tbm.sampling.checkpoint import Arrays, Checkpoint
from bayes_tbm.sampling.nuts.kernel import Kernel, from_arrays, to_arrays
from bayes_tbm.sampling.nuts.mode_jumps import Jumps
from bayes_tbm.sampling.progress import Progress

Array = NDArray[np.float64]
_SECONDS_BETWEEN_SAVES = 2.0


class Chain:
    """A chain with a metric and, if it adapts, a step size of its own.

    Parameters
    ----------
    kernel, metric
        How it moves.
    start
        Where from, (dimension,).
    key
        Of its randomness.
    step_size
        To begin with, or to keep.
    target
        Mean acceptance that the step size is tuned to; None keeps it as it is.
    disk, name
        Where the chain keeps its transitions, and takes them up from.
    jumps
        Moves between modes that follow every transition.
    chance
        Of steps in more leapfrogs than are needed; see `adaptive_leapfrog`.

    Attributes
    ----------
    positions, gradients
        Of every transition, (dimension,) each.
    stats
        Statistics of every transition.
    """

    def __init__(
        self, kernel: Kernel, metric: Metric, start: Array, key: jax.Array, step_size: float,
        *, target: float | None, disk: Checkpoint | None, name: str, jumps: Jumps,
        chance: float = 0.0,
    ) -> None:  # fmt: skip
        self._jumps, self._entropy = jumps, np.asarray(jax.random.key_data(key)).tolist()
        self._kernel, self._metric, self._disk, self._name = kernel, metric, disk, name
        self._state = kernel.start(key, metric, start)
        self._fixed, self._chance = step_size, chance
        self._tuner = DualAveraging(step_size, target) if target is not None else None
        self.positions: list[Array] = []
        self.gradients: list[Array] = []
        self.stats: list[dict[str, Any]] = []
        saved = disk.load(name) if disk else None
        if saved is not None:
            self._take_up(saved)

    @property
    def step_size(self) -> float:
        """Step size that the chain has settled on."""
        return self._tuner.average if self._tuner else self._fixed

    def later_part(self) -> tuple[Array, Array]:
        """Positions and gradients after the first quarter, (draw, dimension) each."""
        first = len(self.positions) // 4
        return np.array(self.positions[first:]), np.array(self.gradients[first:])

    def later_mean(self, statistic: str) -> float:
        """Mean of a statistic over the second half of the transitions."""
        later = self.stats[len(self.stats) // 2 :]
        return float(np.mean([stats[statistic] for stats in later]))

    def __len__(self) -> int:
        return len(self.positions)

    def advance(self, length: int, progress: Progress, stop: threading.Event) -> None:
        """Make transitions until there are ``length`` of them, or until told to stop.

        A chain taken up from disk may be longer already.
        """
        saved, saved_at = len(self.positions), time.monotonic()
        while len(self.positions) < length and not stop.is_set():
            steps = self._move()
            progress.advance(1, f"{steps} leapfrogs")
            if time.monotonic() - saved_at > _SECONDS_BETWEEN_SAVES:
                self._save()
                saved, saved_at = len(self.positions), time.monotonic()
        if len(self.positions) > saved:
            self._save()

    def _move(self) -> int:
        step_size = self._tuner.now if self._tuner else self._fixed
        rng = np.random.default_rng([*self._entropy, len(self.positions)])
        self._state = self._kernel.transition(self._state, step_size, self._metric, self._chance)
        self._state, jumped = self._jumps.move(self._state, self._metric, rng)
        position, gradient, stats = self._kernel.read(self._state, self._metric)
        self.positions.append(position)
        self.gradients.append(gradient)
        self.stats.append(stats | {"step_size": step_size, "jumped": jumped})
        if self._tuner:
            self._tuner.update(float(stats["acceptance_rate"]))
        return int(stats["n_steps"])

    def _save(self) -> None:
        if self._disk is None:
            return
        stats = {f"stat_{n}": np.array([s[n] for s in self.stats]) for n in self.stats[0]}
        tuner = {"tuner": np.array(self._tuner.memory)} if self._tuner else {}
        paths = {"positions": np.array(self.positions), "gradients": np.array(self.gradients)}
        self._disk.save(self._name, paths | stats | tuner | to_arrays(self._state))

    def _take_up(self, saved: Arrays) -> None:
        self.positions, self.gradients = list(saved["positions"]), list(saved["gradients"])
        names = [n.removeprefix("stat_") for n in saved if n.startswith("stat_")]
        columns = [saved[f"stat_{name}"] for name in names]
        self.stats = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
        self._state = from_arrays(self._state, saved)
        if self._tuner:
            self._tuner.memory = tuple(saved["tuner"])
