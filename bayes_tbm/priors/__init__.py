"""Priors as data and ecological constraints as named soft terms."""

from bayes_tbm.priors.constraints import CONSTRAINTS, Constraint, as_constraints
from bayes_tbm.priors.priors import PriorLike, resolve_priors

__all__ = ["CONSTRAINTS", "Constraint", "PriorLike", "as_constraints", "resolve_priors"]
