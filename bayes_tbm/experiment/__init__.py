"""Experiment files: everything that defines a run, or several to compare, in TOML."""

from bayes_tbm.experiment.file import Experiment

__all__ = ["Experiment"]
