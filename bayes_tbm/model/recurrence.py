"""Running a step over time, with a gradient that costs little more than the run.

Differentiating a loop step by step stores every intermediate and reads it back. Here only the
states are kept. Once they are known all steps are differentiated side by side, which a processor
does fast; what is left to a second loop, backwards, is to carry the adjoint of the state through
steps that are linear by then. The gradient of the rates follows from the adjoints, side by side.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

Step = Callable[[Any, Any, Any], tuple[Any, Any]]


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def evolve(step: Step, start: Any, forcing: Any, rates: Any) -> tuple[Any, Any, Any]:
    """Run a step over time.

    Parameters
    ----------
    step
        ``step(state, forcing, rates)`` gives the next state and what happened on the way, from
        what holds in this step.
    start
        State before the first step: a pytree of arrays of one shape, () or that of a batch.
    forcing
        Pytree of arrays, (time, ...), with respect to which nothing is differentiated.
    rates
        Pytree of arrays: constants, of the shape of a state, and series, (time, ...).

    Returns
    -------
    before, last, happened
        The state before each step, (time, ...), the last one, and what happened, (time, ...).

    Notes
    -----
    Reverse mode only; `jax.jacfwd` of `jax.grad` works, `jax.jvp` of this function does not.
    """
    return _loop(step, start, forcing, rates)


def _loop(step: Step, start: Any, forcing: Any, rates: Any) -> tuple[Any, Any, Any]:
    is_series = _is_series(rates, start)
    series, constants = _part(rates, is_series)

    def body(state: Any, now: tuple[Any, list[Any]]) -> tuple[Any, Any]:
        weather, changing = now
        whole = _join(rates, is_series, changing, constants)
        after, happened = step(state, weather, whole)
        return after, (state, happened)

    last, (before, happened) = jax.lax.scan(body, start, (forcing, series))
    return before, last, happened


def _forward(step: Step, start: Any, forcing: Any, rates: Any) -> tuple[Any, Any]:
    start, forcing, rates = jax.tree.map(lambda given: given.value, (start, forcing, rates))
    before, last, happened = _loop(step, start, forcing, rates)
    return (before, last, happened), (before, last, forcing, rates)


def _backward(step: Step, kept: Any, cotangents: tuple[Any, Any, Any]) -> tuple[Any, None, Any]:
    before, last, forcing, rates = kept
    is_series = _is_series(rates, last)
    series, constants = _part(rates, is_series)
    of_each = (cotangents[0], cotangents[2])  # with respect to states and to what happened
    is_there = [not isinstance(leaf, SymbolicZero) for leaf in jax.tree.leaves(of_each)]
    there, _ = _part(of_each, is_there)

    def differentiated(state: Any, weather: Any, changing: list[Any]) -> Callable[[Any], Any]:
        def advance(state: Any, changing: list[Any], constants: list[Any]) -> Any:
            return step(state, weather, _join(rates, is_series, changing, constants))

        return jax.vjp(advance, state, changing, constants)[1]

    def all_seen(seen: list[Any], like: jax.Array) -> Any:
        absent = [jnp.zeros_like(like)] * (len(is_there) - len(there))
        return _join(of_each, is_there, seen, absent)

    def body(adjoint: Any, now: Any) -> tuple[Any, Any]:
        pull, seen = now
        of_state, of_happened = all_seen(seen, jax.tree.leaves(last)[0])
        return _add(pull((adjoint, of_happened))[0], of_state), adjoint

    pulls = jax.vmap(differentiated)(before, forcing, series)
    adjoint = jax.tree.map(_instantiate, cotangents[1], is_leaf=_is_zero)
    first, adjoints = jax.lax.scan(body, adjoint, (pulls, there), reverse=True)
    _, of_happened = all_seen(there, jax.tree.leaves(before)[0])
    _, of_series, of_constants = jax.vmap(lambda pull, *given: pull(given))(
        pulls, adjoints, of_happened
    )
    gradient = [each.sum(axis=0) for each in of_constants]
    return first, None, _join(rates, is_series, of_series, gradient)


evolve.defvjp(_forward, _backward, symbolic_zeros=True)


def _is_zero(leaf: Any) -> bool:
    return isinstance(leaf, SymbolicZero)


def _instantiate(leaf: Any) -> jax.Array:
    return jnp.zeros(leaf.shape, leaf.dtype) if _is_zero(leaf) else leaf


def _is_series(rates: Any, state: Any) -> list[bool]:
    """Tell series, with one axis more than the state, from constants, leaf by leaf."""
    dimensions = jnp.ndim(jax.tree.leaves(state)[0])
    return [jnp.ndim(leaf) > dimensions for leaf in jax.tree.leaves(rates)]


def _part(tree: Any, chosen: list[bool]) -> tuple[list[Any], list[Any]]:
    """Leaves that are chosen, and the others."""
    leaves = list(zip(jax.tree.leaves(tree), chosen, strict=True))
    return [leaf for leaf, yes in leaves if yes], [leaf for leaf, yes in leaves if not yes]


def _join(tree: Any, chosen: list[bool], some: list[Any], others: list[Any]) -> Any:
    """Pytree like ``tree`` of such leaves; the inverse of `_part`."""
    first, second = iter(some), iter(others)
    leaves = [next(first if yes else second) for yes in chosen]
    return jax.tree.unflatten(jax.tree.structure(tree), leaves)


def _add(a: Any, b: Any) -> Any:
    return jax.tree.map(jnp.add, a, b)
