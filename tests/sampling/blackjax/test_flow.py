"""The flow is a bijection whose volume is right, and learns what a metric cannot."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bayes_tbm.sampling.blackjax import flow

DIMENSION = 5


@pytest.fixture(scope="module", params=[DIMENSION, 1], ids="{} dimensions".format)
def dimension(request):
    return request.param


@pytest.fixture(scope="module")
def bent(dimension):
    """A flow that is far from the identity."""
    weights = flow.identity(jax.random.key(0), dimension)
    rng = np.random.default_rng(1)
    return jax.tree.map(lambda w: w + 0.1 * rng.normal(size=w.shape), weights)


def test_a_new_flow_changes_nothing_but_the_order(dimension):
    u = jnp.arange(1.0, 1.0 + dimension)
    x, growth = flow.forward(flow.identity(jax.random.key(0), dimension), u)
    assert sorted(np.asarray(x)) == list(np.asarray(u))
    assert growth == 0.0


def test_inverse_leads_back(bent, dimension):
    u = np.random.default_rng(2).normal(size=(50, dimension))
    x = jax.vmap(lambda u: flow.forward(bent, u)[0])(u)
    assert np.abs(np.asarray(x) - u).max() > (1.0 if dimension > 1 else 0.1)
    back = jax.vmap(lambda x: flow.inverse(bent, x))(x)
    np.testing.assert_allclose(back, u, rtol=0, atol=1e-9)


def test_growth_is_the_logarithm_of_the_jacobian(bent, dimension):
    u = jnp.asarray(np.random.default_rng(3).normal(size=dimension))
    jacobian = jax.jacfwd(lambda u: flow.forward(bent, u)[0])(u)
    expected = np.linalg.slogdet(np.asarray(jacobian))[1]
    assert float(flow.forward(bent, u)[1]) == pytest.approx(expected, abs=1e-9)


@pytest.mark.slow  # trains a flow
def test_a_banana_is_straightened():
    """A parabola of a ridge, on which the score seen through no flow is far from a normal's."""

    def log_density(x):
        return -0.5 * (x[0] ** 2 + ((x[1] - x[0] ** 2) / 0.3) ** 2)

    rng = np.random.default_rng(4)
    first = rng.normal(size=4000)
    x = np.stack([first, first**2 + 0.3 * rng.normal(size=4000)], axis=1)
    x = jnp.asarray((x - x.mean(axis=0)) / x.std(axis=0))
    center, scale = np.array([first.mean(), (first**2).mean()]), np.asarray([1.0, 1.45])
    scores = jax.vmap(jax.grad(lambda x: log_density(center + scale * x)))(x)
    weights = flow.identity(jax.random.key(5), 2)
    _, before = flow.fit(weights, x, scores, jax.random.key(6), steps=1)
    _, after = flow.fit(weights, x, scores, jax.random.key(6), steps=400)
    assert float(before) > 1.0
    assert float(after) < 0.1
