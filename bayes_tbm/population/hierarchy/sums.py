"""Marginal likelihood of each site by its draws: importance sums, and their bias taken out."""

from __future__ import annotations

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln
from numpy.typing import NDArray

Array = NDArray[np.float64]


def features(phi: Array) -> Array:
    """Monomials of draws (site, draw, coordinate) up to the second degree: (site, feature, draw).

    A squared distance from any mean under any covariance is linear in them, which is the fastest
    way through many draws: value and gradient are products of matrices.
    """
    count = phi.shape[-1]
    pairs = itertools.combinations_with_replacement(range(count), 2)
    columns = [np.ones(phi.shape[:2]), *np.moveaxis(phi, -1, 0)]
    columns += [phi[..., i] * phi[..., j] for i, j in pairs]
    return np.stack(columns, axis=1)


def log_density(
    features: jax.Array,
    mean: jax.Array,
    factors: jax.Array,
    kind: jax.Array,
    freedom: float | None,
) -> jax.Array:
    """Log density (site, draw) of draws in a population.

    Parameters
    ----------
    features
        As `features` returns, (site, feature, draw).
    mean
        Of the population at each site, (site, coordinate).
    factors
        Lower Cholesky factors of its covariance for each kind of site, or of its scale where tails
        are heavy, (kind, coordinate, coordinate).
    kind
        Kind of each site, (site,).
    freedom
        Degrees of freedom of a multivariate Student t; None for a normal.
    """
    count = mean.shape[1]
    inverse = jax.vmap(lambda f: jax.scipy.linalg.solve_triangular(f, jnp.eye(count), lower=True))(
        factors
    )
    precisions = jnp.einsum("kij,kil->kjl", inverse, inverse)
    precision = precisions[kind]
    towards = jnp.einsum("ni,nij->nj", mean, precision)
    pairs = itertools.combinations_with_replacement(range(count), 2)
    second = [precision[:, i, j] * (1.0 if i == j else 2.0) for i, j in pairs]
    coefficients = jnp.concatenate(
        [
            jnp.sum(towards * mean, axis=1, keepdims=True),
            -2.0 * towards,
            jnp.stack(second, axis=1),
        ],
        axis=1,
    )
    # at the draws' own precision: single is twice as fast, and coordinates are centred
    distance = jnp.einsum("nfs,nf->ns", features, coefficients.astype(features.dtype))
    half_log_det = jnp.sum(jnp.log(jnp.diagonal(factors, axis1=1, axis2=2)), axis=1)
    constant = -0.5 * count * math.log(2.0 * math.pi) - half_log_det
    if freedom is None:
        return constant[kind].astype(distance.dtype)[:, None] - 0.5 * distance
    constant = constant + 0.5 * count * math.log(2.0 / freedom)
    constant = constant + gammaln(0.5 * (freedom + count)) - gammaln(0.5 * freedom)
    tail = jnp.log1p(jnp.maximum(distance, 0.0) / freedom)
    return constant[kind].astype(distance.dtype)[:, None] - 0.5 * (freedom + count) * tail


def log_mean(log_weights: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Log mean (site,) of weights (site, draw), and c^2: its squared relative error.

    c^2 = sum w^2 / (sum w)^2 - 1 / S is the variance of the log mean over S independent draws, to
    first order.
    """
    top = jax.lax.stop_gradient(jnp.max(log_weights, axis=1, keepdims=True))
    weights = jnp.exp(log_weights - top)
    total, draws = jnp.sum(weights, axis=1), log_weights.shape[1]
    spread = jnp.sum(weights * weights, axis=1) / (total * total) - 1.0 / draws
    value = jnp.log(total) + top[:, 0] - math.log(draws)
    return value.astype(float), spread.astype(float)


def corrected_log_mean(log_weights: jax.Array, inflation: jax.Array) -> jax.Array:
    """Log mean (site,) of weights with its bias of -c^2 / 2 taken out, to second order.

    The correction ends at 1 / 2: where one draw holds all the weight the series means nothing, and
    must not draw a chain there.

    Parameters
    ----------
    log_weights
        Log ratio of population to the site's own prior, (site, draw).
    inflation
        Draws over effective draws, (site,); zero leaves the bias in.

    References
    ----------
    Heinzel & Vitale (2025, arXiv:2509.07221), for populations of gravitational-wave sources.
    """
    value, spread = log_mean(log_weights)
    inflated = inflation * spread
    return value + 0.5 * inflated / (1.0 + inflated)
