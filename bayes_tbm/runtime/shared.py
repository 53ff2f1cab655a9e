"""Functions of data, compiled once for all data of one form.

What a function knows when it is traced becomes part of its machine code, and must be traced and
compiled again for other numbers. Here the numbers are arguments: fits of one site under other
priors, of other observations, or of other sites with as many steps, share what is compiled.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

_KEPT = 64  # functions of one form of data; more would be kept for ever in a long study


def shared(function: Callable[..., Any], data: Any) -> Callable[..., Any]:
    """Return a function of the rest of its arguments, with its first one given.

    Parameters
    ----------
    function
        ``function(data, ...)``, pure JAX, of a module: the same object from call to call.
    data
        Pytree of numbers and arrays; what else it holds must be hashable, and tells forms apart.

    Returns
    -------
    callable
        Compiled at the first call with arguments and data of such shapes in the process.
    """
    leaves, form = jax.tree.flatten(data)
    # In the precision that holds now: copied once, not at each call.
    return functools.partial(_compiled(function, form), [jnp.asarray(leaf) for leaf in leaves])


@functools.lru_cache(_KEPT)
def _compiled(function: Callable[..., Any], form: Any) -> Callable[..., Any]:
    @functools.wraps(function, updated=())  # by its own name in logs and profiles
    def of_leaves(leaves: list[Any], *arguments: Any) -> Any:
        return function(jax.tree.unflatten(form, leaves), *arguments)

    del of_leaves.__wrapped__  # whose signature it has not
    return jax.jit(of_leaves)


def forget() -> None:
    """Let go of all that is compiled here; what is asked for again is compiled again."""
    _compiled.cache_clear()
