"""One table of what is exported: names, units, signs and meaning as CMIP6 states them.

Names, units and standard names: CMIP6 data request 01.00.33, tables Lmon, Emon and Amon.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp

from bayes_tbm.model import Forcing, Trajectory
from bayes_tbm.parameters import Parameters
from bayes_tbm.streams.definition import over_step
from bayes_tbm.units import LATENT_HEAT, SECONDS_PER_DAY


class Seen(NamedTuple):
    """What a variable is made of: parameters, their run, and the weather."""

    p: Parameters
    run: Trajectory
    forcing: Forcing


@dataclass(frozen=True)
class Variable:
    """One exported variable.

    Attributes
    ----------
    name, unit, standard_name, long_name
        Of CMIP6.
    positive
        ``"up"``, ``"down"``, or nothing where a sign needs no saying.
    factor
        From our unit to this one.
    value
        The series in our unit, (time,).
    ours
        What it is in our own names.
    comment
        Where the model's meaning and CMIP6's are not quite the same.
    cell_methods
        Over the step.
    """

    name: str
    unit: str
    standard_name: str
    long_name: str
    positive: str
    factor: float
    value: Callable[[Seen], jax.Array]
    ours: str
    comment: str = ""
    cell_methods: str = "time: mean"


CARBON_FLUX, WATER_FLUX, STOCK = "kg m-2 s-1", "kg m-2 s-1", "kg m-2"
_OF_CARBON = 1e-3 / SECONDS_PER_DAY  # g m-2 d-1 to kg m-2 s-1
_OF_WATER = 1.0 / SECONDS_PER_DAY  # mm d-1, which is kg m-2 d-1
_OF_HEAT = LATENT_HEAT * 1e6 / SECONDS_PER_DAY  # mm d-1 to W m-2
_LIVE = ("labile", "foliage", "root", "wood")
_TO_AIR = "surface_upward_mass_flux_of_carbon_dioxide_expressed_as_carbon_due_to_"
_TO_LAND = "surface_net_downward_mass_flux_of_carbon_dioxide_expressed_as_carbon_due_to_"
_NPP = "net_primary_productivity_of_biomass_expressed_as_carbon"


def _pools(*names: str) -> Callable[[Seen], jax.Array]:
    """Sum of pools, mean over each step."""
    return lambda seen: sum(
        (over_step(getattr(seen.run.pools, name)) for name in names[1:]),
        start=over_step(getattr(seen.run.pools, names[0])),
    )


def transpiration(seen: Seen) -> jax.Array:
    """Share of evapotranspiration that photosynthesis asks for, mm d-1.

    Where water does not suffice, both parts of the demand are cut alike (`model.steps`).
    """
    fluxes, p = seen.run.fluxes, seen.p
    leaves = fluxes.gpp * seen.forcing.root_vpd / p.underlying_water_use_efficiency
    demand = leaves + seen.forcing.shortwave * p.radiative_evaporation
    some = demand > 0.0
    share: jax.Array = jnp.where(some, leaves / jnp.where(some, demand, 1.0), 0.0)
    return fluxes.evapotranspiration * share


def _carbon(
    name: str, standard_name: str, long_name: str, positive: str,
    value: Callable[[Seen], jax.Array], ours: str, comment: str = "",
) -> Variable:  # fmt: skip
    return Variable(
        name, CARBON_FLUX, standard_name, long_name, positive, _OF_CARBON, value, ours, comment
    )


def _stock(
    name: str, of: str, long_name: str, pools: tuple[str, ...], comment: str = ""
) -> Variable:
    standard_name = f"{of}_content" if of == "vegetation_carbon" else f"{of}mass_content_of_carbon"
    ours = " + ".join(pools)
    return Variable(name, STOCK, standard_name, long_name, "", 1e-3, _pools(*pools), ours, comment)


def _water(
    name: str, standard_name: str, long_name: str, positive: str,
    value: Callable[[Seen], jax.Array], ours: str, comment: str = "",
) -> Variable:  # fmt: skip
    return Variable(
        name, WATER_FLUX, standard_name, long_name, positive, _OF_WATER, value, ours, comment
    )


_TABLE = (
    _carbon("gpp", "gross_primary_productivity_of_biomass_expressed_as_carbon",
            "gross primary production", "", lambda s: s.run.fluxes.gpp, "gpp"),
    _carbon("npp", _NPP, "net primary production", "down", lambda s: s.run.fluxes.npp,
            "gpp - autotrophic respiration"),
    _carbon("nep", f"{_TO_LAND}all_land_processes_excluding_anthropogenic_land_use_change",
            "net ecosystem production, positive into the land, without fire", "down",
            lambda s: -s.run.fluxes.nee, "-nee"),
    _carbon("nbp", f"{_TO_LAND}all_land_processes",
            "net biome production, positive into the land, with fire", "down",
            lambda s: -s.run.fluxes.nbe, "-nbe"),
    _carbon("ra", f"{_TO_AIR}plant_respiration", "autotrophic respiration", "up",
            lambda s: s.run.fluxes.autotrophic_respiration, "autotrophic respiration"),
    _carbon("rh", f"{_TO_AIR}heterotrophic_respiration", "heterotrophic respiration", "up",
            lambda s: s.run.fluxes.heterotrophic_respiration, "litter and soil respiration"),
    _carbon("fFire", f"{_TO_AIR}emission_from_fires_excluding_anthropogenic_land_use_change",
            "carbon emitted by fire", "up", lambda s: s.run.fluxes.combustion, "combustion",
            "0 where the drivers have no burnt area"),
    _carbon("nppLeaf", f"{_NPP}_accumulated_in_leaves", "net primary production given to leaves",
            "down", lambda s: s.run.fluxes.foliage_allocation + s.run.fluxes.labile_allocation,
            "foliage + labile allocation",
            "what is stored as labile carbon, which becomes leaves, counts when it is stored"),
    _carbon("nppRoot", f"{_NPP}_accumulated_in_roots", "net primary production given to fine roots",
            "down", lambda s: s.run.fluxes.root_allocation, "root allocation",
            "fine roots; coarse roots are wood"),
    _carbon("nppWood", f"{_NPP}_accumulated_in_wood", "net primary production given to wood",
            "down", lambda s: s.run.fluxes.wood_allocation, "wood allocation",
            "stems, branches and coarse roots"),
    _stock("cLeaf", "leaf_", "carbon in leaves", ("foliage",)),
    _stock("cWood", "stem_", "carbon in wood", ("wood",),
           "stems, branches and coarse roots: the model does not tell them apart"),
    _stock("cRoot", "root_", "carbon in fine roots", ("root",),
           "fine roots; coarse roots are in cWood"),
    _stock("cOther", "miscellaneous_living_matter_", "labile carbon", ("labile",),
           "stored carbon that becomes leaves"),
    _stock("cVeg", "vegetation_carbon", "carbon in vegetation", _LIVE),
    _stock("cLitter", "litter_", "carbon in litter", ("litter",),
           "of leaves and fine roots; dead wood is in cSoil"),
    _stock("cSoil", "soil_", "carbon in soil", ("som",),
           "soil organic matter and dead wood, to whatever depth was observed; without litter"),
    Variable("cLand", STOCK, "mass_content_of_carbon_in_vegetation_and_litter_and_soil_and_"
             "forestry_and_agricultural_products", "carbon in all pools", "", 1e-3,
             _pools(*_LIVE, "litter", "som"), "sum of the carbon pools",
             "the model has no products"),
    Variable("lai", "1", "leaf_area_index", "leaf area index", "", 1.0,
             lambda s: s.run.fluxes.mean_lai, "foliage / leaf carbon per area"),
    _water("evspsbl", "water_evapotranspiration_flux", "evapotranspiration", "",
           lambda s: s.run.fluxes.evapotranspiration, "et"),
    _water("tran", "transpiration_flux", "transpiration", "up", transpiration,
           "part of et that goes with gpp",
           "gpp sqrt(VPD) / uWUE; where water does not suffice both parts are cut alike"),
    _water("evspsblsoi", "water_evaporation_flux_from_soil",
           "evaporation from soil and wet surfaces", "",
           lambda s: s.run.fluxes.evapotranspiration - transpiration(s),
           "part of et that goes with shortwave radiation",
           "stands for evaporation from soil, intercepted water and snow together"),
    _water("mrro", "runoff_flux", "runoff and drainage", "", lambda s: s.run.fluxes.drainage,
           "drainage", "runoff and drainage together"),
    Variable("mrso", STOCK, "mass_content_of_water_in_soil", "water in the root zone", "", 1.0,
             _pools("water"), "water", "the root zone, which is all the soil the model has"),
    Variable("hfls", "W m-2", "surface_upward_latent_heat_flux", "latent heat flux", "up",
             _OF_HEAT, lambda s: s.run.fluxes.evapotranspiration, "et",
             f"evapotranspiration times a latent heat of {LATENT_HEAT} MJ kg-1"),
)  # fmt: skip
VARIABLES: dict[str, Variable] = {variable.name: variable for variable in _TABLE}
"""Exported variables by name."""
