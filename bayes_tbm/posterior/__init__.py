"""The posterior: priors as data, ecological constraints, the log density in named parts."""

from bayes_tbm.parameters import PriorLike
from bayes_tbm.posterior.density import LogDensity
from bayes_tbm.posterior.edcs import EDC, EDCS, as_edcs
from bayes_tbm.posterior.priors import resolve_priors
from bayes_tbm.posterior.season import seasonal_note

__all__ = [
    "EDC",
    "EDCS",
    "LogDensity",
    "PriorLike",
    "as_edcs",
    "resolve_priors",
    "seasonal_note",
]
