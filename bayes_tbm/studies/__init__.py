"""Several fits that belong together: sets of streams compared, priors changed."""

from bayes_tbm.studies.compare import Comparison, compare
from bayes_tbm.studies.refits import PriorRefits, alternatives, sensitivity

__all__ = ["Comparison", "PriorRefits", "alternatives", "compare", "sensitivity"]
