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

from bayes_tbm import native

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

    def body(state: Any, now: Any, constants: list[Any]) -> tuple[Any, Any]:
        weather, changing = now
        after, happened = step(state, weather, _join(rates, is_series, changing, constants))
        return after, (state, happened)

    run = native.scan if native.is_available() else _scan
    last, (before, happened) = run(body, start, (forcing, series), constants)
    return before, last, happened


def _scan(body: Any, carry: Any, series: Any, constants: Any, *, reverse: bool = False) -> Any:
    return jax.lax.scan(lambda c, now: body(c, now, constants), carry, series, reverse=reverse)


def _forward(step: Step, start: Any, forcing: Any, rates: Any) -> tuple[Any, Any]:
    start, forcing, rates = jax.tree.map(lambda given: given.value, (start, forcing, rates))
    before, last, happened = _loop(step, start, forcing, rates)
    return (before, last, happened), (before, last, forcing, rates)


def _backward(step: Step, kept: Any, cotangents: tuple[Any, Any, Any]) -> tuple[Any, None, Any]:
    before, last, forcing, rates = kept
    is_series = _is_series(rates, last)
    series, constants = _part(rates, is_series)
    is_there, there = _present((cotangents[0], cotangents[2]))

    def pull(
        state: Any, weather: Any, changing: list[Any], constants: list[Any]
    ) -> Callable[[Any, list[Any]], Any]:
        """Pull cotangents back through one step: of the state after it, and of what is asked for."""

        def asked(state: Any, changing: list[Any], constants: list[Any]) -> Any:
            after, happened = step(state, weather, _join(rates, is_series, changing, constants))
            return after, _part((state, happened), is_there)[0]

        back = jax.vjp(asked, state, changing, constants)[1]
        return jax.tree_util.Partial(lambda back, *given: back(given), back)

    differentiate = _in_one_loop if native.is_available() else _side_by_side
    adjoint = jax.tree.map(_instantiate, cotangents[1], is_leaf=_is_zero)
    now = (before, forcing, series), there
    first, of_series, of_constants = differentiate(pull, adjoint, *now, constants)
    return first, None, _join(rates, is_series, of_series, of_constants)


def _side_by_side(pull: Any, adjoint: Any, now: Any, there: list[Any], constants: Any) -> Any:
    """Differentiate all steps at once, then carry the adjoint back through what is linear."""
    pulls = jax.vmap(lambda now: pull(*now, constants))(now)

    def body(adjoint: Any, now: Any, _: Any) -> tuple[Any, Any]:
        back, seen = now
        return back(adjoint, seen)[0], adjoint

    first, adjoints = _scan(body, adjoint, (pulls, there), None, reverse=True)
    _, of_series, of_constants = jax.vmap(lambda back, *given: back(*given))(pulls, adjoints, there)
    return first, of_series, [each.sum(axis=0) for each in of_constants]


def _in_one_loop(pull: Any, adjoint: Any, now: Any, there: list[Any], constants: Any) -> Any:
    """Differentiate each step on the way back, which machine code does in registers."""

    def body(carry: Any, now: Any, constants: Any) -> tuple[Any, Any]:
        adjoint, gradient = carry
        at, seen = now
        of_state, of_series, of_constants = pull(*at, constants)(adjoint, seen)
        return (of_state, _add(gradient, of_constants)), of_series

    nothing = jax.tree.map(jnp.zeros_like, constants)
    (first, gradient), of_series = native.scan(
        body, (adjoint, nothing), (now, there), constants, reverse=True
    )
    return first, of_series, gradient


evolve.defvjp(_forward, _backward, symbolic_zeros=True)


def _present(cotangents: Any) -> tuple[list[bool], list[Any]]:
    """Which cotangents are more than zero, and those."""
    leaves = jax.tree.leaves(cotangents)
    is_there = [not isinstance(leaf, SymbolicZero) for leaf in leaves]
    return is_there, [leaf for leaf, yes in zip(leaves, is_there, strict=True) if yes]


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
