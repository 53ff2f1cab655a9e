"""Modes of a posterior: which ends of optimisers are one, their shape and mass."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from bayes_tbm.results.attempts import Attempt
from bayes_tbm.sampling.checkpoint import Checkpoint

Vector = NDArray[np.float64]
ValueAndGrad = Callable[[jax.Array], tuple[jax.Array, jax.Array]]

NEGLIGIBLE = 0.01
"""Share of the mass below which no chain begins in a mode."""
LIGHTEST = 1e-4
"""Share of the mass below which a mode is forgotten; heavier ones are jumped to."""
_HOPELESS = 30.0  # nats below the heaviest mode: more than what Laplace's approximation may miss
_NOISE = 1.0  # nats: what lies less deep between two ends is no valley
_ARRIVED = 0.01  # nats: an optimiser that could gain more has stopped on its way


class End(NamedTuple):
    """Where an optimiser ended.

    Attributes
    ----------
    height
        Log density.
    position
        Latent vector, (dimension,).
    line
        Number of the start that led there, at once or by hops.
    """

    height: float
    position: Vector
    line: int = 0


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
        How many optimiser starts led there, at once or by hops; 0 where chains alone did.
    weight
        Its share of posterior mass over all modes found: by the Laplace approximation until
        `bayes_tbm.sampling.mode_weights.weigh_modes` knows better.
    """

    position: Vector
    log_density: float
    scale: Vector
    starts: int
    weight: float = 1.0


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


def distinct(evaluate: ValueAndGrad, ends: Sequence[End]) -> tuple[Mode, ...]:
    """Modes that ends of optimisers, the highest first, belong to; the heaviest first."""
    modes: list[Mode] = []
    masses: list[float] = []
    lines: list[set[int]] = []  # that were on each hill
    for end in ends:
        for i, mode in enumerate(modes):
            if is_same_hill(evaluate, mode, end):
                lines[i].add(end.line)
                break
        else:
            # No mode is wider than the prior, whose log volume is 0: its height bounds its mass.
            if not modes or end.height > max(masses) - _HOPELESS:
                scale = laplace_scale(evaluate, end.position)
                modes.append(Mode(end.position, end.height, scale, 1))
                masses.append(end.height + np.linalg.slogdet(scale)[1])
                lines.append({end.line})
    weights = np.exp(np.array(masses) - max(masses))
    kept = [i for i in np.argsort(-weights) if weights[i] > np.exp(-_HOPELESS)]
    total = weights[kept].sum()
    return tuple(
        dataclasses.replace(modes[i], starts=len(lines[i]), weight=float(weights[i] / total))
        for i in kept
    )


def is_same_hill(evaluate: ValueAndGrad, mode: Mode, end: End) -> bool:
    """Whether an optimiser ended on a mode's hill: on its way up, or with no valley between."""
    away = end.position - mode.position
    offset = np.linalg.solve(mode.scale, away)
    if offset @ offset >= 4.0 * len(away):
        return False
    slope = mode.scale.T @ np.asarray(evaluate(jnp.asarray(end.position))[1])
    if 0.5 * slope @ slope > _ARRIVED:  # what a Newton step would gain
        return True
    on_the_way = [mode.position + share * away for share in np.linspace(0.1, 0.9, 9)]
    return bool(min(evaluate(jnp.asarray(z))[0] for z in on_the_way) > end.height - _NOISE)


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
