"""Transitions of HMC keep a known law, also where one step size is too long for a part of it."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import kstest, norm

from bayes_tbm.runtime.promotion import lenient
from bayes_tbm.sampling.nuts import hmc, leapfrog
from bayes_tbm.sampling.nuts.hmc import transition

SD, CHAINS = 1.5, 400


def funnel(x):
    """Log sd, normal with sd 1.5, and three of that sd."""
    return -0.5 * (x[0] / SD) ** 2 - 0.5 * jnp.sum(x[1:] ** 2) * jnp.exp(-2.0 * x[0]) - 3.0 * x[0]


def walked(step_size, steps, tolerance, transitions=10, chance=0.0):
    """Exact draws, after transitions: they must be exact draws still, if of another place."""
    rng = np.random.default_rng(0)
    first = SD * rng.normal(size=CHAINS)
    start = np.column_stack([first, np.exp(first)[:, None] * rng.normal(size=(CHAINS, 3))])

    @jax.jit
    @lenient
    def run(keys, u):
        def move(u, number):
            make = functools.partial(
                transition, target=funnel, step_size=jnp.asarray(step_size),
                steps=jnp.asarray(steps), tolerance=tolerance, chance=jnp.asarray(chance),
            )  # fmt: skip
            u, stats = jax.vmap(lambda key, u: make(jax.random.fold_in(key, number), u=u))(keys, u)
            return u, stats

        return jax.lax.scan(move, u, jnp.arange(transitions))

    end, stats = run(jax.random.split(jax.random.key(1), CHAINS), jnp.asarray(start))
    return start, np.asarray(end), jax.tree.map(np.asarray, stats)


@pytest.mark.parametrize(("tolerance", "chance"), [(4.0, 0.0), (30.0, 0.0), (30.0, 0.1)])
def test_a_funnel_stays_as_it_is(tolerance, chance):
    start, end, stats = walked(0.4, 8, tolerance, chance=chance)
    assert kstest(end[:, 0] / SD, norm.cdf).pvalue > 1e-3
    scaled = (end[:, 1:] * np.exp(-end[:, :1])).ravel()
    assert kstest(scaled, norm.cdf).pvalue > 1e-3
    assert np.corrcoef(start[:, 0], end[:, 0])[0, 1] < 0.9  # they have moved
    assert not stats["diverging"].any()
    assert stats["n_steps"].max() > 8  # and some steps had to be shorter
    np.testing.assert_allclose(stats["lp"][-1], jax.vmap(funnel)(end), rtol=1e-9)


def test_what_the_shortest_leapfrogs_cannot_make_diverges(monkeypatch):
    monkeypatch.setattr(leapfrog, "HALVINGS", 0)
    _, end, stats = walked(0.4, 8, 30.0)
    assert 0.01 < stats["diverging"].mean() < 0.5
    assert kstest(end[:, 0] / SD, norm.cdf).pvalue > 1e-3  # though the law is kept


def test_odds_of_a_trajectory_count_as_its_energy_does(monkeypatch):
    """Steps that stay where they are, and are more likely there than back."""

    def steps(potential_of, energy, chance, tolerance):
        def stay(length, _, state):
            place, r, _, slope = state
            to = place._replace(odds=place.odds - 0.7, leapfrogs=place.leapfrogs + 2)
            return to, r, place.potential - to.odds, slope

        return stay

    monkeypatch.setattr(hmc, "adaptive_leapfrog", steps)
    for count in (1, 2):
        _, _, stats = walked(0.1, count, 4.0, transitions=1, chance=0.1)
        np.testing.assert_allclose(stats["acceptance_rate"], np.exp(-0.7 * count))
        assert (stats["n_steps"] == 2 * count).all()
