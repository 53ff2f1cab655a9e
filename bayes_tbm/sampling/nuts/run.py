"""NumPyro's NUTS: phases of warm-up that share a metric, chains side by side on threads.

Chains move in coordinates whitened by a metric that all share: the Laplace metric at first, then
twice the one that warm-up's positions and gradients agree on. Within a phase chains know nothing
of each other, so each keeps its own checkpoint and any of them can be stopped and taken up again.
"""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from bayes_tbm.posterior.density import LogDensity
from bayes_tbm.results.attempts import Attempt
from bayes_tbm.sampling.adaptation import Metric, fisher_metric
from bayes_tbm.sampling.checkpoint import Checkpoint
from bayes_tbm.sampling.coordinates import Coordinates
from bayes_tbm.sampling.draws import DONE, AskNext, Draws
from bayes_tbm.sampling.landscape import Landscape
from bayes_tbm.sampling.modes import Mode
from bayes_tbm.sampling.nuts.chain import Chain
from bayes_tbm.sampling.nuts.kernel import Kernel
from bayes_tbm.sampling.nuts.mode_jumps import FIRST_JUMPS, Jumps, jumps_after, learnt
from bayes_tbm.sampling.progress import Progress
from bayes_tbm.sampling.settings import Settings

Array = NDArray[np.float64]
_WARMUP_PHASES = 3  # with the Laplace metric, and with two better ones
_ENGINE = 1  # keeps random numbers apart from those of the other engines
_RESTARTS = 2  # times that draws may begin anew with shorter steps
_SHORTER = 0.6
# Of halving a step once more than is needed: 0.05 and 0.2 had half as many effective draws.
_CHANCE = 0.1
_TAME = 0.01  # share of trajectories cut short up to which that is not worth its cost, an eighth


@dataclasses.dataclass(frozen=True)
class _Phase:
    """What all chains share during a phase: metric, first step size, modes and jumps between them.

    The first phases adapt; then come draws, and draws again where those needed shorter steps.
    """

    number: int
    metric: Metric
    step_size: float
    starts: Array
    regions: Sequence[Metric]
    tries: int = FIRST_JUMPS
    chance: float = 0.0
    discarded: tuple[Attempt, ...] = ()

    @property
    def adapts(self) -> bool:
        return self.number < _WARMUP_PHASES

    @property
    def may_restart(self) -> bool:
        return self.number < _WARMUP_PHASES + _RESTARTS


def workers() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def compile_ahead(density: LogDensity, settings: Settings) -> None:
    """Compile what chains will need, for any position of modes: it takes seconds."""
    coordinates = Coordinates(density, jnp.zeros(density.dimension))
    coordinates.value_and_gradient(jnp.zeros(density.dimension))
    coordinates.laplace(np.zeros(density.dimension), np.eye(density.dimension))
    _kernel(coordinates, density.dimension, settings)


def _kernel(coordinates: Coordinates, dimension: int, settings: Settings) -> Kernel:
    return Kernel(
        coordinates.traced, dimension, settings.max_tree_depth, coordinates.value_and_gradient
    )


