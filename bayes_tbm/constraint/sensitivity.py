"""What drives each quantity, prior or data: power-scaling sensitivity and a verdict."""

from __future__ import annotations

import arviz as az  # noqa: F401  # gives xarray its azstats
import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from bayes_tbm.constraint.jackknife import Estimate, jackknife
from bayes_tbm.results.groups import group

Array = NDArray[np.float64]
Verdicts = NDArray[np.str_]

THRESHOLD = 0.05
"""Power-scaling sensitivity from which on prior or likelihood matters (Kallioinen et al. 2024)."""
TENSION = 2.0
"""Tension from which on prior and data are called in conflict: they disagree by two sigma."""
_POWERS = (0.99, 1.01)  # those of arviz.psense
_SAMPLE = ("chain", "draw")
_FEWEST = 25  # draws that leave the five that importance weights' tails are smoothed with
_BLOCKS = 10  # power-scaling is the slow part; its error is then known to 24 %


def log_prior(tree: xr.DataTree) -> Array:
    """Log prior of a result's draws, ecological constraints included, (draw,)."""
    return np.sum(list(_totals(tree, "log_prior").values()), axis=0)


def log_likelihoods(tree: xr.DataTree) -> dict[str, Array]:
    """Log likelihood of a result's draws by stream, (draw,)."""
    return _totals(tree, "log_likelihood")


def _totals(tree: xr.DataTree, name: str) -> dict[str, Array]:
    """Every variable of a group summed over its points, chain after chain, (draw,)."""
    totals = {}
    for key, x in group(tree, name).data_vars.items():
        summed = x.sum([dim for dim in x.dims if dim not in _SAMPLE], dtype=float)
        totals[str(key)] = summed.transpose(*_SAMPLE).values.ravel()
    return totals


def power_scaling(latent: Array, terms: Array) -> Estimate:
    """Sensitivity of every quantity to raising each term of the log density to a power.

    Parameters
    ----------
    latent
        Posterior draws of the quantities, (quantity, draw).
    terms
        Log prior or log likelihoods of the same draws, (term, draw).

    Returns
    -------
    Estimate
        `arviz.psense` of these draws, (term, quantity); not a number where they are too few.
    """

    def sensitivity(draws: NDArray[np.int64]) -> Array:
        if len(draws) < _FEWEST or not len(latent):
            return np.full((len(terms), len(latent)), np.nan)
        return _psense(latent[:, draws], terms[:, draws])

    draws = np.arange(latent.shape[1])
    return jackknife(sensitivity, draws, blocks=_BLOCKS, correct_bias=False)


def _psense(latent: Array, terms: Array) -> Array:
    """Do what `arviz.psense` does, for all terms in one call."""
    draws = xr.DataArray(latent[:, None], dims=("quantity", *_SAMPLE))
    density = xr.DataArray(terms[:, None], dims=("term", *_SAMPLE))
    lower, upper = (
        np.exp(density.azstats.power_scale_lw(alpha=power, dim=_SAMPLE)) for power in _POWERS
    )
    found = draws.azstats.power_scale_sense(
        lower_w=lower / lower.sum(_SAMPLE), upper_w=upper / upper.sum(_SAMPLE),
        lower_alpha=_POWERS[0], upper_alpha=_POWERS[1], sample_dims=_SAMPLE,
    )  # fmt: skip
    return np.asarray(found.transpose("term", "quantity").values)


def verdict(prior: ArrayLike, likelihood: ArrayLike, tension: ArrayLike = np.inf) -> Verdicts:
    """Say what drives a quantity: ``data-driven``, ``prior-driven`` or ``in conflict``.

    Parameters
    ----------
    prior, likelihood
        Power-scaling sensitivities to the prior and to a likelihood.
    tension
        How far the posterior mean was moved, over what is expected where prior and data are in
        accord (`bayes_tbm.constraint.constraint`).

    Returns
    -------
    numpy.ndarray of str
        ``in conflict`` where both sensitivities reach `THRESHOLD` and the tension `TENSION` in
        size; else ``prior-driven`` or ``data-driven`` by the larger sensitivity. Empty where a
        sensitivity is not known.

    Notes
    -----
    `arviz.psense_summary` reports a potential prior-data conflict wherever both sensitivities
    reach 0.05, which is the verdict here with the default tension. For a normal posterior a
    disagreement of 0.2 to 0.7 sigma suffices for that, hence the second condition. In full accord
    the two add up to 0.08 there, in proportion to the precisions of prior and data: where neither
    reaches 0.05, and ``psense_summary`` gives a check mark, the larger one still names the driver.

    References
    ----------
    Kallioinen et al. (2024, doi 10.1007/s11222-023-10366-5).

    Examples
    --------
    >>> verdict([0.01, 0.04, 0.09, 0.07], [0.05, 0.01, 0.02, 0.11])
    array(['data-driven', 'prior-driven', 'prior-driven', 'in conflict'], dtype='<U12')
    """
    prior, likelihood = np.asarray(prior), np.asarray(likelihood)
    both = (prior >= THRESHOLD) & (likelihood >= THRESHOLD) & (np.abs(tension) >= TENSION)
    unknown = ~np.isfinite(prior + likelihood)
    words = ["", "in conflict", "prior-driven"]
    return np.select([unknown, both, prior > likelihood], words, "data-driven")
