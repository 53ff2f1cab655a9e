"""What a sampled population says of the draws of each site: weights, their errors, scores."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import logsumexp
from numpy.typing import NDArray

from bayes_tbm.population.hierarchy.model import (
    Data,
    Form,
    location,
    site_log_likelihood,
    site_log_weights,
)
from bayes_tbm.runtime.promotion import lenient

Array = NDArray[np.float64]
Parameters = dict[str, jax.Array]
"""Draws of a population's parameters, (draw, ...)."""
CELL_NODES, ERROR_NODES = 61, 5
"""Of departures of cells that sites share, which may be known well, and errors of temperature."""
_OF_SITES = ("features", "log_prior", "inflation", "coldest", "cell", "alone", "design")


def population_mean(values: Parameters, at: jax.Array) -> jax.Array:
    """Mean (site, coordinate) where that of the first coordinate is ``at``."""
    others = jnp.broadcast_to(values["means"][None, :], (len(at), len(values["means"])))
    return jnp.concatenate([at[:, None], others], axis=1)


def _weights(form: Form, data: Data, values: Parameters) -> jax.Array:
    mean = population_mean(values, values["location"])
    return site_log_weights(form, data, mean, values)


@functools.cache
def _summed(form: Form) -> Callable[..., Any]:
    def run(data: Data, draws: Parameters) -> Any:
        def add(sums: Any, values: Parameters) -> Any:
            weights = jax.nn.softmax(_weights(form, data, values), axis=1).astype(float)
            squares = jnp.sum(weights**2, axis=1)
            return (sums[0] + weights, sums[1] + squares), squares

        shape = data["log_prior"].shape
        start = jnp.zeros(shape), jnp.zeros(shape[0])
        (weights, squares), each = jax.lax.scan(add, start, draws)
        count = len(draws["location"])
        return weights / count, squares / count, each

    return jax.jit(run)


@lenient
def mean_weights(form: Form, data: Data, draws: Parameters) -> tuple[Array, Array, Array]:
    """Normalised weights of sites' draws over draws of the population.

    Returns
    -------
    tuple of numpy.ndarray
        Their mean (site, draw); the mean sum of their squares (site,); and that sum at every draw
        of the population (population draw, site).
    """
    weights, squares, each = _summed(form)(data, draws)
    return np.asarray(weights), np.asarray(squares), np.asarray(each)


@functools.cache
def _indices(form: Form) -> Callable[..., Any]:
    def run(data: Data, draws: Parameters, keys: jax.Array) -> jax.Array:
        def one(each: tuple[Parameters, jax.Array]) -> jax.Array:
            values, key = each
            return jax.random.categorical(key, _weights(form, data, values), axis=1)

        chosen: jax.Array = jax.lax.map(one, (draws, keys))
        return chosen

    return jax.jit(run)


@lenient
def draw_indices(form: Form, data: Data, draws: Parameters, key: jax.Array) -> NDArray[np.int_]:
    """One draw of each site for every draw of the population, by its weight there (draw, site)."""
    keys = jax.random.split(key, len(draws["location"]))
    return np.asarray(_indices(form)(data, draws, keys)).astype(int)


@functools.cache
def _by_cell(form: Form, shared: bool) -> Callable[..., Any]:
    u, log_u = _even(CELL_NODES if shared else 1)
    e, log_e = _nodes(ERROR_NODES if form.moves and form.covariate_sd else 1)
    nodes = jnp.asarray([(a, b) for a in u for b in e])
    logs = jnp.asarray([a + b for a in log_u for b in log_e])

    def run(data: Data, draws: Parameters) -> jax.Array:
        cells = len(data["cells"])

        def one(values: Parameters) -> jax.Array:
            def at(node: jax.Array) -> jax.Array:
                errors = {
                    name: jnp.full(cells, node[place])
                    for place, name in enumerate(("cell_z", "error_z"))
                    if name in values
                }
                mean = population_mean(values, location(form, values, data, errors))
                per_site = site_log_likelihood(form, data, mean, values)
                return jnp.zeros(cells).at[data["cell"]].add(per_site)

            return logsumexp(jax.lax.map(at, nodes) + logs[:, None], axis=0)

        found: jax.Array = jax.lax.map(one, draws)
        return found

    return jax.jit(run)


def _even(count: int) -> tuple[Array, Array]:
    """Like `_nodes`, but evenly spaced: several sites may tell a cell's departure well."""
    points = np.linspace(-3.5, 3.5, count) if count > 1 else np.zeros(1)
    logs = -0.5 * points**2
    return points, logs - np.log(np.exp(logs).sum())


def _nodes(count: int) -> tuple[Array, Array]:
    """Points and log weights that integrate over a standard normal."""
    points, weights = np.polynomial.hermite_e.hermegauss(count)
    return points, np.log(weights / math.sqrt(2.0 * math.pi))


@lenient
def cell_log_likelihood(form: Form, data: Data, draws: Parameters) -> Array:
    """Log marginal likelihood of whole climate cells, (draw, cell).

    The departure of a cell and the error of its temperature are integrated out by
    quadrature: where a cell is left out, nothing else tells them.
    """
    # a site that is alone in its cell has the departure in its own differences
    together = np.asarray(data["alone"] == 0) & form.cells
    total = np.zeros((len(draws["location"]), len(data["cells"])))
    for shared, sites in ((True, together), (False, ~together)):
        if sites.any():  # cells of other sites get nothing
            own = {n: x[sites] if n in _OF_SITES else x for n, x in data.items()}
            total += np.asarray(_by_cell(form, shared)(own, draws))
    return total
