"""Quantities people ask for that follow from parameters and a run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp

from bayes_tbm.model.containers import Trajectory
from bayes_tbm.model.forcing import Forcing
from bayes_tbm.model.regrowth import MONTHS, at_age, live_biomass
from bayes_tbm.parameters import Parameters, allocation_shares
from bayes_tbm.units import CARBON_FRACTION, DAYS_PER_YEAR, GRAMS_PER_M2_IN_MEGAGRAMS_PER_HA

MATURE_AGE = 150.0
"""Age in years at which mature biomass is stated."""


@dataclasses.dataclass(frozen=True)
class Derived:
    """One derived quantity: name, unit, meaning, function of parameters, run and forcing."""

    name: str
    unit: str
    meaning: str
    value: Callable[[Parameters, Trajectory, Forcing], jax.Array]


def share_of_year(forcing: Forcing) -> jax.Array:
    """Weight of each step in a mean over the year, (time,).

    Months of the year count alike, however often the record has each; where it lacks some, steps
    count by their length.
    """
    sine, cosine, length = forcing.season.sine, forcing.season.cosine, forcing.step_length
    turn = jnp.arctan2(2.0 * sine * cosine, cosine**2 - sine**2) / (2.0 * jnp.pi)
    month = jnp.floor(MONTHS * turn).astype(int) % MONTHS
    total = jnp.zeros(MONTHS, length.dtype).at[month].add(length)
    alike = length / (MONTHS * jnp.where(total > 0.0, total, 1.0)[month])
    return jnp.where(jnp.all(total > 0.0), alike, length / jnp.sum(length))


def mean_of_year(flux: jax.Array, forcing: Forcing) -> jax.Array:
    """Mean over the year of what is stated by step; see `share_of_year`."""
    return jnp.sum(flux * share_of_year(forcing))


def _per_year(flux: jax.Array, forcing: Forcing) -> jax.Array:
    """Mean annual sum of a flux in units of d-1."""
    return mean_of_year(flux, forcing) * DAYS_PER_YEAR


def live_biomass_at(age: float, p: Parameters, run: Trajectory, forcing: Forcing) -> jax.Array:
    """Live biomass of a stand of some age in Mg dry matter ha-1, were its NPP that of the record.

    Wood grows from nothing as a linear pool, ``I tau (1 - exp(-age / tau))`` with the record's
    mean input ``I``; foliage, labile and roots are taken at their record means. Carbon fraction
    `bayes_tbm.units.CARBON_FRACTION`.
    """
    tau = p.wood_residence_time
    wood = _per_year(run.fluxes.wood_allocation, forcing) * tau * -jnp.expm1(-age / tau)
    pools = run.pools.labile + run.pools.foliage + run.pools.root
    others = mean_of_year(0.5 * (pools[:-1] + pools[1:]), forcing)
    return (wood + others) / (CARBON_FRACTION * GRAMS_PER_M2_IN_MEGAGRAMS_PER_HA)


def mature_biomass(p: Parameters, run: Trajectory, forcing: Forcing) -> jax.Array:
    """Live biomass at `MATURE_AGE` of the stand that regrows, Mg dry matter ha-1."""
    if run.regrowth is None:
        raise ValueError("mature biomass needs the regrowth run")
    carbon = live_biomass(jax.tree.map(lambda pool: at_age(pool, MATURE_AGE), run.regrowth))
    return carbon / (CARBON_FRACTION * GRAMS_PER_M2_IN_MEGAGRAMS_PER_HA)


def regrowth_productivity(run: Trajectory, forcing: Forcing) -> jax.Array:
    """GPP of the record's stand under the regrowth's weather over that under its own."""
    if run.regrowth_gpp is None:
        raise ValueError("the regrowth's productivity needs the regrowth run")
    return run.regrowth_gpp / mean_of_year(run.fluxes.gpp, forcing)


DERIVED = (
    Derived("allocation_foliage", "1", "share of NPP given straight to foliage",
            lambda p, run, f: jnp.asarray(allocation_shares(p).foliage)),
    Derived("allocation_labile", "1", "share of NPP given to the labile pool",
            lambda p, run, f: jnp.asarray(allocation_shares(p).labile)),
    Derived("allocation_root", "1", "share of NPP given to fine roots",
            lambda p, run, f: jnp.asarray(allocation_shares(p).root)),
    Derived("carbon_use_efficiency", "1", "NPP over GPP",
            lambda p, run, f: 1.0 - jnp.asarray(p.autotrophic_fraction)),
    Derived("gpp_annual", "g C m-2 yr-1", "mean annual GPP",
            lambda p, run, f: _per_year(run.fluxes.gpp, f)),
    Derived("npp_annual", "g C m-2 yr-1", "mean annual NPP",
            lambda p, run, f: _per_year(run.fluxes.npp, f)),
    Derived("nee_annual", "g C m-2 yr-1", "mean annual NEE, positive to the air",
            lambda p, run, f: _per_year(run.fluxes.nee, f)),
    Derived("wood_production", "g C m-2 yr-1", "mean annual NPP given to wood",
            lambda p, run, f: _per_year(run.fluxes.wood_allocation, f)),
    Derived("wood_increment", "g C m-2 yr-1", "mean annual change of wood over the record",
            lambda p, run, f: (run.last.wood - run.first.wood)
            / jnp.sum(f.step_length) * DAYS_PER_YEAR),
    Derived("biomass_equilibrium", "Mg ha-1",
            "live dry biomass at equilibrium with the record's NPP and no fire (carbon 0.47)",
            lambda p, run, f: live_biomass_at(jnp.inf, p, run, f)),
    Derived("biomass_at_150", "Mg ha-1",
            "live dry biomass at age 150 yr under the record's NPP and no fire (carbon 0.47)",
            lambda p, run, f: live_biomass_at(MATURE_AGE, p, run, f)),
)  # fmt: skip
OF_REGROWTH = (
    Derived("regrowth_productivity", "1",
            "GPP under the weather that the stand regrows under, over that of the record",
            lambda p, run, f: regrowth_productivity(run, f)),
    Derived("mature_biomass", "Mg ha-1",
            "live dry biomass at age 150 yr of the stand that regrows (carbon fraction 0.47)",
            mature_biomass),
)  # fmt: skip
OF_TIE = (
    Derived("initial_lai", "m2 m-2", "LAI at the start, from the regrowth at the stand's age",
            lambda p, run, f: run.first.foliage / p.leaf_carbon_per_area),
    Derived("initial_labile", "g C m-2", "labile carbon at the start, likewise",
            lambda p, run, f: run.first.labile),
    Derived("initial_root", "g C m-2", "fine-root carbon at the start, likewise",
            lambda p, run, f: run.first.root),
    Derived("initial_wood", "g C m-2", "wood carbon at the start, likewise",
            lambda p, run, f: run.first.wood),
)  # fmt: skip


def derived_with(*, regrowth: bool, tied: bool) -> tuple[Derived, ...]:
    """Return the derived quantities of a calibration with a regrowth run, or a start tied to it."""
    return DERIVED + OF_REGROWTH * regrowth + OF_TIE * tied
