"""How much each data stream constrains each parameter."""

from bayes_tbm.constraint.measures import constraint, contractions
from bayes_tbm.constraint.sensitivity import verdict
from bayes_tbm.constraint.sets import all_gains, set_gains
from bayes_tbm.constraint.shares import SetGains
from bayes_tbm.constraint.table import constraint_table

__all__ = [
    "SetGains",
    "all_gains",
    "constraint",
    "constraint_table",
    "contractions",
    "set_gains",
    "verdict",
]
