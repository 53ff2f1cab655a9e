"""The model: named containers, one step, the time loop, regrowth from age 0, closure."""

from bayes_tbm.model.budget import carbon_imbalance, water_imbalance
from bayes_tbm.model.containers import Drivers, Fluxes, Pools, Trajectory
from bayes_tbm.model.forcing import Forcing, prepare
from bayes_tbm.model.regrowth import Regrowth, regrow
from bayes_tbm.model.simulate import SMOOTH, simulate, simulate_plainly

__all__ = [
    "SMOOTH",
    "Drivers",
    "Fluxes",
    "Forcing",
    "Pools",
    "Regrowth",
    "Trajectory",
    "carbon_imbalance",
    "prepare",
    "regrow",
    "simulate",
    "simulate_plainly",
    "water_imbalance",
]
