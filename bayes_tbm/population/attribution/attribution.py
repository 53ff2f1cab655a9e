"""What drives the differences between sites: means compared, threshold, power, shares, verdict."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_tbm.population.attribution.checks import checked
from bayes_tbm.population.attribution.compare import compare
from bayes_tbm.population.attribution.gains import (
    driver_gains,
    driver_words,
    fitted_scores,
    gaussian_scores,
    with_gains,
)
from bayes_tbm.population.attribution.gaussian import WIDE, Evidence, GaussianPopulation, even
from bayes_tbm.population.attribution.power import power
from bayes_tbm.population.attribution.shares import columns_left_out, driver_shares
from bayes_tbm.population.attribution.thresholds import thresholds_under_priors
from bayes_tbm.population.attribution.verdicts import step_test, verdict
from bayes_tbm.population.draws import SiteDraws
from bayes_tbm.population.hierarchy import PopulationFit, fit_population, pooled
from bayes_tbm.population.hierarchy.covariates import in_order
from bayes_tbm.results.groups import group

Array = NDArray[np.float64]
MEANS = ("constant", "linear", "hinge", "step")


@dataclasses.dataclass(frozen=True, eq=False)
class Attribution:
    """How sites differ with climate, and what can be said of a threshold.

    Attributes
    ----------
    verdict
        One sentence: a threshold near a temperature, none, or that one cannot tell.
    comparison
        Of mean functions by leaving climate cells out.
    evidence
        Log Bayes factor of each mean function against the constant, under two prior widths, and
        the mean and sd of its last coefficient.
    threshold
        Posterior probability of places of a step, degC, and its ``prior``, which is even but for
        the common error of the climate product.
    power
        What a true step would have shown at these sites.
    thresholds
        Threshold under an even prior, and under one that is believed where one is.
    shares
        Of groups of drivers in the variance between sites, and what they add to the log score of
        cells that are left out; empty with none but the coldest month.
    fits
        The population under each mean function.
    left_out
        Columns of drivers that are there by default but cannot be used, and why.
    """

    verdict: str
    comparison: pd.DataFrame
    evidence: pd.DataFrame
    threshold: pd.DataFrame
    power: pd.DataFrame
    thresholds: pd.DataFrame
    shares: pd.DataFrame
    fits: dict[str, PopulationFit]
    left_out: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def drivers(self) -> str:
        """Which groups of drivers predict cells left out, in a line; nothing without groups."""
        parts = [driver_words(self.shares)] if len(self.shares) else []
        if self.left_out:
            told = ", ".join(f"{name} ({why})" for name, why in self.left_out.items())
            parts.append(f"not among the drivers: {told}")
        return "; ".join(parts)


def attribution(
    draws: SiteDraws,
    covariates: pd.DataFrame,
    *,
    means: Sequence[str] = MEANS,
    groups: Mapping[str, Sequence[str]] | None = None,
    factors: Sequence[float] = (2.0, 3.9),
    replicates: int = 200,
    seed: int = 0,
    believed: tuple[float, float] | None = None,
    every_driver_set: bool = False,
    **settings: Any,
) -> Attribution:
    """Compare how residence time may depend on the coldest month, and judge whether it steps.

    It is association, not cause; and the words are made from the numbers, power included.

    Parameters
    ----------
    draws
        Of every site, under priors wider than the population.
    covariates
        A row a site: ``coldest`` (degC), ``cell``, and the columns of the groups.
    means
        Mean functions to compare; constant, linear and step are needed.
    groups
        Columns by group of drivers; by default those that the table has and that will do.
    factors
        Of residence time across the steps whose power is told.
    replicates
        Simulations of each case.
    seed
        Of all random numbers.
    believed
        Mean and sd, degC, of a threshold that one believes in beforehand, such as (-20, 3): the
        threshold is told under that prior, too. The verdict does not use it.
    every_driver_set
        Fit the population under every set of driver groups for what they add to the log score of
        cells that are left out: 2^groups fits of up to a minute each. By default that is
        reckoned in closed form, from a Gaussian summary of every site.
    **settings
        Of `fit_population`.

    Returns
    -------
    Attribution
        Tables, fits and verdict.

    Raises
    ------
    InputError
        A covariate or setting will not do, a mean function that is needed is missing, there is
        one climate cell, or ``believed`` is no mean and sd: nothing is sampled then.
    """
    known, chosen = checked(
        draws, covariates, groups, settings, means=means, believed=believed, factors=factors,
        replicates=replicates, seed=seed, every_driver_set=every_driver_set,
    )  # fmt: skip
    fits = {mean: fit_population(draws, covariates, mean, seed, **settings) for mean in means}
    comparison = compare(fits)
    y, sd = draws.summary()
    form = fits["constant"].form
    gaussian = GaussianPopulation(
        known, sd, covariate_sd=form.covariate_sd, offset_sd=form.offset_sd, cells=form.cells
    )
    between, cells = _spread(fits[comparison["elpd"][["constant", "linear"]].idxmax()])
    chances = power(
        known, sd, factors=factors, between=between, cells=cells, covariate_sd=form.covariate_sd,
        offset_sd=form.offset_sd, replicates=replicates, seed=seed,
    )  # fmt: skip
    test = step_test(gaussian, y)
    return Attribution(
        verdict(test, _told(chances), _gained(comparison["elpd"])), comparison,
        evidence_table(gaussian, y, means), threshold_table(gaussian, test.step), chances,
        thresholds_under_priors(gaussian, y, believed),
        _drivers(
            fits["constant"], draws, covariates, chosen, gaussian, seed, settings, every_driver_set
        ),
        fits, {} if groups else columns_left_out(in_order(covariates, draws.sites)),
    )  # fmt: skip


def _spread(fit: PopulationFit) -> tuple[float, float | None]:
    """Posterior means of the sds between sites and, where cells share a departure, between them."""
    posterior = group(fit.tree, "posterior")
    cells = float(posterior["cell_sd"].mean()) if "cell_sd" in posterior else None
    return fit.form.widening * float(posterior["sd"].values[..., 0].mean()), cells


def _told(chances: pd.DataFrame) -> dict[float, float]:
    """Share of true steps that are told, by factor."""
    told = chances.loc["step", "told"].groupby("factor").mean()
    return {float(factor): float(share) for factor, share in told.items()}


def _gained(elpd: pd.Series) -> float:
    """Score of the step over that of the better of constant and line."""
    return float(elpd["step"] - max(elpd["constant"], elpd["linear"]))


def threshold_table(gaussian: GaussianPopulation, step: Evidence) -> pd.DataFrame:
    """Probabilities of places of a threshold, degC, and what they were beforehand."""
    places, prior = even(gaussian.thresholds, gaussian.offset_sd)
    return pd.DataFrame(
        {"probability": step.threshold[0], "prior": prior[0]}, pd.Index(places, name="coldest")
    )


def evidence_table(gaussian: GaussianPopulation, y: Array, means: Sequence[str]) -> pd.DataFrame:
    """Log Bayes factors against the constant under two prior widths, and effects, by mean."""
    found: dict[str, list[Evidence]] = {
        mean: [gaussian.evidence(mean, y, widen=widen) for widen in (1.0, WIDE)]
        for mean in dict.fromkeys(["constant", *means])
        if mean != "smooth"
    }
    base = found["constant"]
    rows = {
        mean: {
            "log_bayes_factor": float(own[0].log[0] - base[0].log[0]),
            "log_bayes_factor_wide": float(own[1].log[0] - base[1].log[0]),
            "effect": float(own[0].effect[0, 0]),
            "effect_sd": float(own[0].effect[0, 1]),
        }
        for mean, own in found.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("mean")


def _drivers(
    fit: PopulationFit,
    draws: SiteDraws,
    covariates: pd.DataFrame,
    groups: Mapping[str, Sequence[str]],
    gaussian: GaussianPopulation,
    seed: int,
    settings: Mapping[str, Any],
    every: bool,
) -> pd.DataFrame:
    """Shares and gains of driver groups, where there are two groups or more."""
    if len(groups) < 2:
        return pd.DataFrame()
    if settings.get("drivers"):  # a population that leans on them gives them to its sites
        plain = {name: value for name, value in settings.items() if name != "drivers"}
        fit = fit_population(draws, covariates, "constant", seed, **plain)
    places = pooled(fit, draws, np.random.default_rng(seed), most=500)
    phi = np.take_along_axis(draws.phi[..., 0].T, places, axis=0)
    rows = in_order(covariates, draws.sites)
    shares = driver_shares(phi, rows, groups, seed=seed)
    if every:
        scores = fitted_scores(draws, rows, groups, seed, **settings)
    else:
        scores = gaussian_scores(gaussian, draws.summary()[0], rows, groups)
    return with_gains(shares, driver_gains(scores, list(groups), seed))
