"""Synthetic points of the same instrument: what all share is what the observed points tell."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bayes_tbm.streams import STREAMS, BlockMeans, Gaussian, bind

DAYS = np.arange(100) + 0.5
ERRORS = {"gpp_structural_sd": jnp.asarray(0.4)}


@pytest.fixture(scope="module")
def bound(make_site):
    rng = np.random.default_rng(2)
    truth = 5.0 + np.sin(DAYS / 10.0)
    value = 1.15 * truth + rng.normal(0.0, 0.5, 100)
    site = make_site(DAYS, {"gpp": (DAYS, value, 0.3)})
    return bind(STREAMS["gpp"].with_errors(Gaussian()), site).with_common_error(scale_sd=0.1)


@pytest.mark.parametrize("given", [0.0, 1.0])
def test_points_are_drawn_about_what_is_known_of_the_common_error(bound, given):
    series, count = jnp.asarray(5.0 + np.sin(DAYS / 10.0)), 20_000
    keys = jax.random.split(jax.random.key(3), count)
    normal = jax.random.normal(jax.random.key(4), (count,))
    draw = lambda key, shared: bound.sample_given(key, shared, series, ERRORS, given)  # noqa: E731
    points = jax.vmap(draw)(keys, normal)
    mean, sd = bound.common_given(series, ERRORS) if given else (0.0, 1.0)
    assert given == 0.0 or (mean > 1.0 and sd < 0.15)
    noise = 0.3**2 + 0.4**2
    variance = noise + (0.1 * sd * series) ** 2
    off = (points.mean(axis=0) - series * (1.0 + 0.1 * mean)) / np.sqrt(variance / count)
    assert np.abs(off).max() < 5.0
    np.testing.assert_allclose(points.var(axis=0), variance, rtol=5.0 * np.sqrt(2.0 / count))


def test_an_observed_record_lies_within_what_is_drawn_as_often_as_is_said(make_site):
    """A level fitted to a record of its own model and errors, its common error unknown."""
    inside = {0.5: [], 0.9: []}
    rng, season = np.random.default_rng(1), 1.0 + 0.5 * np.sin(DAYS / 16.0)
    for number in range(20):
        value = 6.0 * season * (1.0 + 0.08 * rng.normal()) + rng.normal(0.0, 0.5, 100)
        site = make_site(DAYS, {"gpp": (DAYS, value, 0.3)})
        model = Gaussian() if number % 2 else BlockMeans(averaging=1.0, balance=1.0)
        stream = bind(STREAMS["gpp"].with_errors(model), site).with_common_error(scale_sd=0.08)
        levels = jnp.linspace(3.0, 9.0, 400)
        logs = jax.vmap(lambda x, s=stream: s.log_density(x * season, ERRORS))(levels)
        drawn = rng.choice(levels, 400, p=np.asarray(jax.nn.softmax(logs)))
        keys = jax.random.split(jax.random.key(number), 400)
        normal = jax.random.normal(jax.random.key(100 + number), (400,))

        def draw(key, shared, x, s=stream):
            return s.sample_given(key, shared, x * season, ERRORS, 1.0)

        points = jax.vmap(draw)(keys, normal, jnp.asarray(drawn))
        for level, found in inside.items():
            low, high = np.quantile(points, [0.5 - level / 2, 0.5 + level / 2], axis=0)
            found.append(np.mean((value > low) & (value < high)))
    for level, found in inside.items():
        assert np.mean(found) == pytest.approx(level, abs=0.05)
