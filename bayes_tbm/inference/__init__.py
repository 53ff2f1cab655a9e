"""Inference: the log density in named parts, starts, sampling, results, diagnostics."""

from bayes_tbm.inference.calibration import Calibration
from bayes_tbm.inference.density import LogDensity
from bayes_tbm.inference.diagnostics import Gate, check_convergence, stream_skill
from bayes_tbm.inference.drivers import drivers_of
from bayes_tbm.inference.settings import Settings

__all__ = [
    "Calibration",
    "Gate",
    "LogDensity",
    "Settings",
    "check_convergence",
    "drivers_of",
    "stream_skill",
]
