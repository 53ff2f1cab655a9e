"""The population model in NumPyro: what sites share, and how they differ."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist

from bayes_tbm.population.draws import SiteDraws
from bayes_tbm.population.hierarchy.covariates import Covariates
from bayes_tbm.population.hierarchy.means import MEANS, SLOPE_SD, departure
from bayes_tbm.population.hierarchy.sums import corrected_log_mean, features, log_density

Data = dict[str, jax.Array]


@dataclasses.dataclass(frozen=True)
class Form:
    """Which population model; one is compiled once for data of one shape.

    Attributes
    ----------
    mean
        Name of a mean function of the coldest month.
    freedom
        Degrees of freedom of the differences between sites; None for normal ones.
    cells
        Do sites of a climate cell share a departure?
    covariate_sd
        Error of each cell's coldest month, K; zero for none.
    offset_sd
        Error of the climate product as a whole, K; zero for none.
    intercept
        Prior mean and sd of the first coordinate: by default a residence time of 60 years, give or
        take a factor e.
    spread
        Scale of the half-normal priors of standard deviations.
    least_sd
        Added to them in squares. Stands of one cell are never alike, and a sum over draws says
        nothing about a population narrower than the gaps between them.
    """

    mean: str
    freedom: float | None = None
    cells: bool = True
    covariate_sd: float = 1.5
    offset_sd: float = 2.0
    intercept: tuple[float, float] = (math.log(60.0), 1.0)
    spread: float = 0.5
    least_sd: float = 0.1

    @property
    def moves(self) -> bool:
        """Whether the mean depends on the coldest month."""
        return self.mean != "constant"

    @property
    def reach(self) -> float:
        """Three sds of a temperature's errors, K."""
        return 3.0 * math.hypot(self.covariate_sd, self.offset_sd)

    @property
    def widening(self) -> float:
        """Standard deviation of the differences between sites over the scale that is sampled."""
        return 1.0 if self.freedom is None else math.sqrt(self.freedom / (self.freedom - 2.0))


def data_of(draws: SiteDraws, covariates: Covariates, correct: bool = True) -> Data:
    """Arrays that the model is a function of."""
    middle = draws.phi.mean(axis=(0, 1))
    inflation = np.maximum(draws.count / draws.effective, 1.0) * float(correct)
    alone = (np.bincount(covariates.cell) == 1)[covariates.cell]
    arrays = {
        "features": features(draws.phi - middle).astype(np.float32),
        "middle": middle,
        "log_prior": draws.log_prior.astype(np.float32),
        "inflation": inflation,
        "coldest": covariates.coldest,
        "cell": covariates.cell,
        "cells": np.zeros(len(covariates.cells)),
        "alone": alone.astype(int),
        "design": covariates.design,
        "centre": covariates.centre,
        "scale": covariates.scale,
        "range": covariates.range,
        "extent": (covariates.coldest.min(), covariates.coldest.max()),
    }
    return {name: jnp.asarray(np.asarray(array)) for name, array in arrays.items()}


def population_model(form: Form, data: Data) -> None:
    """Prior of the population's parameters, and each site's marginal likelihood as a factor."""
    values = hyperparameters(form, data)
    z = numpyro.deterministic("location", location(form, values, data, values))
    mean = jnp.concatenate(
        [z[:, None], jnp.broadcast_to(values["means"][None, :], (len(z), len(values["means"])))],
        axis=1,
    )
    per_site = numpyro.deterministic("site", site_log_likelihood(form, data, mean, values))
    numpyro.factor("likelihood", jnp.sum(per_site))


def hyperparameters(form: Form, data: Data) -> dict[str, jax.Array]:
    """Sample what describes the population; errors of cells come as standard normals."""
    count, cells = len(data["middle"]), len(data["cells"])
    values = dict(data)
    values["intercept"] = numpyro.sample("intercept", dist.Normal(*form.intercept))
    values["means"] = others(count - 1)
    values |= spreads(form, count)
    values |= MEANS[form.mean][0](values)
    if data["design"].shape[1]:
        slopes = dist.Normal(0.0, SLOPE_SD).expand([data["design"].shape[1]]).to_event(1)
        values["drivers"] = numpyro.sample("drivers", slopes)
    normal = dist.Normal(0.0, 1.0)
    if form.cells:
        values["cell_z"] = numpyro.sample("cell_z", normal.expand([cells]).to_event(1))
    if form.moves and form.offset_sd:
        values["offset_z"] = numpyro.sample("offset_z", normal)
    if form.moves and form.covariate_sd:
        values["error_z"] = numpyro.sample("error_z", normal.expand([cells]).to_event(1))
    values["factors"] = factors(form, values, correlation(count))
    return values


