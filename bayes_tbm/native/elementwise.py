"""A function of numbers, and its gradient, as one piece of machine code each.

XLA makes a function of some dozens of parameters into as many calls of compiled pieces. For one
parameter set, or a few, the calls are all the cost.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import jaxpr_as_fun

from bayes_tbm.native.plain import Scalars, each
from bayes_tbm.native.scan import compilable, is_available, scan
from bayes_tbm.native.stacked import Stacked, shaped

Flat = Callable[[Scalars], Scalars]


def fused(function: Callable[..., Sequence[Any]], *arguments: Stacked) -> tuple[Stacked, ...]:
    """Apply a function of numbers, element by element.

    Parameters
    ----------
    function
        From pytrees of scalars to a sequence of pytrees of scalars.
    arguments
        Members all of one shape.

    Returns
    -------
    tuple of Stacked
        Results, of that shape. Where nothing can be compiled XLA computes them.

    Warns
    -----
    NotCompiledWarning
        The function, or its gradient, uses something for which there is no machine code, so that
        XLA computes it; once in a process for each such thing.
    """
    shape, dtype = arguments[0].shape, arguments[0].array.dtype

    def plain() -> tuple[Stacked, ...]:
        results = each(function, *(x.tree for x in arguments), axes=len(shape))
        return tuple(Stacked.of(result, shape).astype(dtype) for result in results)

    if not is_available():
        return plain()
    scalar = shaped((), dtype)
    trees = (x.unflatten([scalar] * len(x.array)) for x in arguments)
    traced, results = jax.make_jaxpr(function, return_shape=True)(*trees)
    if compilable(traced) is None:
        return plain()
    again = jaxpr_as_fun(traced)  # the function's Python is run once

    def flat(numbers: Scalars) -> Scalars:
        return [jnp.asarray(leaf, dtype) for leaf in again(*numbers)]

    array = _apply(flat, jnp.concatenate([x.array for x in arguments]))
    stacked, first = [], 0
    for result in results:
        count = len(jax.tree.leaves(result))
        stacked.append(Stacked(array[first : first + count], jax.tree.structure(result)))
        first += count
    return tuple(stacked)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _apply(flat: Flat, given: jax.Array) -> jax.Array:
    return _once(flat, given)


def _forward(flat: Flat, given: jax.Array) -> tuple[jax.Array, jax.Array]:
    return _once(flat, given), given


def _backward(flat: Flat, given: jax.Array, cotangent: jax.Array) -> tuple[jax.Array]:
    def pulled(numbers: Scalars) -> Scalars:
        gradient: Scalars = jax.vjp(flat, numbers[: len(given)])[1](numbers[len(given) :])[0]
        return gradient

    return (_once(pulled, jnp.concatenate([given, cotangent])),)


_apply.defvjp(_forward, _backward)


def _once(flat: Flat, given: jax.Array) -> jax.Array:
    """One step of a loop that carries nothing."""
    step = jnp.zeros((1, 1), given.dtype)  # a series of nothing, to say that there is one step

    def body(_: Scalars, __: list[Scalars], constants: Scalars) -> tuple[Scalars, Scalars]:
        return [], flat(constants)

    return scan(body, given[:0], [step], given)[1][:, 0]
