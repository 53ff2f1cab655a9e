"""Error models of streams."""

from bayes_tbm.streams.errors.along_age import AgeData, AlongAge
from bayes_tbm.streams.errors.autoregressive import Autoregressive
from bayes_tbm.streams.errors.balanced import Balanced
from bayes_tbm.streams.errors.base import AbstractErrorModel, ErrorData, ErrorParameter
from bayes_tbm.streams.errors.independent import Gaussian, LogNormalErrors, StudentT

ERROR_MODELS: dict[str, type[AbstractErrorModel]] = {
    model.__name__: model
    for model in (Balanced, Autoregressive, Gaussian, StudentT, LogNormalErrors, AlongAge)
}
"""Error models by the name an experiment file gives them."""

__all__ = [
    "ERROR_MODELS",
    "AbstractErrorModel",
    "AgeData",
    "AlongAge",
    "Autoregressive",
    "Balanced",
    "ErrorData",
    "ErrorParameter",
    "Gaussian",
    "LogNormalErrors",
    "StudentT",
]
