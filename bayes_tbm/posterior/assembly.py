"""What a site, its streams and a stand's age ask of a posterior."""

from __future__ import annotations

import dataclasses
import warnings
from calendar import month_abbr
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from bayes_tbm.errors import DataWarning, InputError, did_you_mean
from bayes_tbm.model import Forcing, Regrowth, prepare
from bayes_tbm.model.regrowth import MONTHS, OLDEST, RECORD, WEATHERS, age_in_season
from bayes_tbm.model.stand_weather import with_equivalent_light
from bayes_tbm.parameters import names_in
from bayes_tbm.plain import as_number, finite_number
from bayes_tbm.posterior.density import LogDensity
from bayes_tbm.posterior.edcs import EDC
from bayes_tbm.sites.observations import OFFSETS, largest_systematic
from bayes_tbm.sites.record_months import place_in_cycle
from bayes_tbm.sites.site import Site
from bayes_tbm.sites.to_model import stand_weather_of
from bayes_tbm.streams import AbstractBoundStream, BoundStream, ErrorParameter
from bayes_tbm.streams.likelihood import BoundAges
from bayes_tbm.units import DAYS_PER_MONTH, DAYS_PER_YEAR

_SEASONAL = ("labile", "foliage", "root", "litter")
"""Pools that gain and lose with the season: over less than a year they need not be steady."""
_TIED = ("initial_lai", "initial_labile", "initial_root", "initial_wood")


def checked_age(site: Site, age: float | None) -> float | None:
    """Age with the season of the record's start, or none."""
    years = age_in_years(age)
    if years is None:
        return None
    first = float(site.drivers.days.values[0] - 0.5 * site.drivers.step_length.values[0])
    seasoned = age_in_season(years, first)
    return seasoned if seasoned <= OLDEST else seasoned - 1.0


def age_in_years(age: float | None) -> float | None:
    """Age of a stand as a number, or none.

    Raises
    ------
    InputError
        It is no number of years that a stand can have.
    """
    if age is None:
        return None
    years = as_number(age)
    if years is None or not 0.0 < years <= OLDEST:
        raise InputError(
            where="stand_age", rule=f"must be a number of years, above 0 and at most {OLDEST}",
            found=repr(age),
        )  # fmt: skip
    return years


def regrowth_of(
    site: Site,
    forcing: Forcing,
    streams: Sequence[AbstractBoundStream],
    age: float | None,
    wanted: bool | str,
) -> Regrowth | None:
    """Return how the stand regrows, or None where nothing sees it."""
    if not isinstance(wanted, bool) and wanted not in WEATHERS:
        raise InputError(
            where="regrowth", rule=f"must be true, false or one of {', '.join(WEATHERS)}",
            found=repr(wanted),
        )  # fmt: skip
    if not (wanted or age is not None or any(stream.oldest for stream in streams)):
        return None
    weather = RECORD if isinstance(wanted, bool) else wanted
    first = site.drivers.days.values[0] - 0.5 * site.drivers.step_length.values[0]
    season = int(np.floor(first / DAYS_PER_MONTH + 0.5)) % MONTHS
    climate = prepare(stand_weather_of(site, weather))
    if weather == RECORD:
        place = place_in_cycle(site.drivers, site.source or site.name)
        climate = with_equivalent_light(climate, forcing, place)
    return Regrowth(climate, OLDEST, age, weather, season)


def that_apply(constraints: Sequence[EDC], site: Site, stand: Regrowth | None) -> tuple[EDC, ...]:
    """Return the constraints that hold of this record, and of a stand that regrows or does not.

    Warns
    -----
    DataWarning
        The record lacks months of the year.
    """
    kept = [c for c in constraints if stand or not c.age]
    lacks = months_lacking(site)
    if lacks:
        seasonal = {f"steady_{pool}" for pool in _SEASONAL}
        left_out = [c.name for c in kept if c.name in seasonal]
        told = "annual quantities and equilibria are those of the other months"
        told += f"; left out: {', '.join(left_out)}" if left_out else ""
        warnings.warn(
            f"{site.source or site.name}: the record has no {', '.join(lacks)}: {told}",
            DataWarning, stacklevel=6,
        )  # fmt: skip
        kept = [c for c in kept if c.name not in seasonal]
    return tuple(kept)


def months_lacking(site: Site) -> tuple[str, ...]:
    """Return the months of the year that no step lies in, where steps are no longer than one."""
    length, days = site.drivers.step_length.values, site.drivers.days.values
    if np.median(length) > 31.0:
        return ()
    there = np.unique(np.floor(days % DAYS_PER_YEAR / DAYS_PER_MONTH).astype(int))
    return tuple(month_abbr[m + 1] for m in range(MONTHS) if m not in there)


def under_weather(
    streams: Sequence[AbstractBoundStream], stand: Regrowth | None
) -> tuple[AbstractBoundStream, ...]:
    """Return streams of the stand's life that know the error which its weather leaves in them."""
    return tuple(
        s.with_common_error(stand.log_sd)
        if stand and isinstance(s, BoundAges) and s.stream.errors.takes_common
        else s
        for s in streams
    )


