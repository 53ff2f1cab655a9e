"""One step of the model.

All fluxes of a step are taken from the pools at its start; fire comes last. The function works
element by element, on one step of one parameter set or on many.

With ``LAI = foliage / LCMA``, water stress ``beta``, the shares ``a`` of NPP and everything
on the right taken at the start of the step::

    gpp     = beta(water) ACM(LAI, weather)                         g C m-2 d-1
    npp     = (1 - f_auto) gpp d                                    g C m-2 a step
    demand  = (gpp sqrt(VPD) / uWUE + r_evap shortwave) d           mm a step
    wet     = water + rain - drainage(water)                        mm
    et      = the lesser of demand and wet, its corner rounded      mm a step

    labile  <- labile  + a_lab npp  - f_release labile
    foliage <- foliage + a_fol npp  + f_release labile - f_fall foliage
    root    <- root    + a_root npp - f_root root
    wood    <- wood    + a_wood npp - f_wood wood
    litter  <- litter  + f_fall foliage + f_root root - (f_dec + f_lit) litter
    som     <- som     + f_wood wood + f_dec litter - f_som som
    water   <- wet - et

    nee     = (f_lit litter + f_som som) / d + f_auto gpp - gpp     g C m-2 d-1

Of what is then in a pool, fire on the burnt fraction B of the area burns ``B cf`` and kills
``B (1 - cf) (1 - resilience)``: dead labile, foliage and roots become litter, dead wood and
litter soil. All losses are fractions of what is there, so that pools stay positive and nothing
is clipped. Each process with symbols, units and sources: ``docs/model.md``.
"""

from __future__ import annotations

from typing import NamedTuple

import jax

from bayes_tbm.model.containers import Pools, Sums
from bayes_tbm.model.forcing import Forcing
from bayes_tbm.model.rates import Coefficients, FireRates, Rates, TurnoverRates
from bayes_tbm.processes import allocation, photosynthesis, water
from bayes_tbm.processes.water import WaterForm


class Exchange(NamedTuple):
    """What is kept of a step, because streams or constraints ask for it.

    GPP and NEE in g C m-2 d-1, evapotranspiration in mm a step, respiration in g C m-2 a step, LAI
    as the mean of the step's start and end. What parameters enter is worked out in the step: its
    gradient is summed there, not over a series afterwards.
    """

    gpp: jax.Array
    nee: jax.Array
    evapotranspiration: jax.Array
    litter_respiration: jax.Array
    som_respiration: jax.Array
    mean_lai: jax.Array


def step(
    pools: Pools, weather: Forcing, rates: Rates, form: WaterForm
) -> tuple[Pools, Exchange, Sums]:
    """Advance all pools by one step.

    Parameters
    ----------
    pools
        At the start of the step: carbon in g C m-2, water in mm; of a batch's shape.
    weather
        Forcing of the step.
    rates
        Coefficients, and the fraction ``f`` of each pool that the step loses:
        ``1 - (1 - k)^d`` for a daily rate ``k`` and a step of ``d`` days.
    form
        Corners of the water balance, smooth or clipped.

    Returns
    -------
    Pools
        At the end of the step.
    Exchange
        Fluxes that streams ask for.
    Sums
        What constraints add up over the record.

    Notes
    -----
    The equations stand at the top of this file.
    """
    c, lost = rates.coefficients, rates.turnover
    days = 1.0 if weather.daily else weather.step_length
    lai = pools.foliage * c.leaf_area_per_carbon
    carboxylation = c.canopy_efficiency * weather.canopy.carboxylation
    potential = photosynthesis.gross_primary_production(lai, carboxylation, weather.canopy)
    gpp = potential * water.stress(pools.water, c.stress_ramp, form)
    npp = allocation.net_primary_production(gpp, c.autotrophic_fraction) * days

    demand = (
        gpp * (weather.root_vpd * c.transpiration) + weather.shortwave * c.radiative_evaporation
    )
    wet = pools.water + weather.rain - water.drainage(pools.water, c.drainage_scale / days)
    evaporated = water.evapotranspiration(demand * days, wet, form)

    released = pools.labile * lost.labile_released
    fallen = pools.foliage * lost.foliage_lost
    root_litter, wood_litter = pools.root * lost.root_lost, pools.wood * lost.wood_lost
    decomposed = pools.litter * lost.litter_decomposed
    litter_respired = pools.litter * lost.litter_respired
    som_respired = pools.som * lost.som_respired
    after = Pools(
        labile=pools.labile + c.shares.labile * npp - released,
        foliage=pools.foliage + c.shares.foliage * npp + released - fallen,
        root=pools.root + c.shares.root * npp - root_litter,
        wood=pools.wood + c.shares.wood * npp - wood_litter,
        litter=pools.litter + fallen + root_litter - decomposed - litter_respired,
        som=pools.som + wood_litter + decomposed - som_respired,
        water=wet - evaporated,
    )
    after = _burnt(after, rates.fire) if weather.fire else after
    autotrophic = allocation.autotrophic_respiration(gpp, c.autotrophic_fraction)
    nee = (litter_respired + som_respired) / days + autotrophic - gpp
    mean_lai = 0.5 * (pools.foliage + after.foliage) * c.leaf_area_per_carbon
    kept = Exchange(gpp, nee, evaporated, litter_respired, som_respired, mean_lai)
    sums = Sums(pools.labile, pools.foliage, pools.root, gpp * days, litter_respired)
    return after, kept, sums


def _burnt(pools: Pools, burn: FireRates) -> Pools:
    """Pools after fire: live carbon that dies goes to litter, wood and litter to soil."""
    kill = {name: getattr(pools, name) * share for name, share in burn.killed.items()}

    def left(pool: str) -> jax.Array:
        size: jax.Array = getattr(pools, pool)
        rest: jax.Array = size * (1.0 - burn.combusted[pool]) - kill.get(pool, 0.0)
        return rest

    return Pools(
        labile=left("labile"),
        foliage=left("foliage"),
        root=left("root"),
        wood=left("wood"),
        litter=left("litter") + kill["labile"] + kill["foliage"] + kill["root"],
        som=left("som") + kill["wood"] + kill["litter"],
        water=pools.water,
    )


def step_at(
    pools: Pools, weather: Forcing, c: Coefficients, now: tuple[TurnoverRates, FireRates],
    form: WaterForm,
) -> tuple[Pools, Exchange, Sums]:  # fmt: skip
    """Advance by one step whose rates are known; see `step`."""
    return step(pools, weather, Rates(c, *now), form)
