"""Everything that a step needs and that no pool changes.

What parameters alone decide comes first, once; rates under the weather follow from it, for one
step or for all of them.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from bayes_tbm.model.containers import Pools
from bayes_tbm.model.forcing import Forcing
from bayes_tbm.parameters import AllocationShares, Parameters, allocation_shares
from bayes_tbm.processes import fire, phenology, turnover, water
from bayes_tbm.processes.elementwise import computed_once


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, kw_only=True)
class Turnover:
    """What parameters decide of turnover: pulses, and daily rates at the reference climate, d-1."""

    labile_release: phenology.Pulse
    leaf_fall: phenology.Pulse
    root: jax.Array | float
    wood: jax.Array | float
    litter_respiration: jax.Array | float
    litter_decomposition: jax.Array | float
    som_respiration: jax.Array | float
    temperature_sensitivity: jax.Array | float
    moisture_sensitivity: jax.Array | float


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, kw_only=True)
class Coefficients:
    """What parameters alone decide; each of the shape of a parameter.

    ``combustion`` is the completeness of combustion by pool; empty without fire.
    """

    leaf_area_per_carbon: jax.Array | float
    canopy_efficiency: jax.Array | float
    autotrophic_fraction: jax.Array | float
    shares: AllocationShares
    stress_ramp: water.StressRamp
    transpiration: jax.Array | float
    radiative_evaporation: jax.Array | float
    drainage_scale: jax.Array | float
    turnover: Turnover
    combustion: dict[str, jax.Array | float]
    fire_resilience: jax.Array | float


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, kw_only=True)
class TurnoverRates:
    """Fractions of pools lost over a step, (time,), or one number where the weather is no matter.

    ``labile_released`` becomes foliage, ``litter_decomposed`` soil organic matter, ``*_respired``
    goes to the air and ``*_lost`` to litter or soil.
    """

    labile_released: jax.Array
    foliage_lost: jax.Array
    root_lost: jax.Array
    wood_lost: jax.Array
    litter_respired: jax.Array
    litter_decomposed: jax.Array
    som_respired: jax.Array


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class FireRates:
    """Fractions of each pool that burn and that die in a step, by pool; empty without fire."""

    combusted: dict[str, jax.Array]
    killed: dict[str, jax.Array]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Rates:
    """Everything that a step needs besides pools and weather."""

    coefficients: Coefficients
    turnover: TurnoverRates
    fire: FireRates


def coefficients(p: Parameters, *, fire: bool) -> Coefficients:
    """Work out what parameters alone decide; of fire only where something burns."""
    found: Coefficients = jax.tree.map(
        jnp.asarray,
        Coefficients(
            leaf_area_per_carbon=1.0 / p.leaf_carbon_per_area,
            canopy_efficiency=p.canopy_efficiency,
            autotrophic_fraction=p.autotrophic_fraction,
            shares=allocation_shares(p),
            stress_ramp=water.stress_ramp(p.field_capacity, p.wilting_fraction),
            transpiration=1.0 / p.underlying_water_use_efficiency,
            radiative_evaporation=p.radiative_evaporation,
            drainage_scale=p.drainage_storage**2,
            turnover=_turnover(p),
            combustion=_combustion(p) if fire else {},
            fire_resilience=p.fire_resilience,
        ),
    )
    return found


def _turnover(p: Parameters) -> Turnover:
    return Turnover(
        labile_release=phenology.pulse(
            p.leaf_onset_day, p.labile_release_period, p.labile_lifespan
        ),
        leaf_fall=phenology.pulse(p.leaf_fall_day, p.leaf_fall_period, p.leaf_lifespan),
        root=turnover.daily_rate(p.root_residence_time),
        wood=turnover.daily_rate(p.wood_residence_time),
        litter_respiration=turnover.daily_rate(p.litter_residence_time),
        litter_decomposition=turnover.daily_rate(p.litter_decomposition_time),
        som_respiration=turnover.daily_rate(p.som_residence_time),
        temperature_sensitivity=p.temperature_sensitivity,
        moisture_sensitivity=p.moisture_sensitivity,
    )


def _combustion(p: Parameters) -> dict[str, jax.Array | float]:
    """Combustion completeness of every pool."""
    return {
        "labile": p.ligneous_combustion,
        "foliage": p.foliar_combustion,
        "root": p.ligneous_combustion,
        "wood": p.ligneous_combustion,
        "litter": 0.5 * (p.foliar_combustion + p.ligneous_combustion),
        "som": p.dead_combustion,
    }


def rates_under(forcing: Forcing, c: Coefficients) -> Rates:
    """Rates under some weather, of one step or of many at once, (time, ...)."""
    rates = c, turnover_rates(forcing, c.turnover), fire_rates(forcing, c)
    return Rates(*computed_once(rates))


def beside_time(c: Coefficients) -> Coefficients:
    """Coefficients of a batch with an axis of one for time, to meet series, (time, ...)."""
    spread: Coefficients = jax.tree.map(lambda x: x[None] if x.ndim else x, c)
    return spread


def beside_batch(forcing: Forcing, batch: tuple[int, ...]) -> Forcing:
    """Give forcing, (time,), axes of one for a batch."""
    spread: Forcing = jax.tree.map(lambda x: x.reshape(-1, *(1,) * len(batch)), forcing)
    return spread


def along_time(rates: Any, steps: int, batch: tuple[int, ...]) -> Any:
    """Rates as series, (time, ...), those that are the same in every step too."""
    return jax.tree.map(lambda rate: jnp.broadcast_to(rate, (steps, *batch)), rates)


def decomposition_climate(forcing: Forcing, c: Turnover) -> jax.Array:
    """Factor of the weather on litter and soil rates, (time, ...)."""
    return turnover.decomposition_climate(
        forcing.warmth, forcing.wetness, c.temperature_sensitivity, c.moisture_sensitivity
    )


def turnover_rates(forcing: Forcing, c: Turnover) -> TurnoverRates:
    """Fractions of pools lost in every step."""
    climate = decomposition_climate(forcing, c)

    def lost(daily_rate: jax.Array | float) -> jax.Array:
        return turnover.fraction_lost(daily_rate, forcing.step_length, daily=forcing.daily)

    return TurnoverRates(
        labile_released=lost(phenology.pulse_rate(forcing.season, c.labile_release)),
        foliage_lost=lost(phenology.pulse_rate(forcing.season, c.leaf_fall)),
        root_lost=lost(c.root),
        wood_lost=lost(c.wood),
        litter_respired=lost(c.litter_respiration * climate),
        litter_decomposed=lost(c.litter_decomposition * climate),
        som_respired=lost(c.som_respiration * climate),
    )


def fire_rates(forcing: Forcing, c: Coefficients) -> FireRates:
    """Rates of fire; empty where nothing burns."""
    burned, completeness = forcing.burned_fraction, c.combustion
    return FireRates(
        combusted={n: fire.combusted_fraction(burned, share) for n, share in completeness.items()},
        killed={
            name: fire.killed_fraction(burned, share, c.fire_resilience)
            for name, share in completeness.items()
            if name != "som"  # what does not burn of the soil stays there
        },
    )


def initial_pools(p: Parameters) -> Pools:
    """Pools at the start of the first step."""
    pools = Pools(
        labile=jnp.asarray(p.initial_labile),
        foliage=jnp.asarray(p.initial_lai * p.leaf_carbon_per_area),
        root=jnp.asarray(p.initial_root),
        wood=jnp.asarray(p.initial_wood),
        litter=jnp.asarray(p.initial_litter),
        som=jnp.asarray(p.initial_som),
        water=jnp.asarray(p.initial_saturation * p.field_capacity),
    )
    shape = jnp.broadcast_shapes(*(jnp.shape(value) for value in p.to_dict().values()))
    spread: Pools = jax.tree.map(lambda pool: jnp.broadcast_to(pool, shape), pools)
    return spread
