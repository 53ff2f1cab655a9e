"""A stand from its disturbance to maturity, under the record's months again and again.

The same parameters and the same step as the run over the record: what an old stand holds and how
fast a young one grows speak of the same allocation and turnover.
"""

from __future__ import annotations

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from bayes_tbm import native
from bayes_tbm.model.containers import Pools, edges
from bayes_tbm.model.forcing import Forcing
from bayes_tbm.model.rates import (
    Coefficients,
    along_time,
    beside_batch,
    beside_time,
    coefficients,
    initial_pools,
    rates_under,
)
from bayes_tbm.model.recurrence import evolve
from bayes_tbm.model.simulate import SMOOTH
from bayes_tbm.model.steps import step_at
from bayes_tbm.parameters import Parameters
from bayes_tbm.processes.water import WaterForm
from bayes_tbm.units import DAYS_PER_MONTH, DAYS_PER_YEAR

MONTHS = 12
OLDEST = 300
"""Age in years up to which a stand's regrowth is run and reported."""
CLOSED = 20
"""Age in years by which a stand's canopy has closed, see `canopy_closure`."""
_OF_THE_RECORD = 2.0 / 3.0
RECORD, MEAN_YEAR = "record", "mean year"
WEATHERS = {RECORD: 0.04, MEAN_YEAR: 0.09}
"""Weather that a stand can regrow under, with the error of ln biomass that each leaves: the root
mean square of ln GPP against that under the record, `benchmarks/regrowth_weather.py`."""
LIVE = ("labile", "foliage", "root", "wood")
"""Pools that a disturbance takes and that regrow; together they are live biomass."""


@dataclasses.dataclass(frozen=True, eq=False)
class Regrowth:
    """How a stand's regrowth is run.

    Attributes
    ----------
    climate
        Weather of the stand's life, whole years of months from January, which repeat.
    years
        Length of the run that is reported.
    weather
        What they are: `RECORD` or `MEAN_YEAR`.
    age
        Age in years at the start of the record, where it is known. The record's live pools then
        start from the regrowth's at that age.
    season
        Month of the year, from 0, in which the record begins.
    """

    climate: Forcing
    years: int
    age: float | None = None
    weather: str = RECORD
    season: int = 0

    @property
    def log_sd(self) -> float:
        """Error of the logarithm of biomass that the choice of weather leaves, common to all ages.

        From productivity under it against that over the record with the same parameters, see
        `WEATHERS`.
        """
        return WEATHERS[self.weather]


def regrow(p: Parameters, climate: Forcing, years: int, form: WaterForm = SMOOTH) -> Pools:
    """Grow a stand from its disturbance on; pure JAX.

    Parameters
    ----------
    p
        Parameter values, scalars or of a batch's shape.
    climate
        Weather, whole years of months from January, which repeat.
    years
        How long.
    form
        Corners of the water balance.

    Returns
    -------
    Pools
        At the edges of months, (12 years + 1, ...); batch last. Live pools begin at
        ``regrowth_*``, litter and soil at what they are at the start of the record (nothing alive
        depends on them), water at field capacity.
    """
    return regrow_stacked(native.Stacked.of(p), Cycle.of(climate, years), form)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Cycle:
    """Weather of a stand's life: some whole years again and again.

    Attributes
    ----------
    once
        Forcing of their months, stacked: members of shape (month of the cycle,).
    life
        Forcing of all months, likewise.
    """

    once: native.Stacked
    life: native.Stacked

    @classmethod
    def of(cls, climate: Forcing, years: int) -> Cycle:
        """Repeat a few years until there are so many."""
        once = native.Stacked.of(climate)
        life = once.like(repeated(once.array, MONTHS * years, axis=1))
        return cls(once.like(once.array[:, : MONTHS * years]), life)

    def instead_of_record(self, season: int, days: jax.Array) -> native.Stacked:
        """Return forcing of so many days from a month of the year on, in place of the record."""
        months = max(round(float(days) / DAYS_PER_MONTH), 1)
        begun = jnp.roll(self.once.array, -season, axis=1)
        return self.once.like(repeated(begun, months, axis=1))


