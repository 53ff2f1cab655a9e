"""Carbon use and allocation: autotrophic respiration, and NPP shared among live pools."""

from __future__ import annotations

import jax


def autotrophic_respiration(gpp: jax.Array, autotrophic_fraction: jax.Array | float) -> jax.Array:
    """Autotrophic respiration, g C m-2 d-1: a constant share of GPP (DALEC)."""
    return autotrophic_fraction * gpp


def net_primary_production(gpp: jax.Array, autotrophic_fraction: jax.Array | float) -> jax.Array:
    """NPP, g C m-2 d-1."""
    return gpp - autotrophic_respiration(gpp, autotrophic_fraction)
