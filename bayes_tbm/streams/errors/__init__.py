"""Error models of streams."""

from bayes_tbm.streams.errors.autoregressive import Autoregressive
from bayes_tbm.streams.errors.balanced import Balanced
from bayes_tbm.streams.errors.base import AbstractErrorModel, ErrorData
from bayes_tbm.streams.errors.independent import Gaussian, LogNormalErrors, StudentT

__all__ = [
    "AbstractErrorModel",
    "Autoregressive",
    "Balanced",
    "ErrorData",
    "Gaussian",
    "LogNormalErrors",
    "StudentT",
]
