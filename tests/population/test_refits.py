"""Weak sites fitted again: the population is the exact one, and the loop ends where it should."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

import bayes_tbm as bt
from bayes_tbm.errors import InputError
from bayes_tbm.population.draws import SiteDraws
from bayes_tbm.population.hierarchy import RefitPrior, refit_weak_sites
from bayes_tbm.population.refitting import interim_priors
from bayes_tbm.population.runs import coordinate_of, log_prior_of
from tests.population.toy import PLAIN, grid, log_normal, toy

OFF = 7.0, 0.35  # mean and sd of a prior that keeps a site from where it belongs
# Of one length in all tests, which share what is compiled: the means are known to a tenth of an sd.
CHAINS = PLAIN | {"chains": 2, "warmup": 300, "keep": 300}


@pytest.fixture(scope="module")
def sites():
    """Return eight sites, the first of which was fitted under a prior that is far off."""
    found = toy(8, 2000, seed=3)
    found.y[0], found.s[0] = 4.3, 0.5
    variance = 1 / (1 / found.s[0] ** 2 + 1 / OFF[1] ** 2)
    centre = variance * (found.y[0] / found.s[0] ** 2 + OFF[0] / OFF[1] ** 2)
    found.draws.phi[0, :, 0] = np.random.default_rng(0).normal(centre, np.sqrt(variance), 2000)
    found.draws.log_prior[0] = log_normal(found.draws.phi[0, :, 0], OFF[0], OFF[1] ** 2)
    return found


def exactly(sites, density=lambda t, phi: t.logpdf(phi)):
    """Return a refit that draws by the inverse of the exact distribution function."""
    calls = []

    def refit(number, priors):
        calls.append((number, sorted(priors)))
        rng, rows = np.random.default_rng(number), []
        for site, prior in priors.items():
            place = sites.draws.sites.index(site)
            t = stats.t(4, prior.location[0], prior.scale[0])
            at = np.linspace(-2.0, 10.0, 24_001)
            mass = np.cumsum(t.pdf(at) * stats.norm.pdf(sites.y[place], at, sites.s[place]))
            phi = np.interp(rng.random(2000) * mass[-1], mass, at)
            rows.append((phi[:, None], density(t, phi)))
        phi, log_prior = map(np.stack, zip(*rows, strict=True))
        return SiteDraws(
            tuple(priors), sites.draws.coordinates, phi, log_prior, np.full(len(priors), 2000)
        )

    return refit, calls


def away(fit, sites):
    """Return how far posterior means are from the exact ones, in posterior sds."""
    mean, sd, probability = grid(sites)
    found = []
    for name, exact in (("intercept", mean), ("sd", sd)):
        centre = probability @ exact
        spread = np.sqrt(probability @ (exact - centre) ** 2)
        found.append(abs(float(fit.tree["posterior"][name].mean()) - centre) / spread)
    return max(found)


def test_a_refit_makes_the_population_the_exact_one(sites):
    refit, calls = exactly(sites)
    before = bt.fit_population(sites.draws, sites.covariates, "constant", seed=1, **CHAINS)
    found = refit_weak_sites(
        sites.draws, sites.covariates, refit, "constant", seed=1, least=600, **CHAINS
    )
    assert calls == [(1, ["s00"])]
    assert away(before, sites) > 0.4
    assert away(found.fit, sites) < 0.15
    row = found.table.loc[(1, "s00")]
    assert row["refitted"]
    assert row["effective_before"] < 100 < 600 < row["effective_after"]
    assert len(found.bits) == 2
    assert (found.weak, found.stopped) == ((), False)
    assert f"s00 (round 1): {row['effective_before']:.0f} effective" in found.summary()
    others = np.arange(8) > 0
    np.testing.assert_array_equal(found.draws.phi[others], sites.draws.phi[others])


def test_a_refit_weighted_by_another_prior_is_found_out(sites):
    """The density must be that of the prior that was sampled under, not of the site's first one."""
    refit, _ = exactly(sites, lambda _, phi: log_normal(phi, OFF[0], OFF[1] ** 2))
    found = refit_weak_sites(
        sites.draws, sites.covariates, refit, "constant", seed=1, rounds=1, **CHAINS
    )
    assert away(found.fit, sites) > 0.4


