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
from bayes_tbm.sampling.modes import LIGHTEST
from bayes_tbm.sampling.nuts.kernel import Kernel

Array = NDArray[np.float64]

_POINTS_KNOWN = 20  # points a dimension that a region's shape counts as, when draws correct it
FIRST_JUMPS = 4
"""Jumps tried after each transition until warm-up tells what a transition costs."""
_LEAPFROGS_A_JUMP = 4.0  # a try costs near two: tries may cost half as much as a transition


def jumps_after(leapfrogs: float) -> int:
    """Jumps to try after transitions of so many leapfrogs in the mean.

    Where two modes are far apart few jumps are accepted, and how often chains cross decides how
    many effective draws there are: a forest had 66 leapfrogs a transition and 5 % of them crossed.
    """
    return max(FIRST_JUMPS, round(leapfrogs / _LEAPFROGS_A_JUMP))


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
    scatter, known = (points - center).T @ (points - center), _POINTS_KNOWN * dimension
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
    weights
        Share of the mass that each is thought to have.
    tries
        Jumps tried after each transition.

    Notes
    -----
    The regions, with square roots of their weights lest one that is misjudged be forgotten, make up
    a mixture of normals. A jump draws which of them a point is from and which it shall go to, and
    takes it to where it would lie there. It is accepted by the ratio of posterior to mixture, there
    over here: always, were the posterior that mixture. A light mode costs little, for it is seldom
    tried.
    """

    def __init__(
        self, kernel: Kernel, regions: Sequence[Metric], weights: Sequence[float],
        tries: int = FIRST_JUMPS,
    ) -> None:  # fmt: skip
        self._kernel, self._regions, self._tries = kernel, regions, tries
        shares = np.sqrt(np.maximum(weights, LIGHTEST))
        self._shares = shares / shares.sum()
        self._whiten = [np.linalg.inv(region.scale) for region in regions]
        self._logs = np.log(self._shares) - [region.log_volume for region in regions]

    def move(self, state: Any, metric: Metric, rng: np.random.Generator) -> tuple[Any, bool]:
        """Try to jump a few times; return the state, and whether it is a new one."""
        moved = False
        for _ in range(self._tries if len(self._regions) > 1 else 0):
            state, accepted = self._try(state, metric, rng)
            moved |= accepted
        return state, moved

    def _try(self, state: Any, metric: Metric, rng: np.random.Generator) -> tuple[Any, bool]:
        here = metric.center + metric.scale @ np.asarray(state.z)
        whitened, parts = self._seen(here)
        mixture = np.logaddexp.reduce(parts)  # of few: scipy's takes a hundred times as long
        source = rng.choice(len(parts), p=np.exp(parts - mixture))
        target = rng.choice(len(parts), p=self._shares)
        if source == target:
            return state, False
        region = self._regions[target]
        there = region.center + region.scale @ whitened[source]
        value, gradient = self._kernel.evaluate(there)
        gained = float(state.potential_energy) + value
        gained += mixture - np.logaddexp.reduce(self._seen(there)[1])
        accepted = math.log(rng.uniform()) < gained  # never where the density is not a number
        if not accepted:  # as nearly all are: a state costs more than a density
            return state, False
        return self._kernel.moved(state, metric, there, value, gradient), True

    def _seen(self, point: Array) -> tuple[Array, Array]:
        """Whitened coordinates of a point in each region, and the mixture's parts, log density."""
        away = [point - region.center for region in self._regions]
        whitened = np.stack([w @ a for w, a in zip(self._whiten, away, strict=True)])
        return whitened, self._logs - 0.5 * np.sum(whitened**2, axis=1)
