"""Are there draws enough? Errors of the sums over draws, by site and as a whole."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from arviz_stats.base.array import array_stats
from numpy.typing import NDArray
from scipy.special import logsumexp

from bayes_tbm.errors import ConvergenceWarning
from bayes_tbm.population.draws import SiteDraws
from bayes_tbm.population.hierarchy.model import Data, Form
from bayes_tbm.population.hierarchy.weights import Parameters, mean_weights

Array = NDArray[np.float64]
LEAST_EFFECTIVE, MOST_K, MOST_BITS, MOST_DISAGREEMENT = 400, 0.7, 0.2, 0.2
"""Effective draws of a site after weighting, Pareto k, bits lost, and sds between halves."""
MOST_RHAT, MOST_RHAT_OF_FEW, FEW = 1.05, 1.1, 1000
"""Of several chains, and of those with fewer draws in all: four chains of 500 draws that mix well
scatter up to 1.02 in the worst of ten numbers, two of 100 up to 1.1."""


def diagnostics(form: Form, draws: SiteDraws, data: Data, parameters: Parameters) -> dict[str, Any]:
    """Variables of the diagnostics group: by site, and scalars.

    ``effective``: effective draws left after weighting by the posterior mean of a site's weights;
    ``pareto_k`` of those weights; ``variance``: c^2, the variance of the site's log mean.
    ``total_variance`` (mean and sd over the population's posterior) should stay below 1.
    ``error_bits``: expected information lost about the population, see `error_bits`.
    """
    weights, squares, each = mean_weights(form, data, parameters)
    inflation = np.maximum(draws.count / draws.effective, 1.0)
    _, shape = smoothed(np.log(np.maximum(weights, 1e-300)))
    by_draw = (inflation * (each - 1.0 / draws.count)).sum(axis=1)
    return {
        "effective": ("site", 1.0 / np.sum(weights**2, axis=1) / inflation),
        "pareto_k": ("site", np.asarray(shape)),
        "variance": ("site", inflation * (squares - 1.0 / draws.count)),
        "total_variance": ((), by_draw.mean()),
        "total_variance_sd": ((), by_draw.std()),
        "error_bits": ((), error_bits(weights, squares, inflation)),
    }


def smoothed(log_ratios: Array) -> tuple[Array, Array]:
    """Pareto-smoothed, normalised log weights along the last axis, and the Pareto k of each.

    Where the largest are all one draw's, which a chain repeats that stands still, there is no tail
    to be smoothed, and k is infinite.
    """
    try:
        # ArviZ takes log likelihoods of what is left out, and turns their sign
        found = array_stats.psislw(-log_ratios)  # type: ignore[no-untyped-call]  # ArviZ's own
    except ValueError:
        if log_ratios.ndim > 1:
            each = [smoothed(row) for row in log_ratios]
            return np.stack([w for w, _ in each]), np.stack([k for _, k in each])
        found = log_ratios - logsumexp(log_ratios), np.inf
    weights, shape = found
    return np.asarray(weights), np.asarray(shape)


def error_bits(weights: Array, squares: Array, inflation: Array) -> float:
    """Information, bits, expected to be lost about the population since sums stand for integrals.

    If the log likelihood carries an error e(psi), the divergence of the posterior from the true
    one is Var_psi[e] / 2 to second order (a constant error does no harm), and its mean over sets
    of draws is sum_i (E_psi[c_i(psi, psi)] - E_psi,psi'[c_i(psi, psi')]) / 2, with c_i the
    covariance sum_s w_is(psi) w_is(psi') - 1/S of the log means. Both are sums of squares: of the
    weights, and of their posterior mean. A criterion of this kind, 0.2 bits, is that of Heinzel &
    Vitale (2025, arXiv:2509.07221); the derivation is ours.

    Parameters
    ----------
    weights
        Posterior mean of normalised weights, (site, draw).
    squares
        Posterior mean of the sum of their squares, (site,).
    inflation
        Draws over effective draws, (site,).
    """
    lost = inflation * (squares - np.sum(weights**2, axis=1))
    return float(0.5 * lost.sum() / math.log(2.0))


def convergence(posterior: Mapping[str, Any], statistics: Mapping[str, Any]) -> dict[str, Any]:
    """Say how NUTS moved through the population: scalars of the diagnostics group.

    ``rhat``: the worst of what `described` names; ``ess``: the least, of bulk or tail;
    ``divergences``: the share of transitions. A chain alone is compared with itself, by halves.
    """
    arrays = [np.asarray(posterior[name]) for name in described(posterior)]
    x = np.concatenate([each.reshape(*each.shape[:2], -1) for each in arrays], axis=-1)
    chains, draws, count = x.shape
    halves = x if chains > 1 else x[:, : draws // 2 * 2].reshape(2, -1, count)
    axes: dict[str, Any] = {"chain_axis": 0, "draw_axis": 1}
    with np.errstate(invalid="ignore"):  # a chain that does not move has no R-hat
        rhat = array_stats.rhat(halves, **axes)  # type: ignore[no-untyped-call]  # ArviZ's own
    bulk = array_stats.ess(x, **axes)  # type: ignore[no-untyped-call]
    tail = array_stats.ess(x, method="tail", prob=(0.05, 0.95), **axes)  # type: ignore[no-untyped-call]
    return {
        "rhat": ((), float(np.max(rhat))), "ess": ((), float(min(np.min(bulk), np.min(tail)))),
        "divergences": ((), float(np.mean(statistics["diverging"]))),
    }  # fmt: skip


def doubts(chains: int, draws: int, rhat: float, divergences: float) -> list[str]:
    """Say why chains of a population should not be believed, if they should not.

    Halves of a chain alone scatter too much to be doubted, unless it does not move at all.
    """
    most = MOST_RHAT if chains * draws >= FEW else MOST_RHAT_OF_FEW
    fine = rhat <= most or (chains == 1 and np.isfinite(rhat))
    told = [] if fine else [f"R-hat {rhat:.3f} instead of {most:g} at most"]
    return told + [f"{divergences:.1%} of transitions diverge"] * bool(divergences > 0.0)


def checked_chains(
    mean: str, posterior: Mapping[str, Any], statistics: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the `convergence` of a population, and warn where its chains should not be believed.

    Warns
    -----
    ConvergenceWarning
        Naming the mean function.
    """
    found = convergence(posterior, statistics)
    rhat, diverging = (found[name][-1] for name in ("rhat", "divergences"))
    chains, draws = statistics["diverging"].shape
    if told := doubts(chains, draws, rhat, diverging):
        warnings.warn(
            f"population: mean {mean}: NUTS has not converged: {'; '.join(told)}; believe nothing "
            "of it before longer chains (warmup, keep) agree",
            ConvergenceWarning, stacklevel=3,
        )  # fmt: skip
    return found


def described(posterior: Mapping[str, Any]) -> set[str]:
    """Names of the scalars that describe the population, and of their like by coordinate."""
    return set(posterior) - {"site", "location", "factors", "correlation", "cell_z", "error_z"}


def disagreement(whole: dict[str, Any], first: dict[str, Any], second: dict[str, Any]) -> float:
    """Largest difference of posterior means between halves, in posterior sds of the whole.

    Of the scalars that describe the population and their like by coordinate.
    """
    names = described(whole)
    differences = [
        np.abs(first[n].mean((0, 1)) - second[n].mean((0, 1))) / whole[n].std((0, 1)) for n in names
    ]
    return float(max(np.max(d) for d in differences if np.size(d)))
