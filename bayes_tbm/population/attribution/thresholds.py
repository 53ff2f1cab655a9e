"""Where a threshold would be under two priors: an even one, and one that is believed beforehand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from bayes_tbm.errors import InputError
from bayes_tbm.plain import finite_number
from bayes_tbm.population.attribution.gaussian import (
    PLACES,
    Evidence,
    GaussianPopulation,
    even,
    middles,
)
from bayes_tbm.population.hierarchy.covariates import MOST_DEGC

Array = NDArray[np.float64]
NEAR, SEED = 3.0, -20.0
"""K, and the threshold of the study that raised the question, degC."""


def check_believed(believed: Any, where: str = "attribution") -> tuple[float, float] | None:
    """Return mean and sd of a belief, or None where there is none.

    Raises
    ------
    InputError
        It is not two numbers, the second positive, or they are beyond all temperatures.
    """
    if believed is None:
        return None
    pair = isinstance(believed, list | tuple) and len(believed) == 2
    mean, sd = (finite_number(value) for value in believed) if pair else (None, None)
    if mean is None or sd is None or not (abs(mean) <= MOST_DEGC and 0.0 < sd <= MOST_DEGC):
        raise InputError(
            where=where, variable="believed", found=believed,
            rule="must be mean and sd of a threshold, degC, such as -20 and 3, the sd positive",
        )  # fmt: skip
    return mean, sd


def thresholds_under_priors(
    population: GaussianPopulation, y: Array, believed: tuple[float, float] | None = None
) -> pd.DataFrame:
    """Threshold of a step under an even prior and under a normal one.

    Parameters
    ----------
    population
        Sites and how well each is known.
    y
        Means of the sites' likelihoods of ln residence time, (site,).
    believed
        Mean and sd of the threshold, degC, if one believes that beforehand.

    Returns
    -------
    pandas.DataFrame
        By ``prior`` (even, believed): ``q05``, ``median`` and ``q95`` of the threshold, degC;
        ``near``, the probability that it is within 3 K of what is believed, or of -20 degC, and
        ``prior_near``, which it was beforehand; and the step's ``log_bayes_factor`` against the
        better of constant and line. Where both pairs of numbers are alike, the sites say nothing.
        All but the factor are with the common error of the climate product, ``offset_sd``.
    """
    check_believed(believed)
    priors = {"even": population.thresholds}
    if believed is not None:
        priors["believed"] = norm.ppf(middles(PLACES), *believed)
    smooth = max(float(population.evidence(n, y).log[0]) for n in ("constant", "linear"))
    centre = SEED if believed is None else believed[0]
    rows = {}
    for name, places in priors.items():
        step = population.evidence("step", y, places=places).moved(population.offset_sd)
        before = even(places, population.offset_sd)[1]
        near = np.abs(step.thresholds - centre) <= NEAR
        rows[name] = {
            **_quantiles(step),
            "near": float(step.threshold[0] @ near),
            "prior_near": float(before[0] @ near),
            "log_bayes_factor": float(step.log[0]) - smooth,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("prior")


def _quantiles(step: Evidence) -> dict[str, float]:
    low, high = step.interval()[0]
    middle = step.interval(0.0)[0, 0]
    return {"q05": float(low), "median": float(middle), "q95": float(high)}
