"""The model: named containers, one step, the time loop, closure."""

from bayes_tbm.model.budget import carbon_imbalance, water_imbalance
from bayes_tbm.model.containers import Drivers, Fluxes, Pools, Trajectory
from bayes_tbm.model.forcing import Forcing, prepare
from bayes_tbm.model.simulate import SMOOTH, simulate, simulate_plainly

__all__ = [
    "SMOOTH",
    "Drivers",
    "Fluxes",
    "Forcing",
    "Pools",
    "Trajectory",
    "carbon_imbalance",
    "prepare",
    "simulate",
    "simulate_plainly",
    "water_imbalance",
]
