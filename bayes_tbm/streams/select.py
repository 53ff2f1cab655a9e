"""The streams of a calibration: from names or objects, bound to a site."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence

import numpy as np

from bayes_tbm.errors import DataWarning, InputError, did_you_mean
from bayes_tbm.plain import told
from bayes_tbm.sites.site import Site
from bayes_tbm.streams.catalogue import STREAMS
from bayes_tbm.streams.definition import Stream
from bayes_tbm.streams.from_site import bind
from bayes_tbm.streams.growth_curve import GrowthCurve
from bayes_tbm.streams.likelihood import AbstractBoundStream
from bayes_tbm.streams.single_stock import Stock

StreamLike = str | Stream | GrowthCurve | Stock


def as_streams(streams: Sequence[StreamLike]) -> tuple[Stream | GrowthCurve | Stock, ...]:
    """Streams from names or from streams themselves.

    Raises
    ------
    InputError
        None is given, a name is unknown, or one is given twice.
    """
    if isinstance(streams, str):
        streams = streams.split(",")
    chosen = tuple(_lookup(stream) for stream in streams if stream != "")
    names = [stream.name for stream in chosen]
    if not chosen or len(set(names)) < len(names):
        raise InputError(
            where="streams",
            rule="at least one stream must be given, each once",
            found=", ".join(names) or "none",
            remedy=f"choose from {', '.join(STREAMS)}",
        )
    return chosen


def bind_all(
    streams: Sequence[StreamLike], site: Site, stand_age: float | None
) -> tuple[AbstractBoundStream, ...]:
    """Bind streams to a site; see `as_streams` and `bayes_tbm.streams.from_site.bind`."""
    chosen = as_streams(streams)
    _warn_curve_and_stock(chosen)
    return tuple(
        bind(stream, site, stand_age=stand_age)
        if isinstance(stream, Stream)
        else stream.bind(site, stand_age=stand_age)
        for stream in chosen
    )


def _warn_curve_and_stock(streams: Sequence[Stream | GrowthCurve | Stock]) -> None:
    """Warn of a stock that is a point of the growth curve beside it."""
    curves = [stream for stream in streams if isinstance(stream, GrowthCurve)]
    stocks = [stream for stream in streams if isinstance(stream, Stock) and stream.age]
    for curve, stock in itertools.product(curves, stocks):
        value, age = stock.carbon()[0], float(stock.age or 0.0)
        near = np.isclose(curve.age, age, atol=0.5) & np.isclose(curve.value, value, rtol=0.01)
        if stock.quantity == curve.quantity and near.any():
            warnings.warn(
                f"{stock.name} ({value:.0f} g C m-2 at age {age:g}) is a point of {curve.name}: "
                "together they count one measurement twice",
                DataWarning,
                stacklevel=4,
            )


def _lookup(stream: StreamLike) -> Stream | GrowthCurve | Stock:
    if isinstance(stream, Stream | GrowthCurve | Stock):
        return stream
    if not isinstance(stream, str):
        raise InputError(
            where="streams", rule="must be names, or streams of bayes_tbm", found=told(stream)
        )
    name = stream.strip().lower()
    if name not in STREAMS:
        raise InputError(
            where="streams",
            variable=stream,
            rule=f"must be one of {', '.join(STREAMS)}",
            found=stream,
            remedy=did_you_mean(name, STREAMS),
        )
    return STREAMS[name]
