"""The time loop, twice: the fast path that inference uses, and one plain loop to hold it to.

Fast path: what no pool changes is computed for all steps at once; the loop carries the pools and
has a gradient of its own (`recurrence.evolve`); fluxes are recovered afterwards, so that what
nobody asks for is never computed. Both paths call the same step.
"""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp

from bayes_tbm import native
from bayes_tbm.model.containers import Drivers, Pools, Trajectory
from bayes_tbm.model.fluxes import fluxes_of
from bayes_tbm.model.forcing import Forcing, prepare
from bayes_tbm.model.rates import Coefficients, coefficients, initial_pools, rates_under
from bayes_tbm.model.recurrence import evolve
from bayes_tbm.model.steps import Exchange, step
from bayes_tbm.parameters import Parameters
from bayes_tbm.processes.water import WaterForm

SMOOTH = WaterForm()


def simulate(
    p: Parameters,
    drivers: Drivers | Forcing,
    form: WaterForm = SMOOTH,
    start: Pools | None = None,
) -> Trajectory:
    """Run the model; pure JAX.

    Parameters
    ----------
    p
        Parameter values, scalars or of a batch's shape. Time comes first and the batch last in all
        that is returned: that is the fast way to run many sets on one processor.
    drivers
        Weather and calendar, (time,), or the forcing that `prepare` made of them.
    form
        Corners of the water balance: smooth by default, or `processes.water.REFERENCE`.
    start
        Pools before the first step, of the batch's shape; by default those of the parameters.

    Returns
    -------
    Trajectory
        Pools at the edges of steps, (time + 1, ...), and fluxes over steps, (time, ...).
    """
    forcing = prepare(drivers) if isinstance(drivers, Drivers) else drivers
    start = initial_pools(p) if start is None else start
    batch = start.wood.ndim
    forcing = jax.tree.map(lambda x: x.reshape(-1, *(1,) * batch) if x.ndim else x, forcing)
    c = coefficients(p, fire=forcing.fire)
    rates = rates_under(forcing, c)
    # A compiled loop computes a rate sooner than it fetches one.
    advance = _whole_step if native.is_available() else step
    static = functools.partial(advance, form=form)
    before, last, exchange = evolve(static, start, forcing, c if advance is _whole_step else rates)
    pools = jax.tree.map(lambda rest, one: jnp.concatenate([rest, one[None]]), before, last)
    return Trajectory(pools=pools, fluxes=fluxes_of(before, exchange, rates, forcing, form))


def _whole_step(
    pools: Pools, weather: Forcing, c: Coefficients, form: WaterForm
) -> tuple[Pools, Exchange]:
    """Advance by one step, rates under its weather included."""
    return step(pools, weather, rates_under(weather, c), form)


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
        rates = rates_under(forcing, coefficients(p, fire=drivers.fire))
        after, exchange = step(pools, forcing, rates, form)
        return after, (after, fluxes_of(pools, exchange, rates, forcing, form))

    first = initial_pools(p)
    _, (after, fluxes) = jax.lax.scan(body, first, series)
    pools = jax.tree.map(
        lambda one, rest: jnp.concatenate([jnp.asarray(one, rest.dtype)[None], rest]), first, after
    )
    return Trajectory(pools=pools, fluxes=fluxes)
