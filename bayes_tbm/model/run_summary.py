"""What ecological constraints see of a simulation: numbers, not series."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax

from bayes_tbm.model.containers import Pools, Sums, Trajectory
from bayes_tbm.model.forcing import Forcing
from bayes_tbm.model.regrowth import CLOSED, MONTHS, canopy_closure

_BURNING = ("labile", "foliage", "root", "wood", "litter")


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunSummary:
    """A simulation without its course over time.

    Attributes
    ----------
    first, last
        Pools at the start of the first step and at the end of the last.
    total
        Sums over steps.
    steps
        How many.
    combusted, killed
        Carbon that fire burnt of each pool and made litter or soil, over the record, g C m-2; empty
        where nothing burns.
    closure
        `regrowth.canopy_closure`, where the stand's regrowth was run as far.
    """

    first: Pools
    last: Pools
    total: Sums
    steps: int
    combusted: dict[str, jax.Array]
    killed: dict[str, jax.Array]
    closure: jax.Array | None

    def mean(self, pool: str) -> jax.Array:
        """Mean of the labile, foliage or root pool over the edges of steps, g C m-2."""
        return mean_pool(pool, self.last, self.total, self.steps)

    def change(self, pool: str) -> jax.Array:
        """Return what a pool gained in all over the record, g C m-2."""
        change: jax.Array = getattr(self.last, pool) - getattr(self.first, pool)
        return change


def mean_pool(pool: str, last: Pools, total: Sums, steps: int) -> jax.Array:
    """Mean of the labile, foliage or root pool over the edges of steps, g C m-2."""
    mean: jax.Array = (getattr(total, pool) + getattr(last, pool)) / (steps + 1)
    return mean


def summary_of(run: Trajectory, forcing: Forcing) -> RunSummary:
    """Summarise a simulation under some weather; time first, a batch last."""
    rest = not_stacked(run, forcing)
    return RunSummary(first=run.first, last=run.last, total=run.total, steps=run.steps, **rest)


def not_stacked(run: Trajectory, forcing: Forcing) -> dict[str, Any]:
    """Make the part of a run's summary that the loop over time does not return itself.

    The pools at both ends and the sums over steps come from the loop, stacked into one array each,
    as machine code takes them. What is made here comes from the series of fluxes and from the
    regrowth, and only where something burns or a stand regrows: mostly it is empty.

    Parameters
    ----------
    run
        Simulation; time first, a batch last.
    forcing
        Weather that it ran under.

    Returns
    -------
    dict
        Fields of `RunSummary` by name: ``combusted`` and ``killed``, g C m-2 over the record by
        pool, empty without fire; ``closure``, of the batch's shape, None without a regrowth of
        twenty years.
    """
    burnt = {
        kind: {
            pool: forcing.step_length @ getattr(run.fluxes, f"{pool}_{name}") for pool in _BURNING
        }
        if forcing.fire
        else {}
        for kind, name in (("combusted", "combustion"), ("killed", "mortality"))
    }
    closure = None
    if run.regrowth is not None and len(run.regrowth.foliage) > CLOSED * MONTHS:
        foliage = mean_pool("foliage", run.last, run.total, run.steps)
        closure = canopy_closure(run.regrowth, foliage)
    return {**burnt, "closure": closure}
