"""Figures of a result, and of several results side by side."""

from bayes_tbm.plots.chains import plot_rank, plot_trace
from bayes_tbm.plots.coverage import plot_coverage
from bayes_tbm.plots.densities import plot_prior_posterior
from bayes_tbm.plots.growth import plot_growth
from bayes_tbm.plots.joint import plot_joint
from bayes_tbm.plots.measures import plot_bits, plot_contraction
from bayes_tbm.plots.overlays import plot_overlays
from bayes_tbm.plots.prediction import plot_predictions
from bayes_tbm.plots.save import save_figures
from bayes_tbm.plots.streams import plot_streams

__all__ = [
    "plot_bits",
    "plot_contraction",
    "plot_coverage",
    "plot_growth",
    "plot_joint",
    "plot_overlays",
    "plot_predictions",
    "plot_prior_posterior",
    "plot_rank",
    "plot_streams",
    "plot_trace",
    "save_figures",
]
