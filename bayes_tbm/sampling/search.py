"""Where the modes are: optimisers that climb from prior draws, hop on, or follow chains."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from bayes_tbm.errors import InputError
from bayes_tbm.results.attempts import MANY_STARTS
from bayes_tbm.sampling.modes import End, Mode, ValueAndGrad, distinct, is_same_hill
from bayes_tbm.sampling.progress import Progress

Vector = NDArray[np.float64]

_BAD = 1e12  # what an optimiser is told where the density is not finite
_LINES, _HOPS = 4, 3  # ends that are hopped from, and hops of each in a round
_ROUNDS = 40  # of hops at most
_PATIENCE, _PATIENCE_AMONG_MANY = 4, 10  # rounds without a gain, where heights are few or many
_GAIN = 0.5  # nats: less is the same end reached once more
_STREAM = 0x40B5  # keeps random numbers apart from those of other uses of the seed


def find_modes(
    evaluate: ValueAndGrad,
    dimension: int,
    *,
    starts: int,
    seed: int,
    workers: int,
    progress: Progress,
) -> tuple[Mode, ...]:
    """Maximise the log density from many prior draws and describe the maxima that matter.

    Parameters
    ----------
    evaluate
        Value and gradient of the log density at a latent vector whose prior is a standard normal.
    dimension
        Length of the vector.
    starts
        Number of optimisations (L-BFGS), each from a draw of the prior. Where one alone of them
        reaches the heaviest mode, or most end at heights of their own, more follow: see Notes.
    seed
        Of the starting points.
    workers
        Optimisations that run at a time.
    progress
        Where to report.

    Returns
    -------
    tuple of Mode
        The heaviest first by the Laplace approximation. Only what is thirty nats lighter than
        the heaviest is left out: see `bayes_tbm.sampling.mode_weights.weigh_modes`.

    Raises
    ------
    InputError
        No start reaches a finite density.

    Notes
    -----
    A mode that one start of many has reached may not be the best, nor may any where most starts end
    at heights of their own. Then the best ends hop (Wales & Doye 1997, doi 10.1021/jp970984n): some
    coordinates are drawn anew from the prior, the optimiser climbs, and the line goes on from there
    if it is higher. It ends when two lines agree on the heaviest mode. With NEE alone and small
    errors, 150 starts ended at 55 heights, the best of them 200 nats below what four of five lines
    agreed on.
    """
    rng = np.random.default_rng(seed)
    points = np.concatenate([np.zeros((1, dimension)), rng.normal(size=(starts - 1, dimension))])

    def climb(line: int, point: Vector) -> End:
        end = _climb(evaluate, point, line)
        progress.advance(1)
        return end

    first = climb(0, points[0])  # compiles once, before the threads start
    with ThreadPoolExecutor(workers) as pool:
        found = _finite([first, *pool.map(climb, range(1, starts), points[1:])])
        if not found:
            raise InputError(
                rule="the posterior must be finite at some draw of the prior",
                found=f"none of {starts} starts",
                remedy="check the observations' uncertainties and any changed priors",
            )
        modes = distinct(evaluate, found)
        many = _apart(found) > len(found) / 2
        if starts >= MANY_STARTS and (modes[0].starts == 1 or many):
            patience = _PATIENCE_AMONG_MANY if many else _PATIENCE
            for lines in _hops(climb, found, patience, seed=seed, pool=pool, progress=progress):
                found = _finite({(end.line, end.height): end for end in [*found, *lines]}.values())
                modes = distinct(evaluate, found)
                if sum(is_same_hill(evaluate, modes[0], end) for end in lines) > 1:
                    break
    return modes


def overlooked(
    evaluate: ValueAndGrad, modes: Sequence[Mode], points: Vector, *, workers: int
) -> tuple[Mode, ...]:
    """Known modes and those that chains, but no optimiser's start, have led to.

    Parameters
    ----------
    evaluate
        As of `find_modes`.
    modes
        Those that are known.
    points
        Where chains have been, (place, dimension).
    workers
        Optimisations that run at a time.

    Returns
    -------
    tuple of Mode
        All of them, by the Laplace approximation the heaviest first; those that are new have no
        ``starts``. None at all where chains have led to nothing new.
    """
    with ThreadPoolExecutor(workers) as pool:
        ends = _finite(pool.map(lambda point: _climb(evaluate, point), points))
    new = [end for end in ends if not any(is_same_hill(evaluate, mode, end) for mode in modes)]
    if not new:
        return ()
    known = {mode.position.tobytes(): mode.starts for mode in modes}
    every = [End(mode.log_density, mode.position) for mode in modes] + new
    found = distinct(evaluate, _finite(every))
    return tuple(
        dataclasses.replace(mode, starts=known.get(mode.position.tobytes(), 0)) for mode in found
    )


def _hops(
    climb: Callable[[int, Vector], End], ends: Sequence[End], patience: int, *, seed: int,
    pool: Executor, progress: Progress,
) -> Iterator[list[End]]:  # fmt: skip
    """Yield, round by round, where lines are that go on from the best ends, each of a height."""
    rng = np.random.default_rng([seed, _STREAM])
    now: list[End] = []
    waited = 0
    for end in ends:
        if len(now) < _LINES and _apart([*now, end]) > len(now):
            now.append(end)
    for _ in range(_ROUNDS):
        if waited == patience:
            return
        progress.expect(_HOPS * len(now))
        each = [end for end in now for _ in range(_HOPS)]
        points = [_hopped(end.position, rng) for end in each]
        hops = list(pool.map(climb, [end.line for end in each], points))
        before = now
        now = [_highest([end, *(hop for hop in hops if hop.line == end.line)]) for end in now]
        gains = [new.height - old.height for new, old in zip(now, before, strict=True)]
        waited = 0 if max(gains) > _GAIN else waited + 1
        yield now


def _hopped(position: Vector, rng: np.random.Generator) -> Vector:
    """Draw a few coordinates of a position, up to a fifth of them, anew from the prior."""
    count = rng.integers(1, max(len(position) // 5, 1), endpoint=True)
    anew = rng.choice(len(position), count, replace=False)
    point = position.copy()
    point[anew] = rng.normal(size=count)
    return point


def _highest(ends: Sequence[End]) -> End:
    return max(ends, key=lambda end: end.height)


def _apart(ends: Sequence[End]) -> int:
    """Heights at which ends, the highest first, are."""
    return 1 + sum(a.height - b.height > _GAIN for a, b in itertools.pairwise(ends))


def _finite(ends: Iterable[End]) -> list[End]:
    """Return ends of finite density, the highest first."""
    return sorted((end for end in ends if end.height > -_BAD), key=lambda end: -end.height)


def _climb(evaluate: ValueAndGrad, point: Vector, line: int = 0) -> End:
    def target(z: Vector) -> tuple[float, Vector]:
        value, gradient = jax.device_get(evaluate(jnp.asarray(z)))
        if not (np.isfinite(value) and np.isfinite(gradient).all()):
            return _BAD, np.zeros_like(z)
        return -float(value), -np.asarray(gradient, dtype=float)

    options = {"maxiter": 800, "maxfun": 1200, "maxcor": 30, "gtol": 1e-3, "ftol": 1e-12}
    end = minimize(target, point, jac=True, method="L-BFGS-B", options=options)
    return End(-float(end.fun), end.x, line)