def factors(form: Form, values: Data, correlations: jax.Array) -> jax.Array:
    """Cholesky factors of what sites of a shared cell, and those alone in theirs, differ by.

    The departure of a cell with one site cannot be told from the site's own: it is integrated out
    (where tails are heavy, the sum of both has the tails of the second).
    """
    shared = values["sd"][:, None] * correlations
    both = [shared, shared]
    if form.cells:
        added = jnp.zeros_like(shared).at[0, 0].set(values["cell_sd"] ** 2)
        both[1] = jnp.linalg.cholesky(shared @ shared.T + added)
    found: jax.Array = numpyro.deterministic("factors", jnp.stack(both))
    return found


def spreads(form: Form, count: int) -> dict[str, jax.Array]:
    """Sample standard deviations between sites and, of the first coordinate, between cells.

    Where most cells have one site, only the sum of the two variances is known: the first
    coordinate's are sampled in polar coordinates, in which two half-normals are Rayleigh and flat.
    """
    half_normal = dist.HalfNormal(form.spread)
    if not form.cells:
        beyond = numpyro.sample("beyond", half_normal.expand([count]).to_event(1))
        return {"sd": numpyro.deterministic("sd", jnp.hypot(beyond, form.least_sd))}
    total = numpyro.sample("total", dist.Weibull(form.spread * math.sqrt(2.0), 2.0))
    angle = 0.5 * math.pi * numpyro.sample("share", dist.Uniform(0.0, 1.0))
    rest = jnp.zeros(0)
    if count > 1:
        rest = numpyro.sample("rest", half_normal.expand([count - 1]).to_event(1))
    sd = jnp.concatenate([(total * jnp.cos(angle))[None], rest])
    return {
        "sd": numpyro.deterministic("sd", jnp.hypot(sd, form.least_sd)),
        "cell_sd": numpyro.deterministic("cell_sd", total * jnp.sin(angle)),
    }


def others(count: int) -> jax.Array:
    """Means of the coordinates after the first."""
    if count == 0:
        return jnp.zeros(0)
    means: jax.Array = numpyro.sample("means", dist.Normal(0.0, 1.5).expand([count]).to_event(1))
    return means


def correlation(count: int) -> jax.Array:
    """Cholesky factor of the correlations among coordinates, LKJ(2)."""
    if count == 1:
        return jnp.ones((1, 1))
    factor: jax.Array = numpyro.sample("correlation", dist.LKJCholesky(count, 2.0))
    return factor


def location(
    form: Form, values: dict[str, jax.Array], data: Data, errors: dict[str, jax.Array]
) -> jax.Array:
    """Mean of the first coordinate at every site, given the errors of its cell (standard normal).

    Sites of one climate cell share the error of its coldest month, as they share its driver files.
    """
    cell = data["cell"]
    coldest = data["coldest"]
    if "offset_z" in values:
        coldest = coldest + form.offset_sd * values["offset_z"]
    if "error_z" in errors:
        coldest = coldest + form.covariate_sd * errors["error_z"][cell]
    known = {**data, **values, "reach": jnp.asarray(form.reach)}
    mean = values["intercept"] + departure(form.mean, known, coldest)
    if "drivers" in values:
        mean = mean + data["design"] @ values["drivers"]
    if "cell_z" in errors:
        departures = values["cell_sd"] * errors["cell_z"][cell]
        mean = mean + jnp.where(data["alone"] == 1, 0.0, departures)
    return mean


def site_log_weights(form: Form, data: Data, mean: jax.Array, values: Any) -> jax.Array:
    """Log ratio (site, draw) of the population to each site's own prior."""
    shifted = mean - data["middle"][None, :]
    density = log_density(data["features"], shifted, values["factors"], data["alone"], form.freedom)
    return density - data["log_prior"]


def site_log_likelihood(form: Form, data: Data, mean: jax.Array, values: Any) -> jax.Array:
    """Log marginal likelihood (site,) up to a constant of the site's own."""
    weights = site_log_weights(form, data, mean, values)
    return corrected_log_mean(weights, data["inflation"])
