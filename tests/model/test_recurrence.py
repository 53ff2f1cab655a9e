import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bayes_tbm.model import simulate
from bayes_tbm.model.recurrence import evolve
from bayes_tbm.native import Stacked
from bayes_tbm.parameters import Parameters

STEPS = 400


def pools_under(gain, lost, start=100.0):
    """A pool that gains and loses, and one that gets what it loses; the loss is a constant."""

    def step(pools, weather, lost, gain):
        first, second = pools
        gone = first * lost
        return (first + gain - gone, second + gone), gone, (first, gone)

    start = (jnp.asarray(start), jnp.zeros(()))
    gain = jnp.broadcast_to(gain, STEPS)
    run = evolve(
        step, Stacked.of(start), Stacked.of(jnp.zeros(STEPS)), Stacked.of(jnp.asarray(lost)), gain
    )
    states = jax.tree.map(lambda rest, end: jnp.append(rest, end), run.before, run.last.tree)
    return states, run.happened, run.total.tree


@pytest.mark.parametrize("lost", [1e-4, 0.01, 0.5])
def test_a_linear_pool_is_a_geometric_series(lost):
    n = np.arange(STEPS + 1)
    left = (1 - lost) ** n
    expected = 100.0 * left + 2.0 * (1 - left) / lost
    (first, second), gone, sums = pools_under(2.0, lost)
    np.testing.assert_allclose(first, expected, rtol=1e-12)
    np.testing.assert_allclose(first + second, 100.0 + 2.0 * n, rtol=1e-12)
    np.testing.assert_allclose(gone, lost * expected[:-1], rtol=1e-12)
    np.testing.assert_allclose(sums, [expected[:-1].sum(), gone.sum()], rtol=1e-12)


def slopes_of_series(start, lost, gain):
    """Derivatives of the last size in start, loss and gain, in closed form."""
    n, q = STEPS, 1 - lost
    slower = n * q ** (n - 1)
    by_lost = -start * slower + gain * (slower * lost - 1 + q**n) / lost**2
    return [q**n, by_lost, (1 - q**n) / lost]


def test_gradient_of_a_linear_pool_is_that_of_the_series():
    def final(start, lost, gain):
        return pools_under(gain, lost, start)[0][0][-1]

    slopes = jax.grad(final, (0, 1, 2))(100.0, 0.01, 2.0)
    np.testing.assert_allclose(slopes, slopes_of_series(100.0, 0.01, 2.0), rtol=1e-11)


@pytest.mark.parametrize("by_series", [True, False])
def test_gradient_of_what_happened_is_that_of_the_balance(by_series):
    # all that is lost is start + gains - what is left
    def total(start, lost, gain):
        _, gone, sums = pools_under(gain, lost, start)
        return gone.sum() if by_series else sums[1]

    slopes = jax.grad(total, (0, 1, 2))(100.0, 0.01, 2.0)
    left = np.array(slopes_of_series(100.0, 0.01, 2.0))
    np.testing.assert_allclose(slopes, np.array([1.0, 0.0, STEPS]) - left, rtol=1e-11)


def test_a_batch_is_one_by_one():
    def step(state, weather, k, series):
        after = (state[0] * k + weather,)
        return after, after[0] * series, ()

    def total(start, k, series):
        weather = Stacked.of(jnp.arange(5.0))
        _, last, seen, _ = evolve(step, Stacked.of((start,)), weather, Stacked.of(k), series)
        return (last.tree[0] + seen.sum(0)).sum()

    rng = np.random.default_rng(0)
    start, k, series = rng.normal(size=3), rng.normal(size=3), rng.normal(size=(5, 3))
    arguments = jnp.asarray(start), jnp.asarray(k), jnp.asarray(series)
    together = jax.grad(total, (0, 1, 2))(*arguments)
    for i in range(3):
        one = jax.grad(total, (0, 1, 2))(*(x[..., i] for x in arguments))
        for a, b in zip(together, one, strict=True):
            np.testing.assert_allclose(a[..., i], b, rtol=1e-13)


def test_second_derivatives_work_forward_over_reverse():
    def step(state, now, k, _):
        return (state[0] * k + now,), now, ()

    def last(k):
        return evolve(
            step, Stacked.of((jnp.asarray(1.0),)), Stacked.of(jnp.zeros(5)), Stacked.of(k), ()
        ).last.tree[0]

    assert jax.jacfwd(jax.grad(last))(0.9) == pytest.approx(5 * 4 * 0.9**3, rel=1e-13)


def test_wood_of_a_run_is_the_sum_of_what_is_left_of_each_allocation(make_weather):
    drivers = make_weather(300)
    p = Parameters.default(wood_residence_time=2.0, initial_wood=50.0)
    run = jax.jit(simulate)(p, drivers)
    lost = 1 / (365.25 * 2.0)
    given = np.asarray(run.fluxes.wood_allocation)
    left = (1 - lost) ** np.arange(299, -1, -1)
    expected = 50.0 * (1 - lost) ** 300 + (given * left).sum()
    assert float(run.pools.wood[-1]) == pytest.approx(expected, rel=1e-12)
    assert given.sum() > 1.0
