"""Fire: combustion and mortality on the burnt fraction of a step (Exbrayat et al. 2018; DALEC)."""

from __future__ import annotations

import jax


def combusted_fraction(burned: jax.Array, completeness: jax.Array | float) -> jax.Array:
    """Fraction of a pool that burns to the air in a step.

    Parameters
    ----------
    burned
        Burnt fraction of the area in the step.
    completeness
        Combustion completeness of the pool.
    """
    return burned * completeness


def killed_fraction(
    burned: jax.Array, completeness: jax.Array | float, resilience: jax.Array | float
) -> jax.Array:
    """Fraction of a pool that does not burn but dies and moves on, in a step.

    Parameters
    ----------
    burned, completeness
        As in `combusted_fraction`.
    resilience
        Share of what did not burn that survives.
    """
    return burned * (1.0 - completeness) * (1.0 - resilience)
