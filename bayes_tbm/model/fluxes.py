"""Fluxes of all steps at once, recovered from the pools at the edges of the steps."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from bayes_tbm.model.containers import Fluxes, Pools
from bayes_tbm.model.forcing import Forcing
from bayes_tbm.model.rates import FireRates, Rates, decomposition_climate
from bayes_tbm.model.steps import Exchange
from bayes_tbm.processes import allocation, water
from bayes_tbm.processes.water import WaterForm

_POOLS = ("labile", "foliage", "root", "wood", "litter", "som")


def _fire_fluxes(
    start: Pools, gains: dict[str, jax.Array], burn: FireRates, step_length: jax.Array
) -> dict[str, jax.Array]:
    """Combustion and mortality of every pool; fire meets the pool after the step's other fluxes."""
    nothing = 0.0 * start.labile
    out = {}
    for name in _POOLS:
        before_fire = getattr(start, name) / step_length + gains[name]
        out[f"{name}_combustion"] = before_fire * burn.combusted.get(name, nothing)
        if name != "som":
            out[f"{name}_mortality"] = before_fire * burn.killed.get(name, nothing)
    return out


def fluxes_of(
    start: Pools, exchange: Exchange, rates: Rates, forcing: Forcing, form: WaterForm
) -> Fluxes:
    """All fluxes of the steps whose pools at the start are given.

    Parameters
    ----------
    start
        Pools at the start of each step.
    exchange
        What each step exchanged, from the loop.
    rates, forcing, form
        As the loop used them.
    """
    c, lost = rates.coefficients, rates.turnover
    d = forcing.step_length
    npp = allocation.net_primary_production(exchange.gpp, c.autotrophic_fraction)
    moved = {
        "foliage_allocation": c.shares.foliage * npp,
        "labile_allocation": c.shares.labile * npp,
        "root_allocation": c.shares.root * npp,
        "wood_allocation": c.shares.wood * npp,
        "labile_release": start.labile * lost.labile_released / d,
        "foliage_litterfall": start.foliage * lost.foliage_lost / d,
        "root_litterfall": start.root * lost.root_lost / d,
        "wood_litterfall": start.wood * lost.wood_lost / d,
        "litter_respiration": exchange.litter_respiration / d,
        "litter_decomposition": start.litter * lost.litter_decomposed / d,
        "som_respiration": exchange.som_respiration / d,
    }
    return Fluxes(
        gpp=exchange.gpp,
        autotrophic_respiration=allocation.autotrophic_respiration(
            exchange.gpp, c.autotrophic_fraction
        ),
        nee=exchange.nee,
        **moved,
        **_fire_fluxes(start, net_gains(moved), rates.fire, d),
        evapotranspiration=exchange.evapotranspiration / d,
        drainage=water.drainage(start.water, c.drainage_scale / d) / d,
        lai=start.foliage * c.leaf_area_per_carbon,
        mean_lai=exchange.mean_lai,
        water_stress=water.stress(start.water, c.stress_ramp, form),
        decomposition_climate=decomposition_climate(forcing, c.turnover) * jnp.ones_like(start.som),
    )


def net_gains(f: dict[str, jax.Array]) -> dict[str, jax.Array]:
    """Net gain of each carbon pool before fire, from fluxes by name; g C m-2 d-1."""
    return {
        "labile": f["labile_allocation"] - f["labile_release"],
        "foliage": f["foliage_allocation"] + f["labile_release"] - f["foliage_litterfall"],
        "root": f["root_allocation"] - f["root_litterfall"],
        "wood": f["wood_allocation"] - f["wood_litterfall"],
        "litter": f["foliage_litterfall"]
        + f["root_litterfall"]
        - f["litter_respiration"]
        - f["litter_decomposition"],
        "som": f["wood_litterfall"] + f["litter_decomposition"] - f["som_respiration"],
    }
