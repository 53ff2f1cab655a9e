"""BlackJAX as a second engine.

Chains move in the coordinates of `Coordinates`, whitened by the Laplace metric of the heaviest
mode, so that BlackJAX's warm-up begins with a problem that is close to isotropic. Chains of NUTS
know nothing of each other: on a processor they run side by side on threads, on an accelerator as
one batch. Those of ChEES-HMC learn together and are one batch everywhere.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.posterior.density import LogDensity
from bayes_tbm.runtime.promotion import lenient
from bayes_tbm.sampling.adaptation import Metric, fisher_metric
from bayes_tbm.sampling.blackjax.methods import METHODS, Method, Tuned
from bayes_tbm.sampling.draws import Draws
from bayes_tbm.sampling.landscape import Landscape
from bayes_tbm.sampling.modes import Mode
from bayes_tbm.sampling.nuts.kernel import Target
from bayes_tbm.sampling.nuts.run import workers
from bayes_tbm.sampling.progress import Progress
from bayes_tbm.sampling.settings import Settings

Array = NDArray[np.float64]
_LONGEST_CHUNK = 25  # transitions between two reports of progress
_ENGINE = 0xB1AC  # keeps random numbers apart from those of the other engine


def warmup_length(settings: Settings, method: str) -> int:
    """Transitions of warm-up that a chain really makes."""
    phases = METHODS[method].phases
    return phases * (settings.warmup // phases)


def sample(
    density: LogDensity,
    modes: Sequence[Mode],
    settings: Settings,
    progress: Progress,
    *,
    method: str,
) -> Draws:
    """Sample with BlackJAX from modes found by `bayes_tbm.sampling.search.find_modes`.

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
    method
        ``window``: NUTS with a dense metric from windows of draws, as in Stan. ``low_rank``: NUTS
        with a diagonal and a few directions on which positions and gradients agree. ``chees``:
        ChEES-HMC, for 32 chains and more.

    Raises
    ------
    InputError
        There is no such method.
    """
    if method not in METHODS:
        raise InputError(
            where="sampling", variable="method", rule=f"must be one of {', '.join(METHODS)}",
            found=method,
        )  # fmt: skip
    landscape = Landscape(density, modes)
    coordinates = landscape.coordinates
    run = _Run(METHODS[method], coordinates.log_density, landscape.metric, settings, progress)
    x, stats = run.sample(landscape.starts(settings, _ENGINE))
    return Draws(coordinates.all_to_latent(x), stats)


class _Run:
    """A method's compiled functions and the loops around them.

    Chains go in groups: all in one, or one in each. In every array of a group the chain is first.
    """

    def __init__(
        self, method: Method, log_density: Target, laplace: Metric, settings: Settings,
        progress: Progress,
    ) -> None:  # fmt: skip
        self._method, self._log_density, self._laplace = method, log_density, laplace
        self._settings, self._progress = settings, progress
        self._batch = method.together or jax.default_backend() != "cpu"
        self._size = settings.chains if self._batch else 1
        # All chunks are equally long, so that they are compiled once.
        self._chunk = max(n for n in range(1, _LONGEST_CHUNK + 1) if settings.draws % n == 0)
        self._stop = threading.Event()
        root = jax.random.fold_in(jax.random.key(settings.seed), _ENGINE)
        self._keys = jax.random.split(root, (settings.chains, 2))  # for warm-up, for draws
        self._warm_up, self._advance = self._compile()

    def sample(self, x: Array) -> tuple[Array, dict[str, NDArray[Any]]]:
        """Positions, (chain, draw, dimension), and statistics of all chains from their starts."""
        groups = [slice(i, i + self._size) for i in range(0, len(x), self._size)]
        with ThreadPoolExecutor(min(workers(), len(groups))) as pool:
            tasks = [pool.submit(self._walk, self._keys[group], x[group]) for group in groups]
            try:
                for task in as_completed(tasks):
                    task.result()
            except BaseException:  # an interrupt, or a chain that failed: the others stop too
                self._stop.set()
                raise
        found: tuple[Array, dict[str, NDArray[Any]]]
        found = jax.tree.map(
            lambda *parts: np.concatenate(parts), *(task.result() for task in tasks)
        )
        return found

    def _walk(self, keys: jax.Array, x: Array) -> tuple[Array, dict[str, NDArray[Any]]]:
        """Warm up a group of chains and draw."""
        metric, last = self._laplace, self._method.phases - 1
        for phase in range(last + 1):
            phase_keys = jax.vmap(jax.random.fold_in, (0, None))(keys[:, 0], phase)
            u = np.array([metric.whiten(position) for position in x])
            states, tuned, path = self._warm_up(phase_keys, u, metric.center, metric.scale)
            if phase < last:
                metric, x = self._learn(metric, path)
        chunks = []
        for first in range(0, self._settings.draws, self._chunk):
            states, seen = self._advance(
                keys[:, 1], states, tuned, metric.center, metric.scale, first
            )
            u, stats = jax.device_get(seen)
            chunks.append((metric.center + u @ metric.scale.T, stats))
            note = f"{stats['n_steps'].mean():.0f} leapfrogs"
            self._progress.advance(u.shape[0] * u.shape[1], note)
            if self._stop.is_set():
                break
        walk: tuple[Array, dict[str, NDArray[Any]]]
        walk = jax.tree.map(lambda *parts: np.concatenate(parts, axis=1), *chunks)
        return walk

    def _learn(self, metric: Metric, path: Any) -> tuple[Metric, Array]:
        """Metric from where chains have been, and where they are, (chain, dimension)."""
        u, gradients = (part[:, part.shape[1] // 4 :] for part in jax.device_get(path))
        positions = metric.center + u @ metric.scale.T
        gradients = gradients @ np.linalg.inv(metric.scale)
        pairs = list(zip(positions, gradients, strict=True))
        return fisher_metric(pairs, self._laplace), positions[:, -1]

    def _compile(self) -> list[Any]:
        """Warm-up and draws of a group, compiled side by side."""
        dimension = len(self._laplace.center)
        metric = jnp.zeros(dimension), jnp.eye(dimension)
        keys, u = self._keys[: self._size, 0], jnp.zeros((self._size, dimension))
        warm_up = jax.jit(lenient(self._warm_up_group)).trace(keys, u, *metric)
        states, tuned, _ = warm_up.out_info
        advance = jax.jit(lenient(self._advance_group)).trace(keys, states, tuned, *metric, 0)
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(lambda traced: traced.lower().compile(), (warm_up, advance)))

    def _warm_up_group(
        self, keys: jax.Array, u: jax.Array, center: jax.Array, scale: jax.Array
    ) -> Any:
        length = self._settings.warmup // self._method.phases
        warm_up = functools.partial(
            self._method.warm_up, self._target(center, scale), self._settings, length, self._tick
        )
        return (warm_up if self._method.together else self._each(warm_up))(keys, u)

    def _advance_group(
        self, keys: jax.Array, states: Any, tuned: Tuned, center: jax.Array, scale: jax.Array,
        first: int,
    ) -> Any:  # fmt: skip
        def advance(key: jax.Array, state: Any, tuned: Tuned) -> Any:
            step = self._method.stepper(self._target(center, scale), self._settings, tuned)

            def move(state: Any, number: jax.Array) -> Any:
                state, info = step(jax.random.fold_in(key, number), state)
                return state, (state.position, self._statistics(state, info, tuned))

            return jax.lax.scan(move, state, first + jnp.arange(self._chunk))

        return self._each(advance)(keys, states, tuned)

    def _target(self, center: jax.Array, scale: jax.Array) -> Target:
        return lambda u: self._log_density(center + scale @ u)

    def _each(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Make a function of a group from that of a chain."""
        if self._batch:
            return jax.vmap(function)

        def of_one(*arguments: Any) -> Any:  # a batch of one would run both sides of every branch
            found = function(*jax.tree.map(lambda leaf: leaf[0], arguments))
            return jax.tree.map(lambda leaf: leaf[None], found)

        return of_one

    def _tick(self) -> None:
        """Report a transition of warm-up, from within compiled code."""
        if self._stop.is_set():
            raise InterruptedError
        self._progress.advance(self._size)

    def _statistics(self, state: Any, info: Any, tuned: Tuned) -> dict[str, Any]:
        """Statistics of a transition under ArviZ's names."""
        found = {
            "lp": state.logdensity,
            "energy": info.energy,
            "acceptance_rate": info.acceptance_rate,
            "n_steps": info.num_integration_steps,
            "diverging": info.is_divergent,
            "step_size": tuned.step_size,
        }
        if tuned.leapfrogs is None:  # NUTS
            longest = 2**self._settings.max_tree_depth - 1
            found["tree_depth"] = info.num_trajectory_expansions
            found["reached_max_tree_depth"] = info.num_integration_steps >= longest
        return found
