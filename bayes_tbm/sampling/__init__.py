"""Sampling: modes, start and metric, engines, checkpoints, and when a run may stop."""

from bayes_tbm.sampling.settings import Settings

__all__ = ["Settings"]
