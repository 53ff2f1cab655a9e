"""Double precision, which inference wants."""

from __future__ import annotations

import jax


def use_double_precision() -> None:
    """Switch JAX to double precision.

    Hessians, slow linear pools over thousands of steps and the U-turn criterion all lose too much
    in single precision; the model itself works in either.
    """
    if not jax.config.jax_enable_x64:
        jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]  # JAX's own
