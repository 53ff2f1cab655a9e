"""Columns of what is known of sites: what is a number, what a category, what a threshold needs."""

import numpy as np
import pandas as pd
import pytest

import bayes_tbm as bt
from bayes_tbm.population.attribution.checks import checked
from bayes_tbm.population.attribution.shares import driver_shares
from bayes_tbm.population.hierarchy import fit
from bayes_tbm.population.hierarchy.covariates import check_range, covariates_of
from tests.population.toy import toy

SITES = [f"s{i:02}" for i in range(24)]
AGES = np.tile([10, 50, 100], 8)


def known(**columns):
    spread = {"coldest": np.linspace(-20.0, 0.0, 24), "cell": SITES}
    return pd.DataFrame({**spread, **columns}, index=SITES)


@pytest.mark.parametrize(
    "made",
    [
        lambda table: table.astype(object),
        lambda table: table.T.T,
        lambda table: pd.DataFrame({site: dict(row) for site, row in table.iterrows()}).T,
        lambda table: table.assign(age=[*map(float, AGES[:12]), *map(int, AGES[12:])]),
        lambda table: table.assign(age=table["age"].astype("Int64")),
    ],
)
def test_numbers_are_numbers_in_a_column_of_any_object(made):
    plain = covariates_of(known(age=AGES), SITES, ["age"])
    found = covariates_of(made(known(age=AGES)), SITES, ["age"])
    assert found.columns == ("age",)
    np.testing.assert_array_equal(found.design, plain.design)
    np.testing.assert_array_equal(found.coldest, plain.coldest)


@pytest.mark.parametrize("values", [["ENF", "DBF"], [True, False], [np.True_, np.False_]])
def test_words_and_truth_values_in_a_column_of_objects_are_categories(values):
    table = known(cover=pd.Series(np.tile(np.array(values, dtype=object), 12), SITES, dtype=object))
    [column] = covariates_of(table, SITES, ["cover"]).columns
    assert column.startswith("cover=")


def test_blanks_around_a_label_are_none_of_it():
    table = known(cell=["north ", "north", " south"] * 8, cover=["ENF", " ENF ", "DBF"] * 8)
    table = table.assign(cold=table["coldest"])
    found = covariates_of(table, SITES, ["cover"])
    assert (found.cells, found.columns) == (("north", "south"), ("cover=ENF",))
    phi = np.random.default_rng(0).normal(size=(3, 24))
    groups = {"cover": ["cover"], "cold": ["cold"]}
    plain = table.assign(cell=table["cell"].str.strip(), cover=table["cover"].str.strip())
    both = [driver_shares(phi, each, groups, permutations=9) for each in (table, plain)]
    pd.testing.assert_frame_equal(*both)
    with pytest.raises(bt.InputError, match="cover: must vary"):
        covariates_of(known(cover=["ENF", "ENF "] * 12), SITES, ["cover"])


SAME = {
    "the same": np.r_[-20.0, np.full(23, -5.0)],
    "nearly": np.r_[-20.0, np.linspace(-5.0, -4.7, 23)],
}


FITS = {
    "step": lambda *given: bt.fit_population(*given, "step"),
    "hinge": lambda *given: bt.fit_population(*given, "hinge"),
    "attribution": bt.attribution,
}


@pytest.mark.parametrize("coldest", SAME)
@pytest.mark.parametrize("mean", FITS)
def test_a_threshold_is_not_looked_for_where_nearly_all_sites_are_as_cold(
    monkeypatch, coldest, mean
):
    monkeypatch.setattr(fit, "sample", lambda *_, **__: pytest.fail("it was sampled"))
    sites = toy(24, 60)
    table = sites.covariates.assign(coldest=SAME[coldest])
    with pytest.raises(
        bt.InputError, match=r"coldest: must span 0.5 K or more.*found -5.0"
    ) as error:
        FITS[mean](sites.draws, table)
    assert "\n" not in str(error.value)


def test_a_threshold_is_looked_for_in_a_kelvin():
    sites = toy(24, 60)
    table = sites.covariates.assign(coldest=np.linspace(-5.0, -4.0, 24))
    check_range(covariates_of(table, sites.draws.sites), "here")
    asked = {"means": ["constant", "linear", "step"], "believed": None, "replicates": 9, "seed": 0}
    checked(sites.draws, table, None, {}, every_driver_set=False, **asked)
