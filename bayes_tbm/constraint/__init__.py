"""How much each data stream constrains each parameter."""

from bayes_tbm.constraint.table import constraint_table

__all__ = ["constraint_table"]
