"""What a site, its streams and a stand's age ask of a posterior."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence

from bayes_tbm.errors import DataWarning, InputError
from bayes_tbm.model import Regrowth, prepare
from bayes_tbm.model.regrowth import OLDEST, age_in_season
from bayes_tbm.parameters import names_in
from bayes_tbm.plain import as_number
from bayes_tbm.sites.site import Site
from bayes_tbm.sites.to_model import mean_year_of
from bayes_tbm.streams import AbstractBoundStream, ErrorParameter

_TIED = ("initial_lai", "initial_labile", "initial_root", "initial_wood")


def checked_age(site: Site, age: float | None) -> float | None:
    """Age with the season of the record's start, or none."""
    if age is None:
        return None
    years = as_number(age)
    if years is None or not 0.0 < years <= OLDEST:
        raise InputError(
            where="stand_age", rule=f"must be a number of years, above 0 and at most {OLDEST}",
            found=repr(age),
        )  # fmt: skip
    first = float(site.drivers.days.values[0] - 0.5 * site.drivers.step_length.values[0])
    seasoned = age_in_season(years, first)
    return seasoned if seasoned <= OLDEST else seasoned - 1.0


def regrowth_of(
    site: Site, streams: Sequence[AbstractBoundStream], age: float | None, wanted: bool
) -> Regrowth | None:
    """Return how the stand regrows, or None where nothing sees it."""
    if not (wanted or age is not None or any(stream.oldest for stream in streams)):
        return None
    return Regrowth(prepare(mean_year_of(site)), OLDEST, age)


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
