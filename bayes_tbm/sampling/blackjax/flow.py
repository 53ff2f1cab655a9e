"""A normalizing flow: a smooth map, learnt from draws, that makes a normal variable look like them.

One metric fits a posterior whose curvature is the same everywhere. Where it is not, as under wide
priors, steps must be as short as the narrowest place asks for. A flow stretches each place by its
own measure.
"""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from bayes_tbm.runtime.promotion import lenient

Weights = list[list[tuple[jax.Array, jax.Array]]]
"""For each layer, matrix and offset of each of its network's three steps."""

_LAYERS, _WIDTH = 8, 64
_MOST = 2.0  # logarithm of the factor by which a layer stretches a coordinate, at most
_BATCH, _RATE = 128, 2e-3
_LONGEST = 10.0  # norm of a gradient in training


def identity(key: jax.Array, dimension: int) -> Weights:
    """Flow that changes nothing yet, ready to be fitted."""
    given, moved = _halves(dimension)
    sizes = [(given, _WIDTH), (_WIDTH, _WIDTH), (_WIDTH, 2 * moved)]

    def layer(key: jax.Array) -> list[tuple[jax.Array, jax.Array]]:
        keys = jax.random.split(key, len(sizes))
        normal = [jax.random.normal(k, size) for k, size in zip(keys, sizes, strict=True)]
        scales = [max(size[0], 1) ** -0.5 for size in sizes[:-1]] + [0.0]  # of one, none is given
        return [(s * w, jnp.zeros(w.shape[1])) for s, w in zip(scales, normal, strict=True)]

    return [layer(key) for key in jax.random.split(key, _LAYERS)]


def forward(weights: Weights, u: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Map a normal variable, (dimension,); returns it and the log of the volume's growth.

    Notes
    -----
    Affine couplings (Dinh, Sohl-Dickstein & Bengio 2017, arXiv:1605.08803): each layer stretches
    and shifts half of the coordinates by amounts that the other half decides.
    """
    growth = jnp.zeros((), u.dtype)
    for layer, order in zip(weights, _orders(len(u)), strict=True):
        given, moved = jnp.split(u[order], [_halves(len(u))[0]])
        stretch, shift = _coupling(layer, given)
        u = jnp.concatenate([given, moved * jnp.exp(stretch) + shift])
        growth += stretch.sum()
    return u, growth


def inverse(weights: Weights, x: jax.Array) -> jax.Array:
    """Return the normal variable that `forward` maps to a point, (dimension,)."""
    for layer, order in zip(reversed(weights), reversed(_orders(len(x))), strict=True):
        given, moved = jnp.split(x, [_halves(len(x))[0]])
        stretch, shift = _coupling(layer, given)
        whole = jnp.concatenate([given, (moved - shift) * jnp.exp(-stretch)])
        x = whole[np.argsort(order)]
    return x


@lenient  # Optax mixes kinds of numbers
def fit(
    weights: Weights, x: jax.Array, scores: jax.Array, key: jax.Array, steps: int
) -> tuple[Weights, jax.Array]:
    """Fit a flow further, to draws and the gradients of the log density there.

    Parameters
    ----------
    weights
        To begin with.
    x, scores
        (draw, dimension) each.
    key
        For the choice of batches.
    steps
        Of the optimiser.

    Returns
    -------
    weights, divergence
        The flow, and the last batch's median Fisher divergence a coordinate: 0 where the draws
        look normal to it.

    Notes
    -----
    Draws should be likely under the flow, and gradients seen through it those of a normal (Fisher
    divergence; Seyboldt, Carlson & Carpenter 2026, arXiv:2603.18845). Of the latter the logarithm,
    lest a few far draws rule.
    """
    given = weights
    # Single precision does, in half the time.
    weights, x, scores = jax.tree.map(lambda a: a.astype(jnp.float32), (weights, x, scores))
    rate = optax.cosine_decay_schedule(_RATE, steps)
    optimiser = optax.chain(optax.clip_by_global_norm(_LONGEST), optax.adam(rate))

    def body(_: int, carry: tuple[Any, ...]) -> tuple[Any, ...]:
        weights, memory, key, _divergence = carry
        key, now = jax.random.split(key)
        chosen = jax.random.choice(now, len(x), (_BATCH,))
        gradient, divergence = jax.grad(_loss, has_aux=True)(weights, x[chosen], scores[chosen])
        change, memory = optimiser.update(gradient, memory, weights)
        return optax.apply_updates(weights, change), memory, key, divergence

    begin = weights, optimiser.init(weights), key, jnp.zeros((), x.dtype)
    weights, _, _, divergence = jax.lax.fori_loop(0, steps, body, begin)
    return jax.tree.map(lambda new, old: new.astype(old.dtype), weights, given), divergence


def _loss(weights: Weights, x: jax.Array, scores: jax.Array) -> tuple[jax.Array, jax.Array]:
    def of_one(x: jax.Array, score: jax.Array) -> tuple[jax.Array, jax.Array]:
        u = inverse(weights, x)
        (_, growth), pull = jax.vjp(functools.partial(forward, weights), u)
        (seen,) = pull((score, jnp.ones_like(growth)))
        return jnp.sum((seen + u) ** 2), 0.5 * jnp.sum(u**2) + growth

    divergence, unlikely = jax.vmap(of_one)(x, scores)
    dimension = x.shape[1]
    loss = dimension * jnp.log1p(divergence / dimension) + unlikely
    return loss.mean(), jnp.median(divergence) / dimension


def _coupling(
    layer: list[tuple[jax.Array, jax.Array]], given: jax.Array
) -> tuple[jax.Array, jax.Array]:
    (first, a), (second, b), (last, c) = layer
    hidden = jnp.tanh(jnp.tanh(given @ first + a) @ second + b)
    stretch, shift = jnp.split(hidden @ last + c, 2)
    return _MOST * jnp.tanh(stretch / _MOST), shift


def _halves(dimension: int) -> tuple[int, int]:
    return dimension // 2, dimension - dimension // 2


@functools.cache
def _orders(dimension: int) -> list[np.ndarray]:
    """Order in which each layer takes the coordinates, so that all meet all."""
    rng = np.random.default_rng(0)
    return [rng.permutation(dimension) for _ in range(_LAYERS)]
