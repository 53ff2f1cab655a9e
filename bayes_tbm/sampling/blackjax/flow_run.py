"""HMC of many chains through a normalizing flow.

Warm-up goes in rounds. Each runs all chains and learns from their draws and gradients: the first a
metric, the next three a flow on top of it, the last only step sizes, those of the flow that draws.
In the flow's coordinates the posterior is nearly a standard normal, so that short trajectories of
one length serve everywhere. What no draw has shown it, a flow gets wrong, and chains would hardly
enter or leave such a place: every transition through the flow is followed by one through the metric
alone. Steps vary in size, for the same reason, and shorten themselves at edges of the posterior.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from bayes_tbm.posterior.density import LogDensity
from bayes_tbm.runtime.promotion import lenient
from bayes_tbm.sampling.adaptation import DualAveraging, Metric, fisher_metric
from bayes_tbm.sampling.blackjax import flow
from bayes_tbm.sampling.draws import Draws
from bayes_tbm.sampling.landscape import Landscape
from bayes_tbm.sampling.modes import Mode
from bayes_tbm.sampling.nuts.hmc import transition
from bayes_tbm.sampling.nuts.kernel import Target
from bayes_tbm.sampling.nuts.run import workers
from bayes_tbm.sampling.progress import Progress
from bayes_tbm.sampling.settings import Settings

Array = NDArray[np.float64]
_ROUNDS = 5  # of warm-up: one for the metric, three for the flow, and one for its step sizes
_TRAINING = 2000  # steps of the optimiser after each
_GROUP = 16  # chains in a batch; batches go side by side on threads
_CHUNK = 10  # transitions between two looks at the acceptance
_TARGET = 0.85  # mean acceptance; 0.93 took half as much again in gradients an effective draw
_SPREAD = 2.5, 1.25  # a step is so many times shorter, or longer, than its size, at most
# Of trajectories with the flow and without, of steps of their size: pi / 2 for a normal, and more
# for the spread; half of that for transitions that only help out where the flow fails.
_LENGTHS = 2.0, 1.0
_TOLERANCE = 30.0
"""Nats of energy within a step, beyond which it is made of shorter leapfrogs. More are never drawn;
with 4, in batches, a draw took twice as long."""
_CHANCE = 0.1
"""In the first transition of a chunk without the flow, of halving a step once more than is needed.
In a pocket too narrow for the steps of the others a chain stayed for 500 transitions."""
_FIRST_STEP_SIZE = 0.1
_MOST_LEAPFROGS = 128
_ENGINE = 0xF10


class _Map(NamedTuple):
    """How chains see the posterior: through a metric and a flow."""

    center: jax.Array
    scale: jax.Array
    weights: flow.Weights

    def forward(self, u: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Position of a point, (dimension,), and the log of the volume's growth."""
        x, growth = flow.forward(self.weights, u)
        return self.center + self.scale @ x, growth

    def inverse(self, x: jax.Array) -> jax.Array:
        return flow.inverse(self.weights, self.whiten(x))

    def whiten(self, x: jax.Array) -> jax.Array:
        white: jax.Array = jnp.linalg.solve(self.scale, x - self.center)
        return white


