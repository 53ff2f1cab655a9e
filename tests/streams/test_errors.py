"""Error models against dense algebra and scipy."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from bayes_tbm.parameters import Fixed, LogNormal
from bayes_tbm.streams import (
    AbstractErrorModel,
    Autoregressive,
    BlockMeans,
    Gaussian,
    LogNormalErrors,
    StudentT,
)

DRAWS = 20_000


def balanced_covariance(data, structural, balance):
    """Covariance as the docstring of `BlockMeans` states it, entry by entry."""
    same_year = data.year[:, None] == data.year[None, :]
    shared = (1 - balance**2) * structural**2 / data.points_per_year
    return np.diag(data.measurement_sd**2 + structural**2) - shared * same_year


def autoregressive_covariance(data, structural, memory):
    sd = np.sqrt(data.measurement_sd**2 + structural**2)
    gap = np.abs(data.day[:, None] - data.day[None, :])
    return np.outer(sd, sd) * np.exp(-gap / memory)


CASES = [
    *[
        (BlockMeans(balance=b), {"structural_sd": s}, balanced_covariance, (s, b))
        for b in (1.0, 0.3, 0.1)
        for s in (0.4, 3.0)
    ],
    *[
        (Autoregressive(), {"structural_sd": s, "memory": m}, autoregressive_covariance, (s, m))
        for s in (0.4, 3.0)
        for m in (1.5, 40.0)
    ],
]
each_case = pytest.mark.parametrize(("model", "errors", "covariance", "args"), CASES)


@each_case
def test_log_likelihood_is_that_of_the_dense_normal(points, model, errors, covariance, args):
    expected = np.linspace(1.0, 5.0, points.day.size)
    dense = covariance(points, *args)
    found = np.asarray(model.log_likelihood(jnp.asarray(expected), points, errors))
    joint = stats.multivariate_normal.logpdf(points.value, expected, dense)
    assert found.shape == points.value.shape
    assert found.sum() == pytest.approx(joint, rel=1e-11)
    # The factor of the covariance whitens each point by those before it: conditional densities.
    factor = np.linalg.cholesky(dense)
    white = np.linalg.solve(factor, points.value - expected)
    conditional = stats.norm.logpdf(white) - np.log(np.diag(factor))
    np.testing.assert_allclose(found, conditional, rtol=1e-10, atol=1e-12)


@each_case
def test_samples_have_the_dense_covariance(points, model, errors, covariance, args):
    few = dataclasses.replace(
        points, **{name: getattr(points, name)[8:20]
                   for name in ("value", "measurement_sd", "day", "year")}
    )  # fmt: skip
    assert np.unique(few.year).size > 1
    mean = np.linspace(1.0, 5.0, 12)
    keys = jax.random.split(jax.random.key(5), DRAWS)
    sample = jax.jit(jax.vmap(lambda key: model.sample(key, jnp.asarray(mean), few, errors)))
    draws = np.asarray(sample(keys))
    dense = covariance(few, *args)
    variance = np.diag(dense)
    assert (np.abs(draws.mean(0) - mean) < 4 * np.sqrt(variance / DRAWS)).all()
    # Variance of a sample covariance of normals: (C_ii C_jj + C_ij^2) / n.
    error = np.sqrt((np.outer(variance, variance) + dense**2) / DRAWS)
    assert (np.abs(np.cov(draws.T) - dense) < 4 * error).all()


def test_dense_covariances_tell_the_balances_apart(points):
    # What the sampling test must resolve: the annual mean, held to b times independent scatter.
    year = points.year == 0
    weights = year / year.sum()
    loose, tight = (balanced_covariance(points, 3.0, b) for b in (1.0, 0.1))
    assert weights @ tight @ weights < 0.6 * (weights @ loose @ weights)


@pytest.mark.parametrize("balance", [1.0, 0.3, 0.1])
def test_annual_mean_of_structural_error_has_the_stated_sd(points, balance):
    full = dataclasses.replace(
        points,
        value=np.zeros(12),
        measurement_sd=np.full(12, 1e-9),
        day=15.0 + 30.4 * np.arange(12),
        year=np.zeros(12, int),
        points_per_year=12.0,
    )
    model, errors = BlockMeans(balance=balance), {"structural_sd": 2.0}
    sample = jax.vmap(lambda key: model.sample(key, jnp.zeros(12), full, errors).mean())
    means = np.asarray(sample(jax.random.split(jax.random.key(1), DRAWS)))
    # standard error of a standard deviation: sd / sqrt(2 n)
    stated = balance * 2.0 / np.sqrt(12)
    assert means.std() == pytest.approx(stated, rel=4 / np.sqrt(2 * DRAWS))


def test_independent_errors_are_those_of_scipy(points):
    expected = jnp.linspace(1.0, 5.0, points.day.size)
    sd = np.sqrt(points.measurement_sd**2 + 0.49)
    errors = {"structural_sd": 0.7}
    np.testing.assert_allclose(
        Gaussian().log_likelihood(expected, points, errors),
        stats.norm.logpdf(points.value, expected, sd),
        rtol=1e-12,
    )
    np.testing.assert_allclose(
        StudentT(degrees_of_freedom=3.0).log_likelihood(expected, points, errors),
        stats.t.logpdf(points.value, 3.0, expected, sd),
        rtol=1e-12,
    )


@pytest.mark.parametrize("structural", [0.0, 0.3])
def test_log_normal_errors_are_those_of_scipy(points, structural):
    stock = dataclasses.replace(points, value=1000.0 + 100 * np.abs(points.value),
                                measurement_sd=200 * points.measurement_sd)  # fmt: skip
    expected = np.linspace(500.0, 3000.0, points.day.size)
    log_sd = np.sqrt(np.log(1 + (stock.measurement_sd / stock.value) ** 2) + structural**2)
    found = LogNormalErrors().log_likelihood(
        jnp.asarray(expected), stock, {"structural_log_sd": structural}
    )
    np.testing.assert_allclose(
        found, stats.lognorm.logpdf(stock.value, log_sd, scale=expected), rtol=1e-12
    )


def test_measured_variance_of_a_stock_is_kept():
    # A log-normal whose log sd is sqrt(log(1 + (sd / mean)^2)) has that relative sd.
    relative = 0.4
    log_sd = np.sqrt(np.log1p(relative**2))
    law = stats.lognorm(log_sd)
    assert law.std() / law.mean() == pytest.approx(relative, rel=1e-12)


@pytest.mark.parametrize(
    ("model", "errors", "law"),
    [
        (Gaussian(), {"structural_sd": 0.6}, stats.norm(50.0, 1.0)),
        (StudentT(), {"structural_sd": 0.6}, stats.t(4.0, 50.0, 1.0)),
        (
            LogNormalErrors(),
            {"structural_log_sd": 0.6},
            stats.lognorm(np.sqrt(0.36 + np.log1p((0.8 / 40) ** 2)), scale=50.0),
        ),
    ],
    ids=["gaussian", "student", "lognormal"],
)
def test_samples_of_independent_errors_follow_their_law(points, model, errors, law):
    many = dataclasses.replace(
        points, value=np.full(DRAWS, 40.0), measurement_sd=np.full(DRAWS, 0.8)
    )
    draws = np.asarray(model.sample(jax.random.key(2), jnp.full(DRAWS, 50.0), many, errors))
    # one draw of a fixed key; a wrong scale of 5 % would give 1e-6
    assert stats.kstest(draws, law.cdf).pvalue > 1e-3


def test_default_priors_are_set_from_the_spread_of_the_data(points):
    spread = points.value.std()
    for model in (Gaussian(), StudentT(), BlockMeans(), Autoregressive()):
        prior = model.priors(points)["structural_sd"]
        assert prior.center == pytest.approx(0.3 * spread, rel=1e-12)
        given = dataclasses.replace(model, structural=LogNormal(2.0, 0.1))
        assert given.priors(points)["structural_sd"] == LogNormal(2.0, 0.1)
    assert set(Autoregressive().priors(points)) == {"structural_sd", "memory"}
    assert LogNormalErrors().priors(points) == {"structural_log_sd": Fixed(0.0)}


def test_constant_data_still_have_a_prior(points):
    one = dataclasses.replace(points, value=np.array([-4.0]))
    assert Gaussian().priors(one)["structural_sd"].center == pytest.approx(1.2)
    zero = dataclasses.replace(points, value=np.zeros(3))
    assert Gaussian().priors(zero)["structural_sd"].center == pytest.approx(0.3)


@pytest.mark.parametrize("model", [BlockMeans(), BlockMeans(balance=0.0), Autoregressive(),
                                   Gaussian(), StudentT()], ids=str)  # fmt: skip
def test_gradient_is_finite_where_structural_error_vanishes(points, model):
    names = list(model.priors(points))

    def total(expected, values):
        errors = dict(zip(names, values, strict=True))
        return model.log_likelihood(expected, points, errors).sum()

    tiny = [1e-8, 1e-3][: len(names)]
    slopes = jax.grad(total, (0, 1))(jnp.zeros(points.day.size), tiny)
    assert np.isfinite(np.concatenate([np.ravel(s) for s in jax.tree.leaves(slopes)])).all()


def test_an_error_model_must_say_how_it_errs(points):
    for call in (
        lambda: AbstractErrorModel().priors(points),
        lambda: AbstractErrorModel().log_likelihood(jnp.zeros(1), points, {}),
        lambda: AbstractErrorModel().sample(jax.random.key(0), jnp.zeros(1), points, {}),
    ):
        with pytest.raises(NotImplementedError):
            call()
