"""The posterior: priors as data, ecological constraints, the log density in named parts."""

from bayes_tbm.parameters import PriorLike
from bayes_tbm.posterior.density import LogDensity
from bayes_tbm.posterior.edcs import CONSTRAINTS, Constraint, as_constraints
from bayes_tbm.posterior.priors import resolve_priors

__all__ = [
    "CONSTRAINTS",
    "Constraint",
    "LogDensity",
    "PriorLike",
    "as_constraints",
    "resolve_priors",
]