def warmup_length(settings: Settings) -> int:
    """Transitions of warm-up that a chain really makes."""
    return _ROUNDS * _CHUNK * max(settings.warmup // (_ROUNDS * _CHUNK), 1)


def sample(
    density: LogDensity, modes: Sequence[Mode], settings: Settings, progress: Progress
) -> Draws:
    """Sample from modes found by `bayes_tbm.sampling.search.find_modes`; see `nuts.sample`.

    Notes
    -----
    Neural transport (Hoffman et al. 2019, arXiv:1903.03704), fitted to draws as in Seyboldt,
    Carlson & Carpenter (2026, arXiv:2603.18845).
    """
    landscape = Landscape(density, modes)
    coordinates = landscape.coordinates
    run = _Run(coordinates.log_density, landscape.metric, settings, progress)
    x, stats = run.sample(landscape.starts(settings, _ENGINE))
    return Draws(coordinates.all_to_latent(x), stats)


@dataclasses.dataclass
class _Ensemble:
    """All chains of a run: where they are, and their step sizes with the flow and without."""

    u: Array
    step_sizes: tuple[float, float] = (_FIRST_STEP_SIZE, _FIRST_STEP_SIZE)
    made: int = 0


class _Run:
    """Compiled functions of a run and the loops around them."""

    def __init__(
        self, log_density: Target, laplace: Metric, settings: Settings, progress: Progress
    ) -> None:
        self._log_density, self._laplace = log_density, laplace
        self._settings, self._progress = settings, progress
        root = jax.random.fold_in(jax.random.key(settings.seed), _ENGINE)
        self._flow_key, self._fit_key, self._walk_key = jax.random.split(root, 3)
        # As many groups on every machine: rounding depends on their size, and draws on rounding.
        self._groups = settings.chains // _GROUP if settings.chains % _GROUP == 0 else 1
        self._sweep = jax.jit(lenient(self._sweep_group))
        self._scores = jax.jit(jax.vmap(jax.grad(log_density)))
        self._inverse = jax.jit(jax.vmap(_Map.inverse, in_axes=(None, 0)))
        self._fit = jax.jit(flow.fit, static_argnames="steps")

    def sample(self, x: Array) -> tuple[Array, dict[str, NDArray[Any]]]:
        """Positions, (chain, draw, dimension), and statistics of all chains from their starts."""
        seen = self._map(self._laplace, flow.identity(self._flow_key, x.shape[1]))
        chains = _Ensemble(np.asarray(self._inverse(seen, x)))
        length = warmup_length(self._settings) // _ROUNDS
        for number in range(_ROUNDS - 1):
            path, _ = self._advance(chains, seen, length, True)
            later = path[:, path.shape[1] // 4 :]
            seen = self._learn(number, seen, later)
            chains.u = np.asarray(self._inverse(seen, path[:, -1]))
        self._advance(chains, seen, length, True)
        return self._advance(chains, seen, self._settings.draws, False)

    def _learn(self, number: int, seen: _Map, path: Array) -> _Map:
        """Metric, or flow, from where chains have been, (chain, draw, dimension)."""
        scores = np.stack([np.asarray(self._scores(positions)) for positions in path])
        dimension = path.shape[-1]
        if number == 0:
            metric = fisher_metric(list(zip(path, scores, strict=True)), self._laplace)
            return self._map(metric, seen.weights)
        self._progress.advance(0, "fitting the flow")
        white = jax.vmap(seen.whiten)(jnp.asarray(path.reshape(-1, dimension)))
        slopes = scores.reshape(-1, dimension) @ seen.scale
        key = jax.random.fold_in(self._fit_key, number)
        weights, divergence = self._fit(seen.weights, white, slopes, key, steps=_TRAINING)
        self._progress.advance(0, f"Fisher divergence {float(divergence):.2g}")
        return seen._replace(weights=weights)

    def _advance(
        self, chains: _Ensemble, seen: _Map, length: int, adapts: bool
    ) -> tuple[Array, dict[str, NDArray[Any]]]:
        """Make transitions of all chains; returns positions and statistics, (chain, draw, ...)."""
        tuners, chunks = [DualAveraging(size, _TARGET) for size in chains.step_sizes], []
        for _ in range(0, length, _CHUNK):
            sizes = tuple(tuner.now for tuner in tuners) if adapts else chains.step_sizes
            positions, stats, acceptance = self._chunk(chains, seen, sizes)
            chunks.append((positions, stats))
            for tuner, accepted in zip(tuners, acceptance, strict=True):
                tuner.update(float(accepted))
            note = f"{stats['n_steps'].mean():.0f} leapfrogs"
            self._progress.advance(positions.shape[0] * _CHUNK, note)
        if adapts:
            chains.step_sizes = tuners[0].average, tuners[1].average
        walk: tuple[Array, dict[str, NDArray[Any]]]
        walk = jax.tree.map(lambda *parts: np.concatenate(parts, axis=1)[:, :length], *chunks)
        return walk

    def _chunk(
        self, chains: _Ensemble, seen: _Map, sizes: tuple[float, ...]
    ) -> tuple[Array, dict[str, NDArray[Any]], Array]:
        """Positions and statistics, (chain, draw, ...), and mean acceptances with and without."""
        leapfrogs = tuple(
            int(np.clip(round(length / size), 1, _MOST_LEAPFROGS))
            for length, size in zip(_LENGTHS, sizes, strict=True)
        )
        now = jax.random.fold_in(self._walk_key, chains.made)
        keys = jax.random.split(now, (self._groups, len(chains.u) // self._groups))

        def sweep(keys: jax.Array, u: Array) -> Any:
            return jax.device_get(self._sweep(keys, u, seen, sizes, leapfrogs))

        with ThreadPoolExecutor(min(workers(), self._groups)) as pool:
            parts = list(pool.map(sweep, keys, np.split(chains.u, self._groups)))
        chains.u = np.concatenate([last for last, _ in parts])
        chains.made += 1
        positions, stats, acceptance = jax.tree.map(
            lambda *each: np.concatenate(each), *(part for _, part in parts)
        )
        return positions, stats, acceptance.mean(axis=(0, 1))

    def _sweep_group(
        self, keys: jax.Array, u: jax.Array, seen: _Map, sizes: Any, leapfrogs: Any
    ) -> Any:
        """Make a chunk of transitions of some chains, (chain, dimension), with a key for each."""

        def with_flow(u: jax.Array) -> jax.Array:
            x, growth = seen.forward(u)
            return self._log_density(x) + growth

        def without(white: jax.Array) -> jax.Array:
            return self._log_density(seen.center + seen.scale @ white)

        def move(u: jax.Array, key: jax.Array, chance: jax.Array) -> Any:
            one, other = jax.random.split(key)
            u, first = _move(one, with_flow, u, sizes[0], leapfrogs[0])
            white, _ = flow.forward(seen.weights, u)
            white, second = _move(other, without, white, sizes[1], leapfrogs[1], chance)
            acceptance = jnp.stack([first["acceptance_rate"], second["acceptance_rate"]])
            found = second | {
                "n_steps": first["n_steps"] + second["n_steps"],
                "diverging": first["diverging"] | second["diverging"],
                "acceptance_rate": acceptance.mean(), "step_size": first["step_size"],
            }  # fmt: skip
            seen_as = seen.center + seen.scale @ white
            return flow.inverse(seen.weights, white), (seen_as, found, acceptance)

        def move_all(u: jax.Array, number: jax.Array) -> Any:
            own = jax.vmap(jax.random.fold_in, (0, None))(keys, number)
            return jax.vmap(move, (0, 0, None))(u, own, jnp.where(number == 0, _CHANCE, 0.0))

        last, found = jax.lax.scan(move_all, u, jnp.arange(_CHUNK))
        return last, jax.tree.map(lambda leaf: jnp.swapaxes(leaf, 0, 1), found)

    def _map(self, metric: Metric, weights: flow.Weights) -> _Map:
        return _Map(jnp.asarray(metric.center), jnp.asarray(metric.scale), weights)


def _move(
    key: jax.Array, target: Target, u: jax.Array, size: jax.Array, steps: jax.Array,
    chance: Any = 0.0,
) -> tuple[jax.Array, dict[str, jax.Array]]:  # fmt: skip
    """Make a transition in steps about a size; returns where it leads, and statistics."""
    of_step, of_move = jax.random.split(key)
    shorter, longer = _SPREAD
    factor = jax.random.uniform(of_step, minval=-np.log(shorter), maxval=np.log(longer))
    size, chance = size * jnp.exp(factor), jnp.asarray(chance)
    return transition(of_move, target, u, size, steps, chance, _TOLERANCE)
