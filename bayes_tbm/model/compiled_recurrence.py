"""A step over time and back again, as loops of machine code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from bayes_tbm.native import Scalars, Stacked, scan, shaped


def run(
    step: Callable[..., Any], start: Stacked, forcing: Stacked, constants: Stacked, series: Any
) -> tuple[Any, jax.Array]:
    """Run a step over time.

    Returns
    -------
    evolution, kept
        What `recurrence.Evolution` is made of, and all that was kept of each step in one array,
        (member, time, ...), which begins with the states.
    """
    count = len(start.array)
    changing, groups = _together(forcing, series, start.shape)
    now = forcing.unflatten([shaped((), forcing.array.dtype)] * len(forcing.array))
    _, of_happened, of_summed = jax.eval_shape(step, start.tree, now, constants.tree, changing.now)

    def body(carry: Scalars, now: list[Scalars], constant: Scalars) -> tuple[Scalars, Scalars]:
        state, total = carry[:count], carry[count:]
        after, happened, summed = step(
            start.unflatten(state), forcing.unflatten(now[0]), constants.unflatten(constant),
            changing.unflatten([one for (one,) in now[1:]]),
        )  # fmt: skip
        sums = map(jnp.add, total, jax.tree.leaves(summed))
        return [*jax.tree.leaves(after), *sums], [*state, *jax.tree.leaves(happened)]

    sums, of_sums = jax.tree.flatten(of_summed)
    nothing = jnp.zeros((len(sums), *start.shape), start.array.dtype)
    last, kept = scan(body, jnp.concatenate([start.array, nothing]), groups, constants.array)
    happened = jax.tree.unflatten(jax.tree.structure(of_happened), list(kept[count:]))
    before = start.unflatten(list(kept[:count]))
    return (before, start.like(last[:count]), happened, Stacked(last[count:], of_sums)), kept


def back(
    pull: Any,
    adjoint: Stacked,
    total: Stacked,
    kept: jax.Array,
    inputs: Any,
    by_happened: Any,
    constants: Stacked,
) -> tuple[Stacked, Any, Stacked]:
    """Pull a gradient back through time: a second loop, from the last step to the first.

    The loop carries the derivative of the result by the state, and the sum of its derivatives by
    the constants. In each step it computes the model's step again, from the state that was kept.

    Parameters
    ----------
    pull
        ``pull(state, weather, series, constants)`` gives the function that turns derivatives by
        what the step returns into derivatives by state, series and constants.
    adjoint
        Derivatives by the last state.
    total
        Derivatives by the sums over time.
    kept
        What `run` kept: states first, (member, time, ...).
    inputs
        Forcing and series, as `run` took them.
    by_happened
        Derivatives by what happened in each step, (time, ...): only those that are not zero.
    constants
        As `run` took them.

    Returns
    -------
    tuple
        Derivatives by the first state, by the series, (time, ...), and by the constants.
    """
    count, fixed = len(adjoint.array), len(constants.array)
    forcing, series = inputs
    changing, groups = _together(forcing, series, adjoint.shape)

    def body(carry: Scalars, now: list[Scalars], constant: Scalars) -> tuple[Scalars, Scalars]:
        states, *rest = now
        seen, (climate, *rates) = rest[: len(by_happened)], rest[len(by_happened) :]
        pulled = pull(
            adjoint.unflatten(states[:count]), forcing.unflatten(climate),
            changing.unflatten([one for (one,) in rates]), constants.unflatten(constant[:fixed]),
        )  # fmt: skip
        of_state, of_series, of_constants = pulled(
            adjoint.unflatten(carry[:count]),
            [one for (one,) in seen],
            total.unflatten(constant[fixed:]),
        )
        gradient = map(jnp.add, carry[count:], jax.tree.leaves(of_constants))
        return [*jax.tree.leaves(of_state), *gradient], jax.tree.leaves(of_series)

    first, of_series = scan(
        body,
        jnp.concatenate([adjoint.array, jnp.zeros_like(constants.array)]),
        [kept, *(x[None] for x in by_happened), *groups],
        jnp.concatenate([constants.array, total.array]),
        True,
    )
    gradients = changing.unflatten(list(of_series))
    return adjoint.like(first[:count]), gradients, constants.like(first[count:])


class _Series:
    """What changes from step to step: its structure, and shapes of it in one step."""

    def __init__(self, tree: Any, shape: tuple[int, ...]) -> None:
        self.leaves, self._structure = jax.tree.flatten(tree)
        self.now = self.unflatten([shaped(shape, x.dtype) for x in self.leaves])

    def unflatten(self, members: Any) -> Any:
        return jax.tree.unflatten(self._structure, members)


def _together(
    forcing: Stacked, series: Any, shape: tuple[int, ...]
) -> tuple[_Series, list[jax.Array]]:
    """Structure of series, and forcing and series as groups of members: forcing is one."""
    changing = _Series(series, shape)
    return changing, [forcing.array, *(x[None] for x in changing.leaves)]
