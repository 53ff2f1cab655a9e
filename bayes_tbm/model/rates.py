"""Everything that a step needs and that no pool changes, computed for all steps at once."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from bayes_tbm.model.containers import Pools
from bayes_tbm.model.forcing import Forcing
from bayes_tbm.parameters import AllocationShares, Parameters, allocation_shares
from bayes_tbm.processes import fire, phenology, turnover, water
from bayes_tbm.processes.elementwise import kept


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, kw_only=True)
class Coefficients:
    """What parameters alone decide; each of the shape of a parameter."""

    leaf_area_per_carbon: jax.Array | float
    canopy_efficiency: jax.Array | float
    autotrophic_fraction: jax.Array | float
    shares: AllocationShares
    stress_ramp: water.StressRamp
    transpiration: jax.Array | float
    radiative_evaporation: jax.Array | float
    drainage_scale: jax.Array | float


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


def rates_of(p: Parameters, forcing: Forcing) -> Rates:
    """Rates for parameters under some weather."""
    rates = coefficients(p), turnover_rates(p, forcing), fire_rates(p, forcing)
    return Rates(*kept(rates))


def coefficients(p: Parameters) -> Coefficients:
    """Work out what parameters alone decide."""
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
        ),
    )
    return found


def decomposition_climate(p: Parameters, forcing: Forcing) -> jax.Array:
    """Factor of the weather on litter and soil rates, (time,)."""
    return turnover.decomposition_climate(
        forcing.warmth, forcing.wetness, p.temperature_sensitivity, p.moisture_sensitivity
    )


def turnover_rates(p: Parameters, forcing: Forcing) -> TurnoverRates:
    """Fractions of pools lost in every step."""
    climate = decomposition_climate(p, forcing)

    def lost(daily_rate: jax.Array | float) -> jax.Array:
        return turnover.fraction_lost(daily_rate, forcing.step_length, daily=forcing.daily)

    def pulse(*traits: jax.Array | float) -> jax.Array:
        return lost(phenology.pulse_rate(forcing.season, *traits))

    def steady(residence_time: jax.Array | float) -> jax.Array:
        return lost(turnover.daily_rate(residence_time))

    def weathered(residence_time: jax.Array | float) -> jax.Array:
        return lost(turnover.daily_rate(residence_time) * climate)

    return TurnoverRates(
        labile_released=pulse(p.leaf_onset_day, p.labile_release_period, p.labile_lifespan),
        foliage_lost=pulse(p.leaf_fall_day, p.leaf_fall_period, p.leaf_lifespan),
        root_lost=steady(p.root_residence_time),
        wood_lost=steady(p.wood_residence_time),
        litter_respired=weathered(p.litter_residence_time),
        litter_decomposed=weathered(p.litter_decomposition_time),
        som_respired=weathered(p.som_residence_time),
    )


def fire_rates(p: Parameters, forcing: Forcing) -> FireRates:
    """Rates of fire; empty where nothing burns."""
    if not forcing.fire:
        return FireRates({}, {})
    completeness = {
        "labile": p.ligneous_combustion,
        "foliage": p.foliar_combustion,
        "root": p.ligneous_combustion,
        "wood": p.ligneous_combustion,
        "litter": 0.5 * (p.foliar_combustion + p.ligneous_combustion),
        "som": p.dead_combustion,
    }
    burned = forcing.burned_fraction
    return FireRates(
        combusted={n: fire.combusted_fraction(burned, c) for n, c in completeness.items()},
        killed={
            name: fire.killed_fraction(burned, c, p.fire_resilience)
            for name, c in completeness.items()
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
