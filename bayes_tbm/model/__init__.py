"""The model: named containers, one step, the time loop, regrowth from age 0, closure."""

from bayes_tbm.model.budget import carbon_imbalance, water_imbalance
from bayes_tbm.model.containers import Drivers, Fluxes, Pools, Sums, Trajectory
from bayes_tbm.model.forcing import Forcing, prepare
from bayes_tbm.model.regrowth import Cycle, Regrowth, regrow, regrow_stacked
from bayes_tbm.model.run_summary import RunSummary, not_stacked, summary_of
from bayes_tbm.model.simulate import SMOOTH, Run, simulate, simulate_plainly, simulate_stacked

__all__ = [
    "SMOOTH",
    "Cycle",
    "Drivers",
    "Fluxes",
    "Forcing",
    "Pools",
    "Regrowth",
    "Run",
    "RunSummary",
    "Sums",
    "Trajectory",
    "carbon_imbalance",
    "not_stacked",
    "prepare",
    "regrow",
    "regrow_stacked",
    "simulate",
    "simulate_plainly",
    "simulate_stacked",
    "summary_of",
    "water_imbalance",
]
