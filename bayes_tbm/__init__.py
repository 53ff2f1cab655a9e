"""Bayesian inference on a differentiable terrestrial biosphere model."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("bayes-tbm")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0+unknown"
