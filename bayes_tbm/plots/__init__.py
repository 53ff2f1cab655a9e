"""Figures of a result: fit of every stream, prior against posterior, chains."""

from bayes_tbm.plots.chains import plot_rank, plot_trace
from bayes_tbm.plots.densities import plot_prior_posterior
from bayes_tbm.plots.save import save_figures
from bayes_tbm.plots.streams import plot_streams

__all__ = ["plot_prior_posterior", "plot_rank", "plot_streams", "plot_trace", "save_figures"]
