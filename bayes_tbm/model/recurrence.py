"""Running a step over time, with a gradient that costs little more than the run.

Differentiating a loop step by step stores and replays every intermediate. Here only the states are
kept: afterwards the Jacobian of every step is known for all steps at once, the adjoint states obey
a small linear recurrence backwards in time, and the gradients of inputs and parameters are again
found for all steps at once.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

State = tuple[jax.Array, ...]
Step = Callable[[State, Any, Any], State]


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def evolve(step: Step, start: State, inputs: Any, parameters: Any) -> State:
    """States at the edges of steps, each (time + 1,).

    Parameters
    ----------
    step
        Next state from a state, the inputs of the step and parameters. It must work element by
        element, so that it takes one step of scalars or all steps of arrays alike.
    start
        State before the first step, scalars.
    inputs
        Pytree of arrays (time,).
    parameters
        Pytree of scalars.

    Notes
    -----
    Reverse mode only; `jax.jacfwd` of `jax.grad` works, `jax.jvp` of this function does not.
    """
    return _loop(step, start, inputs, parameters)


def _loop(step: Step, start: State, inputs: Any, parameters: Any) -> State:
    def body(state: State, now: Any) -> tuple[State, State]:
        after = step(state, now, parameters)
        return after, after

    _, after = jax.lax.scan(body, start, inputs)
    return tuple(
        jnp.concatenate([jnp.asarray(first, rest.dtype)[None], rest])
        for first, rest in zip(start, after, strict=True)
    )


def _forward(step: Step, start: State, inputs: Any, parameters: Any) -> tuple[State, Any]:
    states = _loop(step, start, inputs, parameters)
    return states, (states, inputs, parameters)


def _backward(step: Step, kept: Any, cotangents: State) -> tuple[State, Any, Any]:
    states, inputs, parameters = kept
    before = tuple(state[:-1] for state in states)
    jacobian = _jacobian(lambda state: step(state, inputs, parameters), before)

    def body(adjoint: State, now: tuple[Any, State]) -> tuple[State, State]:
        rows, cotangent = now
        earlier = tuple(
            c + sum(row[j] * a for row, a in zip(rows, adjoint, strict=True))
            for j, c in enumerate(cotangent)
        )
        return earlier, adjoint

    last = tuple(c[-1] for c in cotangents)
    first, adjoints = jax.lax.scan(
        body, last, (jacobian, tuple(c[:-1] for c in cotangents)), reverse=True
    )
    _, pull = jax.vjp(lambda x, p: step(before, x, p), inputs, parameters)
    return (first, *pull(adjoints))


def _jacobian(function: Callable[[State], State], at: State) -> tuple[State, ...]:
    """Rows of the Jacobian of an elementwise function, every entry (time,)."""
    _, push = jax.linearize(function, at)
    columns = [
        push(tuple(jnp.full_like(x, float(i == j)) for i, x in enumerate(at)))
        for j in range(len(at))
    ]
    return tuple(zip(*columns, strict=True))


evolve.defvjp(_forward, _backward)
