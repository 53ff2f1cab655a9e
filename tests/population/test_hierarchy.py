"""The population of Gaussian sites against a grid, its diagnostics, and sites after pooling."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from bayes_tbm.errors import InputError
from bayes_tbm.population.attribution.attribution import _spread
from bayes_tbm.population.draws import SiteDraws
from bayes_tbm.population.hierarchy import fit_population, needs_refit, pooled, refit_prior
from bayes_tbm.population.hierarchy.covariates import covariates_of
from bayes_tbm.population.hierarchy.diagnostics import error_bits, smoothed
from bayes_tbm.population.hierarchy.means import departure
from bayes_tbm.population.hierarchy.model import Form, data_of
from bayes_tbm.population.hierarchy.sampling import _compiled
from bayes_tbm.population.hierarchy.weights import cell_log_likelihood, mean_weights
from bayes_tbm.runtime.promotion import lenient
from tests.population.toy import INTERIM, PLAIN, grid, log_normal, toy


@pytest.fixture(scope="module")
def sites():
    return toy(20, 1000, seed=2)


@pytest.fixture(scope="module")
def fit(sites):
    return fit_population(sites.draws, sites.covariates, "constant", seed=1, **PLAIN)


def test_population_is_that_of_the_grid(sites, fit):
    mean, sd, probability = grid(sites)
    posterior = fit.tree["posterior"]
    for name, exact in (("intercept", mean), ("sd", sd)):
        draws = posterior[name].values.ravel()
        centre = probability @ exact
        spread = np.sqrt(probability @ (exact - centre) ** 2)
        assert draws.mean() == pytest.approx(centre, abs=0.2 * spread)
        assert draws.std() == pytest.approx(spread, rel=0.15)


def test_forgotten_interim_prior_moves_the_population():
    sites = toy(20, 1000, seed=2, s=0.6, mean=lambda t: 3.0 + 0 * t)
    flat = SiteDraws(
        sites.draws.sites, sites.draws.coordinates, sites.draws.phi,
        np.zeros_like(sites.draws.log_prior), sites.draws.effective,
    )  # fmt: skip
    mean, _, probability = grid(sites)
    centre = probability @ mean
    spread = np.sqrt(probability @ (mean - centre) ** 2)
    for draws, off in ((sites.draws, False), (flat, True)):
        fit = fit_population(draws, sites.covariates, "constant", seed=1, chains=2, **PLAIN)
        gap = abs(float(fit.tree["posterior"]["intercept"].mean()) - centre) / spread
        assert (gap > 0.5) == off


def test_pooled_sites_are_those_of_the_closed_form(sites, fit):
    rng = np.random.default_rng(0)
    places = pooled(fit, sites.draws, rng)
    found = np.take_along_axis(sites.draws.phi[..., 0].T, places, axis=0)
    mean, sd, probability = grid(sites)
    precision = 1 / sites.s**2 + 1 / sd[:, None] ** 2
    centres = (sites.y / sites.s**2 + mean[:, None] / sd[:, None] ** 2) / precision
    exact = probability @ centres
    spread = np.sqrt(probability @ (1 / precision + (centres - exact) ** 2))

    assert places.shape == (2000, 20)
    assert np.abs((found.mean(0) - exact) / spread).max() < 0.25
    assert np.abs(found.std(0) / spread - 1).max() < 0.15


def test_one_seed_gives_one_result_and_compiles_nothing_again(sites, fit):
    compiled = _compiled.cache_info().misses
    again = fit_population(sites.draws, sites.covariates, "constant", seed=1, **PLAIN)

    assert again.tree.equals(fit.tree)
    assert _compiled.cache_info().misses == compiled


def test_few_draws_are_told_of(fit):
    assert needs_refit(fit) == []
    few = toy(20, 300, seed=2)
    poor = fit_population(few.draws, few.covariates, "constant", seed=1, keep=100, **PLAIN)

    assert needs_refit(poor) == list(few.draws.sites)
    assert float(poor.tree["diagnostics"]["error_bits"]) > 2 * float(
        fit.tree["diagnostics"]["error_bits"]
    )


def test_error_in_bits_is_that_of_repeated_draws(sites, fit):
    """Half the variance over the posterior of the error of the log likelihood, over many sets."""
    parameters = {k: v[::40] for k, v in fit.parameters().items()}
    mean, tau = np.asarray(parameters["intercept"]), np.asarray(parameters["sd"])[:, 0]
    exact = log_normal(sites.y, mean[:, None], sites.s**2 + tau[:, None] ** 2)
    exact = (exact - log_normal(sites.y, INTERIM[0], sites.s**2 + INTERIM[1] ** 2)).sum(1)
    measured, stated = [], []
    rng = np.random.default_rng(5)
    variance = 1 / (1 / sites.s**2 + 1 / INTERIM[1] ** 2)
    centre = variance * (sites.y / sites.s**2 + INTERIM[0] / INTERIM[1] ** 2)
    # of 200 draws a site, third orders are another third; of 30 sets, a few decide their mean
    for _ in range(120):
        z = centre[:, None] + np.sqrt(variance)[:, None] * rng.normal(size=(20, 1000))
        prior = log_normal(z, INTERIM[0], INTERIM[1] ** 2)
        weights = np.exp(log_normal(z, mean[:, None, None], tau[:, None, None] ** 2) - prior)
        error = np.log(weights.mean(2)).sum(1) - exact
        measured.append(0.5 * error.var() / np.log(2))
        weights /= weights.sum(2, keepdims=True)
        stated.append(error_bits(weights.mean(0), (weights**2).sum(2).mean(0), np.ones(20)))

    assert np.mean(stated) == pytest.approx(np.mean(measured), rel=0.35)


def test_refit_prior_is_what_the_others_predict(sites, fit):
    """Against the grid of the other 19."""
    others = toy(20, 1000, seed=2)
    others.y, others.s = np.delete(sites.y, 3), np.delete(sites.s, 3)
    mean, sd, probability = grid(others)
    centre = probability @ mean
    spread = np.sqrt(probability @ (sd**2 + (mean - centre) ** 2))
    found = refit_prior(fit, sites.draws.sites[3])

    assert found.location[0] == pytest.approx(centre, abs=0.1 * spread)
    assert found.scale[0] == pytest.approx(1.5 * spread, rel=0.1)


@pytest.mark.slow  # compiles a population of its own
def test_departures_of_cells_are_integrated_out():
    shared = toy(12, 20_000, cells=np.repeat(np.arange(4), 3))
    fit = fit_population(
        shared.draws.thinned(300), shared.covariates, "constant", warmup=60, keep=30, chains=1
    )
    parameters = fit.parameters()
    # a population nearly as narrow as the gaps between draws has sums that are too far off
    widest = np.argsort(parameters["sd"][:, 0])[-3:]
    parameters = {name: value[widest] for name, value in parameters.items()}
    found = cell_log_likelihood(fit.form, fit.data(shared.draws), parameters)
    for row in range(3):
        mean, tau, cell = (
            float(np.ravel(parameters[n][row])[0]) for n in ("intercept", "sd", "cell_sd")
        )
        for c in range(4):
            own = np.arange(3 * c, 3 * c + 3)
            covariance = np.diag(shared.s[own] ** 2 + tau**2) + cell**2
            gap = shared.y[own] - mean
            exact = -0.5 * gap @ np.linalg.solve(covariance, gap)
            exact -= 0.5 * np.linalg.slogdet(2 * np.pi * covariance)[1]
            exact -= log_normal(shared.y[own], INTERIM[0], shared.s[own] ** 2 + 0.81).sum()
            assert found[row, c] == pytest.approx(exact, abs=0.05)


def test_departures_of_cells_that_are_known_well_are_integrated_out():
    """Two cells of eight sites that tell their departure to a twelfth of what cells differ by.

    And a site alone, in the midst of them.
    """
    known = toy(17, 20_000, s=0.1, tau=0.1, cells=np.repeat([0, 2, 1], [8, 1, 8]))
    form = Form("constant", covariate_sd=0.0, offset_sd=0.0)
    data = data_of(known.draws, covariates_of(known.covariates, known.draws.sites))
    tau, cell = 0.2, 0.8
    for off in (0.0, 0.03, 0.17):  # on a node of a coarse grid or beside it
        factors = np.array([tau, np.hypot(tau, cell)])[:, None, None]
        draw = {
            "intercept": np.array(4.0 - off), "means": np.zeros(0), "sd": np.array([tau]),
            "cell_sd": np.array(cell), "cell_z": np.zeros(3), "factors": factors,
            "location": np.zeros(17),
        }  # fmt: skip
        parameters = {name: jnp.asarray(value)[None] for name, value in draw.items()}
        found = cell_log_likelihood(form, data, parameters)[0]
        for c, own in enumerate((np.arange(8), np.array([8]), np.arange(9, 17))):
            gap = known.y[own] - 4.0 + off
            covariance = np.diag(known.s[own] ** 2 + tau**2) + cell**2
            exact = stats.multivariate_normal.logpdf(gap, np.zeros(len(own)), covariance)
            exact -= log_normal(known.y[own], INTERIM[0], known.s[own] ** 2 + 0.81).sum()
            assert found[c] == pytest.approx(exact, abs=0.06)


def test_a_smooth_mean_has_the_sd_of_its_amplitude_and_reaches_beyond_the_sites():
    values = {"amplitude": 0.5, "length": 0.8, "reach": 7.5, "extent": [-20.0, 0.0]}
    values = {name: jnp.asarray(value) for name, value in values.items()}
    at = jnp.array([-10.0, -7.0, 3.5, 6.5])
    each = lenient(lambda w: departure("smooth", {**values, "weights": w}, at))
    found = np.stack([each(weights) for weights in jnp.eye(15)])  # of independent weights
    sd = np.sqrt(np.sum(found**2, axis=0))

    np.testing.assert_allclose(sd[:2], 0.5, rtol=0.08)
    # beyond the end of the functions they are those within, upside down
    assert found[:, 2] @ found[:, 3] / (sd[2] * sd[3]) > 0.5


def test_heavy_tails_have_a_wider_sd_than_scale(sites, fit):
    heavy = dataclasses.replace(fit, form=dataclasses.replace(fit.form, freedom=7.0))
    name, ratio = sites.draws.sites[3], np.sqrt(7.0 / 5.0)

    assert heavy.form.widening == pytest.approx(stats.t(7).std())
    assert _spread(heavy)[0] == pytest.approx(ratio * _spread(fit)[0])
    wider = refit_prior(heavy, name).scale[0] / refit_prior(fit, name).scale[0]
    assert 1.12 < wider < ratio  # what is not known of the population stays as it is


def test_pareto_k_is_that_of_the_right_tail():
    uniform = np.random.default_rng(0).random((1, 20_000))
    _, shape = smoothed(-0.6 * np.log(uniform))  # Pareto weights of shape 0.6
    _, bounded = smoothed(0.6 * np.log(uniform))

    assert shape[0] == pytest.approx(0.6, abs=0.1)
    assert bounded[0] < 0.0


def test_weights_are_normalised(sites, fit):
    weights, squares, _ = mean_weights(fit.form, fit.data(), fit.parameters(50))

    np.testing.assert_allclose(weights.sum(1), 1.0, rtol=1e-5)
    assert (squares >= 1 / 1000).all()


def test_summary_takes_the_own_prior_out(sites):
    mean, sd = sites.draws.summary()

    np.testing.assert_allclose(sd, sites.s, rtol=0.15)
    assert np.abs((mean - sites.y) / sd).max() < 0.3


@pytest.mark.slow  # test_study.py finds one by the command
def test_a_step_is_found_where_it_is():
    step = toy(40, 500, seed=4, s=0.2, tau=0.3, mean=lambda t: 4.0 + 1.0 * (t > -15.0))
    fit = fit_population(step.draws, step.covariates, "step", keep=300, chains=2, offset_sd=0.0)
    posterior = fit.tree["posterior"]

    assert float(posterior["threshold"].mean()) == pytest.approx(-15.0, abs=3.0)
    assert float((posterior["step"] > 0).mean()) > 0.99
    cold, warm = fit.curve(np.array([-29.0, -1.0])).mean(0)
    assert warm - cold == pytest.approx(1.0, abs=0.4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"effective": np.zeros(20)}, "effective: must be positive"),
        ({"log_prior": np.zeros((20, 3))}, "log_prior: must have shape"),
        ({"sites": ("a",) * 20}, "sites: must be named once"),
        ({"phi": np.zeros((20, 1000, 1))}, "phi: must vary"),
        ({"phi": np.full((20, 1000, 1), np.nan)}, "phi: must be finite"),
    ],
)
def test_bad_draws_are_refused(sites, change, message):
    parts = {n: getattr(sites.draws, n) for n in ("sites", "coordinates", "phi", "log_prior")}
    with pytest.raises(InputError, match=message):
        SiteDraws(**{**parts, "effective": sites.draws.effective, **change})


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (lambda t: t.drop(columns="cell"), "cell: no such column"),
        (lambda t: t.iloc[1:], "no row of s00"),
        (lambda t: t.assign(coldest=-5.0), "coldest: must vary"),
        (lambda t: t.assign(coldest=t["coldest"] + 273.15), "must be a temperature in degC"),
    ],
)
def test_bad_covariates_are_refused(sites, table, message):
    with pytest.raises(InputError, match=message):
        covariates_of(table(sites.covariates), sites.draws.sites)


@pytest.mark.slow
def test_two_coordinates_heavy_tails_drivers_and_halves():
    sites = toy(16, 300, seed=6, mean=lambda t: 4.0 + 0.03 * (t + 15.0))
    first = sites.draws.phi[..., 0]
    second = -0.5 + 0.3 * np.random.default_rng(0).normal(size=first.shape)
    log_prior = sites.draws.log_prior + log_normal(second, 0.0, 0.64)
    draws = SiteDraws(
        sites.draws.sites, ("wood_residence_time", "allocation_wood"),
        np.stack([first, second], -1), log_prior, sites.draws.effective,
    )  # fmt: skip
    covariates = sites.covariates.assign(cover=["pine", "larch"] * 8, soil=np.arange(16) % 5)
    fit = fit_population(
        draws, covariates, "smooth", drivers=("cover", "soil"), heavy_tails=True, split=True,
        chains=1, warmup=100, keep=100,
    )  # fmt: skip

    assert list(fit.tree["posterior"]["driver"].values) == ["cover=pine", "soil"]
    assert float(fit.tree["posterior"]["means"].mean()) == pytest.approx(-0.5, abs=0.2)
    assert 0.0 < float(fit.tree["diagnostics"]["split_disagreement"]) < 2.0
    cold, warm = fit.curve(np.array([-30.0, 0.0])).mean(0)
    assert warm > cold
    assert needs_refit(fit)
