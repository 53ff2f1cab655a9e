"""What the fitted points say of the error they share, and of others, against dense covariances."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bayes_tbm.streams import Autoregressive, BlockMeans, Gaussian, LogNormalErrors
from bayes_tbm.streams.errors import ErrorData

OWN = {
    Gaussian: {"structural_sd": 0.7},
    BlockMeans: {"structural_sd": 0.7},
    Autoregressive: {"structural_sd": 0.7, "memory": 9.0},
    LogNormalErrors: {"structural_log_sd": 0.2},
}


def data_of(value, **common):
    n = len(value)
    sd, day = np.linspace(0.2, 0.6, n), 10.0 * np.arange(n)
    return ErrorData(value, sd, day, np.arange(n) // 6, 6.0, **common)


def covariance(model, data, own):
    """Covariance of the points, or of their logarithms, without what they share."""
    if model is LogNormalErrors:
        return np.diag(np.asarray(data.measurement_log_variance) + own["structural_log_sd"] ** 2)
    s2 = own["structural_sd"] ** 2
    sd = np.sqrt(data.measurement_sd**2 + s2)
    if model is Gaussian:
        return np.diag(sd**2)
    if model is BlockMeans:
        same = data.year[:, None] == data.year
        return np.diag(sd**2) - (1.0 - 0.3**2) * s2 / 6.0 * same
    gap = np.abs(data.day[:, None] - data.day)
    return np.outer(sd, sd) * np.exp(-gap / own["memory"])


@pytest.mark.parametrize("model", OWN)
@pytest.mark.parametrize("common", [{"scale_sd": 0.1}, {"offset_sd": 0.3}])
def test_common_error_given_the_points_is_that_of_the_joint_normal(model, common):
    if model is LogNormalErrors and "offset_sd" in common:
        pytest.skip("errors of the logarithm share a scale")
    rng = np.random.default_rng(1)
    expected = rng.uniform(2.0, 6.0, 15)
    data, own = data_of(expected * rng.lognormal(0.1, 0.1, 15), **common), OWN[model]
    mean, sd = model().whitened(jnp.asarray(expected), data, own).common_given()

    logs = model is LogNormalErrors
    residual = np.log(data.value / expected) if logs else data.value - expected
    effect = np.full(15, 0.1) if logs else (0.1 * expected if "scale_sd" in common else 0.3)
    effect = np.broadcast_to(effect, 15)
    inverse = np.linalg.inv(covariance(model, data, own) + np.outer(effect, effect))
    np.testing.assert_allclose(mean, effect @ inverse @ residual, rtol=1e-9)
    np.testing.assert_allclose(sd**2, 1.0 - effect @ inverse @ effect, rtol=1e-9)


@pytest.mark.parametrize("model", OWN)
def test_points_by_themselves_have_the_diagonal_of_the_covariance(model, whole):
    import dataclasses

    from bayes_tbm.streams import STREAMS, bind

    rng = np.random.default_rng(2)
    stream = bind(STREAMS["gpp"].with_errors(model()), _positive(whole))
    stream = stream.with_common_error(scale_sd=0.1)
    own = {f"gpp_{name}": jnp.asarray(value) for name, value in OWN[model].items()}
    series = jnp.asarray(rng.uniform(1.0, 6.0, whole.steps))
    common = jnp.asarray(0.8)
    keys = jax.random.split(jax.random.key(0), 4000)
    points, score = jax.jit(
        jax.vmap(lambda key: stream.predicted(key, series, own, common)), static_argnums=()
    )(keys)

    expected = np.asarray(stream.expected(series))
    data = dataclasses.replace(stream.data, scale_sd=None)
    if model is LogNormalErrors:
        middle, spread = np.log(expected) + 0.08, np.log(points)
        variance = np.asarray(data.measurement_log_variance) + 0.2**2
        seen, slope = np.log(data.value), np.log(data.value)
    else:
        middle, spread = expected * 1.08, np.asarray(points)
        n = data.points_per_year
        balance = (1.0 - 0.3**2) * 0.49 / n if model is BlockMeans else 0.0
        variance = data.measurement_sd**2 + 0.49 - balance
        seen, slope = data.value, 0.0
    exact = -0.5 * (seen - middle) ** 2 / variance - 0.5 * np.log(2 * np.pi * variance) - slope
    np.testing.assert_allclose(score[0], exact, rtol=1e-9)
    # Of 4000 draws the mean is known to sd / 63, the sd to 1.1 %: five of these.
    error = (np.asarray(spread).mean(axis=0) - middle) / np.sqrt(variance / 4000)
    assert np.abs(error).max() < 5.0
    np.testing.assert_allclose(np.asarray(spread).std(axis=0), np.sqrt(variance), rtol=0.08)


def _positive(site):
    import dataclasses

    seen = site.observations["gpp"]
    gpp = seen.select(seen.value > 0.3)
    return dataclasses.replace(site, observations={"gpp": gpp})
