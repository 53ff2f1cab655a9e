"""What a result was fitted to, made again from the result and the site's whole record."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from bayes_tbm.errors import InputError
from bayes_tbm.model import Forcing, prepare
from bayes_tbm.parameters import AbstractPrior, as_prior
from bayes_tbm.posterior import assembly
from bayes_tbm.posterior.density import LogDensity
from bayes_tbm.results.groups import group
from bayes_tbm.results.tree import CLIMATE, WINDOW, drivers_hash, other_points
from bayes_tbm.sites import stated
from bayes_tbm.sites.cut import between
from bayes_tbm.sites.site import Site, When
from bayes_tbm.sites.to_model import Climate, climate_of, drivers_of
from bayes_tbm.streams import ERROR_MODELS, STREAMS, BoundStream, Stream, bind

_SAME_PLACE = 0.01  # degrees
_NANOSECOND = np.timedelta64(1, "ns")


@dataclasses.dataclass(frozen=True)
class Fitted:
    """What was fitted, with the model running on beyond it.

    Attributes
    ----------
    site
        The period that was fitted.
    whole
        From its start to the end of the period to predict.
    density
        Of the streams that were fitted, run over the whole.
    priors
        Of every parameter, held-fixed ones included.
    systematic
        Sizes of the errors that all values of a stream share.
    """

    site: Site
    whole: Site
    density: LogDensity
    priors: Mapping[str, AbstractPrior]
    systematic: Mapping[str, float]

    @property
    def streams(self) -> tuple[BoundStream, ...]:
        """Streams seen over the record, bound to what was fitted."""
        return tuple(s for s in self.density.streams if isinstance(s, BoundStream))


def fitted(
    tree: xr.DataTree, site: Site, end: np.datetime64 | None, streams: Sequence[Stream]
) -> Fitted:
    """Make again what a result was fitted to.

    Parameters
    ----------
    tree
        Result of `bayes_tbm.Calibration.sample`.
    site
        The same, over a longer record.
    end
        Last instant to run to; None for all.
    streams
        Of one's own among those fitted.

    Raises
    ------
    InputError
        The site is not that of the result, or it does not hold the fitted period.
    """
    record = json.loads(tree.attrs["experiment"])
    first, last = _window(tree)
    short = between(site, first, last)
    whole = between(site, first, stated.bound(None, "end") if end is None else end)
    priors = {name: as_prior(name, given) for name, given in record["priors"].items()}
    bound = tuple(
        bind(stream, short, stand_age=record["stand_age"])
        for stream in _streams(record["streams"], streams)
        if stream.name in short.observations
    )
    sizes = {s.name: float(record["systematic"][s.name]) for s in bound}
    _check_same(tree, short, bound)
    known = assembly.with_systematic(bound, sizes)
    forcing = prepare(drivers_of(short))
    stand = assembly.regrowth_of(short, forcing, known, record["stand_age"], record["regrowth"])
    density = LogDensity(_on(short, whole), known, priors, (), stand)
    return Fitted(short, whole, density, priors, sizes)


def not_before(tree: xr.DataTree, end: When | None) -> np.datetime64:
    """Return the end of a date, or of what was fitted if that is later: a fit is known whole."""
    return max(stated.bound(end, "end"), _window(tree)[1])


def elsewhere(what: Fitted, site: Site) -> Fitted:
    """Return what was fitted, with the model running at another site.

    Parameters, the initial state among them, and the climate that they refer to stay those of the
    fit; weather and latitude are the site's.

    Raises
    ------
    InputError
        The initial state follows from the fitted stand's regrowth, under weather of its own.
    """
    stand = what.density.regrowth
    if stand is not None and stand.age is not None:
        raise InputError(
            where=site.source or site.name, variable="stand_age",
            rule="ties the initial state to the fitted site, which cannot run at another",
            remedy="fit without stand_age",
        )  # fmt: skip
    density = LogDensity(_on(what.site, site), (), what.priors, ())
    return dataclasses.replace(what, whole=site, density=density)


def fitted_period(tree: xr.DataTree) -> tuple[np.datetime64, np.datetime64]:
    """First and last instant of what a result was fitted to."""
    time = group(tree, "simulation")["time"].values
    half = np.diff(time).min() / 2
    return time[0] - half, time[-1] + half - _NANOSECOND


def fitted_climate(tree: xr.DataTree, site: Site) -> Climate:
    """Mean climate of what a result was fitted to, which its parameters refer to.

    Parameters
    ----------
    tree
        Result of `bayes_tbm.Calibration.sample`.
    site
        Where to look for the fitted period if the result is one of an earlier version, which does
        not tell its climate.

    Raises
    ------
    InputError
        Neither tells it.
    """
    if all(name in tree.attrs for name in CLIMATE):
        return Climate(*(float(tree.attrs[name]) for name in CLIMATE))
    with contextlib.suppress(InputError):  # it holds no step of the period
        short = between(site, *_window(tree))
        if drivers_hash(short) == tree.attrs.get("drivers_sha256"):
            return climate_of(short)
    first, last = (str(when)[:10] for when in fitted_period(tree))
    raise InputError(
        where=site.source or site.name, variable="time",
        rule=f"must hold the drivers that were fitted, {first} to {last}: a result of an earlier "
        "version does not tell the mean climate that its parameters refer to",
        remedy="take the site that was fitted, or fit it again",
    )  # fmt: skip


def _window(tree: xr.DataTree) -> tuple[np.datetime64, np.datetime64]:
    """Instants between which lies what was fitted, and nothing else of the record."""
    about = group(tree, "simulation").attrs
    if WINDOW[0] not in about:  # an earlier result
        return fitted_period(tree)
    first, last = (np.datetime64(about[name], "ns") for name in WINDOW)
    return first, last


def _streams(described: Mapping[str, Mapping[str, Any]], own: Sequence[Stream]) -> list[Stream]:
    """Streams that are seen over the record, with the error models they were fitted with."""
    given = {stream.name: stream for stream in own}
    chosen = []
    for name, about in described.items():
        options = dict(about)
        model = ERROR_MODELS.get(options.pop("errors"))
        if name in given:
            chosen.append(given[name])
        elif name in STREAMS and model is not None:
            chosen.append(STREAMS[name].with_errors(model(**options)))
    return chosen


def _on(short: Site, whole: Site) -> Forcing:
    """Weather of the whole; what parameters refer to stays the climate of the fitted period."""
    return prepare(drivers_of(whole, climate_of(short)))


def _check_same(tree: xr.DataTree, site: Site, bound: Sequence[BoundStream]) -> None:
    """Refuse a site whose place, drivers or observations are not those that were fitted."""
    _check_place(tree, site)
    time = group(tree, "simulation")["time"].values
    same = {"time": np.array_equal(site.drivers["time"].values, time)}
    hashed = tree.attrs.get("drivers_sha256")  # earlier results have none
    same["drivers"] = hashed in (None, drivers_hash(site))
    values, errors = other_points(tree, bound)
    others = [*(name for name, is_same in same.items() if not is_same), *values]
    told = (others, "values", ", without start and end"), (errors, "uncertainties", "")
    for names, what, how in told:
        if names:
            raise InputError(
                where=site.source or site.name, variable=names[0],
                rule="must be, over the fitted period, what was fitted",
                found=f"other {what} in {str(time[0])[:10]} to {str(time[-1])[:10]}",
                remedy=f"open the site as it was for the fit{how}",
            )  # fmt: skip


def _check_place(tree: xr.DataTree, site: Site) -> None:
    """Refuse a site that lies elsewhere: day length follows from latitude."""
    latitude = tree.attrs.get("latitude", site.latitude)
    if abs(latitude - site.latitude) > _SAME_PLACE:
        raise InputError(
            where=site.source or site.name, variable="latitude",
            rule=f"must be that of the site that was fitted, {latitude:g}",
            found=f"{site.latitude:g}", remedy="open the site as it was for the fit",
        )  # fmt: skip
