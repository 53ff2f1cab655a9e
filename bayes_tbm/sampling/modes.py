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
from bayes_tbm.sampling.checkpoint import Checkpoint
from bayes_tbm.sampling.progress import Progress

Vector = NDArray[np.float64]
ValueAndGrad = Callable[[jax.Array], tuple[jax.Array, jax.Array]]

NEGLIGIBLE = 0.01
"""Share of the mass below which a mode gets no chain and is not jumped to."""
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
        Square root of the Laplace covariance, (dimension, dimension): ``scale @ scale.T``.
    hits
        How many starts ended there.
    weight
        Its share of posterior mass by the Laplace approximation, over all modes found.
    """

    position: Vector
    log_density: float
    scale: Vector
    hits: int
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
        The heaviest first; maxima with less than 1e-4 of the mass are left out.

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


def save_modes(disk: Checkpoint, modes: Sequence[Mode]) -> None:
    """Keep modes on disk."""
    fields = [field.name for field in dataclasses.fields(Mode)]
    disk.save("modes", {n: np.array([getattr(mode, n) for mode in modes]) for n in fields})


def load_modes(disk: Checkpoint | None) -> tuple[Mode, ...]:
    """Return the modes kept on disk, none where there are none."""
    kept = disk.load("modes") if disk else None
    if kept is None:
        return ()
    rows = zip(*(kept[field.name] for field in dataclasses.fields(Mode)), strict=True)
    return tuple(
        Mode(position, float(height), scale, int(hits), float(weight))
        for position, height, scale, hits, weight in rows
    )


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


def _distinct(evaluate: ValueAndGrad, found: list[tuple[float, Vector]]) -> tuple[Mode, ...]:
    """Tell maxima apart: two ends are one mode if no more than noise lies between them."""
    modes: list[Mode] = []
    for height, position in found:
        for i, mode in enumerate(modes):
            offset = np.linalg.solve(mode.scale, position - mode.position)
            # An optimiser that stopped early is high on the same hill; a mode is another hill.
            if offset @ offset < 4.0 * len(position) and height < mode.log_density + 1.0:
                modes[i] = dataclasses.replace(mode, hits=mode.hits + 1)
                break
        else:
            if not modes or height > modes[0].log_density - 30.0:
                modes.append(Mode(position, height, laplace_scale(evaluate, position), 1))
    mass = np.array([m.log_density + np.linalg.slogdet(m.scale)[1] for m in modes])
    weight = np.exp(mass - mass.max())
    weight /= weight.sum()
    order = np.argsort(-weight)
    return tuple(
        dataclasses.replace(modes[i], weight=float(weight[i])) for i in order if weight[i] > 1e-4
    )


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
