"""Fit a population to the draws of its sites."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import arviz as az
import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.population.draws import SiteDraws, evenly
from bayes_tbm.population.hierarchy.covariates import Covariates, check_range, covariates_of
from bayes_tbm.population.hierarchy.diagnostics import checked_chains, diagnostics, disagreement
from bayes_tbm.population.hierarchy.means import PLACED, check_mean, departure
from bayes_tbm.population.hierarchy.model import Data, Form, data_of
from bayes_tbm.population.hierarchy.sampling import sample
from bayes_tbm.population.hierarchy.weights import Parameters
from bayes_tbm.population.settings import LEAST_DRAWS, check_settings, seed_of
from bayes_tbm.population.site_table import source_of
from bayes_tbm.results.groups import group
from bayes_tbm.runtime.precision import use_double_precision
from bayes_tbm.runtime.promotion import lenient

Array = NDArray[np.float64]
MOST_WEIGHTS, LEAST_KEPT = 400_000, 400
"""Sites times draws above which draws are thinned, and how few a site keeps all the same."""
DIMS = {
    "location": ["site"], "means": ["other_coordinate"], "sd": ["coordinate"],
    "drivers": ["driver"], "cell_z": ["cell"], "error_z": ["cell"],
}  # fmt: skip


@dataclasses.dataclass(frozen=True, eq=False)
class PopulationFit:
    """A population fitted to its sites.

    Attributes
    ----------
    form
        Which model.
    draws
        Draws of the sites that were used, thinned where there were very many.
    covariates
        Surroundings of the sites.
    tree
        Groups posterior, sample_stats, log_likelihood (variable ``site``, given the departures of
        shared cells; up to a constant of each site) and diagnostics. Posterior: ``intercept``
        (ln yr, where the coldest month adds nothing), ``means`` of the other coordinates, ``sd``
        between sites by coordinate, ``cell_sd`` between climate cells, ``location`` (site), and
        the parameters of the mean function: ``slope`` per standard deviation of the coldest month,
        ``step`` (ln yr), ``threshold`` (degC), ``width`` (K).
    """

    form: Form
    draws: SiteDraws
    covariates: Covariates
    tree: xr.DataTree

    def data(self, draws: SiteDraws | None = None) -> Data:
        """Return the arrays that the model is a function of.

        Parameters
        ----------
        draws
            Of the same sites; by default those that were used.

        Returns
        -------
        dict
            By name.
        """
        return data_of(draws or self.draws, self.covariates)

    def parameters(self, most: int | None = None) -> Parameters:
        """Return draws of the parameters, chain after chain.

        Parameters
        ----------
        most
            How many, evenly spaced; all by default.

        Returns
        -------
        dict of jax.Array
            By name, (draw, ...).
        """
        return flat(
            {str(n): x.values for n, x in group(self.tree, "posterior").items()},
            len(self.draws.coordinates), most,
        )  # fmt: skip

    def curve(self, coldest: Array) -> Array:
        """Mean of the first coordinate at temperatures of the coldest month, degC.

        Parameters
        ----------
        coldest
            Temperatures (temperature,), as the covariates state them.

        Returns
        -------
        numpy.ndarray
            Draws (draw, temperature), at the mean of all other drivers.
        """
        use_double_precision()
        return _curve(self, np.asarray(coldest, dtype=float))


def fit_population(
    draws: SiteDraws,
    covariates: pd.DataFrame,
    mean: str = "step",
    seed: int = 0,
    *,
    drivers: Sequence[str] = (),
    heavy_tails: bool = False,
    cells: bool = True,
    covariate_sd: float = 1.5,
    offset_sd: float = 2.0,
    chains: int = 4,
    warmup: int = 400,
    keep: int = 500,
    split: bool = False,
) -> PopulationFit:
    """Fit what sites have in common to the draws of each, without fitting any site again.

    The marginal likelihood of each site is a sum over its draws, weighted by population over own
    prior (Hogg et al. 2010, doi 10.1088/0004-637X/725/2/2166), with the bias of the sum taken out
    to second order. NUTS samples the population (Lunn et al. 2013 sampled the index as well; the
    target is the same). The ecological constraints of sites are taken as pseudo-data, a part of
    their likelihood, so that no normalising constant of a site depends on the population.

    Parameters
    ----------
    draws
        Of every site, under priors wider than the population.
    covariates
        A row a site: ``coldest`` (mean temperature of the coldest month, degC), ``cell`` (label of
        the climate cell), and the drivers.
    mean
        How the first coordinate depends on the coldest month: constant, linear, hinge, step or
        smooth (a Gaussian process).
    seed
        Of all random numbers.
    drivers
        Columns that add linearly, such as ``("warmest", "cover", "managed")``.
    heavy_tails
        Differences between sites follow a t with 7 degrees of freedom, not a normal.
    cells
        Sites of one climate cell share a departure.
    covariate_sd
        Error of the coldest month of a cell, K; zero for none.
    offset_sd
        Common error of the climate product, K; zero for none.
    chains, warmup, keep
        Chains, and transitions of each to adapt and to keep.
    split
        Also fit both halves of the draws, and say how far they disagree (three times the cost).

    Returns
    -------
    PopulationFit
        The population, with the diagnostics of the sums and of the chains, whose doubts warn.

    Raises
    ------
    InputError
        Draws, a covariate, a setting or the mean function will not do: nothing is sampled then.
    """
    use_double_precision()
    given = check_settings({
        "drivers": drivers, "heavy_tails": heavy_tails, "cells": cells, "keep": keep,
        "covariate_sd": covariate_sd, "offset_sd": offset_sd, "chains": chains, "warmup": warmup,
        "split": split,
    })  # fmt: skip
    form = _form(check_mean(mean), given)
    lengths = {"chains": given["chains"], "warmup": given["warmup"], "draws": given["keep"]}
    settings = {**lengths, "seed": seed_of("seed", seed, "population")}
    check_draws(draws, split=split)
    known = _known(covariates, draws, given["drivers"], mean)
    kept = draws.thinned(max(MOST_WEIGHTS // len(draws.sites), LEAST_KEPT))
    data = data_of(kept, known)
    posterior, statistics = sample(form, data, **settings)
    found = diagnostics(form, kept, data, flat(posterior, len(draws.coordinates), 400))
    found |= checked_chains(mean, posterior, statistics)
    if split:
        found["split_disagreement"] = ((), _disagreement(form, kept, known, posterior, settings))
    return PopulationFit(form, kept, known, _tree(kept, known, posterior, statistics, found))


def _known(table: pd.DataFrame, draws: SiteDraws, drivers: Sequence[str], mean: str) -> Covariates:
    known = covariates_of(table, draws.sites, drivers)
    if mean in PLACED:
        check_range(known, source_of(table, "coldest"))
    return known


def _disagreement(
    form: Form, draws: SiteDraws, known: Covariates, whole: Any, settings: Mapping[str, int]
) -> float:
    halves = [sample(form, data_of(half, known), **settings)[0] for half in draws.halves()]
    return disagreement(whole, *halves)


def _form(mean: str, given: Mapping[str, Any]) -> Form:
    freedom = 7.0 if given["heavy_tails"] else None
    return Form(mean, freedom, given["cells"], given["covariate_sd"], given["offset_sd"])


def check_draws(draws: SiteDraws, *, split: bool = False) -> None:
    """Refuse draws that no population can be fitted to.

    Parameters
    ----------
    draws
        Of every site.
    split
        Whether halves of them are fitted, too.

    Raises
    ------
    InputError
        They are none, of a single site, or too few.
    """
    if not isinstance(draws, SiteDraws):
        raise InputError(
            where="population", variable="draws", rule="must be bayes_tbm.SiteDraws",
            found=type(draws).__name__,
        )  # fmt: skip
    if len(draws.sites) < 2:
        raise InputError(where="population", rule="has two sites or more", found=draws.sites[0])
    least = 2 * LEAST_DRAWS if split else LEAST_DRAWS
    if draws.count < least:
        raise InputError(
            where="population", variable="draws", rule=f"must be {least} or more a site",
            found=draws.count,
        )  # fmt: skip


def _tree(
    draws: SiteDraws, covariates: Covariates, posterior: Any, statistics: Any, found: Any
) -> xr.DataTree:
    """Everything as one tree, in ArviZ's schema."""
    posterior = dict(posterior)
    per_site = posterior.pop("site")
    coords = {
        "site": list(draws.sites),
        "cell": list(covariates.cells),
        "coordinate": list(draws.coordinates),
        "other_coordinate": list(draws.coordinates[1:]),
        "driver": list(covariates.columns),
    }
    tree: xr.DataTree = az.from_dict(
        {
            "posterior": posterior,
            "sample_stats": statistics,
            "log_likelihood": {"site": per_site},
        },
        coords=coords, dims={**DIMS, "site": ["site"]},
    )  # fmt: skip
    tree["diagnostics"] = xr.DataTree(xr.Dataset(found, {"site": coords["site"]}))
    return tree


