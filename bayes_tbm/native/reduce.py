"""Sums over points of a function of numbers, with its gradient, as one loop each."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import jaxpr_as_fun

from bayes_tbm.native.plain import Scalars
from bayes_tbm.native.scan import compilable, is_available, scan
from bayes_tbm.native.stacked import Stacked, shaped

Term = Callable[[Scalars, jax.Array, Any], Any]


def summed(term: Term, data: jax.Array, series: jax.Array, numbers: Stacked) -> Stacked:
    """Sum a function over points.

    Parameters
    ----------
    term
        ``term(data, value, numbers)`` gives a pytree of scalars for one point: from a list of what
        is known of it, the value of the series there, and what is the same for all points.
    data
        (member, point); nothing is differentiated with respect to it.
    series
        (point, ...), the batch last.
    numbers
        Of the batch's shape.

    Returns
    -------
    Stacked
        Sums, of the batch's shape.

    Warns
    -----
    NotCompiledWarning
        The function, or its gradient, uses something for which there is no machine code, so that
        XLA computes it; once in a process for each such thing.
    """
    scalar = shaped((), series.dtype)
    known = [scalar] * len(data), scalar, numbers.unflatten([scalar] * len(numbers.array))
    traced, result = jax.make_jaxpr(term, return_shape=True)(*known)
    can_compile = is_available() and compilable(traced) is not None
    again = jaxpr_as_fun(traced)

    def flat(data: Scalars, value: jax.Array, members: Scalars) -> Scalars:
        if can_compile:  # the term's Python is run once
            terms = again(*data, value, *members)
        else:  # data may be more precise than the series, which the trace would not take
            terms = jax.tree.leaves(term(data, value, numbers.unflatten(members)))
        return [jnp.asarray(each, series.dtype) for each in terms]

    sums = _sums if can_compile else _plainly
    return Stacked(sums(flat, data, series, numbers.array), jax.tree.structure(result))


def _plainly(flat: Any, data: jax.Array, series: jax.Array, numbers: jax.Array) -> jax.Array:
    """Sum by JAX alone, one axis of the batch after the other."""
    if series.ndim > 1:
        one = functools.partial(_plainly, flat, data)
        return jax.vmap(one, -1, -1)(series, numbers)
    of_point = jax.vmap(lambda data, value: flat(list(data), value, list(numbers)), (-1, 0))
    known = jax.lax.stop_gradient(data)
    terms = of_point(known, series)  # type: ignore[no-untyped-call]  # JAX's own
    return jnp.stack([x.sum(axis=0, dtype=series.dtype) for x in terms])


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _sums(flat: Any, data: jax.Array, series: jax.Array, numbers: jax.Array) -> jax.Array:
    return _loop(flat, data, series, numbers)


def _loop(flat: Any, data: jax.Array, series: jax.Array, numbers: jax.Array) -> jax.Array:
    one = shaped((), series.dtype)
    count = len(jax.eval_shape(flat, [one] * len(data), one, [one] * len(numbers)))

    def body(carry: Scalars, now: list[Scalars], constants: Scalars) -> tuple[Scalars, Scalars]:
        return [*map(jnp.add, carry, flat(now[0], now[1][0], constants))], []

    nothing = jnp.zeros((count, *series.shape[1:]), series.dtype)
    return scan(body, nothing, [data, series[None]], numbers)[0]


def _forward(flat: Any, *given: jax.Array) -> tuple[jax.Array, Any]:
    return _loop(flat, *given), given


def _backward(flat: Any, given: Any, cotangent: jax.Array) -> tuple[None, jax.Array, jax.Array]:
    data, series, numbers = given
    count = len(numbers)

    def body(carry: Scalars, now: list[Scalars], constants: Scalars) -> tuple[Scalars, Scalars]:
        members, of_sums = constants[:count], constants[count:]
        pull = jax.vjp(lambda value, members: flat(now[0], value, members), now[1][0], members)[1]
        of_value, of_members = pull(of_sums)
        return [*map(jnp.add, carry, of_members)], [of_value]

    constants = jnp.concatenate([numbers, cotangent])
    gradient, kept = scan(body, jnp.zeros_like(numbers), [data, series[None]], constants)
    return None, kept[0], gradient


_sums.defvjp(_forward, _backward)
