"""What groups of drivers add to the prediction of climate cells that are left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_tbm.population.attribution.compare import left_out
from bayes_tbm.population.attribution.gaussian import GaussianPopulation
from bayes_tbm.population.attribution.shapley import shapley, subsets
from bayes_tbm.population.attribution.shares import REST
from bayes_tbm.population.draws import SiteDraws
from bayes_tbm.population.hierarchy import fit_population
from bayes_tbm.population.hierarchy.covariates import design_of

Array = NDArray[np.float64]
Scores = dict[frozenset[str], Array]
"""Log scores of cells that are left out, (cell,), by set of groups."""
ROUNDS = 4000
READINGS = ("predicts", "noise", "nothing")
"""Of a group: it predicts cells left out; it explains sites that are there, but no others; none."""


def gaussian_scores(
    population: GaussianPopulation,
    y: Array,
    covariates: pd.DataFrame,
    groups: Mapping[str, Sequence[str]],
) -> Scores:
    """Scores under every set of groups in closed form, seconds in all.

    Parameters
    ----------
    population
        Sites and how well each is known.
    y
        Means of the sites' likelihoods of ln residence time, (site,).
    covariates
        A row a site in their order, with the columns of the groups.
    groups
        Columns by group; they add linearly.
    """
    return {
        subset: population.left_out(y, design_of(covariates[_columns(groups, subset)])[0])
        for subset in subsets(list(groups))
    }


def fitted_scores(
    draws: SiteDraws,
    covariates: pd.DataFrame,
    groups: Mapping[str, Sequence[str]],
    seed: int = 0,
    **settings: Any,
) -> Scores:
    """Scores under every set of groups, each fitted anew: 2^groups fits of up to a minute each.

    Parameters
    ----------
    draws
        Of every site.
    covariates, groups
        As `gaussian_scores` takes them, with ``coldest`` and ``cell``.
    seed
        Of all random numbers.
    **settings
        Of `bayes_tbm.fit_population`; drivers of its own are left out.
    """
    settings.pop("drivers", None)
    # the coldest month may be a driver among others here
    table = covariates.assign(**{f"x {n}": covariates[n] for n in _columns(groups, groups)})
    return {
        subset: left_out(
            fit_population(
                draws, table, "constant", seed,
                drivers=[f"x {name}" for name in _columns(groups, subset)], **settings,
            )
        )[0]
        for subset in subsets(list(groups))
    }  # fmt: skip


def driver_gains(scores: Scores, names: Sequence[str], seed: int = 0) -> pd.DataFrame:
    """Shapley value of each group in the log score of cells that are left out.

    What a group adds to the score, averaged over the orders of adding; interval by a Bayesian
    bootstrap of the cells. A group that does not help may well lower the score.

    Parameters
    ----------
    scores
        Under every set of groups.
    names
        Groups in the order wanted.
    seed
        Of the bootstrap.

    Returns
    -------
    pandas.DataFrame
        By group, then ``total`` (all groups against none): ``gain`` in nats, with ``gain_q05`` and
        ``gain_q95``.
    """
    every, none = scores[frozenset(names)], scores[frozenset()]
    by_cell = np.column_stack([shapley(scores, names), every - none])
    cells = len(by_cell)
    over = np.random.default_rng(seed).dirichlet(np.ones(cells), ROUNDS)
    low, high = np.quantile(cells * over @ by_cell, [0.05, 0.95], axis=0)
    return pd.DataFrame(
        {"gain": by_cell.sum(axis=0), "gain_q05": low, "gain_q95": high},
        index=pd.Index([*names, "total"], name="group"),
    )


def with_gains(shares: pd.DataFrame, gains: pd.DataFrame) -> pd.DataFrame:
    """Shares of groups beside their gains, and how to read both.

    A group whose share is above that of permuted drivers predicts if its gain is above zero with
    95 %; if not, what it explains is noise, as far as these cells can tell.

    Parameters
    ----------
    shares
        Of `bayes_tbm.population.attribution.driver_shares`.
    gains
        Of `driver_gains`.
    """
    table = shares.join(gains)
    wins = table["share"] > table["null_q95"]
    predicts = table["gain_q05"] > 0.0
    reading = np.where(predicts, READINGS[0], np.where(wins, READINGS[1], READINGS[2]))
    table["reading"] = np.where(table["gain"].isna(), "", reading)
    return table


def driver_words(table: pd.DataFrame) -> str:
    """Say which groups of drivers predict, in one line.

    Parameters
    ----------
    table
        Of `with_gains`.
    """
    groups = table.drop(index=list(REST))
    parts = []
    for reading, words in zip(READINGS, _WORDS, strict=True):
        if len(of_it := groups[groups["reading"] == reading]):
            parts.append(f"{', '.join(_told(name, row) for name, row in of_it.iterrows())} {words}")
    return "; ".join(parts)


_WORDS = (
    "predict climate cells that are left out",
    "explain variance of these sites but do not predict cells that are left out: noise",
    "explain no more than chance",
)


def _told(name: Any, row: pd.Series) -> str:
    return f"{name} ({100 * row['share']:.0f} % of variance, {row['gain']:+.1f} nats)"


def _columns(groups: Mapping[str, Sequence[str]], chosen: Any) -> list[str]:
    return [column for name in groups if name in chosen for column in groups[name]]
