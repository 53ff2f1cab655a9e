"""Bayesian inference on a differentiable terrestrial biosphere model."""

from bayes_tbm.calibration import Calibration
from bayes_tbm.catalogue.open import open_site, site_names
from bayes_tbm.constraint import SetGains, constraint, constraint_table, set_gains, verdict
from bayes_tbm.errors import ConvergenceWarning, DataWarning, InputError
from bayes_tbm.forward import simulate
from bayes_tbm.parameters import (
    TABLE,
    BoundedLogNormal,
    Fixed,
    LogitNormal,
    LogNormal,
    LogUniform,
    Normal,
    Parameters,
    Uniform,
    from_dalec,
    to_dalec,
)
from bayes_tbm.results.diagnostics import check_convergence, stream_skill
from bayes_tbm.sampling.settings import Settings
from bayes_tbm.sites import Observations, Site
from bayes_tbm.streams import (
    STREAMS,
    AlongAge,
    Autoregressive,
    Balanced,
    Gaussian,
    GrowthCurve,
    LogNormalErrors,
    Stock,
    Stream,
    StudentT,
)
from bayes_tbm.studies import Comparison, PriorRefits, compare, sensitivity
from bayes_tbm.version import __version__ as __version__

__all__ = [
    "STREAMS",
    "TABLE",
    "AlongAge",
    "Autoregressive",
    "Balanced",
    "BoundedLogNormal",
    "Calibration",
    "Comparison",
    "ConvergenceWarning",
    "DataWarning",
    "Fixed",
    "Gaussian",
    "GrowthCurve",
    "InputError",
    "LogNormal",
    "LogNormalErrors",
    "LogUniform",
    "LogitNormal",
    "Normal",
    "Observations",
    "Parameters",
    "PriorRefits",
    "SetGains",
    "Settings",
    "Site",
    "Stock",
    "Stream",
    "StudentT",
    "Uniform",
    "check_convergence",
    "compare",
    "constraint",
    "constraint_table",
    "from_dalec",
    "open_site",
    "sensitivity",
    "set_gains",
    "simulate",
    "site_names",
    "stream_skill",
    "to_dalec",
    "verdict",
]
