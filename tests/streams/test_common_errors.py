"""Errors common to all points: against dense algebra, closed forms and planted errors."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import bayes_tbm as bt
from bayes_tbm.streams import Autoregressive, BlockMeans, Gaussian, LogNormalErrors, StudentT
from bayes_tbm.streams.catalogue import STREAMS

from .test_errors import autoregressive_covariance, balanced_covariance

DRAWS = 20_000


def diagonal(data, structural):
    return np.diag(data.measurement_sd**2 + structural**2)


MODELS = {
    "balanced": (BlockMeans(balance=0.3), {"structural_sd": 1.2}, balanced_covariance, (1.2, 0.3)),
    "independent": (Gaussian(), {"structural_sd": 0.7}, diagonal, (0.7,)),
    "autoregressive": (
        Autoregressive(), {"structural_sd": 0.8, "memory": 20.0}, autoregressive_covariance,
        (0.8, 20.0),
    ),
}  # fmt: skip
SIZES = {"scale": (0.15, None), "offset": (None, 0.6), "both": (0.15, 0.6)}
every = [
    pytest.mark.parametrize("name", MODELS),
    pytest.mark.parametrize("kind", SIZES),
]


def with_sizes(points, kind):
    return dataclasses.replace(
        points, **dict(zip(("scale_sd", "offset_sd"), SIZES[kind], strict=True))
    )


def dense(points, name, kind, expected):
    """Covariance with the common error, entry by entry, as its docstring states it."""
    scale, offset = (size or 0.0 for size in SIZES[kind])
    _, _, covariance, args = MODELS[name]
    own = np.sqrt((scale * expected) ** 2 + offset**2)
    return covariance(points, *args) + np.outer(own, own)


@every[0]
@every[1]
def test_both_densities_are_that_of_the_dense_normal(points, name, kind):
    expected = np.linspace(1.0, 5.0, points.day.size)
    data, (model, errors, *_) = with_sizes(points, kind), MODELS[name]
    joint = stats.multivariate_normal.logpdf(
        points.value, expected, dense(points, name, kind, expected)
    )
    terms = model.log_likelihood(jnp.asarray(expected), data, errors)
    factor = np.linalg.cholesky(dense(points, name, kind, expected))
    white = np.linalg.solve(factor, points.value - expected)
    each = stats.norm.logpdf(white) - np.log(np.diag(factor))
    np.testing.assert_allclose(terms, each, rtol=1e-9, atol=1e-11)
    together = model.log_density(jnp.asarray(expected), data, errors)
    assert float(together) == pytest.approx(joint, rel=1e-11)
    ready = dataclasses.replace(data, rows=model.rows(data))
    assert float(model.log_density(jnp.asarray(expected), ready, errors)) == float(together)


@every[0]
@every[1]
def test_gradient_of_the_sum_is_that_of_the_terms_also_in_a_batch(points, name, kind):
    data, (model, errors, *_) = with_sizes(points, kind), MODELS[name]
    expected = jnp.linspace(1.0, 5.0, points.day.size)[:, None] * jnp.array([[1.0, 0.8, 1.3]])
    errors = {n: jnp.asarray(v) * jnp.array([1.0, 1.1, 0.7]) for n, v in errors.items()}

    def fast(expected, errors):
        return model.log_density(expected, data, errors).sum()

    def slow(expected, errors):
        one = jax.vmap(lambda x, e: model.log_likelihood(x, data, e).sum(), -1)
        return one(expected, errors).sum()

    pairs = zip(*(jax.tree.leaves(jax.grad(f, (0, 1))(expected, errors)) for f in (fast, slow)),
                strict=True)  # fmt: skip
    for found, known in pairs:
        np.testing.assert_allclose(found, known, rtol=1e-9, atol=1e-9)


@every[0]
@every[1]
def test_samples_have_the_dense_covariance(points, name, kind):
    few = dataclasses.replace(
        with_sizes(points, kind),
        **{n: getattr(points, n)[8:20] for n in ("value", "measurement_sd", "day", "year")},
    )
    mean = np.linspace(1.0, 5.0, 12)
    model, errors, *_ = MODELS[name]
    keys = jax.random.split(jax.random.key(5), DRAWS)
    draws = jax.jit(jax.vmap(lambda key: model.sample(key, jnp.asarray(mean), few, errors)))(keys)
    known = dense(few, name, kind, mean)
    variance = np.diag(known)
    assert (np.abs(np.asarray(draws).mean(0) - mean) < 4 * np.sqrt(variance / DRAWS)).all()
    error = np.sqrt((np.outer(variance, variance) + known**2) / DRAWS)
    assert (np.abs(np.cov(np.asarray(draws).T) - known) < 4 * error).all()


def test_errors_of_the_logarithm_share_one_factor(points):
    stock = dataclasses.replace(
        points, value=1000.0 + 100 * np.abs(points.value),
        measurement_sd=200 * points.measurement_sd, scale_sd=0.2,
    )  # fmt: skip
    expected = np.linspace(900.0, 1500.0, len(points.day))
    log_sd = np.sqrt(np.log(1 + (stock.measurement_sd / stock.value) ** 2))
    known = (
        stats.multivariate_normal.logpdf(
            np.log(stock.value), np.log(expected), np.diag(log_sd**2) + 0.04
        )
        - np.log(stock.value).sum()
    )
    found = LogNormalErrors().log_density(
        jnp.asarray(expected), stock, {"structural_log_sd": jnp.asarray(0.0)}
    )
    assert float(found) == pytest.approx(known, rel=1e-12)


# In calibrations


@pytest.fixture(scope="module")
def site():
    return bt.open_site("hyytiala-twin")


def sizes(*arguments, **options):
    return bt.Calibration(*arguments, **options).experiment["systematic"]


def test_streams_have_sizes_of_their_own_that_a_user_may_change(site):
    streams = ("gpp", "nee", "wood")
    assert sizes(site, streams) == {"gpp": 0.08, "nee": 0.11, "wood": 0.1}
    assert sizes(site, streams, systematic=False) == dict.fromkeys(streams, 0.0)
    assert sizes(site, streams, systematic={"nee": 0.0, "gpp": 0.02}) == {
        "gpp": 0.02, "nee": 0.0, "wood": 0.1
    }  # fmt: skip


def test_another_error_model_keeps_the_size_but_for_heavy_tails(site):
    def gpp(errors):
        return [STREAMS["gpp"].with_errors(errors)]

    assert sizes(site, gpp(Gaussian())) == {"gpp": 0.08}
    assert sizes(site, gpp(StudentT())) == {"gpp": 0.0}
    with pytest.raises(bt.InputError, match=r"^systematic: gpp: must be 0 where errors have heavy"):
        sizes(site, gpp(StudentT()), systematic={"gpp": 0.1})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"gpp": -0.1}, "systematic: gpp: must be a number, 0 or more; found -0.1"),
        ({"gpp": "much"}, "systematic: gpp: must be a number, 0 or more; found 'much'"),
        ({"gppp": 0.1}, "systematic: gppp: must be one of gpp, lai; found gppp; did you mean gpp"),
        (0.1, "systematic: must be sizes by stream, or false for none; found 0.1"),
    ],
)
def test_what_is_no_size_is_refused(site, given, message):
    with pytest.raises(bt.InputError, match=message.replace("?", r"\?")):
        bt.Calibration(site, ["gpp", "lai"], systematic=given)


def test_a_common_error_widens_what_the_mean_of_all_points_tells(site):
    """The curvature along GPP's scale at most is one over the variance of the common error."""

    def curvature(**options):
        bound = bt.Calibration(site, ["gpp"], **options).density.streams[0]
        expected = jnp.asarray(bound.data.value)
        errors = {"gpp_structural_sd": jnp.asarray(0.3)}
        low, middle, high = (
            float(bound.log_density_of(f * expected, errors)) for f in (0.9, 1.0, 1.1)
        )
        return -(low - 2.0 * middle + high) / 0.1**2  # exact, of a parabola

    assert curvature(systematic=False) > 2000.0
    assert 60.0 < curvature(systematic={"gpp": 0.1}) < 110.0


@pytest.mark.parametrize(("told", "taken"), [(None, 0.08), (0.03, 0.08), (0.2, 0.2)])
def test_the_larger_of_what_data_and_stream_say_is_taken(told, taken):
    site = bt.open_site("hyytiala-twin")
    seen = {"gpp": dataclasses.replace(site.observations["gpp"], systematic=told)}
    cal = bt.Calibration(dataclasses.replace(site, observations=seen), ["gpp"])
    assert cal.experiment["systematic"] == {"gpp": taken}
    assert float(cal.density.streams[0].data.scale_sd) == taken
    stated = bt.Calibration(cal.site, ["gpp"], systematic={"gpp": 0.01})
    assert stated.experiment["systematic"] == {"gpp": 0.01}
