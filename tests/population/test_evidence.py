"""Evidence in closed form, power, and verdicts that may say that there is nothing to see."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logsumexp
from scipy.stats import halfnorm, lognorm, multivariate_normal, norm

from bayes_tbm.errors import InputError
from bayes_tbm.population.attribution.gaussian import Evidence, GaussianPopulation
from bayes_tbm.population.attribution.power import power, simulated
from bayes_tbm.population.attribution.thresholds import check_believed, thresholds_under_priors
from bayes_tbm.population.attribution.verdicts import step_test, verdict
from bayes_tbm.population.hierarchy.covariates import covariates_of


def covariates(sites=24, low=-30.0, high=0.0, drivers=()):
    names = [f"s{i}" for i in range(sites)]
    table = {"coldest": np.linspace(low, high, sites), "cell": np.arange(sites) // 2}
    named = {"driver": drivers} if len(drivers) else {}
    return covariates_of(pd.DataFrame({**table, **named}, index=names), names, list(named))


def middles(count):
    return (np.arange(count) + 0.5) / count


@pytest.mark.parametrize("drivers", [[], [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0]])
@pytest.mark.parametrize("cells", [True, False])
@pytest.mark.parametrize("mean", ["constant", "linear", "step"])
def test_evidence_is_the_average_of_normal_densities(mean, cells, drivers):
    """Covariances written out in full, place by place of the grid."""
    known, sd = covariates(8, drivers=drivers), np.full(8, 0.3)
    population = GaussianPopulation(known, sd, covariate_sd=0.0, cells=cells)
    y = 4.0 + np.random.default_rng(0).normal(size=8)
    x = (known.coldest - known.centre) / known.scale
    shapes = {"constant": [(np.zeros(8), 0.0)], "linear": [(x, 0.5)]}
    shapes["step"] = [
        (expit((known.coldest - at) / width), 1.0)
        for at in population.thresholds
        for width in lognorm.ppf(middles(4), 0.7, scale=2.0)
    ]
    same = known.cell[:, None] == known.cell[None, :]
    logs = [
        multivariate_normal.logpdf(
            y, np.full(8, np.log(60.0)),
            np.diag(sd**2 + tau**2 + 0.01) + cell**2 * same + 1.0 + prior**2 * np.outer(c, c)
            + 0.25 * known.design @ known.design.T,
        )
        for tau in halfnorm.ppf(middles(8), scale=0.5)
        for cell in (halfnorm.ppf(middles(4), scale=0.5) if cells else [0.0])
        for c, prior in shapes[mean]
    ]  # fmt: skip

    assert population.evidence(mean, y).log[0] == pytest.approx(
        logsumexp(logs) - np.log(len(logs)), rel=1e-9
    )


def test_a_large_step_is_placed():
    known, sd = covariates(60), np.full(60, 0.2)
    population = GaussianPopulation(known, sd, covariate_sd=0.5)
    rng = np.random.default_rng(1)
    truth = np.log(60.0) + np.log(3.9) * (known.coldest > -18.0)
    found = step_test(population, simulated(known, truth, sd, 0.3, 0.1, 20, rng))

    assert found.claimed.all()
    low, high = found.step.interval().T
    assert np.mean((low <= -18.0) & (high >= -18.0)) > 0.8
    assert found.step.effect[:, 0].mean() == pytest.approx(np.log(3.9), abs=0.15)


@pytest.mark.parametrize("truth", ["constant", "linear", "hinge"])
def test_threshold_is_rarely_claimed_where_there_is_none(shared_data, truth):
    table = pd.read_csv(shared_data / "population/sites.csv", index_col="site")
    known = covariates_of(table, list(table.index))
    x = (known.coldest - known.centre) / known.scale
    mean = {"constant": 0 * x, "linear": 0.4 * x, "hinge": 0.5 * np.maximum(x, 0)}[truth]
    rng = np.random.default_rng(7)
    sd = rng.uniform(0.2, 0.6, len(x))
    y = simulated(known, np.log(60.0) + mean, sd, 0.4, 0.2, 300, rng)

    assert step_test(GaussianPopulation(known, sd), y).claimed.mean() <= 0.10


def test_claiming_whatever_fits_best_would_be_seen():
    """Errors of sites forgotten: the test that passes above then fails."""
    known, sd = covariates(30), np.full(30, 0.05)
    rng = np.random.default_rng(8)
    departures = 0.8 * np.cumsum(rng.normal(size=(200, 30)), axis=1) / np.sqrt(30)
    found = step_test(GaussianPopulation(known, sd, spread=0.1), np.log(60.0) + departures)

    assert found.claimed.mean() > 0.10


@pytest.fixture
def driver():
    """Return a driver that sites on the warm side have, and no others, but for one of each."""
    values = (np.linspace(-30.0, 0.0, 60) > -15.0).astype(float)
    values[[24, 32]] = 1.0, 0.0
    return values


@pytest.mark.parametrize("known", [False, True])
def test_a_driver_that_is_known_is_not_taken_for_a_step(driver, known):
    y = np.log(60.0) - 1.2 * driver + np.random.default_rng(0).normal(0.0, 0.25, (60, 60))
    sites = covariates(60, drivers=driver if known else ())
    claims = step_test(GaussianPopulation(sites, np.full(60, 0.15)), y).claimed

    assert claims.mean() <= 0.05 if known else claims.mean() > 0.5


@pytest.mark.slow  # several hundred verdicts
def test_power_is_less_where_a_driver_goes_along_with_the_step(driver):
    settings = {"thresholds": [-15.0], "between": 0.2, "factors": [3.9], "covariate_sd": 0.5}
    plain, given = (
        power(covariates(60, drivers=d), np.full(60, 0.2), **settings)["told"] for d in ((), driver)
    )
    told = [each["step", 3.9, -15.0] for each in (given, plain)]
    error = np.sqrt(sum(share * (1.0 - share) / 200 for share in told))
    assert told[1] - told[0] > 3.0 * error


def test_power_knows_whether_cells_share_a_departure():
    """Two cells of many sites each: a departure in common looks like a step."""
    names = [f"s{i}" for i in range(40)]
    table = {"coldest": np.linspace(-30.0, 0.0, 40), "cell": np.arange(40) // 20}
    known = covariates_of(pd.DataFrame(table, index=names), names)
    told = [
        power(known, np.full(40, 0.2), factors=[2.0], thresholds=[-15.0], between=0.2, cells=c,
              replicates=40)["told"]["step", 2.0, -15.0]
        for c in (0.0, None)
    ]  # fmt: skip
    assert told[1] > told[0] + 0.3


@pytest.mark.parametrize("offset_sd", [0.01, 2.0])
def test_a_common_error_of_temperatures_widens_thresholds(offset_sd):
    places = np.linspace(-26.0, -4.0, 33)
    mass = norm.pdf(places, [[-20.0], [-12.0]], 1.5)
    mass /= mass.sum(axis=1, keepdims=True)
    plain = Evidence(np.zeros(2), mass, places, np.zeros((2, 2)))
    found = plain.moved(offset_sd)
    within = np.sum(np.gradient(places) ** 2 / 12 * mass, axis=1)  # each place is a range

    np.testing.assert_allclose(found.threshold.sum(axis=1), 1.0)
    variance = plain.threshold_sd() ** 2 + within + offset_sd**2
    np.testing.assert_allclose(found.threshold_sd(), np.sqrt(variance), rtol=0.01)
    half = 1.645 * np.hypot(1.5, offset_sd)
    np.testing.assert_allclose(found.interval()[1], [-12 - half, -12 + half], atol=0.15)


def test_a_common_error_is_in_all_that_is_told_of_a_threshold():
    known, sd = covariates(60, -35.0, 0.0), np.full(60, 0.15)
    truth = np.log(60.0) + 1.36 * (known.coldest > -23.5)
    y = simulated(known, truth, sd, 0.2, 0.05, 1, np.random.default_rng(1))
    without, given = (GaussianPopulation(known, sd, offset_sd=offset) for offset in (0.0, 2.0))
    plain, told = (thresholds_under_priors(p, y[0]).loc["even"] for p in (without, given))
    step = without.evidence("step", y)
    near = norm.cdf(-17.0, step.thresholds, 2.0) - norm.cdf(-23.0, step.thresholds, 2.0)

    assert told["near"] == pytest.approx(step.threshold[0] @ near, abs=0.02)
    assert told["near"] > plain["near"] + 0.15
    assert told["q95"] - told["q05"] > 2 * 1.645 * 2.0
    assert told["log_bayes_factor"] == pytest.approx(plain["log_bayes_factor"])
    assert told["prior_near"] == pytest.approx(6.0 / np.ptp(known.range), abs=0.03)
    tests = [step_test(p, y) for p in (without, given)]
    assert np.ptp(tests[1].step.interval()) > 2 * 1.645 * 2.0 > np.ptp(tests[0].step.interval())
    assert tests[0].located == tests[1].located


def test_power_grows_with_the_step_and_with_sites():
    few = power(covariates(40), np.full(40, 0.3), thresholds=[-15.0], replicates=40)
    many = power(covariates(100), np.full(100, 0.3), thresholds=[-15.0], replicates=40)

    assert few["told"]["constant"].iloc[0] <= 0.1
    assert few["told"]["step", 2.0, -15.0] < few["told"]["step", 3.9, -15.0]
    assert many["told"]["step", 2.0, -15.0] > few["told"]["step", 2.0, -15.0]
    assert many["threshold_sd"]["step", 3.9, -15.0] < 2.0


def verdict_of(sites, step, told, seed=3, **more):
    known, sd = covariates(sites), np.full(sites, 0.2)
    truth = np.log(60.0) + step * (known.coldest > -15.0)
    y = simulated(known, truth, sd, 0.2, 0.05, 1, np.random.default_rng(seed))
    return verdict(step_test(GaussianPopulation(known, sd, covariate_sd=0.0), y), told, **more)


def test_verdicts_name_threshold_none_or_ignorance():
    assert verdict_of(60, 1.3, {2.0: 0.9}).startswith("threshold near -1")
    assert verdict_of(60, 0.0, {2.0: 0.9}).startswith("no threshold: a step by a factor 2 or more")
    assert verdict_of(60, 0.0, {2.0: 0.3}).startswith("cannot tell: a step by a factor 2 would be")
    assert verdict_of(6, 0.3, {2.0: 0.1}).startswith("cannot tell")


def test_a_step_that_predicts_worse_is_not_claimed():
    assert verdict_of(60, 1.3, {2.0: 0.9}, elpd=-5.0).startswith("cannot tell")


def test_a_threshold_that_is_believed_is_the_even_one_weighed_by_that_prior():
    known, sd = covariates(40), np.full(40, 0.3)
    population = GaussianPopulation(known, sd)
    truth = np.log(60.0) + 0.7 * (known.coldest > -15.0)
    y = simulated(known, truth, sd, 0.3, 0.05, 1, np.random.default_rng(2))[0]
    found = thresholds_under_priors(population, y, (-20.0, 3.0))
    fine = -28.5 + 27.0 * middles(400)
    even = population.evidence("step", y, places=fine).threshold[0]
    weighed = even * norm.pdf(fine, -20.0, 3.0)
    weighed /= weighed.sum()

    near = {"even": even, "believed": weighed}
    for name, each in near.items():
        assert found["near"][name] == pytest.approx(each[np.abs(fine + 20) <= 3].sum(), abs=0.05)
        middle = fine[np.searchsorted(np.cumsum(each), 0.5)]
        assert found["median"][name] == pytest.approx(middle, abs=0.9)
    assert found["near"]["believed"] > found["near"]["even"] + 0.2
    assert found["prior_near"]["believed"] == pytest.approx(0.68, abs=0.03)


@pytest.mark.parametrize("bad", [(-20.0,), (-20.0, 0.0), "-20", (float("nan"), 1.0)])
def test_a_belief_that_is_no_prior_is_refused(bad):
    with pytest.raises(InputError, match="mean and sd of a threshold"):
        check_believed(bad)


@pytest.mark.parametrize("sd", [0.8, 2.0, 100.0])
def test_an_interval_is_not_held_to_the_places_of_the_grid(sd):
    """Normal posteriors, their sds in places of the grid: narrow ones, and one as wide as it."""
    places = np.linspace(-20.0, -4.0, 33)
    centre = -12.0 + 0.5 * np.linspace(-0.5, 0.5, 11)[:, None]
    edges = np.append(places - 0.25, places[-1] + 0.25)
    mass = np.diff(norm.cdf(edges, centre, 0.5 * sd))
    mass /= mass.sum(axis=1, keepdims=True)
    found = Evidence(np.zeros(11), mass, places, np.zeros((11, 2))).interval().T
    within = norm.cdf([edges[0], edges[-1]], centre, 0.5 * sd)
    ends = within[:, :1] + np.diff(within) * [0.05, 0.95]
    np.testing.assert_allclose(found.T, norm.ppf(ends, centre, 0.5 * sd), atol=0.13)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({0.5: 0.9, 0.26: 0.95}, "no threshold: a step by a factor 0.5 or less would have been"),
        ({0.5: 0.3, 0.26: 0.9}, "no threshold: a step by a factor 0.26 or less would have been"),
        ({2.0: 0.9, 3.9: 0.95}, "no threshold: a step by a factor 2 or more would have been"),
        ({0.5: 0.3, 0.26: 0.6}, "cannot tell: a step by a factor 0.26 would be told in 60 %"),
        ({2.0: 0.3, 3.9: 0.6}, "cannot tell: a step by a factor 3.9 would be told in 60 %"),
        ({0.2: 0.7, 2.0: 0.3}, "cannot tell: a step by a factor 0.2 would be told in 70 %"),
    ],
)
def test_a_step_by_less_than_one_is_as_large_as_its_inverse(told, words):
    none = SimpleNamespace(log_factor=np.array([[-2.0], [-3.0]]), claimed=np.array([False]))
    assert verdict(none, told).startswith(words)
