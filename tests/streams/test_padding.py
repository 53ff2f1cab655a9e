"""Places without a point change nothing: not the density, its gradient, or what is drawn."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bayes_tbm.streams import Autoregressive, BlockMeans, Gaussian, LogNormalErrors, StudentT
from bayes_tbm.streams.errors.padding import padded

MODELS = {
    "block means": (BlockMeans(), {"structural_sd": 1.2}),
    "gaussian": (Gaussian(), {"structural_sd": 0.7}),
    "autoregressive": (Autoregressive(), {"structural_sd": 0.8, "memory": 20.0}),
    "student": (StudentT(), {"structural_sd": 0.8}),
    "log-normal": (LogNormalErrors(), {"structural_log_sd": 0.2}),
}
SIZES = {"none": (None, None), "scale": (0.15, None), "offset": (None, 0.6), "both": (0.1, 0.5)}
CASES = [
    (kind, name) for name, (model, _) in MODELS.items() for kind in SIZES
    if model.takes_common or kind == "none"
]  # fmt: skip
# Each model with a point and with a batch of them, and so each common error: all pairs take long.
BATCHES = {"none": ((), (0.8, 1.3)), "scale": ((),), "offset": ((0.8, 1.3),), "both": ((0.8, 1.3),)}
PLACES, YEARS = 64, 9


def both(points, name, kind):
    """Points, the same with places behind them, and what is expected of each."""
    model, errors = MODELS[name]
    sizes = SIZES[kind if model.takes_common else "none"]
    data = dataclasses.replace(
        points, **dict(zip(("scale_sd", "offset_sd"), sizes, strict=True)),
        value=np.abs(points.value) + 0.1,
    )  # fmt: skip
    expected = jnp.linspace(1.0, 5.0, points.day.size)
    longer = padded(data, PLACES, YEARS)
    longer = dataclasses.replace(longer, rows=model.rows(longer))
    more = jnp.concatenate([expected, jnp.full(PLACES - expected.size, expected[0])])
    return model, errors, (data, expected), (longer, more)


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_density_gradient_and_terms_are_those_of_the_points(points, name, kind):
    model, errors, alone, longer = both(points, name, kind)

    def density(data, shape, expected, errors):
        return model.log_density(expected * shape, data, errors).sum()

    def found(data, expected, *batch):
        shape = jnp.asarray([[1.0, *batch]] if batch else 1.0)
        rows = expected[:, None] if batch else expected
        own = {
            name: value * jnp.ones(1 + len(batch) if batch else ())
            for name, value in errors.items()
        }
        value, (slope, of_errors) = jax.value_and_grad(density, (2, 3))(data, shape, rows, own)
        return value, slope[: len(alone[1])], *of_errors.values()

    @jax.jit
    def of(*expected):
        cases = [(data, x) for (data, _), x in zip((alone, longer), expected, strict=True)]
        pairs = [[found(*case, *batch) for case in cases] for batch in BATCHES[kind]]
        return pairs, [model.log_likelihood(x, data, errors) for data, x in cases]

    pairs, terms = of(alone[1], longer[1])
    for pair in pairs:
        for one, other in zip(*pair, strict=True):
            np.testing.assert_allclose(other, one, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(terms[1][: len(terms[0])], terms[0], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", [n for n in MODELS if MODELS[n][0].takes_common])
@pytest.mark.parametrize("kind", ["scale", "offset", "both"])
def test_the_common_error_is_told_by_the_points_alone(points, name, kind):
    model, errors, *cases = both(points, name, kind)
    one, other = (model.whitened(x, data, errors).common_given() for data, x in cases)
    np.testing.assert_allclose(other, one, rtol=1e-12)


@pytest.mark.parametrize("name", MODELS)
def test_points_that_are_drawn_have_the_same_spread(points, name):
    model, errors, *cases = both(points, name, "scale")
    keys = jax.random.split(jax.random.key(1), 4000)
    count = points.day.size

    @jax.jit
    def drawn(*expected):
        pairs = zip(cases, expected, strict=True)
        return [
            jax.vmap(lambda key, d=data, x=x: model.sample(key, x, d, errors))(keys)
            for (data, _), x in pairs
        ]

    draws = [np.asarray(d) for d in drawn(*(x for _, x in cases))]
    if name == "log-normal":
        draws = [np.log(np.abs(d)) for d in draws]
    sums = [d[:, :count].sum(axis=1).std() for d in draws]  # what years and scales share shows here
    assert sums[1] == pytest.approx(sums[0], rel=0.08)
    wide = 0.25 if name == "student" else 0.1
    spread = [d[:, :count].std(axis=0) for d in draws]
    np.testing.assert_allclose(spread[1], spread[0], rtol=wide)


def test_a_sum_over_all_places_would_be_seen(points, monkeypatch):
    _, errors, (data, expected), (longer, more) = both(points, "gaussian", "none")
    wrong = dataclasses.replace(longer, present=np.ones(PLACES), rows=None)
    known = float(Gaussian().log_density(expected, data, errors))
    assert float(Gaussian().log_density(more, longer, errors)) == pytest.approx(known, rel=1e-12)
    assert abs(float(Gaussian().log_density(more, wrong, errors)) - known) > 1.0
