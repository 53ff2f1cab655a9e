"""What an attribution is refused for, before any population is fitted."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from bayes_tbm.errors import InputError
from bayes_tbm.plain import finite_number
from bayes_tbm.population.attribution.shares import checked_groups, groups_in
from bayes_tbm.population.attribution.thresholds import check_believed
from bayes_tbm.population.draws import SiteDraws
from bayes_tbm.population.hierarchy.covariates import (
    Covariates,
    check_range,
    covariates_of,
    in_order,
)
from bayes_tbm.population.hierarchy.fit import check_draws
from bayes_tbm.population.hierarchy.means import check_mean
from bayes_tbm.population.settings import (
    check_settings,
    name_list,
    seed_of,
    truth,
    whole,
)
from bayes_tbm.population.site_table import source_of

_WHERE = "attribution"
_OWN = ("means", "groups", "factors", "replicates", "seed", "believed", "every_driver_set")
_LEAST_CELLS = 3
"""Climate cells of which one can be left out, and the others differ still."""


def checked(
    draws: SiteDraws, covariates: pd.DataFrame, groups: Mapping[str, Sequence[str]] | None,
    settings: Mapping[str, Any], *, means: Any, believed: Any, replicates: Any, seed: Any,
    every_driver_set: Any, factors: Any = (2.0,),
) -> tuple[Covariates, dict[str, tuple[str, ...]]]:  # fmt: skip
    """Return what is known of the sites, and the groups of drivers that can be told apart.

    Parameters
    ----------
    draws, covariates, groups, settings, means, believed, replicates, seed
        As `bayes_tbm.attribution` takes them.
    every_driver_set, factors
        Likewise.

    Raises
    ------
    InputError
        One of them will not do.
    """
    check_means(means)
    check_believed(believed)
    check_simulations(factors, replicates, seed)
    truth("every_driver_set", every_driver_set, _WHERE)
    given = check_settings(settings, _WHERE, _OWN)
    check_draws(draws, split=given.get("split", False))
    known = covariates_of(covariates, draws.sites, given.get("drivers", ()))
    check_range(known, source_of(covariates, "coldest"))
    _check_cells(len(known.cells), source_of(covariates, "cell"))
    rows = in_order(covariates, draws.sites)
    several = groups or len(groups_in(rows)) > 1
    return known, checked_groups(groups, rows) if several else {}


def _check_cells(count: int, where: str) -> None:
    """Refuse a single climate cell, which cannot be left out; say so where two mean little."""
    if count < 2:
        raise InputError(
            where=where, variable="cell", found=count,
            rule="must be two climate cells or more, which are left out in turn",
            remedy="bayes_tbm.fit_population pools sites of one",
        )  # fmt: skip
    if count < _LEAST_CELLS:
        warnings.warn(
            f"{where}: cell: {count} climate cells are too few to compare means and drivers by "
            "leaving cells out: believe neither comparison nor verdict of fewer than "
            f"{_LEAST_CELLS}",
            stacklevel=1,  # one place: said once, however often it is checked
        )


def check_means(means: Any) -> None:
    """Refuse means that a verdict cannot be made from.

    Raises
    ------
    InputError
        They are no list of mean functions, or one that is needed is not among them.
    """
    given = name_list("means", means, _WHERE)
    if lost := {"constant", "linear", "step"} - set(given):
        raise InputError(
            where=_WHERE, variable="means", rule="constant, linear and step are needed",
            found=f"no {', '.join(sorted(lost))}",
        )  # fmt: skip
    for mean in given:
        check_mean(mean)


def check_simulations(factors: Any, replicates: Any, seed: Any) -> None:
    """Refuse simulations that there cannot be.

    Raises
    ------
    InputError
        A factor is no positive number, or there are none; replicates or seed are no whole numbers.
    """
    each = list(factors) if isinstance(factors, Iterable) else []
    numbers = [finite_number(factor) for factor in each]
    if not each or not all(number is not None and number > 0.0 for number in numbers):
        raise InputError(
            where=_WHERE, variable="factors", rule="must be a list of positive numbers",
            found=repr(factors),
        )  # fmt: skip
    whole(1)("replicates", replicates, _WHERE)
    seed_of("seed", seed, _WHERE)
