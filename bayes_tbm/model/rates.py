"""Everything that a step needs and that no pool changes, computed for all steps at once."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from bayes_tbm.model.containers import Pools
from bayes_tbm.model.forcing import Forcing
from bayes_tbm.parameters import Parameters
from bayes_tbm.processes import fire, phenology, photosynthesis, turnover


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, kw_only=True)
class CanopyRates:
    """What labile carbon, foliage and water need; arrays of shape (time,).

    ``*_lost`` and ``labile_released`` are fractions of a pool over the step.
    """

    climate: photosynthesis.CanopyClimate
    carboxylation: jax.Array
    labile_released: jax.Array
    foliage_lost: jax.Array
    transpiration_per_gpp: jax.Array
    evaporation: jax.Array
    rain: jax.Array
    drainage_scale: jax.Array
    step_length: jax.Array


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, kw_only=True)
class SoilRates:
    """What roots, wood, litter and soil need: fractions of a pool over the step, (time,)."""

    root_lost: jax.Array
    wood_lost: jax.Array
    litter_respired: jax.Array
    litter_decomposed: jax.Array
    som_respired: jax.Array
    decomposition_climate: jax.Array


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class FireRates:
    """Fractions of each pool that burn and that die in a step, by pool; empty without fire."""

    combusted: dict[str, jax.Array]
    killed: dict[str, jax.Array]


def canopy_rates(p: Parameters, forcing: Forcing) -> CanopyRates:
    """Rates of the pools that feed back on photosynthesis."""
    release = phenology.pulse_rate(
        forcing.season, p.leaf_onset_day, p.labile_release_period, p.labile_lifespan
    )
    fall = phenology.pulse_rate(
        forcing.season, p.leaf_fall_day, p.leaf_fall_period, p.leaf_lifespan
    )
    return CanopyRates(
        climate=forcing.canopy,
        carboxylation=p.canopy_efficiency * forcing.canopy.carboxylation,
        labile_released=turnover.fraction_lost(release, forcing.step_length, daily=forcing.daily),
        foliage_lost=turnover.fraction_lost(fall, forcing.step_length, daily=forcing.daily),
        transpiration_per_gpp=forcing.root_vpd / p.underlying_water_use_efficiency,
        evaporation=forcing.shortwave * p.radiative_evaporation,
        rain=forcing.rain,
        drainage_scale=p.drainage_storage**2 / forcing.step_length,
        step_length=forcing.step_length,
    )


def soil_rates(p: Parameters, forcing: Forcing) -> SoilRates:
    """Rates of the pools that only follow."""
    climate = turnover.decomposition_climate(
        forcing.warmth, forcing.wetness, p.temperature_sensitivity, p.moisture_sensitivity
    )

    def lost(residence_time: jax.Array | float, factor: jax.Array) -> jax.Array:
        rate = turnover.daily_rate(residence_time) * factor
        return turnover.fraction_lost(rate, forcing.step_length, daily=forcing.daily)

    constant = jnp.ones_like(climate)
    return SoilRates(
        root_lost=lost(p.root_residence_time, constant),
        wood_lost=lost(p.wood_residence_time, constant),
        litter_respired=lost(p.litter_residence_time, climate),
        litter_decomposed=lost(p.litter_decomposition_time, climate),
        som_respired=lost(p.som_residence_time, climate),
        decomposition_climate=climate,
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
    return Pools(
        labile=jnp.asarray(p.initial_labile),
        foliage=jnp.asarray(p.initial_lai * p.leaf_carbon_per_area),
        root=jnp.asarray(p.initial_root),
        wood=jnp.asarray(p.initial_wood),
        litter=jnp.asarray(p.initial_litter),
        som=jnp.asarray(p.initial_som),
        water=jnp.asarray(p.initial_saturation * p.field_capacity),
    )
