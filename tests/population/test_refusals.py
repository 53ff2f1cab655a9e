"""What no population can be fitted to is refused in one line, before anything is sampled."""

import inspect

import numpy as np
import pandas as pd
import pytest

import bayes_tbm as bt
from bayes_tbm.errors import InputError
from bayes_tbm.population.attribution import MEANS, driver_shares
from bayes_tbm.population.attribution.checks import checked
from bayes_tbm.population.hierarchy import fit
from bayes_tbm.population.settings import SETTINGS
from tests.population.toy import toy

TWELVE = np.arange(12.0)


@pytest.fixture(scope="module")
def sites():
    return toy(12, 60)


@pytest.fixture(autouse=True)
def no_sampling(monkeypatch):
    monkeypatch.setattr(fit, "sample", lambda *_, **__: pytest.fail("it was sampled"))


def refused(said, function, *arguments, **options):
    with pytest.raises(InputError) as error:
        function(*arguments, **options)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_every_setting_of_a_fit_has_a_rule():
    kinds = inspect.signature(bt.fit_population).parameters.values()
    assert {kind.name for kind in kinds if kind.kind is kind.KEYWORD_ONLY} == set(SETTINGS)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"drawz": 3}, "drawz: is no setting of a population; did you mean"),
        ({"replicatez": 3}, "did you mean replicates"),
        ({"heavy_tails": "no"}, "heavy_tails: must be true or false; found 'no'"),
        ({"cells": "no"}, "cells: must be true or false"),
        ({"split": 1}, "split: must be true or false"),
        ({"every_driver_set": "no"}, "every_driver_set: must be true or false"),
        ({"covariate_sd": -1}, "covariate_sd: must be a number that is not negative; found -1"),
        ({"covariate_sd": float("nan")}, "covariate_sd: must be a number"),
        ({"covariate_sd": "x"}, "covariate_sd: must be a number"),
        ({"offset_sd": [1]}, "offset_sd: must be a number"),
        ({"chains": "4"}, "chains: must be a whole number, at least 1; found '4'"),
        ({"chains": 1.5}, "chains: must be a whole number"),
        ({"warmup": None}, "warmup: must be a whole number, at least 10"),
        ({"keep": 10}, "keep: must be a whole number, at least 25; found 10"),
        ({"keep": 30.5}, "keep: must be a whole number"),
        ({"seed": -1}, "seed: must be a whole number, at least 0"),
        ({"seed": "a"}, "seed: must be a whole number"),
        ({"replicates": 0}, "replicates: must be a whole number, at least 1"),
        ({"replicates": 1.5}, "replicates: must be a whole number"),
        ({"factors": [2.0, 0]}, "factors: must be a list of positive numbers"),
        ({"factors": 3}, "factors: must be a list of positive numbers"),
        ({"believed": (-20, 0)}, "believed: must be mean and sd"),
        ({"believed": [1e6, 3]}, "believed: must be mean and sd"),
        ({"means": None}, "means: must be a list of names"),
        ({"means": "step"}, "means: must be a list of names"),
        ({"means": ["step"]}, "constant, linear and step are needed"),
        ({"drivers": "warmest"}, "drivers: must be a list of names"),
        ({"drivers": [5]}, "drivers: must be a list of names"),
        ({"drivers": ["cell"]}, "drivers: must be other columns"),
        ({"drivers": ["soil", "soil"]}, "drivers: must be named once each; found soil"),
        ({"groups": ["soil"]}, "groups: must be lists of columns by group"),
        ({"groups": {"a": "soil", "b": ["coldest"]}}, "groups: a: must be a list of names"),
        ({"groups": {"a": [], "b": ["coldest"]}}, "groups: a: must have a column or more"),
        ({"groups": {"total": ["soil"], "b": ["coldest"]}}, "groups: total: must have"),
        ({"groups": {"a": ["soil"], "b": ["soil"]}}, "groups: must be named once each; found soil"),
        ({"groups": {"a": ["siol"], "b": ["coldest"]}}, "siol: no such column; did you mean soil"),
    ],
)
def test_what_cannot_be_asked_for(sites, setting, said):
    known = sites.covariates.assign(soil=TWELVE)
    refused(said, bt.attribution, sites.draws, known, **setting)


