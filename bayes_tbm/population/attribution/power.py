"""What these sites could have shown: steps planted, and sought again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_tbm.population.attribution.gaussian import GaussianPopulation
from bayes_tbm.population.attribution.verdicts import step_test
from bayes_tbm.population.hierarchy.covariates import Covariates

Array = NDArray[np.float64]


def simulated(
    covariates: Covariates, mean: Array, sd: Array, between: float, cells: float,
    replicates: int, rng: np.random.Generator,
) -> Array:  # fmt: skip
    """Draw data sets (replicate, site): mean, departures of cells and sites, and each site's error.

    Parameters
    ----------
    covariates
        Surroundings of the sites.
    mean
        Of ln residence time at each site, (site,) or (replicate, site).
    sd
        How well each site is known, (site,).
    between, cells
        Sds between sites and between climate cells.
    replicates
        How many.
    rng
        Random numbers.
    """
    shape = (replicates, len(covariates.coldest))
    departures = cells * rng.normal(size=(replicates, len(covariates.cells)))[:, covariates.cell]
    return mean + departures + rng.normal(size=shape) * np.hypot(between, sd)


def power(
    covariates: Covariates,
    sd: Array,
    *,
    factors: Sequence[float] = (2.0, 3.9),
    thresholds: Sequence[float] | None = None,
    between: float = 0.45,
    cells: float | None = 0.2,
    covariate_sd: float = 1.5,
    offset_sd: float = 0.0,
    replicates: int = 200,
    seed: int = 0,
) -> pd.DataFrame:
    """Tell what a true step would show at these sites, and how often one is claimed where none is.

    Parameters
    ----------
    covariates
        Surroundings of the sites. What their drivers explain is sought with the step, and is nil
        in what is simulated.
    sd
        How well each site's ln residence time is known by its own data, (site,).
    factors
        Of residence time across the step.
    thresholds
        Where the step is, degC; by default at a quarter, half and three quarters of the range.
    between, cells
        Sds of ln residence time between sites, beside what drivers explain, and between climate
        cells; None where sites of a cell share nothing.
    covariate_sd
        Error of the coldest month, K.
    offset_sd
        Error that all sites share, K: of the thresholds that are told.
    replicates
        Simulations of each case.
    seed
        Of all random numbers.

    Returns
    -------
    pandas.DataFrame
        By ``truth`` (step, constant, linear), ``factor`` and ``threshold``: ``told``, the share of
        simulations in which a threshold is claimed; ``threshold_sd``, K, the median posterior sd
        of the threshold; ``prior_sd``, K.
    """
    population = GaussianPopulation(
        covariates, sd, covariate_sd=covariate_sd, offset_sd=offset_sd, cells=cells is not None
    )
    rng = np.random.default_rng(seed)
    if thresholds is None:
        thresholds = np.quantile(population.thresholds, [0.25, 0.5, 0.75]).round(1).tolist()
    error = covariate_sd * rng.normal(size=(replicates, len(covariates.cells)))
    t = covariates.coldest + error[:, covariates.cell]
    x = (t - covariates.centre) / covariates.scale
    cases = {("constant", 1.0, np.nan): 0.0 * x}
    # a line as steep as the factor from one end of the sites to the other
    ends = np.ptp(covariates.coldest) / covariates.scale
    cases |= {("linear", f, np.nan): np.log(f) * x / ends for f in factors}
    cases |= {("step", f, at): np.log(f) * (t > at) for f in factors for at in thresholds}
    rows = []
    for mean in cases.values():
        y = simulated(
            covariates, np.log(60.0) + mean, sd, between, cells or 0.0, replicates, rng
        )  # fmt: skip
        test = step_test(population, y)
        rows.append({
            "told": test.claimed.mean(),
            "threshold_sd": np.median(test.step.threshold_sd()),
            "prior_sd": np.hypot(population.thresholds.std(), offset_sd),
        })  # fmt: skip
    names = ["truth", "factor", "threshold"]
    return pd.DataFrame(rows, index=pd.MultiIndex.from_tuples(list(cases), names=names))
