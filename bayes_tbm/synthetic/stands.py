"""Virtual boreal stands of known truth: a climate, parameters of a population, and what is seen.

The population, stated here and known to nobody who fits: every parameter of process is a draw of
its default prior with `SPREAD` of its width; wood residence time falls where winters are mild. The
stand regrows from its disturbance under its record's months, by the package's own model, and the
record begins at its age.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import jax
import numpy as np
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.model import Drivers, Pools, Trajectory, prepare, regrow, simulate
from bayes_tbm.model.derived import MATURE_AGE
from bayes_tbm.model.rates import initial_pools
from bayes_tbm.model.regrowth import (
    LIVE,
    MONTHS,
    OLDEST,
    age_in_season,
    at_age,
    canopy_closure,
    live_biomass,
)
from bayes_tbm.parameters import TABLE, Parameters, names_in
from bayes_tbm.plain import finite_number
from bayes_tbm.sites.site import Site
from bayes_tbm.synthetic.ladder import CLIMATES, Climate, monthly_weather
from bayes_tbm.synthetic.measurement import MEASUREMENTS, measure
from bayes_tbm.synthetic.twin import model_drivers, perfect_series
from bayes_tbm.units import DAYS_PER_YEAR, dry_matter_per_hectare

Series = NDArray[np.float64]
SPREAD = 0.6
"""Spread of the population over that of the default priors."""
THRESHOLD, STEEPNESS, MILD_FACTOR = -18.0, 1.5, 1.5
"""Turnover of wood rises by `MILD_FACTOR` where the coldest month is above about `THRESHOLD`."""
COLD_RESIDENCE, RESIDENCE_LOG_SD = 100.0, 0.25
"""Median wood residence time under cold winters [yr], and the scatter among stands."""
PRODUCTION, LEAF_AREA, BIOMASS = (250.0, 1500.0), (0.8, 6.0), (20.0, 350.0)
"""Stands are kept whose annual GPP [g C m-2], largest LAI and biomass at 150 yr [Mg ha-1] lie
within these, the range of boreal forests."""
MOST_DRAWS = 2000
"""Draws of the population of which one must be kept; of usual residence times one in 3 is."""
AGES = (40.0, 120.0)
"""Between which a stand's age at the start of the record lies [yr]."""


@dataclass(frozen=True, eq=False)
class VirtualStand:
    """A stand whose truth is known.

    Attributes
    ----------
    site
        Drivers and observations: GPP, NEE, ET, LAI, wood, soil carbon, monthly.
    truth
        What they were simulated from.
    age
        Years since the disturbance at the start of the record.
    coldest_month
        Mean temperature of the climate's coldest month [degC].
    live_biomass
        At every whole year since the disturbance [g C m-2], (year,).
    """

    site: Site
    truth: Parameters
    age: float
    coldest_month: float
    live_biomass: Series

    def biomass_at(self, age: Series | float) -> Series:
        """Return the true live biomass carbon at ages in years [g C m-2]."""
        return np.asarray(np.interp(age, np.arange(len(self.live_biomass)), self.live_biomass))


def virtual_stand(
    climate: str | Climate = "FI-Hyy",
    *,
    seed: int,
    years: int = 8,
    residence: float | None = None,
    ages: tuple[float, float] = AGES,
) -> VirtualStand:
    """Draw a stand of the population under a climate of the ladder, and observe it.

    Parameters
    ----------
    climate : str or Climate
        Key of `bayes_tbm.synthetic.ladder.CLIMATES`, or a climate.
    seed : int
        Of truth, weather and errors; stands of other climates need other seeds to be independent
        where climates are given as such (they share random numbers with ``FI-Hyy``, too).
    years : int
        Length of the record.
    residence : float, optional
        Wood residence time [yr]; by default drawn from the population, as all other parameters are.
    ages : tuple of float
        Between which the stand's age at the start of the record lies [yr].

    Raises
    ------
    InputError
        The residence time lies outside of its prior, or no stand of the population is boreal under
        this climate.
    """
    if residence is not None:
        residence = _plausible(residence)
    normals = CLIMATES[climate] if isinstance(climate, str) else climate
    label = climate if isinstance(climate, str) else f"{normals.coldest_month:.1f}"
    entropy = [seed, list(CLIMATES).index(climate)] if isinstance(climate, str) else [seed]
    spawned = np.random.SeedSequence(entropy).spawn(3)
    for_truth, for_weather, for_errors = map(np.random.default_rng, spawned)
    site = Site(
        name=f"stand-{label}-{seed}", latitude=normals.latitude, longitude=None,
        drivers=monthly_weather(for_weather, normals, years), observations={},
        source="bayes_tbm.synthetic.stands",
        notes=(f"virtual stand in a climate like {label}, seed {seed}",),
    )  # fmt: skip
    with jax.enable_x64(True):
        for _ in range(MOST_DRAWS):
            truth, age = _draw(for_truth, normals, residence, ages)
            grown, known, closed = _simulated(site, truth, age)
            if closed and _is_boreal(grown, known):
                break
        else:
            raise InputError(
                where="virtual_stand", rule=f"some stand of {MOST_DRAWS} must be that of a boreal "
                "forest", found="none under this climate, residence time and seed",
            )  # fmt: skip
    seen = measure(for_errors, MEASUREMENTS["monthly"], site.drivers["time"].values, known)
    observed = replace(site, observations=seen)
    return VirtualStand(observed, truth, age, normals.coldest_month, grown)


