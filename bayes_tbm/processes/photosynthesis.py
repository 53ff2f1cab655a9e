"""Gross primary production: the aggregated canopy model (ACM).

Williams et al. (1997), with the coefficients used by the DALEC family. Written so that nothing
is 0/0 without leaves or without light: the light limit and the diffusion limit both carry a
factor LAI, which is taken out before the two are combined.
"""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from bayes_tbm.processes.elementwise import elementwise

LIGHT_USE = 7.19298  # maximum light use of the canopy, g C MJ-1
LAI_HALF_SATURATION = 2.1001  # LAI squared at which light use is half its maximum
COMPENSATION_POINT = 4.22273  # CO2 compensation point, ppm
HALF_SATURATION = 208.868  # half-saturation of carboxylation against CO2, ppm
TEMPERATURE_RESPONSE = 0.011136  # of carboxylation, degC-1
LEAF_WATER_POTENTIAL = 2.0  # size of the leaf-soil water potential difference, MPa
CONDUCTANCE_EXPONENT = 0.789798
HYDRAULIC_TERM = 0.37836  # hydraulic coefficient times hydraulic resistance
DAYLENGTH_SLOPE, DAYLENGTH_INTERCEPT = 0.0156935, 0.0453194


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class CanopyClimate:
    """What GPP needs of the weather, for each step; built by `canopy_climate`.

    The day-length factor of the model multiplies the harmonic combination of both limits,
    so it is put into each of them here.
    """

    light: jax.Array
    diffusion: jax.Array
    carboxylation: jax.Array
    co2: jax.Array


def day_length(latitude: jax.Array | float, day_of_year: jax.Array) -> jax.Array:
    """Day length in hours: 0 in the polar night, 24 under the midnight sun."""
    declination = -jnp.deg2rad(23.4) * jnp.cos(jnp.deg2rad(360.0 * (day_of_year + 10.0) / 365.0))
    cosine = -jnp.tan(jnp.deg2rad(latitude)) * jnp.tan(declination)
    return 24.0 / jnp.pi * jnp.arccos(jnp.clip(cosine, -1.0, 1.0))


def canopy_climate(
    t_min: jax.Array,
    t_max: jax.Array,
    shortwave: jax.Array,
    co2: jax.Array,
    day_of_year: jax.Array,
    latitude: jax.Array | float,
) -> CanopyClimate:
    """Collect the parts of the canopy model that depend on the weather alone.

    Parameters
    ----------
    t_min, t_max
        Daily minimum and maximum temperature, degC.
    shortwave
        Incoming shortwave radiation, MJ m-2 d-1.
    co2
        CO2 mole fraction, ppm.
    day_of_year
        Day of year.
    latitude
        Degrees north.
    """
    conductance = LEAF_WATER_POTENTIAL**CONDUCTANCE_EXPONENT / (
        HYDRAULIC_TERM + 0.5 * (t_max - t_min)
    )
    day = DAYLENGTH_SLOPE * day_length(latitude, day_of_year) + DAYLENGTH_INTERCEPT
    return CanopyClimate(
        light=shortwave * day,
        diffusion=conductance * day,
        carboxylation=jnp.exp(TEMPERATURE_RESPONSE * t_max) / conductance,
        co2=co2,
    )


@elementwise
def gross_primary_production(
    lai: jax.Array, carboxylation: jax.Array, climate: CanopyClimate
) -> jax.Array:
    """GPP without water stress, g C m-2 d-1.

    Parameters
    ----------
    lai
        Leaf area index, m2 m-2.
    carboxylation
        Canopy efficiency times ``climate.carboxylation``: carboxylation per leaf area, ppm.
    climate
        From `canopy_climate`.

    Notes
    -----
    The CO2 deficit inside the leaf, ``x = Ca - Ci``, is the smaller root of
    ``x^2 - (Ca + p - q) x + p (Ca - compensation) = 0``, in the form without cancellation. Both
    limits are kept as fractions, so that one division serves for them and their combination.
    """
    excess = climate.co2 - COMPENSATION_POINT
    b = climate.co2 + lai * carboxylation - (COMPENSATION_POINT - HALF_SATURATION)
    deficit_over = b + jnp.sqrt(b * b - 4.0 * lai * carboxylation * excess)
    diffusion = 2.0 * climate.diffusion * carboxylation * excess
    light = LIGHT_USE * lai * climate.light
    light_over = LAI_HALF_SATURATION + lai * lai
    return lai * light * diffusion / (light * deficit_over + diffusion * light_over)
