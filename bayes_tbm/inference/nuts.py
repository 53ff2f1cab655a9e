"""NumPyro's NUTS, one compiled transition for all chains, chains side by side on threads.

Chains move in coordinates whitened by a metric that all share: the Laplace metric at first, then
twice the one that warm-up's positions and gradients agree on. Metric and step size are arguments
of the transition, so that it is compiled once.
"""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray
from numpyro.infer.hmc import hmc

from bayes_tbm.inference.adaptation import DualAveraging, Metric, fisher_metric
from bayes_tbm.inference.coordinates import Coordinates
from bayes_tbm.inference.density import LogDensity
from bayes_tbm.inference.progress import Progress
from bayes_tbm.inference.settings import Settings
from bayes_tbm.inference.start import Mode

Array = NDArray[np.float64]
Target = Callable[[jax.Array], jax.Array]
_PHASES = 3  # of warm-up: with the Laplace metric, and with two better ones


@dataclasses.dataclass(frozen=True)
class Draws:
    """Posterior draws on the latent space, with what the sampler says about them.

    Attributes
    ----------
    z
        (chain, draw, dimension).
    stats
        By ArviZ name, each (chain, draw).
    """

    z: Array
    stats: dict[str, NDArray[Any]]


@dataclasses.dataclass(frozen=True)
class Path:
    """Transitions of one chain: positions and gradients, (draw, dimension), and statistics."""

    z: Array
    gradient: Array
    stats: list[dict[str, Any]]
    step_size: float


def workers() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def sample(
    density: LogDensity, modes: Sequence[Mode], settings: Settings, progress: Progress
) -> Draws:
    """Sample with NUTS from modes found by `bayes_tbm.inference.start.find_modes`.

    Chains start in the modes in turn, each at a draw of the Laplace approximation there.
    """
    coordinates = Coordinates(density, jnp.asarray(modes[0].position))
    from_latent = jax.jit(coordinates.from_latent)
    rng = np.random.default_rng([settings.seed, 1])
    finite = jax.jit(lambda z: jnp.isfinite(density(z)))
    starts = [
        _start(modes[i % len(modes)], rng, lambda z: bool(finite(jnp.asarray(z))))
        for i in range(settings.chains)
    ]
    starts = [np.asarray(from_latent(jnp.asarray(z))) for z in starts]
    # The map's own slope at the mode turns the Laplace metric with it.
    turned = np.asarray(jax.jacfwd(from_latent)(jnp.asarray(modes[0].position))) @ modes[0].scale
    metric = laplace = Metric(modes[0].position, turned)
    engine = _Engine(coordinates.log_density, settings)
    keys = jax.random.split(jax.random.key(settings.seed), (_PHASES + 1, settings.chains))
    engine.advance(keys[0, 0], metric, starts[0], 0.1, 1, adapt=False)  # compiles, once
    step_size = 0.5
    with ThreadPoolExecutor(min(workers(), settings.chains)) as pool:

        def run_all(phase: int, length: int) -> list[Path]:
            tasks = [
                pool.submit(
                    engine.advance, keys[phase, chain], metric, z, step_size, length,
                    adapt=phase < _PHASES, progress=progress,
                )
                for chain, z in enumerate(starts)
            ]  # fmt: skip
            try:
                return [task.result() for task in tasks]
            except BaseException:  # an interrupt, or a chain that failed: the others stop too
                engine.stop.set()
                raise

        for phase in range(_PHASES):
            paths = run_all(phase, settings.warmup // _PHASES)
            starts = [path.z[-1] for path in paths]
            step_size = float(np.exp(np.mean(np.log([path.step_size for path in paths]))))
            if phase < _PHASES - 1:
                late = [(path.z[len(path.z) // 4 :], path.gradient[len(path.z) // 4 :])
                        for path in paths]  # fmt: skip
                metric = fisher_metric(late, laplace)
        paths = run_all(_PHASES, settings.draws)
    names = paths[0].stats[0]
    stats = {name: np.array([[s[name] for s in path.stats] for path in paths]) for name in names}
    z = jax.jit(jax.vmap(jax.vmap(coordinates.to_latent)))(np.stack([path.z for path in paths]))
    return Draws(np.asarray(z), stats)


def _start(mode: Mode, rng: np.random.Generator, finite: Callable[[Array], bool]) -> Array:
    """Draw from the Laplace approximation where the density is finite; else the mode itself."""
    for _ in range(20):
        z = mode.position + mode.scale @ rng.normal(size=len(mode.position))
        if finite(z):
            return z
    return mode.position


class _Engine:
    """The compiled transition and the loop around it."""

    def __init__(self, log_density: Target, settings: Settings) -> None:
        def potential_of(center: jax.Array, scale: jax.Array) -> Target:
            return lambda u: -log_density(center + scale @ u)

        init, step = hmc(potential_fn_gen=potential_of, algo="NUTS")

        def start(key: jax.Array, u: jax.Array, *metric: jax.Array) -> Any:
            return init(
                u, 0, adapt_step_size=False, adapt_mass_matrix=False, model_args=metric,
                rng_key=key, max_tree_depth=settings.max_tree_depth,
            )  # fmt: skip

        def transition(state: Any, step_size: float, *metric: jax.Array) -> Any:
            adapted = state.adapt_state._replace(step_size=jnp.asarray(step_size))
            return step(state._replace(adapt_state=adapted), metric)

        self._start, self._transition = jax.jit(start), jax.jit(transition)
        self._settings = settings
        self.stop = threading.Event()

    def advance(
        self, key: jax.Array, metric: Metric, z: Array, step_size: float, length: int,
        *, adapt: bool, progress: Progress | None = None,
    ) -> Path:  # fmt: skip
        """Make ``length`` transitions from ``z``, tuning the step size if asked to."""
        arrays = jnp.asarray(metric.center), jnp.asarray(metric.scale)
        state = self._start(key, jnp.asarray(metric.whiten(z)), *arrays)
        tuner = DualAveraging(step_size, self._settings.target_accept)
        positions, gradients, stats = [], [], []
        for _ in range(length):
            if self.stop.is_set():
                break
            state = self._transition(state, tuner.now if adapt else step_size, *arrays)
            u, gradient, record = jax.device_get((state.z, state.z_grad, _record(state)))
            positions.append(metric.center + metric.scale @ u)
            gradients.append(metric.unwhiten_gradient(gradient))
            stats.append(record | {"step_size": tuner.now if adapt else step_size})
            if adapt:
                tuner.update(float(record["acceptance_rate"]))
            depth = int(np.ceil(np.log2(record["n_steps"] + 1)))
            stats[-1] |= {
                "tree_depth": depth,
                "reached_max_tree_depth": record["n_steps"] >= 2**self._settings.max_tree_depth - 1,
            }
            if progress is not None:
                progress.advance(1, f"{record['n_steps']} leapfrogs")
        tuned = tuner.average if adapt else step_size
        return Path(np.array(positions), np.array(gradients), stats, tuned)


def _record(state: Any) -> dict[str, Any]:
    """Statistics of a transition under ArviZ's names."""
    return {
        "lp": -state.potential_energy,
        "energy": state.energy,
        "acceptance_rate": state.accept_prob,
        "n_steps": state.num_steps,
        "diverging": state.diverging,
    }
