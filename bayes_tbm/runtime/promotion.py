"""Code of others under JAX's usual rules, wherever ours runs under strict ones."""

from __future__ import annotations

import functools
from collections.abc import Callable

import jax


def with_usual_promotion[**Arguments, Result](
    function: Callable[Arguments, Result],
) -> Callable[Arguments, Result]:
    """Let a function mix ranks and kinds of numbers, as NumPyro, BlackJAX and Optax do."""

    @functools.wraps(function)
    def usual(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            return function(*args, **kwargs)

    return usual