def regrow_stacked(p: native.Stacked, weather: Cycle, form: WaterForm = SMOOTH) -> Pools:
    """Grow a stand; as `regrow`, for stacked parameters."""
    climate: Forcing = weather.once.tree
    c, start = native.fused(functools.partial(_prepared, fire=climate.fire), p)
    rates = rates_under(beside_batch(climate, c.shape), beside_time(c.tree))
    series = along_time((rates.turnover, rates.fire), weather.once.shape[0], c.shape)
    series = jax.tree.map(functools.partial(repeated, length=weather.life.shape[0]), series)
    run = evolve(functools.partial(step_at, form=form), start, weather.life, c, series)
    return edges(run.before, run.last.tree)


def _prepared(p: Parameters, *, fire: bool) -> tuple[Coefficients, Pools]:
    return coefficients(p, fire=fire), after_disturbance(p)


def after_disturbance(p: Parameters) -> Pools:
    """Pools just after the disturbance."""
    pools = initial_pools(p)
    shape = pools.wood.shape
    begun = {
        "labile": p.regrowth_labile, "foliage": p.regrowth_lai * p.leaf_carbon_per_area,
        "root": p.regrowth_root, "wood": p.regrowth_wood, "water": p.field_capacity,
    }  # fmt: skip
    spread = {name: jnp.broadcast_to(jnp.asarray(x), shape) for name, x in begun.items()}
    return dataclasses.replace(pools, **spread)


def departed(p: Parameters, regrowth: Pools) -> Pools:
    """Pools of a stand whose live pools differ from the regrowth's by ``exp(<pool>_departure)``."""
    shape = regrowth.wood.shape  # of a batch, over months or at one age
    factors = {
        name: jnp.broadcast_to(jnp.exp(getattr(p, f"{name}_departure")), shape) for name in LIVE
    }
    live = {name: getattr(regrowth, name) * factor for name, factor in factors.items()}
    return dataclasses.replace(regrowth, **live)


def start_at_age(p: Parameters, regrowth: Pools, age: ArrayLike) -> Pools:
    """Pools at the start of the record: the live ones of the stand at its age, else as stated."""
    stand = departed(p, jax.tree.map(lambda pool: at_age(pool, age), regrowth))
    return dataclasses.replace(initial_pools(p), **{name: getattr(stand, name) for name in LIVE})


def live_biomass(pools: Pools) -> jax.Array:
    """Carbon of all that lives, g C m-2."""
    return pools.labile + pools.foliage + pools.root + pools.wood


def canopy_closure(regrowth: Pools, foliage: jax.Array) -> jax.Array:
    """Mean foliage in the year before `CLOSED` over two thirds of ``foliage``, the record's."""
    year = regrowth.foliage[(CLOSED - 1) * MONTHS : CLOSED * MONTHS]
    return year.mean(axis=0) / (_OF_THE_RECORD * foliage)


def at_age(series: jax.Array, age: ArrayLike) -> jax.Array:
    """Values at ages in years, (age, ...), between the edges of months of a series, (month, ...).

    Ages count from the first of January after the disturbance; past the series' end it is extended.
    """
    place = jnp.asarray(age, series.dtype) * MONTHS
    first = jnp.minimum(place.astype(int), len(series) - 2)
    weight = (place - first.astype(place.dtype)).reshape(*place.shape, *(1,) * (series.ndim - 1))
    between: jax.Array = series[first] * (1.0 - weight) + series[first + 1] * weight
    return between


def age_in_season(age: float, first_day: float) -> float:
    """Positive age nearest to a given one that has the season of a day, counted from 2001-01-01.

    Pools swing with the year: a record that begins in July is tied to the regrowth in July.
    """
    season = (first_day / DAYS_PER_YEAR) % 1.0
    nearest = float(np.round(age - season) + season)
    return nearest if nearest > 0.0 else nearest + 1.0


def repeated(series: jax.Array, length: int, axis: int = 0) -> jax.Array:
    """Repeat a series along its months until it has a length."""
    times = [1] * series.ndim
    times[axis] = -(-length // series.shape[axis])
    return jax.lax.slice_in_dim(jnp.tile(series, times), 0, length, axis=axis)