def test_rounds_end_after_two_and_where_nothing_can_be_fitted(sites):
    calls = []

    def same(number, priors):
        calls.append(number)
        return sites.draws.of(list(priors))

    found = refit_weak_sites(sites.draws, sites.covariates, same, "constant", **CHAINS)
    assert calls == [1, 2]
    assert found.weak == ("s00",)
    assert "too few draws still at s00" in found.summary()
    none = refit_weak_sites(sites.draws, sites.covariates, lambda *_: None, "constant", **CHAINS)
    assert not none.table["refitted"].any()
    assert none.table.index.tolist() == [(1, "s00")]
    assert "s00 (round 1): could not be fitted again" in none.summary()


def test_where_more_than_a_tenth_is_weak_none_is_fitted_again(sites):
    found = refit_weak_sites(
        sites.draws, sites.covariates, lambda *_: pytest.fail("refitted"), "constant", least=1e6,
        **CHAINS,
    )  # fmt: skip
    assert found.stopped
    assert found.table.empty
    assert "refits stopped: 8 of 8 sites" in found.summary()


@pytest.mark.parametrize(
    "first",
    [
        {"wood_residence_time": bt.BoundedLogNormal(60.0, 0.8, 2.7, 500.0),
         "allocation_wood": bt.LogitNormal(0.42, 0.7)},
        {"wood_residence_time": bt.LogNormal(60.0, 0.5), "allocation_wood": bt.Uniform(0.0, 1.0)},
    ],
)  # fmt: skip
def test_interim_priors_are_the_t_that_was_asked_for_within_bounds(first):
    wanted = RefitPrior(tuple(first), np.array([np.log(200.0), -0.5]), np.array([0.6, 0.45]))
    found = interim_priors(wanted, first)
    ends = (np.log(2.7), np.log(500.0)), (-np.inf, np.inf)
    for (name, prior), location, scale, (low, high) in zip(
        found.items(), wanted.location, wanted.scale, ends, strict=True
    ):
        own = coordinate_of(name)
        phi = location + np.linspace(-2.0, 1.5, 30) * scale
        phi = phi[phi < high]
        t = stats.t(4, location, scale)
        exact = t.logpdf(phi) - np.log(t.cdf(high) - t.cdf(low))
        # rounded to three digits: the exact t of the numbers that are sampled under is `prior`'s
        np.testing.assert_allclose(log_prior_of(prior, own, phi), exact, atol=0.02)
        assert prior.support == ((2.7, 500.0) if name == "wood_residence_time" else (0.0, 1.0))


def test_a_middle_beyond_the_bounds_is_brought_within():
    first = {"wood_residence_time": bt.BoundedLogNormal(60.0, 0.8, 2.7, 500.0)}
    prior = interim_priors(RefitPrior(tuple(first), np.array([9.0]), np.array([0.5])), first)
    assert prior["wood_residence_time"].mode == pytest.approx(500.0, rel=0.06)
    share = {"allocation_wood": bt.LogitNormal(0.4, 0.7, 0.1, 0.6)}
    prior = interim_priors(RefitPrior(tuple(share), np.array([-4.0]), np.array([0.5])), share)
    assert prior["allocation_wood"].median == pytest.approx(0.105)


def test_draws_of_other_sites_or_coordinates_are_refused(sites):
    other = sites.draws.of(["s01"])
    with pytest.raises(InputError, match="no draws of; found x"):
        sites.draws.with_sites(dataclasses.replace(other, sites=("x",)))
    with pytest.raises(InputError, match="beside wood_residence_time"):
        sites.draws.with_sites(dataclasses.replace(other, coordinates=("x",)))
    with pytest.raises(InputError, match="two sites or more"):
        bt.fit_population(other, sites.covariates)
