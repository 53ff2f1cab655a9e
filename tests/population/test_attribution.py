"""Shares of drivers, comparison by cells left out, and all of it together."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import logsumexp

import bayes_tbm as bt
from bayes_tbm.errors import InputError
from bayes_tbm.population.attribution import driver_shares
from bayes_tbm.population.attribution.compare import (
    bootstrapped_weights,
    compared,
    left_out,
    stacking_weights,
)
from bayes_tbm.population.attribution.shares import _permuted, columns_left_out, groups_in
from tests.population.toy import constant, log_normal, toy


def table(sites=200, seed=0):
    rng = np.random.default_rng(seed)
    basis, _ = np.linalg.qr(np.column_stack([np.ones(sites), rng.normal(size=(sites, 3))]))
    columns = basis[:, 1:] * np.sqrt(sites)  # uncorrelated, of unit variance
    names = ["coldest", "soil", "precipitation"]
    return pd.DataFrame(columns, columns=names).assign(cell=np.arange(sites))


def test_shares_of_uncorrelated_drivers_are_their_squared_correlations():
    x = table()
    noise = np.random.default_rng(1).normal(size=(400, 200))
    phi = 0.6 * x["coldest"].to_numpy() + 0.3 * x["soil"].to_numpy() + noise
    found = driver_shares(phi, x, permutations=100)
    total = 0.36 + 0.09 + 1.0

    assert found["share"]["winter temperature"] == pytest.approx(0.36 / total, abs=0.02)
    assert found["share"]["soil"] == pytest.approx(0.09 / total, abs=0.02)
    assert found["largest"]["winter temperature"] > 0.99
    assert found["share"]["moisture"] < found["null_q95"]["moisture"]
    assert found["share"]["winter temperature"] > found["null_q95"]["winter temperature"]
    np.testing.assert_allclose(found["share"]["shared"], 0.0, atol=0.01)


def test_what_two_drivers_say_alike_is_shared():
    x = table()
    x["soil"] = 0.97 * x["coldest"] + np.sqrt(1 - 0.97**2) * x["soil"]
    noise = np.random.default_rng(1).normal(size=(200, 200))
    found = driver_shares(x["coldest"].to_numpy() + noise, x, permutations=5)

    assert found["share"]["total"] == pytest.approx(0.5, abs=0.03)
    assert found["share"]["shared"] > 0.4
    assert found["unique"]["winter temperature"] < 0.06
    assert abs(found["share"]["winter temperature"] - found["share"]["soil"]) < 0.06


def test_null_of_a_driver_of_sites_is_not_that_of_a_driver_of_cells():
    """Ten sites in each of six cells that differ: what varies within cells seldom looks like them.

    The truth is what soils that are drawn anew explain.
    """
    cell, found, exact = np.repeat(np.arange(6), 10), [], []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        x = pd.DataFrame({"cell": cell, "coldest": rng.normal(size=6)[cell]})
        x["soil"] = rng.normal(size=60)
        phi = 0.6 * rng.normal(size=6)[cell] + 0.3 * rng.normal(size=60)
        groups = {"winter": ["coldest"], "soil": ["soil"]}
        table = driver_shares(phi[None], x, groups, permutations=200, seed=seed)
        found.append(table["null_q95"]["soil"])
        shares = [
            driver_shares(
                phi[None], x.assign(soil=rng.normal(size=60)), groups, permutations=1
            )["share"]["soil"]
            for _ in range(60)
        ]  # fmt: skip
        exact.append(np.quantile(shares, 0.95))
    assert np.mean(found) == pytest.approx(np.mean(exact), abs=0.04)


def test_permuted_cells_keep_what_is_the_same_within_them():
    cells = np.array([0, 1, 0, 2, 1, 3, 2])
    of_cell, of_site = np.arange(4.0)[cells], np.arange(7.0) ** 2
    design = {"x": np.column_stack([of_cell, of_site])}
    rng = np.random.default_rng(0)
    many = [_permuted(design, cells, rng)["x"] for _ in range(200)]
    for moved in many:
        assert sorted({(c, v) for c, v in zip(cells, moved[:, 0], strict=True)}) == [
            (c, moved[cells == c, 0][0]) for c in range(4)
        ]
        assert sorted(moved[[0, 1, 3, 5], 0]) == [0.0, 1.0, 2.0, 3.0]
    # on average nothing is left of who had what: three errors of 200 permutations
    middle = np.mean(many, axis=0)[:, 0]
    np.testing.assert_allclose(middle, 1.5, atol=3.0 * np.sqrt(1.25 / 200))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"soil": [np.nan] + [1.0, 2.0] * 6}, "missing at 1 of 13 sites"),
        ({"soil": [3.0] * 13}, "the same at all sites"),
        ({"soil": list("abcdefghijklm")}, "too few sites"),
    ],
)
def test_columns_that_will_not_do_are_no_drivers_by_default(change, why):
    x = table(13).assign(**change, cover=["a", "b"] * 6 + ["a"])
    assert columns_left_out(x) == {"soil": why}
    shares = driver_shares(np.random.default_rng(0).normal(size=(5, 13)), x, permutations=5)
    assert list(shares.index[:-2]) == ["winter temperature", "moisture", "stand"]
    assert np.isfinite(shares["share"]).all()


@pytest.mark.parametrize(("sites", "kept"), [(4, 1), (5, 2), (6, 3)])
def test_few_sites_have_few_drivers_by_default(sites, kept):
    x = pd.DataFrame(np.random.default_rng(0).normal(size=(sites, 3)))
    x.columns = ["coldest", "warmest", "precipitation"]
    assert len(groups_in(x)) == kept
    assert list(columns_left_out(x).values()) == ["too few sites"] * (3 - kept)


def test_shares_need_more_sites_than_columns():
    groups = {name: [name] for name in ("coldest", "soil", "precipitation")}
    with pytest.raises(InputError, match="more sites than columns"):
        driver_shares(np.zeros((3, 5)), table(5), groups)


def test_stacking_weights_are_the_best_of_a_fine_grid():
    rng = np.random.default_rng(2)
    scores = rng.normal(-1.0, 0.8, size=(2, 30))
    grid = np.linspace(0, 1, 1001)
    score = [logsumexp(scores, axis=0, b=np.array([[w], [1 - w]])).sum() for w in grid]

    assert stacking_weights(scores)[0] == pytest.approx(grid[np.argmax(score)], abs=2e-3)


def test_intervals_of_stacking_weights_are_wide_where_means_predict_alike():
    rng = np.random.default_rng(4)
    base = rng.normal(-1.0, 0.5, 30)
    alike = np.stack([base, base + 0.02 * rng.normal(size=30)])
    apart = np.stack([base, base - 1.0 + 0.2 * rng.normal(size=30)])

    assert np.ptp(np.quantile(bootstrapped_weights(alike, 100)[:, 0], [0.05, 0.95])) > 0.9
    assert np.quantile(bootstrapped_weights(apart, 100)[:, 0], 0.05) > 0.99


def test_bootstrapped_weights_are_those_of_cells_drawn_again():
    """Whole numbers as weights are the same as cells that are there so many times."""
    scores = np.random.default_rng(2).normal(-1.0, 0.8, size=(3, 20))
    times = np.random.default_rng(3).integers(0, 4, 20)

    np.testing.assert_allclose(
        stacking_weights(scores, times.astype(float)),
        stacking_weights(np.repeat(scores, times, axis=1)), atol=2e-3,
    )  # fmt: skip


def test_small_differences_are_not_called_clear():
    rng = np.random.default_rng(3)
    base = rng.normal(-1.0, 0.5, 30)
    scores = np.stack([base, base - 0.1 + 0.01 * rng.normal(size=30), base - 0.5])
    found = compared(["a", "b", "c"], scores, [0.1, 0.2, 0.3])

    assert list(found.index) == ["a", "b", "c"]
    assert list(found["clear"]) == [False, False, True]
    assert found["difference"]["b"] == pytest.approx(-3.0, abs=0.3)


@pytest.mark.slow  # of many draws
def test_score_of_a_site_left_out_is_that_of_a_grid_without_it():
    sites = toy(12, 30_000, seed=5)  # one lies far out: few of its draws tell
    fit = bt.fit_population(
        sites.draws, sites.covariates, "constant", cells=False, chains=2, keep=1000, warmup=200
    )
    found, shape = left_out(fit, 2000)
    mean, beyond = (a.ravel() for a in np.meshgrid(np.linspace(2, 6, 201), np.linspace(0, 2, 201)))
    each = log_normal(sites.y, mean[:, None], sites.s**2 + 0.01 + beyond[:, None] ** 2)
    prior = log_normal(mean, np.log(60.0), 1.0) - 0.5 * (beyond / 0.5) ** 2
    whole = logsumexp(each.sum(1) + prior)
    without = logsumexp(each.sum(1)[:, None] - each + prior[:, None], axis=0)

    np.testing.assert_allclose(found, whole - without - constant(sites), atol=0.1)
    assert shape.max() < 0.7


@pytest.fixture(scope="module")
def whole():
    step = toy(24, 300, seed=4, s=0.2, tau=0.2, mean=lambda t: 4.0 + 1.4 * (t > -15.0))
    x = step.covariates.assign(soil=np.random.default_rng(0).normal(size=24))
    return bt.attribution(
        step.draws, x, means=("constant", "linear", "step"), replicates=40,
        chains=2, warmup=150, keep=150, offset_sd=0.0,
    )  # fmt: skip


@pytest.mark.slow  # test_study.py goes the same way, by the command
def test_everything_together_finds_a_step(whole):
    assert whole.verdict.startswith("threshold near -1")
    assert whole.comparison.index[0] == "step"
    assert whole.evidence["log_bayes_factor"].idxmax() == "step"
    assert float(whole.threshold["probability"].sum()) == pytest.approx(1.0)
    assert abs(float(whole.threshold["probability"].idxmax()) + 15.0) < 3.0
    assert whole.shares["largest"]["winter temperature"] > 0.9


def test_attribution_needs_the_means_it_judges_by():
    sites = toy(12, 300)
    with pytest.raises(InputError, match="constant, linear and step are needed"):
        bt.attribution(sites.draws, sites.covariates, means=("constant", "step"))


@pytest.mark.slow  # seven fits
def test_drivers_that_are_known_are_no_step_and_keep_their_shares():
    driver = np.arange(24) >= 12
    driver[[8, 15]] = True, False
    sites = toy(24, 200, seed=4, s=0.15, tau=0.2, mean=lambda t: 4.0 + 1.4 * driver)
    soil = np.random.default_rng(0).normal(size=24)
    table = sites.covariates.assign(managed=driver, soil=soil)
    plain, known = (
        bt.attribution(
            sites.draws, table, means=("constant", "linear", "step"), replicates=5, chains=1,
            groups={"stand": ["managed"], "soil": ["soil"]}, warmup=60, keep=60, drivers=drivers,
        )
        for drivers in ((), ("managed",))
    )  # fmt: skip
    assert plain.evidence["log_bayes_factor"]["step"] > 4.0
    assert known.evidence["log_bayes_factor"]["step"] < 1.0
    # a fit that leans on the driver would give it to the sites
    pd.testing.assert_frame_equal(known.shares, plain.shares)
