"""The code of other libraries, which relies on JAX's own rules of promotion."""

from __future__ import annotations

import functools
from collections.abc import Callable

import jax


def lenient[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Let a function, and its trace, mix ranks and kinds of numbers as JAX allows by default.

    For what hands over to NumPyro, BlackJAX or Optax: a user, and our tests, may forbid such
    mixing everywhere else (``jax_numpy_dtype_promotion``, ``jax_numpy_rank_promotion``).
    """

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            return function(*args, **kwargs)

    return run
