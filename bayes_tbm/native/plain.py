"""The same by JAX alone: where nothing can be compiled, and for derivatives of loops."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

Scalars = list[jax.Array]
Body = Callable[[Scalars, list[Scalars], Scalars], tuple[Scalars, Scalars]]
Result = tuple[jax.Array, jax.Array]


def loop(
    body: Body, carry: jax.Array, series: Sequence[jax.Array], constants: jax.Array, reverse: bool
) -> Result:
    """Run a loop over time, as `scan` does.

    A body is a function of scalars and may make vectors of them, so that a batch is one axis after
    the other by `jax.vmap` and never an axis of what the body sees.
    """
    if carry.ndim > 1:
        axes = -1, [None if x.ndim == 2 else -1 for x in series], -1
        one = functools.partial(loop, body, reverse=reverse)
        return jax.vmap(one, axes, -1)(carry, list(series), constants)

    def step(carry: jax.Array, now: list[jax.Array]) -> Result:
        after, kept = body(list(carry), [list(x) for x in now], list(constants))
        return _stacked(after, carry.dtype), _stacked(kept, carry.dtype)

    last, kept = jax.lax.scan(step, carry, [x.T for x in series], reverse=reverse)
    return last, kept.T


def _stacked(members: Scalars, dtype: Any) -> jax.Array:
    return jnp.stack(members) if members else jnp.zeros(0, dtype)


def each(function: Callable[..., Any], *arguments: Any, axes: int) -> Any:
    """Apply a function of scalars to pytrees of arrays, element by element over so many axes."""
    for _ in range(axes):
        function = jax.vmap(function)
    return function(*arguments)
