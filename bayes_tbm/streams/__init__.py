"""Data streams: what is observed, how it is modelled, how it errs."""

from bayes_tbm.streams.catalogue import FITTED_TO, STREAMS
from bayes_tbm.streams.definition import Stream
from bayes_tbm.streams.errors import (
    ERROR_MODELS,
    FORMER_NAMES,
    AbstractErrorModel,
    AlongAge,
    Autoregressive,
    BlockMeans,
    ErrorParameter,
    Gaussian,
    LogNormalErrors,
    StudentT,
)
from bayes_tbm.streams.from_site import bind
from bayes_tbm.streams.growth_curve import GrowthCurve
from bayes_tbm.streams.likelihood import AbstractBoundStream, BoundStream
from bayes_tbm.streams.select import StreamLike, as_streams, bind_all
from bayes_tbm.streams.single_stock import Stock
from bayes_tbm.streams.tower_stand import Stand, fluxval_stand

__all__ = [
    "ERROR_MODELS",
    "FITTED_TO",
    "FORMER_NAMES",
    "STREAMS",
    "AbstractBoundStream",
    "AbstractErrorModel",
    "AlongAge",
    "Autoregressive",
    "BlockMeans",
    "BoundStream",
    "ErrorParameter",
    "Gaussian",
    "GrowthCurve",
    "LogNormalErrors",
    "Stand",
    "Stock",
    "Stream",
    "StreamLike",
    "StudentT",
    "as_streams",
    "bind",
    "bind_all",
    "fluxval_stand",
]
