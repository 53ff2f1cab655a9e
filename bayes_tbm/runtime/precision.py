"""Double precision, which inference wants."""

from __future__ import annotations

import jax

from bayes_tbm.runtime.fork import jax_will_run


def use_double_precision() -> None:
    """Switch JAX to double precision.

    Hessians, slow linear pools over thousands of steps and the U-turn criterion all lose too much
    in single precision; the model itself works in either.

    Raises
    ------
    InputError
        The process was forked after JAX had run.
    """
    jax_will_run()
    if not jax.config.jax_enable_x64:
        jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]  # JAX's own
