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


def fused(
    function: Callable[..., Sequence[Any]], *arguments: Stacked, held: Stacked | None = None
) -> tuple[Stacked, ...]:
    """Apply a function of numbers, element by element.

    Parameters
    ----------
    function
        From pytrees of scalars to a sequence of pytrees of scalars.
    arguments
        Members all of one shape.
    held
        Numbers that are the same for all elements, scalar members: the function's last argument.
        Nothing is differentiated with respect to them.

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

    known = () if held is None else (jax.tree.map(jax.lax.stop_gradient, held.astype(dtype)),)

    def plain() -> tuple[Stacked, ...]:
        def with_known(*trees: Any) -> Sequence[Any]:
            return function(*trees, *(x.tree for x in known))

        results = each(with_known, *(x.tree for x in arguments), axes=len(shape))
        return tuple(Stacked.of(result, shape).astype(dtype) for result in results)

    if not is_available():
        return plain()
    scalar = shaped((), dtype)
    trees = (x.unflatten([scalar] * len(x.array)) for x in (*arguments, *known))
    traced, results = jax.make_jaxpr(function, return_shape=True)(*trees)
    if compilable(traced) is None:
        return plain()
    again = jaxpr_as_fun(traced)  # the function's Python is run once

    def flat(numbers: Scalars) -> Scalars:
        return [jnp.asarray(leaf, dtype) for leaf in again(*numbers)]

    spread = [jnp.broadcast_to(_beside(x.array, shape), (len(x.array), *shape)) for x in known]
    fixed = spread[0] if spread else jnp.zeros((0, *shape), dtype)
    array = _apply(flat, jnp.concatenate([x.array for x in arguments]), fixed)
    stacked, first = [], 0
    for result in results:
        count = len(jax.tree.leaves(result))
        stacked.append(Stacked(array[first : first + count], jax.tree.structure(result)))
        first += count
    return tuple(stacked)


def _beside(array: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Members with axes of one for a batch."""
    return array.reshape(len(array), *(1,) * len(shape))


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _apply(flat: Flat, given: jax.Array, held: jax.Array) -> jax.Array:
    return _once(flat, jnp.concatenate([given, held]))


def _forward(
    flat: Flat, given: jax.Array, held: jax.Array
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _once(flat, jnp.concatenate([given, held])), (given, held)


def _backward(
    flat: Flat, at: tuple[jax.Array, jax.Array], cotangent: jax.Array
) -> tuple[jax.Array, None]:
    count, both = len(at[0]), jnp.concatenate(at)

    def pulled(numbers: Scalars) -> Scalars:
        held = numbers[count : len(both)]
        pull = jax.vjp(lambda given: flat([*given, *held]), numbers[:count])[1]
        gradient: Scalars = pull(numbers[len(both) :])[0]
        return gradient

    return _once(pulled, jnp.concatenate([both, cotangent])), None


_apply.defvjp(_forward, _backward)


def _once(flat: Flat, given: jax.Array) -> jax.Array:
    """One step of a loop that carries nothing."""
    step = jnp.zeros((1, 1), given.dtype)  # a series of nothing, to say that there is one step

    def body(_: Scalars, __: list[Scalars], constants: Scalars) -> tuple[Scalars, Scalars]:
        return [], flat(constants)

    return scan(body, given[:0], [step], given)[1][:, 0]