def flat(posterior: dict[str, Any], coordinates: int, most: int | None) -> Parameters:
    """Draws (draw, ...) chain after chain, or so many of them evenly spaced."""
    names = sorted(set(posterior) - {"site"})
    values = {n: np.reshape(posterior[n], (-1, *np.shape(posterior[n])[2:])) for n in names}
    total = len(values["location"])
    if coordinates == 1:
        values["means"] = np.zeros((total, 0))
    rows = evenly(total, total if most is None else most)
    return {name: jnp.asarray(value[rows]) for name, value in values.items()}


@lenient
def _curve(fit: PopulationFit, coldest: Array) -> Array:
    known = {
        "centre": jnp.asarray(fit.covariates.centre),
        "scale": jnp.asarray(fit.covariates.scale),
        "extent": jnp.asarray([fit.covariates.coldest.min(), fit.covariates.coldest.max()]),
        "reach": jnp.asarray(fit.form.reach),
    }

    def one(values: Parameters) -> jax.Array:
        shifted = jnp.asarray(coldest)
        if "offset_z" in values:
            shifted = shifted + fit.form.offset_sd * values["offset_z"]
        return values["intercept"] + departure(fit.form.mean, {**known, **values}, shifted)

    return np.asarray(jax.vmap(one)(fit.parameters()))
