"""One step: first the pools that feed back on photosynthesis, then those that only follow.

All fluxes of a step are taken from the pools at its start; fire comes last. The functions work
element by element, on one step or on all steps at once.
"""

from __future__ import annotations

from typing import NamedTuple

import jax

from bayes_tbm.model.rates import CanopyRates, FireRates, SoilRates
from bayes_tbm.parameters import Parameters, allocation_shares
from bayes_tbm.processes import allocation, photosynthesis, water
from bayes_tbm.processes.water import WaterForm


class Canopy(NamedTuple):
    """Pools that feed back on photosynthesis: labile and foliage in g C m-2, water in mm."""

    labile: jax.Array
    foliage: jax.Array
    water: jax.Array


class Soil(NamedTuple):
    """Pools that are linear in what the canopy does, g C m-2."""

    root: jax.Array
    wood: jax.Array
    litter: jax.Array
    som: jax.Array


class Exchange(NamedTuple):
    """What the canopy does in a step: GPP, g C m-2 d-1; evapotranspiration, mm a step."""

    gpp: jax.Array
    evapotranspiration: jax.Array


class Inputs(NamedTuple):
    """Carbon that the canopy hands on in a step, g C m-2 a step."""

    npp: jax.Array
    litter: jax.Array
    killed: jax.Array


def canopy_step(
    pools: Canopy, rates: CanopyRates, burn: FireRates, p: Parameters, form: WaterForm
) -> tuple[Canopy, Exchange, Inputs]:
    """Advance labile carbon, foliage and water by one step."""
    lai = pools.foliage / p.leaf_carbon_per_area
    potential = photosynthesis.gross_primary_production(lai, rates.carboxylation, rates.climate)
    gpp = potential * water.stress(pools.water, p.field_capacity, p.wilting_fraction, form)
    npp = allocation.net_primary_production(gpp, p.autotrophic_fraction) * rates.step_length
    shares = allocation_shares(p)
    released = pools.labile * rates.labile_released
    fallen = pools.foliage * rates.foliage_lost
    labile = pools.labile + shares.labile * npp - released
    foliage = pools.foliage + shares.foliage * npp + released - fallen
    killed = 0.0 * npp
    if burn.killed:
        killed = labile * burn.killed["labile"] + foliage * burn.killed["foliage"]
        labile = labile * _left(burn, "labile")
        foliage = foliage * _left(burn, "foliage")
    wet = pools.water + rates.rain - water.drainage(pools.water, rates.drainage_scale)
    demand = (gpp * rates.transpiration_per_gpp + rates.evaporation) * rates.step_length
    evaporated = water.evapotranspiration(demand, wet, form)
    advanced = Canopy(labile, foliage, wet - evaporated)
    return advanced, Exchange(gpp, evaporated), Inputs(npp, fallen, killed)


def soil_step(
    pools: Soil, inputs: Inputs, rates: SoilRates, burn: FireRates, p: Parameters
) -> Soil:
    """Advance roots, wood, litter and soil organic matter by one step."""
    shares = allocation_shares(p)
    root_litter = pools.root * rates.root_lost
    wood_litter = pools.wood * rates.wood_lost
    decomposed = pools.litter * rates.litter_decomposed
    root = pools.root + shares.root * inputs.npp - root_litter
    wood = pools.wood + shares.wood * inputs.npp - wood_litter
    litter = pools.litter + inputs.litter + root_litter - decomposed
    litter = litter - pools.litter * rates.litter_respired
    som = pools.som + wood_litter + decomposed - pools.som * rates.som_respired
    if burn.killed:
        kill = burn.killed
        som = som * (1.0 - burn.combusted["som"]) + wood * kill["wood"] + litter * kill["litter"]
        litter = litter * _left(burn, "litter") + inputs.killed + root * kill["root"]
        root = root * _left(burn, "root")
        wood = wood * _left(burn, "wood")
    return Soil(root, wood, litter, som)


def _left(burn: FireRates, pool: str) -> jax.Array:
    """Fraction of a pool that fire leaves where it is."""
    return 1.0 - burn.combusted[pool] - burn.killed[pool]