COLUMNS = {
    "inf": (np.where(TWELVE == 3, np.inf, TWELVE), "found inf at s03"),
    "mark": (np.where(TWELVE == 3, -9999.0, TWELVE), "found -9999 at s03"),
    "gap": (np.where(TWELVE == 3, np.nan, TWELVE), "none for s03"),
    "text": (["n.d." if i == 3 else i for i in TWELVE], "found n.d. at s03"),
    "comma": ([f"{i:.1f}".replace(".", ",") for i in TWELVE], "found 0,0 at s00; write it as 0"),
    "names": ([f"stand {i}" for i in TWELVE], "needs more sites than columns"),
    "constant": (0.0 * TWELVE, "must vary among the sites"),
}


@pytest.mark.parametrize(
    "options", [{"drivers": ["x"]}, {"groups": {"a": ["coldest"], "b": ["x"]}}]
)
@pytest.mark.parametrize("name", COLUMNS)
def test_columns_that_are_no_drivers(sites, name, options):
    values, said = COLUMNS[name]
    refused(said, bt.attribution, sites.draws, sites.covariates.assign(x=values), **options)


def test_shares_of_a_driver_with_a_gap_are_refused(sites):
    table = sites.covariates.assign(soil=np.where(TWELVE == 3, np.nan, TWELVE))
    groups = {"winter": ["coldest"], "soil": ["soil"]}
    refused("soil: must be given for every site", driver_shares, np.zeros((3, 12)), table, groups)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([f"{t:.1f}".replace(".", ",") for t in TWELVE], "found 0,0 at s00; write it as 0"),
        ([f"{t:.1f}".replace("-", "\N{MINUS SIGN}") for t in TWELVE - 3.5], "write it as -3.5"),
        (["cold" if t == 3 else t for t in TWELVE], "found cold at s03"),
        ([f"x{t}" for t in TWELVE], "found x0.0 at s00"),
    ],
)
def test_the_value_that_is_no_temperature_is_named(sites, values, said):
    known = sites.covariates.assign(coldest=values)
    refused(said, bt.fit_population, sites.draws, known)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (lambda t: None, "must be a pandas.DataFrame with a row a site; found NoneType"),
        (lambda t: t.to_dict(), "must be a pandas.DataFrame"),
        (lambda t: t["coldest"], "must be a pandas.DataFrame"),
        (lambda t: pd.concat([t, t[["coldest"]]], axis=1), "coldest: must be named once"),
    ],
)
def test_what_is_no_table_of_covariates(sites, table, said):
    refused(said, bt.fit_population, sites.draws, table(sites.covariates))


def test_populations_that_there_cannot_be(sites):
    draws, known = sites.draws, sites.covariates
    refused("draws: must be bayes_tbm.SiteDraws", bt.fit_population, None, known)
    refused("draws: must be bayes_tbm.SiteDraws", bt.attribution, None, known)
    refused("draws: must be 25 or more", bt.fit_population, draws.at(slice(0, 20)), known)
    refused("draws: must be 50", bt.fit_population, draws.at(slice(0, 40)), known, split=True)
    refused("no such mean function; found None", bt.fit_population, draws, known, None)
    refused("two sites or more; found s00", bt.attribution, draws.of(["s00"]), known)
    refused("two climate cells or more", bt.attribution, draws, known.assign(cell="a"))


def test_two_climate_cells_are_warned_of(sites):
    draws = sites.draws.of(["s00", "s01"])
    with pytest.warns(UserWarning, match="cell: 2 climate cells are too few"):
        checked(
            draws, sites.covariates, None, {}, means=MEANS, believed=None, replicates=1, seed=0,
            every_driver_set=False,
        )  # fmt: skip


def test_refits_that_cannot_be_made(sites):
    draws, known = sites.draws, sites.covariates
    refused("refit: must be a function", bt.refit_weak_sites, draws, known, None)
    refused("did you mean rounds", bt.refit_weak_sites, draws, known, print, round=1)
    refused("least: must be a number", bt.refit_weak_sites, draws, known, print, least="few")
    refused("seed: must be a whole", bt.refit_weak_sites, draws, known, print, seed=-1)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (("ab", ["x"], 1, 2, 3), "sites: must be a list of names; found 'ab'"),
        ((["a"], None, 1, 2, 3), "coordinates: must be a list of names; found None"),
        ((["a"], ["x"], "text", 2, 3), "phi: must be an array of numbers"),
        ((["a"], ["x"], [[1.0], [1.0, 2.0]], 2, 3), "phi: must be an array of numbers"),
        ((["a"], ["x"], np.zeros((1, 30, 1)), None, "x"), "effective: must be an array of numbers"),
    ],
)
def test_what_are_no_draws(parts, said):
    refused(said, bt.SiteDraws, *parts)
