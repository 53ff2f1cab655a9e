"""Fluxes of all steps at once, recovered from the pools at the edges of the steps."""

from __future__ import annotations

import jax

from bayes_tbm.model.containers import Fluxes, Pools
from bayes_tbm.model.rates import CanopyRates, FireRates, SoilRates
from bayes_tbm.model.steps import Exchange
from bayes_tbm.parameters import Parameters, allocation_shares
from bayes_tbm.processes import allocation, water
from bayes_tbm.processes.water import WaterForm

AllRates = tuple[CanopyRates, SoilRates, FireRates]
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
    start: Pools, exchange: Exchange, rates: AllRates, p: Parameters, form: WaterForm
) -> Fluxes:
    """All fluxes of the steps whose pools at the start are given.

    Parameters
    ----------
    start
        Pools at the start of each step.
    exchange
        GPP and evapotranspiration of each step, from the loop.
    rates, p, form
        As the loop used them.
    """
    canopy, soil, burn = rates
    d = canopy.step_length
    shares = allocation_shares(p)
    npp = allocation.net_primary_production(exchange.gpp, p.autotrophic_fraction)
    moved = {
        "foliage_allocation": shares.foliage * npp,
        "labile_allocation": shares.labile * npp,
        "root_allocation": shares.root * npp,
        "wood_allocation": shares.wood * npp,
        "labile_release": start.labile * canopy.labile_released / d,
        "foliage_litterfall": start.foliage * canopy.foliage_lost / d,
        "root_litterfall": start.root * soil.root_lost / d,
        "wood_litterfall": start.wood * soil.wood_lost / d,
        "litter_respiration": start.litter * soil.litter_respired / d,
        "litter_decomposition": start.litter * soil.litter_decomposed / d,
        "som_respiration": start.som * soil.som_respired / d,
    }
    return Fluxes(
        gpp=exchange.gpp,
        autotrophic_respiration=allocation.autotrophic_respiration(
            exchange.gpp, p.autotrophic_fraction
        ),
        **moved,
        **_fire_fluxes(start, net_gains(moved), burn, d),
        evapotranspiration=exchange.evapotranspiration / d,
        drainage=water.drainage(start.water, canopy.drainage_scale) / d,
        lai=start.foliage / p.leaf_carbon_per_area,
        water_stress=water.stress(start.water, p.field_capacity, p.wilting_fraction, form),
        decomposition_climate=soil.decomposition_climate,
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
