"""What each mode weighs, by importance sampling about all of them.

In thirty dimensions the Laplace approximation is off by orders of magnitude where a mode is only a
little more peaked, or flatter, than a normal one: each dimension adds its share of the error. Draws
from normal shapes of several widths about every mode tell, in the sampler's coordinates, where
valleys are straight.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from bayes_tbm.posterior.density import LogDensity
from bayes_tbm.sampling.adaptation import Metric
from bayes_tbm.sampling.landscape import Landscape
from bayes_tbm.sampling.modes import LIGHTEST, Mode

Array = NDArray[np.float64]
# Times the Laplace approximation's. In 30 dimensions neighbours must be this close: a width that is
# 1.25 times the right one has an eighth of its draws count, one of twice the width none.
_WIDTHS = 1.25 ** np.arange(-2, 6)
_DRAWS = 150  # of each width and mode
_STREAM = 0x3E16  # keeps random numbers apart from those of other uses of the seed


def weigh_modes(
    density: LogDensity, modes: Sequence[Mode], *, seed: int, workers: int
) -> tuple[Mode, ...]:
    """Give modes their share of the posterior mass, and their width.

    Parameters
    ----------
    density
        What is sampled.
    modes
        Of `bayes_tbm.sampling.search.find_modes`, the heaviest first.
    seed
        Of the draws.
    workers
        Densities that are computed at a time.

    Returns
    -------
    tuple of Mode
        The heaviest first, with their scales as much wider as the draws say. Left out are those
        that have less than `LIGHTEST` of the mass, by the Laplace approximation too.
    """
    if len(modes) < 2:
        return tuple(modes)
    landscape = Landscape(density, modes)
    rng = np.random.default_rng([seed, _STREAM])
    normal = rng.normal(size=(len(_WIDTHS), _DRAWS, len(modes[0].position)))
    cloud = (_WIDTHS[:, None, None] * normal).reshape(-1, normal.shape[-1])
    points = np.concatenate([r.center + cloud @ r.scale.T for r in landscape.regions])

    def height(x: Array) -> float:
        return float(landscape.coordinates.value_and_gradient(jnp.asarray(x))[0])

    with ThreadPoolExecutor(workers) as pool:
        heights = np.nan_to_num(list(pool.map(height, points)), nan=-np.inf, posinf=-np.inf)
    shares, widths = shares_and_widths(landscape.regions, points, heights)
    matter = [i for i, mode in enumerate(modes) if max(shares[i], mode.weight) >= LIGHTEST]
    total = shares[matter].sum()
    order = sorted(matter, key=lambda i: -shares[i])
    return tuple(
        dataclasses.replace(
            modes[i], scale=widths[i] * modes[i].scale, weight=float(shares[i] / total)
        )
        for i in order
    )


def shares_and_widths(
    regions: Sequence[Metric], points: Array, heights: Array
) -> tuple[Array, Array]:
    """Share of the mass of each region, which sum to one, and width in Laplace's, (region,) each.

    Parameters
    ----------
    regions
        Laplace approximations.
    points
        Draws about them, as many of each region and width, (draw, dimension).
    heights
        Log density there, (draw,).

    Notes
    -----
    Every draw counts against the mixture of all that were drawn from (Veach & Guibas 1995), so no
    weight is larger than the nearest shape makes it, and goes to modes by that mixture's parts:
    what two shapes cover is not counted twice. The largest weights of each mode are cut at the
    square root of their number times their mean (Ionides 2008, doi 10.1198/106186008X320456):
    without it one draw from a heavy tail may be all that counts.
    """
    squares = np.stack([_square(region, points) for region in regions])
    proposals = np.stack([_log_proposal(r, s) for r, s in zip(regions, squares, strict=True)])
    logs = heights - logsumexp(proposals, axis=0)
    of_modes = logs + proposals - logsumexp(proposals, axis=0)
    weights = np.exp(of_modes - of_modes.max())
    drawn = len(points) / len(regions)  # of each mode
    cuts = np.sqrt(drawn) * weights.sum(axis=1, keepdims=True) / drawn
    weights = np.minimum(weights, cuts)
    masses = weights.sum(axis=1)
    mean_squares = (weights * squares).sum(axis=1) / np.maximum(masses, np.finfo(float).tiny)
    widths = np.clip(np.sqrt(mean_squares / points.shape[1]), _WIDTHS[0], _WIDTHS[-1])
    return masses / masses.sum(), widths


def _square(region: Metric, points: Array) -> Array:
    """Squared distance from a region's centre in its own scale, (draw,)."""
    whitened = np.linalg.solve(region.scale, (points - region.center).T)
    return np.asarray(np.sum(whitened**2, axis=0))


def _log_proposal(region: Metric, square: Array) -> Array:
    """Log density, up to a constant, of draws of all widths about a region, (draw,)."""
    widths, dimension = _WIDTHS[:, None], len(region.center)
    logs = -0.5 * square / widths**2 - dimension * np.log(widths) - region.log_volume
    return np.asarray(logsumexp(logs, axis=0))