def _plausible(residence: float) -> float:
    """Refuse a residence time under which no forest stands."""
    low, high = TABLE["wood_residence_time"].prior.support
    number = finite_number(residence)
    if number is None or not low <= number <= high:
        raise InputError(
            where="virtual_stand", variable="residence",
            rule=f"must lie between {low:g} and {high:g} yr", found=repr(residence),
        )  # fmt: skip
    return number


def residence_time(coldest_month: float) -> float:
    """Median wood residence time of the population under such winters [yr]."""
    mild = 1.0 / (1.0 + np.exp(-(coldest_month - THRESHOLD) / STEEPNESS))
    return float(COLD_RESIDENCE / (1.0 + MILD_FACTOR * mild))


def _draw(
    rng: np.random.Generator, climate: Climate, residence: float | None, ages: tuple[float, float]
) -> tuple[Parameters, float]:
    free = [name for name in TABLE if name not in names_in("departure")]
    values = {
        name: float(TABLE[name].prior.from_normal(SPREAD * z))
        for name, z in zip(free, rng.standard_normal(len(free)), strict=True)
    }
    scatter = np.exp(RESIDENCE_LOG_SD * rng.standard_normal())
    drawn = residence_time(climate.coldest_month) * scatter
    values["wood_residence_time"] = drawn if residence is None else residence
    return Parameters.default(**values), age_in_season(float(rng.uniform(*ages)), 0.0)


def _simulated(site: Site, truth: Parameters, age: float) -> tuple[Series, dict[str, Series], bool]:
    """Live biomass by year of age, what a perfect instrument sees, whether the canopy closes."""
    months = model_drivers(site, site.record_months(), daily=False)
    record = model_drivers(site, site.drivers, daily=False)
    grown = _regrown(truth, months)
    run = jax.device_get(_over_record(truth, record, _at(grown, age)))
    closed = bool(canopy_closure(grown, run.pools.foliage.mean()) >= 1.0)
    return np.asarray(live_biomass(grown))[::MONTHS], perfect_series(run, truth), closed


def _at(grown: Pools, age: float) -> Pools:
    at: Pools = jax.tree.map(lambda pool: at_age(pool, age), grown)
    return at


@jax.jit
def _regrown(truth: Parameters, drivers: Drivers) -> Pools:
    return regrow(truth, prepare(drivers), OLDEST)


@jax.jit
def _over_record(truth: Parameters, drivers: Drivers, stand: Pools) -> Trajectory:
    """Run over the record of a stand that holds such live pools at its start."""
    live = {name: getattr(stand, name) for name in LIVE}
    return simulate(truth, drivers, start=replace(initial_pools(truth), **live))


def _is_boreal(grown: Series, known: Mapping[str, Series]) -> bool:
    """Whether a stand lies within the bounds of the population."""
    mature = float(dry_matter_per_hectare(grown[int(MATURE_AGE)]))
    values = (
        (float(known["gpp"].mean() * DAYS_PER_YEAR), PRODUCTION),
        (float(known["lai"].max()), LEAF_AREA),
        (mature, BIOMASS),
    )
    return all(low <= value <= high for value, (low, high) in values)
