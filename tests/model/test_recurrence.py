import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bayes_tbm.model import simulate
from bayes_tbm.model.rates import FireRates, SoilRates
from bayes_tbm.model.recurrence import evolve
from bayes_tbm.model.steps import Inputs, Soil, soil_step
from bayes_tbm.parameters import Parameters, allocation_shares

STEPS = 400


def wood_under(npp, lost, p, start=100.0):
    """Pools under constant NPP and a constant fraction of wood lost."""
    zero, nothing = jnp.zeros(()), jnp.zeros(STEPS)
    rates = SoilRates(
        root_lost=nothing,
        wood_lost=jnp.full(STEPS, lost),
        litter_respired=nothing,
        litter_decomposed=nothing,
        som_respired=nothing,
        decomposition_climate=nothing,
    )
    inputs = Inputs(jnp.full(STEPS, npp), nothing, nothing)

    def step(pools, now, p):
        return tuple(soil_step(Soil(*pools), *now, FireRates({}, {}), p))

    return evolve(step, (zero, jnp.asarray(start), zero, zero), (inputs, rates), p)


@pytest.mark.parametrize("lost", [1e-4, 0.01, 0.5])
def test_a_linear_pool_is_a_geometric_series(lost):
    p = Parameters.default()
    gain = float(allocation_shares(p).wood) * 2.0
    n = np.arange(STEPS + 1)
    left = (1 - lost) ** n
    expected = 100.0 * left + gain * (1 - left) / lost
    root, wood, litter, som = wood_under(2.0, lost, p)
    np.testing.assert_allclose(wood, expected, rtol=1e-12)
    # what wood loses, the soil gains
    np.testing.assert_allclose(wood + som, 100.0 + gain * n, rtol=1e-12)
    share = float(allocation_shares(p).root)
    np.testing.assert_allclose(root, 2.0 * share * n, rtol=1e-12)
    np.testing.assert_array_equal(litter, 0.0)


def test_gradient_of_a_linear_pool_is_that_of_the_series():
    lost, p = 0.01, Parameters.default()

    def final(start, lost, npp):
        return wood_under(npp, lost, p, start)[1][-1]

    slopes = jax.grad(final, (0, 1, 2))(100.0, lost, 2.0)
    n, q = STEPS, 1 - lost
    wood = float(allocation_shares(p).wood)
    slower = n * q ** (n - 1)
    by_lost = -100.0 * slower + 2.0 * wood * (slower * lost - 1 + q**n) / lost**2
    expected = [q**n, by_lost, wood * (1 - q**n) / lost]
    np.testing.assert_allclose(slopes, expected, rtol=1e-11)


def test_second_derivatives_work_forward_over_reverse():
    def step(state, now, k):
        return (state[0] * k + now,)

    def last(k):
        return evolve(step, (jnp.asarray(1.0),), jnp.zeros(5), k)[0][-1]

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