def warmup_length(settings: Settings) -> int:
    """Transitions of warm-up that a chain really makes."""
    return _WARMUP_PHASES * (settings.warmup // _WARMUP_PHASES)


def sample(
    density: LogDensity,
    modes: Sequence[Mode],
    settings: Settings,
    progress: Progress,
    checkpoint: Checkpoint | None = None,
    ask_next: AskNext | None = None,
) -> Draws:
    """Sample with NUTS from modes found by `bayes_tbm.sampling.search.find_modes`.

    Every mode that matters gets chains by its weight; see `Landscape.starts` for where.

    Parameters
    ----------
    density
        What to sample.
    modes
        Where chains may begin, the heaviest first.
    settings
        How to sample.
    progress
        Where to report every transition.
    checkpoint
        Where chains keep what they have done, and take it up again.
    ask_next
        What the run does after the draws so far; asked again until it is done.
    """
    landscape = Landscape(density, modes)
    coordinates, laplace = landscape.coordinates, landscape.metric
    kernel = _kernel(coordinates, len(modes[0].position), settings)
    run = _Run(kernel, [mode.weight for mode in modes], settings, progress, checkpoint)
    phase = run.saved_phase()
    if phase is None:
        starts = landscape.starts(settings, _ENGINE)
        phase = _Phase(0, laplace, 0.5, starts, landscape.regions)
    while phase.adapts:
        phase = run.next_phase(phase, laplace)
    chains, length, extensions = run.chains(phase), settings.draws, 0
    while True:
        run.advance(chains, length)
        draws = dataclasses.replace(
            _draws(chains, length, coordinates.all_to_latent),
            discarded=phase.discarded,
            extensions=extensions,
        )
        step = ask_next(draws, phase.may_restart) if ask_next else DONE
        if step.kind == "done":
            return draws
        if step.kind == "restart":
            phase = run.restarted(phase, chains, draws.attempts)
            chains, length, extensions, added = run.chains(phase), settings.draws, 0, settings.draws
        else:
            length, extensions, added = length + step.draws, extensions + 1, step.draws
        progress.expect(added * len(chains))


def _draws(chains: Sequence[Chain], length: int, to_latent: Callable[[Array], Array]) -> Draws:
    """So many transitions of every chain."""
    stats = {
        name: np.array([[s[name] for s in chain.stats[:length]] for chain in chains])
        for name in chains[0].stats[0]
    }
    x = np.stack([np.array(chain.positions[:length]) for chain in chains])
    return Draws(to_latent(x), stats)


class _Run:
    """Chains of one run, phase by phase, with their memory on disk."""

    def __init__(
        self,
        kernel: Kernel,
        weights: Sequence[float],
        settings: Settings,
        progress: Progress,
        disk: Checkpoint | None,
    ) -> None:
        self._kernel, self._settings, self._progress, self._disk = kernel, settings, progress, disk
        self._weights = weights
        shape = (_WARMUP_PHASES + 1 + _RESTARTS, settings.chains)
        self._keys = jax.random.split(jax.random.key(settings.seed), shape)

    def saved_phase(self) -> _Phase | None:
        """Phase in which the checkpoint was left."""
        saved = self._disk.load("phase") if self._disk else None
        if saved is None:
            return None
        phase = _Phase(
            int(saved["number"]), Metric(saved["center"], saved["scale"]),
            float(saved["step_size"]),
            saved["starts"],
            [Metric(c, s) for c, s in zip(saved["centers"], saved["scales"], strict=True)],
            int(saved["tries"]),
            float(saved["chance"]),
            tuple(Attempt.from_row(row) for row in saved["discarded"]),
        )  # fmt: skip
        done = min(phase.number, _WARMUP_PHASES) * (self._settings.warmup // _WARMUP_PHASES)
        self._progress.advance(done * self._settings.chains)
        return phase

    def next_phase(self, phase: _Phase, laplace: Metric) -> _Phase:
        """Run a phase of warm-up; what it learnt is the next one's."""
        chains = self.chains(phase)
        self.advance(chains, self._settings.warmup // _WARMUP_PHASES)
        step_size = float(np.exp(np.mean(np.log([chain.step_size for chain in chains]))))
        metric, paths = phase.metric, [chain.later_part() for chain in chains]
        if phase.number < _WARMUP_PHASES - 1:
            metric = fisher_metric(paths, laplace)
        starts = np.array([chain.positions[-1] for chain in chains])
        regions = learnt(phase.regions, np.concatenate([positions for positions, _ in paths]))
        tries = jumps_after(np.mean([chain.later_mean("n_steps") for chain in chains]))
        chance = phase.chance
        if np.mean([chain.later_mean("irreversible") for chain in chains]) > _TAME:
            chance = _CHANCE
        return self._enter(
            _Phase(phase.number + 1, metric, step_size, starts, regions, tries, chance)
        )

    def restarted(
        self, phase: _Phase, chains: Sequence[Chain], attempts: tuple[Attempt, ...]
    ) -> _Phase:
        """Go on with shorter steps from where chains are at the end of an attempt, now given up."""
        starts = np.array([chain.positions[attempts[-1].draws - 1] for chain in chains])
        tries = jumps_after(np.mean([chain.later_mean("n_steps") for chain in chains]) / _SHORTER)
        return self._enter(
            dataclasses.replace(
                phase,
                number=phase.number + 1,
                step_size=_SHORTER * phase.step_size,
                starts=starts,
                tries=tries,
                discarded=attempts,
            )
        )

    def _enter(self, phase: _Phase) -> _Phase:
        """Remember that a phase has begun."""
        if self._disk:
            arrays = {
                "number": phase.number, "center": phase.metric.center,
                "scale": phase.metric.scale, "step_size": phase.step_size, "starts": phase.starts,
                "centers": np.array([region.center for region in phase.regions]),
                "scales": np.array([region.scale for region in phase.regions]),
                "tries": phase.tries, "chance": phase.chance,
                "discarded": np.array([dataclasses.astuple(a) for a in phase.discarded]),
            }  # fmt: skip
            self._disk.save("phase", arrays)
            self._disk.drop(f"phase-{phase.number - 1}-chain-")
        return phase

    def chains(self, phase: _Phase) -> list[Chain]:
        """Chains of a phase, as far as the disk remembers them."""
        jumps = Jumps(self._kernel, phase.regions, self._weights, phase.tries)
        chains = [
            Chain(
                self._kernel, phase.metric, phase.starts[number], self._keys[phase.number, number],
                phase.step_size, target=self._settings.target_accept if phase.adapts else None,
                disk=self._disk, name=f"phase-{phase.number}-chain-{number}", jumps=jumps,
                chance=phase.chance,
            )
            for number in range(self._settings.chains)
        ]  # fmt: skip
        self._progress.advance(sum(len(chain) for chain in chains))
        return chains

    def advance(self, chains: Sequence[Chain], length: int) -> None:
        """Bring chains to a length, side by side."""
        stop = threading.Event()
        with ThreadPoolExecutor(min(workers(), len(chains))) as pool:
            tasks = [pool.submit(chain.advance, length, self._progress, stop) for chain in chains]
            try:
                for task in tasks:
                    task.result()
            except BaseException:  # an interrupt, or a chain that failed: the others stop too
                stop.set()
                raise
