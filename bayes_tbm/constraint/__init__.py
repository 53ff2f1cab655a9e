"""How much each data stream constrains each parameter."""

from bayes_tbm.constraint.measures import constraint
from bayes_tbm.constraint.sensitivity import verdict
from bayes_tbm.constraint.sets import set_gains
from bayes_tbm.constraint.shares import SetGains
from bayes_tbm.constraint.table import constraint_table

__all__ = ["SetGains", "constraint", "constraint_table", "set_gains", "verdict"]
