"""What the model says of a point: its series there, or the mean over the steps that were seen."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class EachStep:
    """Every point is one step: places in the series, (point,)."""

    step: Any

    def __call__(self, series: jax.Array) -> jax.Array:
        """Model counterpart of every point, (point, ...), from a series, (time, ...)."""
        return series[self.step]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class SomeSteps:
    """Every point is the mean of some steps: places of all, points that they belong to, (value,).

    ``size`` says how many each point has, (point,).
    """

    step: Any
    block: Any
    size: Any

    def __call__(self, series: jax.Array) -> jax.Array:
        """Model counterpart of every point, (point, ...), from a series, (time, ...)."""
        total = jax.ops.segment_sum(series[self.step], jnp.asarray(self.block), len(self.size))
        return total / jnp.asarray(self.size).reshape(-1, *(1,) * (series.ndim - 1))


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Blocks:
    """The same where blocks have as many steps each, without touching values one by one.

    Attributes
    ----------
    weights
        Of each step of every block, (step of the block, block).
    points
        Blocks that have a point, (point,); None where all have.
    """

    weights: Any
    points: Any | None

    def __call__(self, series: jax.Array) -> jax.Array:
        """Model counterpart of every point, (point, ...), from a series, (time, ...)."""
        steps, count = self.weights.shape
        weights = jnp.asarray(self.weights).reshape(steps, count, *(1,) * (series.ndim - 1))
        whole = min(len(series) // steps, count)
        cut = whole * steps
        blocks = series[:cut].reshape(whole, steps, *series.shape[1:])
        # Term by term: XLA adds terms fast and sums over an inner axis slowly.
        means = blocks[:, 0] * weights[0, :whole]
        for i in range(1, steps):
            means += blocks[:, i] * weights[i, :whole]
        if whole < count:  # the record ends within a block
            rest = (series[cut:] * weights[: len(series) - cut, whole]).sum(axis=0)
            means = jnp.concatenate([means, rest[None]])
        return means if self.points is None else means[self.points]


Averaging = EachStep | SomeSteps | Blocks


def averaging(step: NDArray[np.int64], block: NDArray[np.int64], steps_per_block: int) -> Averaging:
    """Return what makes points of a series.

    Parameters
    ----------
    step
        Place in the series of every observed value, (value,).
    block
        Point that each value belongs to, (value,), from 0.
    steps_per_block
        Steps of every block, counted from the first step; 0 where blocks differ.
    """
    size = np.bincount(block)
    if len(size) == len(step):
        return EachStep(step)
    if steps_per_block == 0:
        return SomeSteps(step, block, size.astype(float))
    place, within = np.divmod(step, steps_per_block)
    weights = np.zeros((steps_per_block, int(place.max()) + 1))
    weights[within, place] = 1.0 / size[block]
    points = np.unique(place)
    return Blocks(weights, None if len(points) == weights.shape[1] else points)
