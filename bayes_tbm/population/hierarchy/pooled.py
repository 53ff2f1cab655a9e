"""Sites after pooling, and which of them should be fitted again."""

from __future__ import annotations

import dataclasses

import jax
import numpy as np
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.population.draws import SiteDraws
from bayes_tbm.population.hierarchy.diagnostics import LEAST_EFFECTIVE, MOST_K, smoothed
from bayes_tbm.population.hierarchy.fit import PopulationFit
from bayes_tbm.population.hierarchy.weights import draw_indices
from bayes_tbm.results.groups import group

Array = NDArray[np.float64]


def pooled(
    fit: PopulationFit, draws: SiteDraws, rng: np.random.Generator, most: int | None = None
) -> NDArray[np.int_]:
    """Draw of each site that goes with each draw of the population.

    Parameters
    ----------
    fit
        The population.
    draws
        Draws of the same sites in the same order, thinned or not: places in the result are theirs,
        so that all else that is known of a draw comes along.
    rng
        Random numbers.
    most
        Draws of the population at most; all by default.

    Returns
    -------
    numpy.ndarray
        Places among the draws, (population draw, site).

    Raises
    ------
    InputError
        The sites are others.
    """
    if draws.sites != fit.draws.sites:
        raise InputError(where="pooled", variable="draws", rule="must be of the sites of the fit")
    key = jax.random.key(int(rng.integers(2**31)))
    return draw_indices(fit.form, fit.data(draws), fit.parameters(most), key)


def needs_refit(fit: PopulationFit, least: float = LEAST_EFFECTIVE) -> list[str]:
    """Sites whose draws are too few where the population puts its weight.

    Parameters
    ----------
    fit
        The population.
    least
        Effective draws after weighting that a site needs.

    Returns
    -------
    list of str
        Those with fewer, or with a Pareto k above 0.7. If they are more than a tenth of all after
        two rounds of refits, the result should not be used.
    """
    found = group(fit.tree, "diagnostics")
    poor = (found["effective"] < least) | (found["pareto_k"] > MOST_K)
    return [str(site) for site in found["site"].values[poor.values]]


@dataclasses.dataclass(frozen=True, eq=False)
class RefitPrior:
    """A prior to fit a site again under: independent Student t by coordinate.

    Of 4 degrees of freedom, as `bayes_tbm.LogStudentT` and `bayes_tbm.LogitStudentT` are.

    Attributes
    ----------
    coordinates
        Names.
    location, scale
        In the unbounded coordinates, (coordinate,).
    """

    coordinates: tuple[str, ...]
    location: Array
    scale: Array


def refit_prior(fit: PopulationFit, site: str) -> RefitPrior:
    """Prior for fitting a site again, so that its draws lie where the population expects them.

    Parameters
    ----------
    fit
        The population.
    site
        Name.

    Returns
    -------
    RefitPrior
        At the mean and 1.5 times the sd of what the other sites
        predict for this one (its own share in the population is taken out by importance weights).

    Raises
    ------
    InputError
        There is no such site.
    """
    if site not in fit.draws.sites:
        raise InputError(where="refit_prior", variable="site", rule="no such site", found=site)
    place = fit.draws.sites.index(site)
    own = group(fit.tree, "log_likelihood")["site"].values[..., place].ravel()
    weights = np.exp(smoothed(-own)[0])
    weights /= weights.sum()
    values = {name: np.asarray(value) for name, value in fit.parameters().items()}
    mean = np.concatenate([values["location"][:, place, None], values["means"]], axis=1)
    alone = int(np.sum(fit.covariates.cell == fit.covariates.cell[place]) == 1)
    within = fit.form.widening**2 * np.sum(values["factors"][:, alone] ** 2, axis=2)
    centre = weights @ mean
    variance = weights @ (within + (mean - centre) ** 2)
    return RefitPrior(fit.draws.coordinates, centre, 1.5 * np.sqrt(variance))
