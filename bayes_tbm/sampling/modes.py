"""Where chains begin: optimisers from many starts, the modes they meet in, and their shape."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from bayes_tbm.errors import InputError
from bayes_tbm.results.attempts import Attempt
from bayes_tbm.sampling.checkpoint import Checkpoint
from bayes_tbm.sampling.progress import Progress

Vector = NDArray[np.float64]
ValueAndGrad = Callable[[jax.Array], tuple[jax.Array, jax.Array]]

NEGLIGIBLE = 0.01
"""Share of the mass below which no chain begins in a mode."""
LIGHTEST = 1e-4
"""Share of the mass below which a mode is forgotten; heavier ones are jumped to."""
_HOPELESS = 30.0  # nats below the heaviest mode: more than what Laplace's approximation may miss
_NOISE = 1.0  # nats: what lies less deep between two ends is no valley
_ARRIVED = 0.01  # nats: an optimiser that could gain more has stopped on its way
_BAD = 1e12  # what an optimiser is told where the density is not finite


@dataclasses.dataclass(frozen=True)
class Mode:
    """A local maximum of the posterior on the latent space.

    Attributes
    ----------
    position
        Where it is, (dimension,).
    log_density
        Its height.
    scale
        Square root of the Laplace covariance, (dimension, dimension): ``scale @ scale.T``. Where
        modes were weighed, it is as much wider as their draws say.
    starts
        How many optimiser starts ended there; 0 where chains alone led to it.
    weight
        Its share of posterior mass over all modes found: by the Laplace approximation until
        `bayes_tbm.sampling.mode_weights.weigh_modes` knows better.
    """

    position: Vector
    log_density: float
    scale: Vector
    starts: int
    weight: float = 1.0


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
        Number of optimisations (L-BFGS), each from a draw of the prior.
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
    """
    rng = np.random.default_rng(seed)
    points = np.concatenate([np.zeros((1, dimension)), rng.normal(size=(starts - 1, dimension))])

    def climb(point: Vector) -> tuple[float, Vector]:
        found = _climb(evaluate, point)
        progress.advance(1)
        return found

    first = climb(points[0])  # compiles once, before the threads start
    with ThreadPoolExecutor(workers) as pool:
        found = [first, *pool.map(climb, points[1:])]
    found = sorted(found, key=lambda end: -end[0])
    found = [end for end in found if end[0] > -_BAD]
    if not found:
        raise InputError(
            rule="the posterior must be finite at some draw of the prior",
            found=f"none of {starts} starts",
            remedy="check the observations' uncertainties and any changed priors",
        )
    return _distinct(evaluate, found)


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
        Where chains are, (chain, dimension).
    workers
        Optimisations that run at a time.

    Returns
    -------
    tuple of Mode
        All of them, by the Laplace approximation the heaviest first; those that are new have no
        ``starts``. None at all where chains have led to nothing new.
    """
    with ThreadPoolExecutor(workers) as pool:
        ends = list(pool.map(lambda point: _climb(evaluate, point), points))
    new = [
        end for end in ends
        if end[0] > -_BAD and not any(_is_same_hill(evaluate, mode, *end) for mode in modes)
    ]  # fmt: skip
    if not new:
        return ()
    known = {mode.position.tobytes(): mode.starts for mode in modes}
    every = [(mode.log_density, mode.position) for mode in modes] + new
    found = _distinct(evaluate, sorted(every, key=lambda end: -end[0]))
    return tuple(
        dataclasses.replace(mode, starts=known.get(mode.position.tobytes(), 0)) for mode in found
    )


def save_modes(disk: Checkpoint, modes: Sequence[Mode], discarded: Sequence[Attempt] = ()) -> None:
    """Keep modes on disk, with the attempts that were given up for them."""
    fields = [field.name for field in dataclasses.fields(Mode)]
    arrays = {n: np.array([getattr(mode, n) for mode in modes]) for n in fields}
    rows = [dataclasses.astuple(attempt) for attempt in discarded]
    disk.save("modes", arrays | {"discarded": np.array(rows, dtype=float)})


def load_modes(disk: Checkpoint | None) -> tuple[Mode, ...]:
    """Return the modes kept on disk, none where there are none."""
    arrays = disk.load("modes") if disk else None
    if arrays is None:
        return ()
    rows = zip(*(arrays[field.name] for field in dataclasses.fields(Mode)), strict=True)
    return tuple(
        Mode(position, float(height), scale, int(starts), float(weight))
        for position, height, scale, starts, weight in rows
    )


def load_discarded(disk: Checkpoint | None) -> tuple[Attempt, ...]:
    """Return the attempts that were given up for the modes kept on disk."""
    arrays = disk.load("modes") if disk else None
    return tuple(Attempt.from_row(row) for row in arrays["discarded"]) if arrays else ()


def allot(modes: Sequence[Mode], chains: int) -> list[int]:
    """Return the number of the mode, the heaviest first, in which each chain begins, by weight.

    Every mode with a hundredth of the mass or more gets a chain, so that R-hat sees it, as long as
    there are chains. A lighter one gets none: a chain there would spend the run on what is hardly
    ever drawn.
    """
    weights = [mode.weight for mode in modes if mode.weight >= NEGLIGIBLE][:chains]
    counts = [1] * len(weights)
    while sum(counts) < chains:
        owed = [weight * chains - count for weight, count in zip(weights, counts, strict=True)]
        counts[int(np.argmax(owed))] += 1
    return [number for number, count in enumerate(counts) for _ in range(count)]


def _climb(evaluate: ValueAndGrad, point: Vector) -> tuple[float, Vector]:
    def target(z: Vector) -> tuple[float, Vector]:
        value, gradient = jax.device_get(evaluate(jnp.asarray(z)))
        if not (np.isfinite(value) and np.isfinite(gradient).all()):
            return _BAD, np.zeros_like(z)
        return -float(value), -np.asarray(gradient, dtype=float)

    options = {"maxiter": 800, "maxfun": 1200, "maxcor": 30, "gtol": 1e-3, "ftol": 1e-12}
    end = minimize(target, point, jac=True, method="L-BFGS-B", options=options)
    return -float(end.fun), end.x


def _distinct(evaluate: ValueAndGrad, ends: list[tuple[float, Vector]]) -> tuple[Mode, ...]:
    """Modes that ends of optimisers, the highest first, belong to; the heaviest first."""
    modes: list[Mode] = []
    masses: list[float] = []
    for height, position in ends:
        for i, mode in enumerate(modes):
            if _is_same_hill(evaluate, mode, height, position):
                modes[i] = dataclasses.replace(mode, starts=mode.starts + 1)
                break
        else:
            # No mode is wider than the prior, whose log volume is 0: its height bounds its mass.
            if not modes or height > max(masses) - _HOPELESS:
                modes.append(Mode(position, height, laplace_scale(evaluate, position), 1))
                masses.append(height + np.linalg.slogdet(modes[-1].scale)[1])
    weights = np.exp(np.array(masses) - max(masses))
    kept = [i for i in np.argsort(-weights) if weights[i] > np.exp(-_HOPELESS)]
    total = weights[kept].sum()
    return tuple(dataclasses.replace(modes[i], weight=float(weights[i] / total)) for i in kept)


def _is_same_hill(evaluate: ValueAndGrad, mode: Mode, height: float, position: Vector) -> bool:
    """Whether an optimiser ended on a mode's hill: on its way up, or with no valley between."""
    away = position - mode.position
    offset = np.linalg.solve(mode.scale, away)
    if offset @ offset >= 4.0 * len(position):
        return False
    slope = mode.scale.T @ np.asarray(evaluate(jnp.asarray(position))[1])
    if 0.5 * slope @ slope > _ARRIVED:  # what a Newton step would gain
        return True
    on_the_way = [mode.position + share * away for share in np.linspace(0.1, 0.9, 9)]
    return bool(min(evaluate(jnp.asarray(z))[0] for z in on_the_way) > height - _NOISE)


def laplace_scale(evaluate: ValueAndGrad, position: Vector) -> Vector:
    """Square root of the Laplace covariance at a maximum.

    The Hessian comes from central differences of the gradient. The prior's own curvature is one in
    every direction, and curvature below that (a maximum not quite reached, a bent valley) is
    raised to it.
    """
    step = 1e-4
    rows = []
    for basis in np.eye(len(position)):
        ahead = evaluate(jnp.asarray(position + step * basis))[1]
        behind = evaluate(jnp.asarray(position - step * basis))[1]
        rows.append(-(np.asarray(ahead) - np.asarray(behind)) / (2.0 * step))
    hessian = 0.5 * (np.array(rows) + np.array(rows).T)
    curvature, directions = np.linalg.eigh(np.nan_to_num(hessian))
    return np.asarray(directions / np.sqrt(np.maximum(curvature, 1.0)), dtype=float)
