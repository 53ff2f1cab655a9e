"""Functions of a step whose partial derivatives are worked out once, together.

Left to itself a compiler writes out the whole chain of a nonlinear function again for every product
that its derivative enters. Here the partial derivatives are values of their own: a process costs
its function and one sweep back through it, whatever depends on it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

Function = Callable[..., jax.Array]


def computed_once(values: Any) -> Any:
    """Return the same values, behind a barrier: no compiler repeats the work at every use."""
    return jax.lax.optimization_barrier(values)  # type: ignore[no-untyped-call]  # JAX's own


def elementwise(function: Function, *, static: tuple[int, ...] = ()) -> Function:
    """Make a function of scalars, or of arrays element by element, cheap to differentiate.

    Parameters
    ----------
    function
        Returns one array; its arguments are arrays or pytrees of them, of shapes that broadcast.
    static
        Positions of arguments that are not arrays.
    """
    wrapped = jax.custom_jvp(function, nondiff_argnums=static)

    def rule(*given: Any) -> tuple[jax.Array, jax.Array]:
        *options, arguments, tangents = given
        leaves, tree = jax.tree.flatten(tuple(arguments))
        leaves = [jnp.asarray(leaf) for leaf in leaves]
        slopes = jax.tree.leaves(tuple(tangents), is_leaf=lambda x: isinstance(x, SymbolicZero))
        moving = [i for i, slope in enumerate(slopes) if not isinstance(slope, SymbolicZero)]
        shape = jnp.broadcast_shapes(*(leaf.shape for leaf in leaves))

        def at(*moved: jax.Array) -> jax.Array:
            replaced = {**dict(enumerate(leaves)), **dict(zip(moving, moved, strict=True))}
            whole = list(jax.tree.unflatten(tree, [replaced[i] for i in range(len(leaves))]))
            for position, option in zip(static, options, strict=True):
                whole.insert(position, option)
            return function(*whole)

        value, pull = jax.vjp(at, *(jnp.broadcast_to(leaves[i], shape) for i in moving))
        value, partials = computed_once((value, pull(jnp.ones_like(value))))
        products = [partial * slopes[i] for partial, i in zip(partials, moving, strict=True)]
        return value, sum(products[1:], start=products[0])

    wrapped.defjvp(rule, symbolic_zeros=True)
    return functools.wraps(function)(wrapped)
