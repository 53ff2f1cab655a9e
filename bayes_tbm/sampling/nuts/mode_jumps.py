"""Jumps between modes, so that chains visit each as often as it deserves.

NUTS hardly ever crosses from one mode to another, and chains that stay where they began say nothing
of the modes' weights. A jump takes a point to where it would lie, relative to the mode, in another
mode; it is accepted by Metropolis's rule with the map's Jacobian, which leaves the posterior as it
is whatever the shapes assumed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_tbm.sampling.adaptation import Metric
from bayes_tbm.sampling.nuts.kernel import Kernel

Array = NDArray[np.float64]

_KNOWN = 20  # points a dimension that a region's shape counts as, when draws correct it
TRIES = 4
"""Jumps tried after each transition until warm-up tells what a transition costs."""
_LEAPFROGS_A_TRY = 4.0  # a try costs near two: tries may cost half as much as a transition


def affordable(leapfrogs: float) -> int:
    """Jumps to try after transitions of so many leapfrogs in the mean.

    Where two modes are far apart few jumps are accepted, and how often chains cross decides how
    many effective draws there are: a forest had 66 leapfrogs a transition and 5 % of them crossed.
    """
    return max(TRIES, round(leapfrogs / _LEAPFROGS_A_TRY))


def learnt(regions: Sequence[Metric], points: Array) -> list[Metric]:
    """Regions with the mean and covariance of the points that lie in each.

    A mode's Laplace approximation misses skewness: at a forest with two modes it had 3 % of jumps
    accepted, and the moments of draws 7 and 20 % by direction. What was known counts as so many
    points: with fewer, the covariance of a short stretch of a chain did worse than Laplace's.

    Parameters
    ----------
    regions
        As they are known so far.
    points
        Draws of the posterior, (draw, dimension).
    """
    if len(regions) < 2:
        return list(regions)
    away = [points - region.center for region in regions]
    whitened = [np.linalg.solve(r.scale, d.T) for r, d in zip(regions, away, strict=True)]
    rarity = [
        0.5 * np.sum(w**2, axis=0) + r.log_volume for w, r in zip(whitened, regions, strict=True)
    ]
    nearest = np.argmin(rarity, axis=0)
    return [_moments(region, points[nearest == i]) for i, region in enumerate(regions)]


def _moments(region: Metric, points: Array) -> Metric:
    dimension = len(region.center)
    if len(points) <= dimension:
        return region
    center = points.mean(axis=0)
    scatter, known = (points - center).T @ (points - center), _KNOWN * dimension
    covariance = scatter + known * region.scale @ region.scale.T
    return Metric(center, np.linalg.cholesky(covariance / (len(points) + known)))


class Jumps:
    """Moves between regions.

    Parameters
    ----------
    kernel
        Whose states jump.
    regions
        Centre and scale of each mode in the sampler's coordinates; with fewer than two there is
        nowhere to jump.
    tries
        Jumps tried after each transition.

    Notes
    -----
    For an ordered pair of regions, each as likely, ``x' = m_j + S_j S_i^-1 (x - m_i)``; the other
    way round the pair leads back (Tjelmeland & Hegstad 2001, doi 10.1111/1467-9469.00232).
    """

    def __init__(self, kernel: Kernel, regions: Sequence[Metric], tries: int = TRIES) -> None:
        self._kernel, self._regions, self._tries = kernel, regions, tries
        self._volume = [region.log_volume for region in regions]

    def move(self, state: Any, metric: Metric, rng: np.random.Generator) -> tuple[Any, bool]:
        """Try to jump a few times; return the state, and whether it is a new one."""
        moved = False
        for _ in range(self._tries if len(self._regions) > 1 else 0):
            state, accepted = self._try(state, metric, rng)
            moved |= accepted
        return state, moved

    def _try(self, state: Any, metric: Metric, rng: np.random.Generator) -> tuple[Any, bool]:
        source, target = rng.choice(len(self._regions), size=2, replace=False)
        here = metric.center + metric.scale @ np.asarray(state.z)
        there = self._image(here, self._regions[source], self._regions[target])
        candidate = self._kernel.moved(state, metric, there)
        gained = float(state.potential_energy) - float(candidate.potential_energy)
        gained += self._volume[target] - self._volume[source]
        accepted = math.log(rng.uniform()) < gained  # never where the candidate is not a number
        return (candidate if accepted else state), accepted

    @staticmethod
    def _image(point: Array, source: Metric, target: Metric) -> Array:
        return np.asarray(target.center + target.scale @ source.whiten(point))
