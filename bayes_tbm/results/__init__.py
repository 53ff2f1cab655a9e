"""Results: a run as one tree in the ArviZ schema, and whether to believe it."""

from bayes_tbm.results.diagnostics import ConvergenceReport, check_convergence, stream_skill

__all__ = ["ConvergenceReport", "check_convergence", "stream_skill"]
