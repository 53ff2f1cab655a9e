"""Sites with Gaussian likelihoods, where all that a population fit estimates is known exactly."""

import dataclasses

import numpy as np
import pandas as pd
from scipy.special import logsumexp

from bayes_tbm.population.draws import SiteDraws


@dataclasses.dataclass
class Toy:
    """Data y_i ~ N(phi_i, s_i^2), interim priors N(4, 0.9^2), and exact draws of phi_i."""

    draws: SiteDraws
    covariates: pd.DataFrame
    y: np.ndarray
    s: np.ndarray


INTERIM = 4.0, 0.9
PLAIN = {"cells": False, "covariate_sd": 0.0, "offset_sd": 0.0}


def toy(sites=20, draws=1000, *, seed=0, tau=0.4, s=0.3, mean=lambda t: 4.0 + 0 * t, cells=None):
    rng = np.random.default_rng(seed)
    coldest = np.linspace(-30.0, 0.0, sites)
    cell = np.arange(sites) if cells is None else np.asarray(cells)
    s = s * np.exp(rng.uniform(-0.3, 0.3, sites))
    phi = mean(coldest) + tau * rng.normal(size=sites)
    y = phi + s * rng.normal(size=sites)
    variance = 1 / (1 / s**2 + 1 / INTERIM[1] ** 2)
    centre = variance * (y / s**2 + INTERIM[0] / INTERIM[1] ** 2)
    z = centre[:, None] + np.sqrt(variance)[:, None] * rng.normal(size=(sites, draws))
    log_prior = -0.5 * ((z - INTERIM[0]) / INTERIM[1]) ** 2 - np.log(INTERIM[1])
    log_prior -= 0.5 * np.log(2 * np.pi)
    names = [f"s{i:02d}" for i in range(sites)]
    found = SiteDraws(
        tuple(names), ("wood_residence_time",), z[..., None], log_prior, np.full(sites, draws)
    )
    covariates = pd.DataFrame({"coldest": coldest, "cell": cell}, index=names)
    return Toy(found, covariates, y, s)


def log_normal(x, mean, variance):
    return -0.5 * (x - mean) ** 2 / variance - 0.5 * np.log(2 * np.pi * variance)


def constant(toy):
    """What each site's own constant is: log evidence of y_i under its interim prior."""
    return log_normal(toy.y, INTERIM[0], toy.s**2 + INTERIM[1] ** 2)


def grid(toy):
    """Posterior of mean and sd by brute force: (mean, sd, probability)."""
    mean, beyond = np.meshgrid(np.linspace(2.8, 5.2, 241), np.linspace(0.001, 1.5, 300))
    mean, beyond = mean.ravel(), beyond.ravel()
    variance = toy.s**2 + 0.1**2 + beyond[:, None] ** 2
    log = log_normal(toy.y, mean[:, None], variance).sum(1)
    log += log_normal(mean, np.log(60.0), 1.0) - 0.5 * (beyond / 0.5) ** 2
    return mean, np.hypot(beyond, 0.1), np.exp(log - logsumexp(log))
