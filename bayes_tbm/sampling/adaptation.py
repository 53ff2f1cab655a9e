"""What warm-up learns: a metric shared by all chains, and a step size for each."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

Array = NDArray[np.float64]
_FAR = 5.0  # standard deviations of the squared length of a Gaussian's gradients
_ROUNDS = 4  # in which the metric, and what is long by it, come to agree


@dataclasses.dataclass(frozen=True)
class Metric:
    """Affine map from whitened coordinates, ``z = center + scale @ u``.

    Attributes
    ----------
    center
        (dimension,).
    scale
        Any square root of the inverse mass matrix, (dimension, dimension).
    """

    center: Array
    scale: Array

    @property
    def log_volume(self) -> float:
        """Logarithm of the volume of a unit of whitened coordinates."""
        return float(np.linalg.slogdet(self.scale)[1])

    def whiten(self, z: Array) -> Array:
        """Whitened coordinates of a position."""
        return np.asarray(np.linalg.solve(self.scale, z - self.center))

    def unwhiten_gradient(self, gradient: Array) -> Array:
        """Gradient with respect to ``z`` from that with respect to ``u``."""
        return np.asarray(np.linalg.solve(self.scale.T, gradient))


def fisher_metric(paths: Sequence[tuple[Array, Array]], prior: Metric) -> Metric:
    """Metric on which positions and gradients agree, pooled over chains.

    Parameters
    ----------
    paths
        For each chain, positions and gradients, (draw, dimension) each.
    prior
        Metric to shrink towards, counted as one draw a dimension.

    Notes
    -----
    The inverse mass matrix ``S`` that minimises the Fisher divergence to a Gaussian solves
    ``S G S = C`` with ``C`` the covariance of positions and ``G`` that of gradients (Seyboldt,
    Carlson & Carpenter 2026, arXiv:2603.18845). For a Gaussian posterior it is exact as soon as
    there are more draws than dimensions, however slowly the chains move. Each chain's own means
    are removed, so that chains that disagree do not stretch the metric. A gradient counts with at
    most the length that hardly any would have at that Gaussian, lest a few draws at a steep edge
    narrow a direction that is long everywhere else: a forest's had nine times the width.
    """
    dimension = len(prior.center)
    count = sum(len(z) for z, _ in paths) + dimension
    covariance = prior.scale @ prior.scale.T
    precision = np.linalg.inv(covariance)
    c = sum((_scatter(z) for z, _ in paths), start=dimension * covariance) / count
    center = np.concatenate([z for z, _ in paths]).mean(axis=0)
    held = [gradient for _, gradient in paths]
    for _ in range(_ROUNDS):
        g = sum((_scatter(gradient) for gradient in held), start=dimension * precision) / count
        scale = _agreeing(c, g)
        held = [_held(gradient, scale) for _, gradient in paths]
    return Metric(center, scale)


def _agreeing(c: Array, g: Array) -> Array:
    """Square root of the S with which S G S = C."""
    lower = np.linalg.cholesky(g)
    # S = L^-T (L^T C L)^(1/2) L^-1 with G = L L^T; a square root of S is L^-T (L^T C L)^(1/4).
    values, vectors = np.linalg.eigh(lower.T @ c @ lower)
    root = vectors * np.maximum(values, 1e-12) ** 0.25
    return np.asarray(solve_triangular(lower.T, root))


def _held(gradient: Array, scale: Array) -> Array:
    """Gradients of which none is further from the middle than hardly any is at that Gaussian."""
    whitened = gradient @ scale
    away = whitened - np.median(whitened, axis=0)
    length = np.sum(away**2, axis=1)
    dimension = gradient.shape[1]
    longest = dimension + _FAR * math.sqrt(2.0 * dimension)
    excess = 1.0 - np.sqrt(longest / np.maximum(length, longest))
    return np.asarray(gradient - np.linalg.solve(scale.T, (excess[:, None] * away).T).T)


def _scatter(x: Array) -> Array:
    centred = x - x.mean(axis=0)
    return np.asarray(centred.T @ centred)


class DualAveraging:
    """Step size that meets a target acceptance (Hoffman & Gelman 2014, section 3.2).

    Parameters
    ----------
    step_size
        Where to start.
    target
        Mean acceptance wanted.
    """

    def __init__(self, step_size: float, target: float) -> None:
        self._pull = math.log(2.0 * step_size)
        self._target = target
        self._log = self._log_average = math.log(step_size)
        self._error = 0.0
        self._count = 0

    @property
    def now(self) -> float:
        """Step size to use next."""
        return math.exp(self._log)

    @property
    def average(self) -> float:
        """Step size to keep."""
        return math.exp(self._log_average)

    @property
    def memory(self) -> tuple[float, ...]:
        """All that it has learnt, as numbers; may be set to go on from there."""
        return self._pull, self._log, self._log_average, self._error, float(self._count)

    @memory.setter
    def memory(self, kept: tuple[float, ...]) -> None:
        self._pull, self._log, self._log_average, self._error, count = map(float, kept)
        self._count = int(count)

    def update(self, acceptance: float, *, speed: float = 0.05, delay: float = 10.0) -> None:
        """Learn from the acceptance of one transition."""
        self._count += 1
        share = 1.0 / (self._count + delay)
        self._error = (1.0 - share) * self._error + share * (self._target - acceptance)
        self._log = self._pull - math.sqrt(self._count) / speed * self._error
        weight = self._count**-0.75
        self._log_average = weight * self._log + (1.0 - weight) * self._log_average
