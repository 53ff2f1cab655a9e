"""The hierarchy of sites: what they share, from the draws of each."""

from bayes_tbm.population.hierarchy.fit import PopulationFit, fit_population
from bayes_tbm.population.hierarchy.joint import JointFit, fit_population_jointly
from bayes_tbm.population.hierarchy.pooled import RefitPrior, needs_refit, pooled, refit_prior
from bayes_tbm.population.hierarchy.refits import Refits, refit_weak_sites

__all__ = [
    "JointFit",
    "PopulationFit",
    "RefitPrior",
    "Refits",
    "fit_population",
    "fit_population_jointly",
    "needs_refit",
    "pooled",
    "refit_prior",
    "refit_weak_sites",
]