def with_systematic(
    streams: Sequence[AbstractBoundStream], given: Mapping[str, float] | bool | None
) -> tuple[AbstractBoundStream, ...]:
    """Return streams with the errors that all of their values share.

    Parameters
    ----------
    streams
        Bound to the site.
    given
        Sizes by stream; others keep their default. False for none at all.

    Raises
    ------
    InputError
        A size is no number of 0 or more, its stream is not fitted, or its error model takes none.
    """
    if given is not None and not isinstance(given, bool | Mapping):
        raise InputError(
            where="systematic", rule="must be sizes by stream, or false for none", found=repr(given)
        )
    sizes = given if isinstance(given, Mapping) else {}
    for name, size in sizes.items():
        _check_fitted(name, streams, "systematic")
        number = finite_number(size)
        if number is None or number < 0.0:
            raise InputError(
                where="systematic", variable=name, rule="must be a number, 0 or more",
                found=repr(size),
            )  # fmt: skip
        most, kind = largest_systematic(name)
        if number > most:
            raise InputError(
                where="systematic", variable=name, rule=f"must be {kind}, at most {most:g}",
                found=f"{number:g}", remedy="divide a year's by 365.25" * (name in OFFSETS) or None,
            )  # fmt: skip
    return tuple(
        _with_systematic(stream, 0.0 if given is False else sizes.get(stream.name))
        for stream in streams
    )


def _with_systematic(stream: AbstractBoundStream, given: float | None) -> AbstractBoundStream:
    errors = stream.stream.errors
    size = stream.stream.systematic if given is None else float(given)
    if not errors.takes_common:
        if given:
            raise InputError(
                where="systematic", variable=stream.name, found=type(errors).__name__,
                rule="must be 0 where errors have heavy tails: their sum has no closed form",
                remedy="choose another error model",
            )  # fmt: skip
        size = 0.0
    return stream.with_systematic(size)


def unused_parameters(stand: Regrowth | None, *, fire: bool) -> set[str]:
    """Parameters that nothing depends on."""
    unused = set() if fire else set(names_in("fire"))
    unused |= set() if stand else names_in("regrowth")
    tied = stand is not None and stand.age is not None
    return unused | (set(_TIED) if tied else names_in("departure"))


def error_ranges(streams: Sequence[AbstractBoundStream]) -> dict[str, ErrorParameter]:
    """Return what is known of all error parameters, by full name."""
    return {n: own for stream in streams for n, own in stream.error_parameters.items()}


def warn_double_counting(names: set[str]) -> None:
    """Warn of streams that are one measurement told twice."""
    for same in ({"nee", "nbe"}, {"gpp", "nee", "reco"}):
        if same <= names:
            told = ", ".join(sorted(same))
            warnings.warn(
                f"{told} rest on the same measurements (GPP and RECO are derived from NEE; "
                "without fire NBE is NEE): together they count them more than once",
                DataWarning,
                stacklevel=3,
            )


def noted(site: Site, note: str) -> Site:
    """Return the site with one more note, if there is one."""
    return dataclasses.replace(site, notes=(*site.notes, note)) if note else site


def left_out(streams: Sequence[AbstractBoundStream]) -> dict[str, tuple[str, ...]]:
    """Return dates of observations that are not used, by stream."""
    return {
        s.name: tuple(np.datetime_as_string(s.left_out, unit="D"))
        for s in streams
        if isinstance(s, BoundStream) and len(s.left_out)
    }


def with_points(
    streams: Sequence[AbstractBoundStream], points: Mapping[str, ArrayLike]
) -> tuple[AbstractBoundStream, ...]:
    """Return streams with other points than those observed; see `Calibration.with_points`."""
    for name in points:
        _check_fitted(name, streams, "points")
    return tuple(s.with_points(points[s.name]) if s.name in points else s for s in streams)


def _check_fitted(name: str, streams: Sequence[AbstractBoundStream], where: str) -> None:
    """Refuse the name of a stream that is not fitted."""
    names = [stream.name for stream in streams]
    if name not in names:
        raise InputError(
            where=where, variable=name, rule=f"must be one of {', '.join(names)}", found=name,
            remedy=did_you_mean(name, names),
        )  # fmt: skip


def described(density: LogDensity) -> dict[str, Any]:
    """Return everything that defines a posterior but its site, as plain data."""
    stand = density.regrowth
    return {
        "streams": {
            s.name: {"errors": type(s.stream.errors).__name__} | s.stream.errors.options
            for s in density.streams
        },
        "priors": {name: prior.to_dict() for name, prior in density.priors.items()},
        "constraints": {c.name: c.width for c in density.constraints},
        "regrowth": stand.weather if stand else False,
        "stand_age": stand.age if stand else None,
        "systematic": {s.name: s.stream.systematic for s in density.streams},
    }
