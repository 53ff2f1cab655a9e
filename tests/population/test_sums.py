"""Sums over draws against the integrals they stand for."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from bayes_tbm.population.hierarchy.covariates import covariates_of
from bayes_tbm.population.hierarchy.model import Form, data_of, site_log_likelihood
from bayes_tbm.population.hierarchy.sums import corrected_log_mean, features, log_density, log_mean
from tests.population.toy import constant, log_normal, toy


def sums(toy, mean, tau, **changes):
    data = data_of(toy.draws, covariates_of(toy.covariates, toy.draws.sites))
    data |= changes
    values = {"factors": jnp.full((2, 1, 1), tau)}
    at = jnp.full((len(toy.y), 1), mean)
    return np.asarray(site_log_likelihood(Form("constant"), data, at, values))


@pytest.mark.parametrize(("mean", "tau"), [(4.0, 0.4), (3.7, 0.6), (4.3, 0.3)])
def test_sites_marginal_likelihood_is_that_of_the_closed_form(mean, tau):
    few = toy(10, 100_000)
    exact = log_normal(few.y, mean, few.s**2 + tau**2) - constant(few)

    assert np.abs(sums(few, mean, tau) - exact).max() < 0.02


def test_forgetting_the_sites_own_prior_is_seen():
    few = toy(10, 100_000)
    exact = log_normal(few.y, 3.0, few.s**2 + 0.5**2) - constant(few)
    found = sums(few, 3.0, 0.5, log_prior=jnp.zeros((10, 100_000), "float32"))

    assert np.abs((found - found.mean()) - (exact - exact.mean())).max() > 0.2


def test_correction_takes_the_bias_out():
    rng = np.random.default_rng(3)
    # log-normal weights: the mean is known, the log of the sample mean is too low
    logs = jnp.asarray(0.8 * rng.normal(size=(20_000, 60)) - 0.32)
    plain = float(jnp.mean(log_mean(logs)[0]))
    corrected = float(jnp.mean(corrected_log_mean(logs, jnp.ones(20_000))))

    assert plain == pytest.approx(-0.5 * (np.exp(0.64) - 1) / 60, rel=0.1)
    assert abs(corrected) < abs(plain) / 5


@pytest.mark.parametrize("freedom", [None, 7.0])
def test_densities_of_two_coordinates_are_scipys(freedom):
    rng = np.random.default_rng(1)
    phi, mean = rng.normal(size=(3, 40, 2)), rng.normal(size=(3, 2))
    covariances = np.array([[[0.5, 0.1], [0.1, 0.3]], [[0.9, -0.2], [-0.2, 0.4]]])
    kind = np.array([0, 1, 1])
    found = log_density(
        jnp.asarray(features(phi)), jnp.asarray(mean), jnp.asarray(np.linalg.cholesky(covariances)),
        jnp.asarray(kind), freedom,
    )  # fmt: skip
    for i in range(3):
        of = (
            scipy.stats.multivariate_normal(mean[i], covariances[kind[i]])
            if freedom is None
            else scipy.stats.multivariate_t(mean[i], covariances[kind[i]], freedom)
        )
        np.testing.assert_allclose(found[i], of.logpdf(phi[i]), rtol=1e-10)
