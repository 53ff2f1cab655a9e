"""The hierarchy of sites: what they share, from the draws of each."""

from bayes_tbm.population.hierarchy.fit import PopulationFit, fit_population
from bayes_tbm.population.hierarchy.joint import JointFit, fit_population_jointly
from bayes_tbm.population.hierarchy.pooled import RefitPrior, needs_refit, pooled, refit_prior

__all__ = [
    "JointFit",
    "PopulationFit",
    "RefitPrior",
    "fit_population",
    "fit_population_jointly",
    "needs_refit",
    "pooled",
    "refit_prior",
]
