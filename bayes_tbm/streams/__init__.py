"""Data streams: what is observed, how it is modelled, how it errs."""

from bayes_tbm.streams.binding import BoundStream, bind
from bayes_tbm.streams.catalogue import STREAMS, as_streams
from bayes_tbm.streams.definition import Stream
from bayes_tbm.streams.errors import (
    ERROR_MODELS,
    AbstractErrorModel,
    Autoregressive,
    Balanced,
    Gaussian,
    LogNormalErrors,
    StudentT,
)

__all__ = [
    "ERROR_MODELS",
    "STREAMS",
    "AbstractErrorModel",
    "Autoregressive",
    "Balanced",
    "BoundStream",
    "Gaussian",
    "LogNormalErrors",
    "Stream",
    "StudentT",
    "as_streams",
    "bind",
]
