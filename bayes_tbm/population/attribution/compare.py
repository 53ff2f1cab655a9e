"""Mean functions compared by how they predict climate cells that are left out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import logsumexp

from bayes_tbm.errors import InputError
from bayes_tbm.population.hierarchy.diagnostics import smoothed
from bayes_tbm.population.hierarchy.fit import PopulationFit
from bayes_tbm.population.hierarchy.weights import cell_log_likelihood

Array = NDArray[np.float64]
MOST_DRAWS = 300
BOOTSTRAPS = 400
_LEAST = 1e-6  # of a stacking weight
NO_DIFFERENCE = 4.0
"""Nats of difference below which two means predict alike (Sivula, Magnusson & Vehtari 2020)."""


def left_out(fit: PopulationFit, most: int = MOST_DRAWS) -> tuple[Array, Array]:
    """Log score of every climate cell when it is left out (cell,), and its Pareto k.

    Parameters
    ----------
    fit
        The population. The score is that of the cell's marginal likelihood, up to a constant of
        its sites' own that is the same for all populations.
    most
        Draws of the population at most.
    """
    log = cell_log_likelihood(fit.form, fit.data(), fit.parameters(most)).T
    weights, shape = smoothed(-log)
    return logsumexp(log + weights - logsumexp(weights, axis=1, keepdims=True), axis=1), shape


def compare(fits: Mapping[str, PopulationFit], most: int = MOST_DRAWS) -> pd.DataFrame:
    """Compare populations of the same sites by leaving climate cells out.

    Parameters
    ----------
    fits
        By name; their draws of sites are the same.
    most
        Draws of each population at most.

    Returns
    -------
    pandas.DataFrame
        By name, the best first: ``elpd`` (nats, sum over cells) with ``elpd_se``; ``difference``
        from the best with ``difference_se``; ``clear``, whether that is 4 nats or more and twice
        its error; stacking ``weight``, with ``weight_q05`` and ``weight_q95``, its central 90 %
        under a Bayesian bootstrap of the cells; and the largest ``pareto_k`` (above 0.7 the score
        of that cell is in doubt).

    Raises
    ------
    InputError
        There are fewer than two, or they are of other sites or cells.
    """
    first = next(iter(fits.values()), None)
    alike = first is not None and all(
        fit.draws.sites == first.draws.sites and fit.covariates.cells == first.covariates.cells
        for fit in fits.values()
    )
    if len(fits) < 2 or not alike:
        raise InputError(where="compare", rule="needs two fits or more to the same sites and cells")
    found = {name: left_out(fit, most) for name, fit in fits.items()}
    scores = np.stack([score for score, _ in found.values()])
    return compared(list(fits), scores, [float(k.max()) for _, k in found.values()])


def compared(names: list[str], scores: Array, largest_k: list[float]) -> pd.DataFrame:
    """Table of `compare` from scores (model, cell)."""
    cells = scores.shape[1]
    total = scores.sum(axis=1)
    gap = scores - scores[np.argmax(total)]
    low, high = np.quantile(bootstrapped_weights(scores), [0.05, 0.95], axis=0)
    table = pd.DataFrame(
        {
            "elpd": total,
            "elpd_se": np.sqrt(cells) * scores.std(axis=1, ddof=1),
            "difference": gap.sum(axis=1),
            "difference_se": np.sqrt(cells) * gap.std(axis=1, ddof=1),
            "weight": stacking_weights(scores),
            "weight_q05": low,
            "weight_q95": high,
            "pareto_k": largest_k,
        },
        index=pd.Index(names, name="mean"),
    )
    far = table["difference"] <= -np.maximum(NO_DIFFERENCE, 2.0 * table["difference_se"])
    table.insert(4, "clear", far)
    return table.sort_values("elpd", ascending=False)


def stacking_weights(scores: Array, over: Array | None = None) -> Array:
    """Weights (model,) of the mixture of predictions that scores best (Yao et al. 2018).

    Parameters
    ----------
    scores
        Log scores of what was left out, (model, unit).
    over
        Weights of the units, (unit,); even by default.

    Examples
    --------
    >>> stacking_weights(np.log(np.array([[0.5, 0.5], [0.1, 0.1]]))).round(3)
    array([1., 0.])
    """
    density = np.exp(scores - scores.max(axis=0))
    models, units = scores.shape
    share = np.full(units, 1.0 / units) if over is None else over / over.sum()

    def loss(weights: Array) -> tuple[float, Array]:
        mixed = weights @ density
        return -float(share @ np.log(mixed)), -(density @ (share / mixed))

    # concave, of few dimensions; no weight is nil, so that no mixture is
    found = minimize(
        loss, np.full(models, 1.0 / models), jac=True, method="SLSQP",
        bounds=[(_LEAST, 1.0)] * models, options={"ftol": 1e-10, "maxiter": 300},
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1.0, "jac": np.ones_like},
    )  # fmt: skip
    return np.asarray(found.x / found.x.sum())


def bootstrapped_weights(scores: Array, rounds: int = BOOTSTRAPS, seed: int = 0) -> Array:
    """Stacking weights (round, model) under weights of the units that a Bayesian bootstrap draws.

    Dirichlet weights, all ones (Rubin 1981): what other cells of the same kind might have said.

    Parameters
    ----------
    scores
        Log scores of what was left out, (model, unit).
    rounds, seed
        How many, and of the random numbers.
    """
    over = np.random.default_rng(seed).dirichlet(np.ones(scores.shape[1]), rounds)
    return np.stack([stacking_weights(scores, each) for each in over])
