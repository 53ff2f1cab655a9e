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

    def padded(self, points: int, values: int) -> EachStep:
        """Return the same with so many points: those that are added repeat the first."""
        return EachStep(_longer(self.step, points, self.step[0]))


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class SomeSteps:
    """Every point is the mean of some steps: places of all, points that they belong to, (value,).

    ``size`` says how many each point has, ``points`` which of these means are wanted, (point,).
    """

    step: Any
    block: Any
    size: Any
    points: Any

    def __call__(self, series: jax.Array) -> jax.Array:
        """Model counterpart of every point, (point, ...), from a series, (time, ...)."""
        total = jax.ops.segment_sum(series[self.step], jnp.asarray(self.block), len(self.size))
        means = total / jnp.asarray(self.size).reshape(-1, *(1,) * (series.ndim - 1))
        return means[self.points]

    def padded(self, points: int, values: int) -> SomeSteps:
        """Return the same with so many points and values: points that are added repeat the first.

        Values that are added belong to no point.
        """
        return SomeSteps(
            _longer(self.step, values, self.step[0]), _longer(self.block, values, points),
            _longer(self.size, points, 1.0), _longer(self.points, points, 0),
        )  # fmt: skip


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Blocks:
    """The same where blocks have as many steps each, without touching values one by one.

    Attributes
    ----------
    weights
        Of each step of every block, (step of the block, block).
    points
        Blocks that have a point, (point,).
    """

    weights: Any
    points: Any

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
        return means[self.points]

    def padded(self, points: int, values: int) -> Blocks:
        """Return the same with so many points: those that are added repeat the first."""
        return Blocks(self.weights, _longer(self.points, points, self.points[0]))


Averaging = EachStep | SomeSteps | Blocks


def _longer(array: NDArray[Any], length: int, filled_with: Any) -> NDArray[Any]:
    return np.concatenate([array, np.full(length - len(array), filled_with, array.dtype)])


def averaging(
    step: NDArray[np.int64], block: NDArray[np.int64], steps_per_block: int, steps: int
) -> Averaging:
    """Return what makes points of a series.

    Parameters
    ----------
    step
        Place in the series of every observed value, (value,).
    block
        Point that each value belongs to, (value,), from 0.
    steps_per_block
        Steps of every block, counted from the first step; 0 where blocks differ.
    steps
        Of the series.
    """
    size = np.bincount(block)
    if len(size) == len(step):
        return EachStep(step)
    if steps_per_block == 0:
        return SomeSteps(step, block, size.astype(float), np.arange(len(size)))
    place, within = np.divmod(step, steps_per_block)
    weights = np.zeros((steps_per_block, -(-steps // steps_per_block)))
    np.add.at(weights, (within, place), 1.0 / size[block])  # a step can have several values
    return Blocks(weights, np.unique(place))
