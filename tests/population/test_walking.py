"""A chain of a population: it samples what is known in closed form, and stays whole in a funnel."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from arviz_stats.base.array import array_stats

from bayes_tbm.population.hierarchy import walking
from bayes_tbm.population.hierarchy.walking import walk

DENSE = np.array([[1.0, 0.0, 0.0], [0.9, 0.3, 0.0], [-0.5, 0.2, 0.05]])
WIDTHS = np.array([2.0, 0.1])
SD = np.concatenate([np.sqrt(np.sum(DENSE**2, axis=1)), WIDTHS])
MEAN = np.array([1.0, -2.0, 0.5, 3.0, 0.0])


def normal(x):
    z = jnp.linalg.solve(jnp.asarray(DENSE), x[:3] - MEAN[:3])
    return 0.5 * jnp.sum(z**2) + 0.5 * jnp.sum(((x[3:] - MEAN[3:]) / WIDTHS) ** 2)


def funnel(x):
    """Log sd of five cells, normal with sd 1.5, and the cells; the log sd comes first."""
    return 0.5 * (x[0] / 1.5) ** 2 + 0.5 * jnp.sum(x[1:] ** 2) * jnp.exp(-2.0 * x[0]) + 5.0 * x[0]


def sampled(potential, dimension, described, draws=600, warmup=300, chains=4):
    @jax.jit
    def run(key, start):
        return walk(potential, key, start, described, warmup=warmup, draws=draws)

    keys = jax.random.split(jax.random.key(3), chains)
    starts = 0.1 * np.random.default_rng(0).normal(size=(chains, dimension))
    each = [run(key, start) for key, start in zip(keys, starts, strict=True)]
    return jax.tree.map(lambda *x: jnp.stack(x), *each)


def ess_of(x, method="mean"):
    return float(array_stats.ess(x, method=method, chain_axis=0, draw_axis=1))


def test_mean_and_covariance_of_a_normal_one():
    x, stats = sampled(normal, 5, 3)
    assert x.shape == (4, 600, 5)
    flat = x.reshape(-1, 5)
    for i in range(5):
        error = SD[i] / np.sqrt(ess_of(x[..., i]))
        assert abs(flat[:, i].mean() - MEAN[i]) < 4.0 * error
        assert flat[:, i].std() == pytest.approx(
            SD[i], rel=4.0 / np.sqrt(2 * ess_of(x[..., i], "sd"))
        )
    correlation = np.corrcoef(flat[:, 0], flat[:, 1])[0, 1]
    assert correlation == pytest.approx((DENSE @ DENSE.T)[0, 1] / SD[0] / SD[1], abs=0.01)
    assert not stats["diverging"].any()
    assert -stats["lp"][0, 5] == pytest.approx(float(normal(x[0, 5])), rel=1e-9)
    # a metric that was not learnt would need steps of the shortest axis
    assert stats["n_steps"].mean() < 10


@pytest.fixture(scope="module")
def in_a_funnel():
    return sampled(funnel, 6, 1, draws=5000, warmup=500)


def test_nothing_diverges_in_a_funnel(in_a_funnel):
    _, stats = in_a_funnel
    assert not stats["diverging"].any()


def test_a_funnel_has_its_marginal(in_a_funnel):
    x, _ = in_a_funnel
    log_sd = x[..., 0]
    error = 1.5 / np.sqrt(ess_of(log_sd))
    assert ess_of(log_sd) > 100
    assert abs(log_sd.mean()) < 4.0 * error
    for share in (0.1, 0.9):
        place = 1.5 * {0.1: -1.2816, 0.9: 1.2816}[share]
        below = (log_sd < place).astype(float)
        assert below.mean() == pytest.approx(share, abs=4.0 * 0.3 / np.sqrt(ess_of(below)))


def test_steps_that_keep_their_length_diverge_there(monkeypatch):
    """What the steps are for."""
    monkeypatch.setattr("bayes_tbm.sampling.nuts.leapfrog.HALVINGS", 0)
    _, stats = sampled(funnel, 6, 1, draws=600)
    assert stats["diverging"].any()
    assert walking._CHANCE == 0.0  # without chance what cannot be retraced is cut short, and told
