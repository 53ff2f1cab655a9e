"""The time loop, twice: the fast path that inference uses, and one plain loop to hold it to.

Fast path: what no pool changes is computed for all steps at once; the first loop carries only
labile carbon, foliage and water, which feed back on photosynthesis; roots, wood, litter and soil
follow in a second, linear loop; fluxes are recovered afterwards, so that what nobody asks for is
never computed. Both paths call the same process functions.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from bayes_tbm.model.containers import Drivers, Pools, Trajectory
from bayes_tbm.model.fluxes import fluxes_of
from bayes_tbm.model.forcing import Forcing, prepare
from bayes_tbm.model.rates import canopy_rates, fire_rates, initial_pools, soil_rates
from bayes_tbm.model.recurrence import evolve
from bayes_tbm.model.steps import Canopy, Soil, canopy_step, soil_step
from bayes_tbm.parameters import Parameters
from bayes_tbm.processes.water import WaterForm

SMOOTH = WaterForm()


def simulate(p: Parameters, drivers: Drivers | Forcing, form: WaterForm = SMOOTH) -> Trajectory:
    """Run the model; pure JAX, for scalars in ``p`` (use `jax.vmap` for many sets).

    Parameters
    ----------
    p
        Parameter values.
    drivers
        Weather and calendar, (time,), or the forcing that `prepare` made of them.
    form
        Corners of the water balance: smooth by default, or `processes.water.REFERENCE`.

    Returns
    -------
    Trajectory
        Pools at the edges of steps and fluxes over steps.
    """
    forcing = prepare(drivers) if isinstance(drivers, Drivers) else drivers
    first = initial_pools(p)
    canopy_now, soil_now, burn = rates = (
        canopy_rates(p, forcing), soil_rates(p, forcing), fire_rates(p, forcing),
    )  # fmt: skip

    def advance_canopy(pools: Any, now: Any, p: Any) -> Any:
        rates, burn = now
        return tuple(canopy_step(Canopy(*pools), rates, burn, p, form)[0])

    def advance_soil(pools: Any, now: Any, p: Any) -> Any:
        inputs, rates, burn = now
        return tuple(soil_step(Soil(*pools), inputs, rates, burn, p))

    canopy_start = (first.labile, first.foliage, first.water)
    canopy = Canopy(*evolve(advance_canopy, canopy_start, (canopy_now, burn), p))
    before = Canopy(*(pool[:-1] for pool in canopy))
    _, exchange, inputs = canopy_step(before, canopy_now, burn, p, form)
    soil_start = (first.root, first.wood, first.litter, first.som)
    soil = Soil(*evolve(advance_soil, soil_start, (inputs, soil_now, burn), p))
    pools = Pools(**canopy._asdict(), **soil._asdict())
    starts = jax.tree.map(lambda pool: pool[:-1], pools)
    return Trajectory(pools=pools, fluxes=fluxes_of(starts, exchange, rates, p, form))


def simulate_plainly(p: Parameters, drivers: Drivers, form: WaterForm = SMOOTH) -> Trajectory:
    """Run the model as one loop over whole steps: slow, and easy to check against the equations.

    Same result as `simulate`, and differentiable in any mode.
    """
    constant: dict[str, Any] = {
        "latitude": drivers.latitude,
        "reference_temperature": drivers.reference_temperature,
        "reference_precipitation": drivers.reference_precipitation,
        "fire": drivers.fire,
        "daily": drivers.daily,
    }
    series = {name: value for name, value in vars(drivers).items() if name not in constant}

    def body(pools: Pools, now: dict[str, jax.Array]) -> tuple[Pools, tuple[Pools, Any]]:
        here: dict[str, Any] = {**now, **constant}
        forcing = prepare(Drivers(**here))
        rates = canopy_rates(p, forcing), soil_rates(p, forcing), fire_rates(p, forcing)
        canopy = Canopy(pools.labile, pools.foliage, pools.water)
        soil = Soil(pools.root, pools.wood, pools.litter, pools.som)
        canopy, exchange, inputs = canopy_step(canopy, rates[0], rates[2], p, form)
        soil = soil_step(soil, inputs, rates[1], rates[2], p)
        fluxes = fluxes_of(pools, exchange, rates, p, form)
        after = Pools(**canopy._asdict(), **soil._asdict())
        return after, (after, fluxes)

    first = initial_pools(p)
    _, (after, fluxes) = jax.lax.scan(body, first, series)
    pools = jax.tree.map(
        lambda one, rest: jnp.concatenate([jnp.asarray(one, rest.dtype)[None], rest]), first, after
    )
    return Trajectory(pools=pools, fluxes=fluxes)
