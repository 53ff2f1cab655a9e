"""The time loop, twice: the fast path that inference uses, and one plain loop to hold it to.

Fast path: what no pool changes is computed for all steps at once; the loop carries the pools and
has a gradient of its own (`recurrence.evolve`); fluxes are recovered afterwards, so that what
nobody asks for is never computed. Both paths call the same step.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import jax

from bayes_tbm import native
from bayes_tbm.model.containers import Drivers, Pools, Sums, Trajectory, edges
from bayes_tbm.model.fluxes import fluxes_of
from bayes_tbm.model.forcing import Forcing, prepare
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
from bayes_tbm.model.steps import Exchange, step, step_at
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
    weather = native.Stacked.of(forcing)
    return simulate_stacked(native.Stacked.of(p), weather, form, start).trajectory


class Run(NamedTuple):
    """A simulation, and what of it has no time: pools at both ends and sums over steps, stacked."""

    start: native.Stacked
    end: native.Stacked
    sums: native.Stacked
    trajectory: Trajectory


def simulate_stacked(
    p: native.Stacked, weather: native.Stacked, form: WaterForm = SMOOTH, start: Pools | None = None
) -> Run:
    """Run the model; as `simulate`, for stacked parameters and forcing."""
    forcing: Forcing = weather.tree
    c, begin = native.fused(functools.partial(_prepared, fire=forcing.fire), p)
    begin = begin if start is None else native.Stacked.of(start, c.shape)
    forcing = beside_batch(forcing, c.shape)
    rates = rates_under(forcing, beside_time(c.tree))
    if native.is_available():  # a compiled loop computes a rate sooner than it fetches one
        run = evolve(functools.partial(_whole_step, form=form), begin, weather, c, ())
    else:
        series = along_time((rates.turnover, rates.fire), len(forcing.warmth), c.shape)
        run = evolve(functools.partial(step_at, form=form), begin, weather, c, series)
    trajectory = Trajectory(
        first=begin.tree,
        last=run.last.tree,
        pools=edges(run.before, run.last.tree),
        total=run.total.tree,
        steps=len(forcing.warmth),
        fluxes=fluxes_of(run.before, run.happened, rates, forcing, form),
    )
    return Run(begin, run.last, run.total, trajectory)


def _prepared(p: Parameters, *, fire: bool) -> tuple[Coefficients, Pools]:
    return coefficients(p, fire=fire), initial_pools(p)


def _whole_step(
    pools: Pools, weather: Forcing, c: Coefficients, _: Any, form: WaterForm
) -> tuple[Pools, Exchange, Sums]:
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

    def body(pools: Pools, now: dict[str, jax.Array]) -> tuple[Pools, Any]:
        here: dict[str, Any] = {**now, **constant}
        forcing = prepare(Drivers(**here))
        rates = rates_under(forcing, coefficients(p, fire=drivers.fire))
        after, exchange, sums = step(pools, forcing, rates, form)
        return after, (pools, fluxes_of(pools, exchange, rates, forcing, form), sums)

    first = initial_pools(p)
    last, (before, fluxes, sums) = jax.lax.scan(body, first, series)
    total = jax.tree.map(lambda each: each.sum(axis=0), sums)
    return Trajectory(
        pools=edges(before, last), first=first, last=last, total=total,
        steps=len(drivers.days), fluxes=fluxes,
    )  # fmt: skip
