"""What the model reads and writes, by name: drivers, pools, fluxes, trajectory."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, kw_only=True)
class Drivers:
    """Weather and calendar for every step; arrays of shape (time,) unless stated.

    Attributes
    ----------
    days
        Days since 2001-01-01, middle of the step (the clock of phenology).
    t_min, t_max
        degC.
    shortwave
        MJ m-2 d-1.
    co2
        ppm.
    day_of_year
        1 to 366.
    burned_fraction
        Burnt fraction of the area in the step.
    vpd
        hPa.
    precipitation
        mm d-1.
    step_length
        d.
    latitude
        Scalar, degrees north.
    reference_temperature, reference_precipitation
        Scalars: record means, degC and mm d-1, at which decomposition runs at its stated rate.
    fire, daily
        Whether anything burns at all, and whether every step is one day; static, so that a site
        pays nothing for what it does not need.
    """

    days: jax.Array
    t_min: jax.Array
    t_max: jax.Array
    shortwave: jax.Array
    co2: jax.Array
    day_of_year: jax.Array
    burned_fraction: jax.Array
    vpd: jax.Array
    precipitation: jax.Array
    step_length: jax.Array
    latitude: jax.Array
    reference_temperature: jax.Array
    reference_precipitation: jax.Array
    fire: bool = dataclasses.field(default=False, metadata={"static": True})
    daily: bool = dataclasses.field(default=False, metadata={"static": True})


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, kw_only=True)
class Pools:
    """Carbon pools in g C m-2 and root-zone water in mm."""

    labile: jax.Array
    foliage: jax.Array
    root: jax.Array
    wood: jax.Array
    litter: jax.Array
    som: jax.Array
    water: jax.Array


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, kw_only=True)
class Fluxes:
    """What happened in each step: carbon in g C m-2 d-1, water in mm d-1, the rest unitless.

    Fire names: ``*_combustion`` goes to the air, ``*_mortality`` to litter (labile, foliage, root)
    or soil (wood, litter). NEE is positive to the air, without fire. ``lai`` is that at the
    start of the step, ``mean_lai`` the mean of start and end.
    """

    gpp: jax.Array
    autotrophic_respiration: jax.Array
    nee: jax.Array
    foliage_allocation: jax.Array
    labile_allocation: jax.Array
    root_allocation: jax.Array
    wood_allocation: jax.Array
    labile_release: jax.Array
    foliage_litterfall: jax.Array
    root_litterfall: jax.Array
    wood_litterfall: jax.Array
    litter_respiration: jax.Array
    litter_decomposition: jax.Array
    som_respiration: jax.Array
    labile_combustion: jax.Array
    foliage_combustion: jax.Array
    root_combustion: jax.Array
    wood_combustion: jax.Array
    litter_combustion: jax.Array
    som_combustion: jax.Array
    labile_mortality: jax.Array
    foliage_mortality: jax.Array
    root_mortality: jax.Array
    wood_mortality: jax.Array
    litter_mortality: jax.Array
    evapotranspiration: jax.Array
    drainage: jax.Array
    lai: jax.Array
    mean_lai: jax.Array
    water_stress: jax.Array
    decomposition_climate: jax.Array

    @property
    def npp(self) -> jax.Array:
        """Net primary production."""
        return self.gpp - self.autotrophic_respiration

    @property
    def heterotrophic_respiration(self) -> jax.Array:
        """Respiration of litter and soil."""
        return self.litter_respiration + self.som_respiration

    @property
    def ecosystem_respiration(self) -> jax.Array:
        """RECO: autotrophic and heterotrophic respiration."""
        return self.autotrophic_respiration + self.heterotrophic_respiration

    @property
    def combustion(self) -> jax.Array:
        """Carbon burnt from all pools."""
        return (
            self.labile_combustion
            + self.foliage_combustion
            + self.root_combustion
            + self.wood_combustion
            + self.litter_combustion
            + self.som_combustion
        )

    @property
    def nbe(self) -> jax.Array:
        """Net biome exchange: NEE and combustion."""
        return self.nee + self.combustion


class Sums(NamedTuple):
    """What constraints want to know of the whole record: sums over steps.

    Pools at the starts of steps in g C m-2; GPP and litter respiration in g C m-2 a step.
    """

    labile: jax.Array
    foliage: jax.Array
    root: jax.Array
    gpp: jax.Array
    litter_respiration: jax.Array


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, kw_only=True)
class Trajectory:
    """A simulation.

    Attributes
    ----------
    pools
        At the edges of steps, (time + 1,).
    first, last
        Pools at the start of the first step and at the end of the last: their gradients cost less
        than those of the ends of ``pools``.
    total
        Sums over steps.
    steps
        How many steps.
    fluxes
        Over steps, (time,).
    regrowth
        Pools of the stand at the edges of months since its disturbance, (month + 1,), where that
        was run too.
    regrowth_gpp
        Mean GPP of the record's stand had it lived under the regrowth's weather, g C m-2 d-1,
        likewise.
    """

    pools: Pools
    first: Pools
    last: Pools
    total: Sums
    steps: int = dataclasses.field(metadata={"static": True})
    fluxes: Fluxes
    regrowth: Pools | None = None
    regrowth_gpp: jax.Array | None = None


def edges(before: Pools, last: Pools) -> Pools:
    """Pools at the edges of steps, (time + 1, ...), from those before each step and the last."""
    joined: Pools = jax.tree.map(
        lambda rest, one: jnp.concatenate([rest, jnp.asarray(one, rest.dtype)[None]]), before, last
    )
    return joined
