"""Running a step over time, with a gradient that costs little more than the run.

Differentiating a loop step by step stores every intermediate and reads it back. Here only the
states are kept. Where loops can be compiled, each step is differentiated anew on the way back.
Elsewhere all steps are differentiated side by side, which a GPU does fast; what is left to a second
loop is then to carry the adjoint of the state back through steps that are linear.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

from bayes_tbm.model import compiled_recurrence as compiled
from bayes_tbm.native import Stacked, is_available

Step = Callable[[Any, Any, Any, Any], tuple[Any, Any, Any]]


class Evolution(NamedTuple):
    """States and what happened between them.

    Attributes
    ----------
    before
        State before each step, (time, ...).
    last
        State after the last step, stacked.
    happened
        What happened in each step, (time, ...).
    total
        Sums over time of what a step gives to be summed, stacked.
    """

    before: Any
    last: Stacked
    happened: Any
    total: Stacked


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def evolve(
    step: Step, start: Stacked, forcing: Stacked, constants: Stacked, series: Any
) -> Evolution:
    """Run a step over time.

    Parameters
    ----------
    step
        ``step(state, forcing, constants, series)`` gives, from what holds in this step, the next
        state, what happened on the way, and what of that is only to be summed over time.
    start
        State before the first step, of the shape of a batch or scalar.
    forcing
        Series of what changes from step to step whatever the parameters, members of shape (time,);
        nothing is differentiated with respect to them.
    constants
        What is the same in every step, of the batch's shape.
    series
        Pytree of arrays, (time, ...), of the batch's shape.

    Notes
    -----
    Reverse mode only; `jax.jacfwd` of `jax.grad` works, `jax.jvp` of this function does not.
    """
    found: Evolution = _run(step, start, forcing, constants, series)[0]
    return found


def _run(
    step: Step, start: Stacked, forcing: Stacked, constants: Stacked, series: Any
) -> tuple[Any, Any]:
    """Evolution, and the states in the form in which the way back wants them."""
    if is_available():
        found, states = compiled.run(step, start, forcing, constants, series)
        return Evolution(*found), states

    def body(state: Any, now: Any) -> tuple[Any, Any]:
        after, happened, summed = step(state, now[0], constants.tree, now[1])
        return after, (state, happened, summed)

    last, (before, happened, summed) = jax.lax.scan(body, start.tree, (forcing.tree, series))
    total = jax.tree.map(lambda x: x.sum(axis=0), summed)
    shape = start.shape
    return Evolution(before, Stacked.of(last, shape), happened, Stacked.of(total, shape)), before


def _forward(step: Step, *arguments: Any) -> tuple[Any, Any]:
    start, *given = jax.tree.map(lambda given: given.value, arguments)
    found, states = _run(step, start, *given)
    return found, (states, *given)


def _backward(step: Step, kept: Any, cotangents: Evolution) -> tuple[Any, None, Any, Any]:
    states, forcing, constants, series = kept
    wanted, there = _present((cotangents.before, cotangents.happened))
    adjoint, total = jax.tree.map(
        _instantiate, (cotangents.last, cotangents.total), is_leaf=_is_zero
    )

    def pull(state: Any, weather: Any, changing: Any, constants: Any) -> Callable[..., Any]:
        """Pull cotangents back through a step: of the state after it, and of what is wanted."""

        def asked(state: Any, changing: Any, constants: Any) -> Any:
            after, happened, summed = step(state, weather, constants, changing)
            both = zip(jax.tree.leaves((state, happened)), wanted, strict=True)
            return after, [leaf for leaf, yes in both if yes], summed

        back = jax.vjp(asked, state, changing, constants)[1]
        # A pytree, so that the pulls of all steps can be made by vmap.
        return jax.tree_util.Partial(lambda back, *given: back(given), back)  # type: ignore[no-untyped-call]  # JAX's own

    back = compiled.back if is_available() else _side_by_side
    first, of_series, of_constants = back(
        pull, adjoint, total, states, (forcing, series), there, constants
    )
    return first, None, of_constants, of_series


def _side_by_side(
    pull: Any,
    adjoint: Stacked,
    total: Stacked,
    before: Any,
    now: Any,
    there: Any,
    constants: Stacked,
) -> Any:
    """Differentiate all steps at once, then carry the adjoint back through what is linear."""
    weather, series = now[0].tree, now[1]

    def pull_at(state: Any, weather: Any, changing: Any) -> Any:
        return pull(state, weather, changing, constants.tree)

    pulls = jax.vmap(pull_at)(before, weather, series)

    def body(adjoint: Any, now: Any) -> tuple[Any, Any]:
        back, seen = now
        return back(adjoint, seen, total.tree)[0], adjoint

    first, adjoints = jax.lax.scan(body, adjoint.tree, (pulls, there), reverse=True)
    _, of_series, of_constants = jax.vmap(lambda back, *given: back(*given, total.tree))(
        pulls, adjoints, there
    )
    gradient = jax.tree.map(lambda each: each.sum(axis=0), of_constants)
    return Stacked.of(first, adjoint.shape), of_series, Stacked.of(gradient, constants.shape)


evolve.defvjp(_forward, _backward, symbolic_zeros=True)


def _present(cotangents: Any) -> tuple[list[bool], list[Any]]:
    """Which cotangents are more than zero, and those."""
    leaves = jax.tree.leaves(cotangents)
    is_there = [not _is_zero(leaf) for leaf in leaves]
    return is_there, [leaf for leaf, yes in zip(leaves, is_there, strict=True) if yes]


def _is_zero(leaf: Any) -> bool:
    return isinstance(leaf, SymbolicZero)


def _instantiate(leaf: Any) -> jax.Array:
    return jnp.zeros(leaf.shape, leaf.dtype) if _is_zero(leaf) else leaf
