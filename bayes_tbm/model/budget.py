"""Closure: what came in, went out and stayed must add up at every step."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from bayes_tbm.model.containers import Drivers, Trajectory


def carbon_imbalance(run: Trajectory, drivers: Drivers) -> jax.Array:
    """Relative carbon imbalance of every step, (time,).

    Change of all pools less ``(GPP - respiration - combustion) step``, over the carbon there is.
    """
    pools = run.pools
    total = pools.labile + pools.foliage + pools.root + pools.wood + pools.litter + pools.som
    f = run.fluxes
    gained = (f.gpp - f.ecosystem_respiration - f.combustion) * drivers.step_length
    return (jnp.diff(total) - gained) / total[:-1]


def water_imbalance(run: Trajectory, drivers: Drivers) -> jax.Array:
    """Relative water imbalance of every step, (time,); absolute where there is none at all."""
    f, d = run.fluxes, drivers.step_length
    gained = (drivers.precipitation - f.evapotranspiration - f.drainage) * d
    there = run.pools.water[:-1] + drivers.precipitation * d
    return (jnp.diff(run.pools.water) - gained) / jnp.where(there > 0.0, there, 1.0)
