"""Error models of streams."""

from bayes_tbm.streams.errors.along_age import AgeData, AlongAge
from bayes_tbm.streams.errors.autoregressive import Autoregressive
from bayes_tbm.streams.errors.base import AbstractErrorModel, ErrorData, ErrorParameter
from bayes_tbm.streams.errors.block_means import BlockMeans
from bayes_tbm.streams.errors.independent import Gaussian, LogNormalErrors, StudentT

ERROR_MODELS: dict[str, type[AbstractErrorModel]] = {
    model.__name__: model
    for model in (BlockMeans, Autoregressive, Gaussian, StudentT, LogNormalErrors, AlongAge)
}
"""Error models by the name an experiment file gives them."""

FORMER_NAMES = {"Balanced": "BlockMeans"}
"""Names that experiment files may still use."""

__all__ = [
    "ERROR_MODELS",
    "FORMER_NAMES",
    "AbstractErrorModel",
    "AgeData",
    "AlongAge",
    "Autoregressive",
    "BlockMeans",
    "ErrorData",
    "ErrorParameter",
    "Gaussian",
    "LogNormalErrors",
    "StudentT",
]
