"""Fused functions and sums, and the model without any of it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bayes_tbm import native
from bayes_tbm.model import simulate
from bayes_tbm.native import Stacked, fused, is_available, summed
from bayes_tbm.parameters import Parameters


def function(tree):
    a, b = tree["a"], tree["b"]
    return {"ratio": a / b}, (jnp.log(a) * b, 2.0)


def value(a, b):
    ratio, (product, _) = (pack.tree for pack in fused(function, Stacked.of({"a": a, "b": b})))
    return (ratio["ratio"] + product).sum()


def test_sums_by_jax_alone_take_data_more_precise_than_the_series(monkeypatch):
    monkeypatch.setenv("BAYES_TBM_COMPILE", "0")

    def total(x):
        numbers = native.Stacked.of(jnp.float32(2.0))
        data = jnp.array([[1.0, 2.0]], jnp.float64)
        return native.summed(lambda d, x, n: (d[0] - x) ** 2 / n, data, x, numbers).tree

    with jax.numpy_dtype_promotion("standard"):
        value, slope = jax.value_and_grad(total)(jnp.array([1.5, 1.0], jnp.float32))
    assert value.dtype == slope.dtype == np.float32
    assert float(value) == 0.625
    np.testing.assert_array_equal(slope, [0.5, -1.0])


@pytest.mark.parametrize("shape", [(), (5,)])
def test_a_fused_function_and_its_gradient_are_the_function_s(shape):
    a = jnp.full(shape, 2.0) + jnp.arange(float(np.prod(shape))).reshape(shape)
    found, slopes = jax.value_and_grad(value, (0, 1))(a, 3.0 * jnp.ones(shape))
    np.testing.assert_allclose(found, (a / 3.0 + 3.0 * np.log(a)).sum(), rtol=1e-14)
    np.testing.assert_allclose(slopes[0], 1.0 / 3.0 + 3.0 / a, rtol=1e-14)
    np.testing.assert_allclose(slopes[1], -a / 9.0 + np.log(a), rtol=1e-14)


@pytest.mark.parametrize("compile_", ["0", "1"])
@pytest.mark.parametrize("shape", [(), (3,)])
def test_a_sum_over_points_and_its_gradient(monkeypatch, shape, compile_):
    monkeypatch.setenv("BAYES_TBM_COMPILE", compile_)
    assert is_available() == (compile_ == "1")
    rng = np.random.default_rng(0)
    data, series, k = rng.random((2, 29)), rng.random((29, *shape)), rng.random(shape)

    def total(series, k):
        term = lambda known, x, k: known[0] * jnp.exp(k * x) + known[1]  # noqa: E731
        return summed(term, jnp.asarray(data), series, Stacked.of(k)).tree.sum()

    found, (by_series, by_k) = jax.value_and_grad(total, (0, 1))(
        jnp.asarray(series), jnp.asarray(k)
    )
    weight, extra = (x.reshape(29, *(1,) * len(shape)) for x in data)
    each = weight * np.exp(k * series)
    np.testing.assert_allclose(found, (each + extra).sum(), rtol=1e-13)
    np.testing.assert_allclose(by_series, k * each, rtol=1e-13)
    np.testing.assert_allclose(by_k, (series * each).sum(axis=0), rtol=1e-13)


@pytest.mark.slow  # test_option_matrix.py compares whole densities
@pytest.mark.parametrize("daily", [True, False])
def test_the_model_is_the_same_without_machine_code(monkeypatch, make_weather, daily):
    drivers = make_weather(200, daily=daily, fire=True)

    def outcome(residence):
        run = simulate(Parameters.default(root_residence_time=residence), drivers)
        f = run.fluxes
        return f.nbe.sum() + f.evapotranspiration.sum() + run.last.som + run.total.foliage, run

    found = {}
    for compile_ in ("1", "0"):
        monkeypatch.setenv("BAYES_TBM_COMPILE", compile_)
        graded = jax.jit(lambda x: jax.value_and_grad(outcome, has_aux=True)(x))
        found[compile_] = graded(2.0)
    for a, b in zip(*(jax.tree.leaves(each) for each in found.values()), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)
