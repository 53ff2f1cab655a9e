"""What drivers add to the prediction of cells left out, against other ways to the same numbers."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import logsumexp
from scipy.stats import halfnorm, multivariate_normal

from bayes_tbm.population.attribution.gains import (
    driver_gains,
    driver_words,
    fitted_scores,
    gaussian_scores,
    with_gains,
)
from bayes_tbm.population.attribution.gaussian import GaussianPopulation
from bayes_tbm.population.attribution.shares import driver_shares
from bayes_tbm.population.hierarchy.covariates import covariates_of
from tests.population.toy import toy

GROUPS = {"summer": ["warmest"], "soil": ["soil"]}


def made(sites, slope, seed=0, sd=0.2):
    """Sites that follow the warmest month and not the soil, pairs of them in one cell."""
    rng = np.random.default_rng(seed)
    names = [f"s{i}" for i in range(sites)]
    cell = np.arange(sites) // 2
    x = rng.normal(size=(sites, 3))
    table = pd.DataFrame(x, columns=["coldest", "warmest", "soil"], index=names).assign(cell=cell)
    y = 4.0 + slope * x[:, 1] + 0.3 * rng.normal(size=sites) + sd * rng.normal(size=sites)
    population = GaussianPopulation(covariates_of(table, names), np.full(sites, sd))
    return population, y, table


def test_score_of_a_cell_left_out_is_evidence_with_it_over_evidence_without():
    """Covariances written out in full, for all sites and for all but a cell."""
    population, y, table = made(8, 0.5)
    x = ((table - table.mean()) / table.std(ddof=0))[["warmest", "soil"]].to_numpy()
    same = np.equal.outer(table["cell"].to_numpy(), table["cell"].to_numpy())
    middles = [(np.arange(n) + 0.5) / n for n in (8, 4)]

    def evidence(rows):
        return logsumexp([
            multivariate_normal.logpdf(
                y[rows], np.full(len(rows), np.log(60.0)),
                (np.diag(np.full(8, 0.04 + 0.01 + tau**2)) + cell**2 * same + 1.0
                 + 0.25 * x @ x.T)[np.ix_(rows, rows)],
            )
            for tau in halfnorm.ppf(middles[0], scale=0.5)
            for cell in halfnorm.ppf(middles[1], scale=0.5)
        ])  # fmt: skip

    others = [np.flatnonzero(table["cell"] != cell) for cell in range(4)]
    expected = [evidence(np.arange(8)) - evidence(rows) for rows in others]

    found = gaussian_scores(population, y, table, GROUPS)[frozenset(GROUPS)]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_a_driver_predicts_and_one_that_only_fits_is_called_noise():
    population, y, table = made(60, 0.5)
    # one cell is far off and of odd soil, which tells of no other cell
    y = y + 1.6 * (table["cell"] == 7).to_numpy()
    table["soil"] = table["soil"] + 6.0 * (table["cell"] == 7)
    gains = driver_gains(gaussian_scores(population, y, table, GROUPS), list(GROUPS))
    shares = driver_shares(y[None], table, GROUPS, permutations=100)
    found = with_gains(shares, gains)

    assert found["reading"]["summer"] == "predicts"
    assert found["gain_q05"]["summer"] > 4.0
    assert gains["gain"]["total"] == pytest.approx(gains["gain"][list(GROUPS)].sum())
    assert found["reading"]["soil"] == "noise"
    assert "soil" in driver_words(found).split(";")[1]


def test_drivers_of_nothing_are_rarely_said_to_predict():
    told = []
    for seed in range(20):
        population, y, table = made(24, 0.0, seed)
        gains = driver_gains(gaussian_scores(population, y, table, GROUPS), list(GROUPS))
        told += list(gains["gain_q05"][list(GROUPS)] > 0.0)

    assert np.mean(told) < 0.1


@pytest.mark.slow
def test_fits_of_every_set_of_drivers_give_the_gains_of_the_closed_form():
    sites = toy(24, 400, seed=3, cells=np.arange(24) // 2)
    rng = np.random.default_rng(0)
    table = sites.covariates.assign(soil=rng.normal(size=24))
    table["warmest"] = sites.y + 0.3 * rng.normal(size=24)
    y, sd = sites.draws.summary()
    population = GaussianPopulation(covariates_of(table, sites.draws.sites), sd)
    closed = driver_gains(gaussian_scores(population, y, table, GROUPS), list(GROUPS))
    fits = [
        fitted_scores(sites.draws, table, GROUPS, seed, chains=2, warmup=200, keep=300)
        for seed in range(5)
    ]

    gains = np.array([driver_gains(fit, list(GROUPS))["gain"] for fit in fits])
    error = np.sqrt(gains.var(axis=0, ddof=1).mean() / len(fits))
    assert error < 0.7 / 4.0
    np.testing.assert_allclose(gains.mean(axis=0), closed["gain"], atol=4.0 * error)
