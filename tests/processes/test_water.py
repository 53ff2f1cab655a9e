import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayes_tbm.processes import water as water_processes
from bayes_tbm.processes.water import (
    REFERENCE,
    WaterForm,
    drainage,
    evapotranspiration,
    stress_ramp,
)

SMOOTH = WaterForm()


def stress(water, field_capacity, wilting_fraction, form):
    return water_processes.stress(water, stress_ramp(field_capacity, wilting_fraction), form)


amounts = st.floats(0.0, 1e6) | st.floats(0.0, 1e-200)


@given(water=amounts, scale=st.floats(1e-3, 1e8))
def test_drainage_takes_some_of_the_water_and_never_more(water, scale):
    lost = float(drainage(water, scale))
    # W Q / 4 of rounding where Q is far below W
    assert 0.0 <= lost <= water


@pytest.mark.parametrize("scale", [1.0, 245.0**2, 1e8])
def test_drainage_joins_its_branches_in_value_and_slope(scale):
    slope = jax.grad(drainage)
    below, above = 0.5 * scale, np.nextafter(0.5 * scale, np.inf)
    assert float(drainage(below, scale)) == 0.25 * scale
    assert float(drainage(above, scale)) == pytest.approx(0.25 * scale, rel=1e-15)
    assert float(slope(below, scale)) == float(slope(above, scale)) == 1.0


def test_drainage_at_its_scale():
    # storage at which drainage is 1 mm d-1: Q = W_1^2 / d
    assert float(drainage(245.0, 245.0**2 / 1.0)) == pytest.approx(1.0)
    assert float(drainage(245.0, 245.0**2 / 30.0)) == pytest.approx(30.0)
    assert float(drainage(10.0, 4.0)) == 9.0


@pytest.mark.parametrize("form", [SMOOTH, REFERENCE], ids=["smooth", "reference"])
@given(demand=amounts, available=amounts)
def test_evapotranspiration_is_within_demand_and_water(form, demand, available):
    taken = float(evapotranspiration(demand, available, form))
    assert 0.0 <= taken <= min(demand, available)


@given(demand=st.floats(1e-3, 1e3), ratio=st.floats(0.2, 5.0))
def test_smooth_evapotranspiration_is_the_stated_hyperbola(demand, ratio):
    available, c = demand / ratio, SMOOTH.supply_curvature
    y = float(evapotranspiration(demand, available, SMOOTH))
    terms = np.array([c * y * y, -(demand + available) * y, demand * available])
    assert abs(terms.sum()) < 1e-14 * np.abs(terms).max() * 4
    assert y < min(demand, available)  # the smaller root


def test_evapotranspiration_is_demand_where_water_is_ample():
    lacking = 1.0 - SMOOTH.supply_curvature
    for plenty in (100.0, 1e3, 1e6, 1e100):
        taken = float(evapotranspiration(2.0, 2.0 * plenty, SMOOTH))
        # x (1 - (1 - c) x / a + ...); the next term is of the order of (x / a)^2
        assert taken == pytest.approx(
            2.0 * (1 - lacking / plenty), rel=lacking * 2 / plenty**2 + 1e-15
        )
        assert float(evapotranspiration(2.0, 2.0 * plenty, REFERENCE)) == 2.0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("demand", "available"),
    [(0, 0), (1, 0), (0, 1), (1, 1), (1, 1e-30), (1e-30, 1), (1e5, 1e-5), (1e30, 1e-30)],
)
def test_evapotranspiration_of_an_empty_bucket_has_a_finite_slope(demand, available, dtype):
    at = dtype(demand), dtype(available)
    value, slopes = jax.value_and_grad(evapotranspiration, (0, 1))(*at, SMOOTH)
    assert value <= min(at)
    assert np.isfinite(slopes).all()
    if available < 1e-3 * demand:  # all of it is taken, but for (1 - c) of their ratio
        precision = 4 * float(np.finfo(dtype).eps)
        lacking = (1.0 - SMOOTH.supply_curvature) * available / demand
        assert float(value) == pytest.approx(float(at[1]) * (1.0 - lacking), rel=precision)
        assert float(slopes[1]) == pytest.approx(1.0 - 2.0 * lacking, rel=precision)


def test_slope_where_demand_meets_the_water():
    # y = a (1 - sqrt(1 - c)) / c at x = a; from the hyperbola y' = (a - y) / (2 a - 2 c y)
    c = SMOOTH.supply_curvature
    y = 3.0 * (1 - np.sqrt(1 - c)) / c
    assert float(evapotranspiration(3.0, 3.0, SMOOTH)) == pytest.approx(y, rel=1e-14)
    slope = (3.0 - y) / (6.0 - 2 * c * y)
    slopes = jax.grad(evapotranspiration, (0, 1))(3.0, 3.0, SMOOTH)
    assert [float(s) for s in slopes] == pytest.approx([slope] * 2, rel=1e-12)


def test_stress_of_the_reference_is_the_clipped_ramp():
    water = jnp.array([0.0, 30.0, 115.0, 200.0, 500.0])
    expected = [0.0, 0.0, 0.5, 1.0, 1.0]  # wilting at 30 of 200 mm
    np.testing.assert_allclose(stress(water, 200.0, 0.15, REFERENCE), expected, atol=1e-15)


@pytest.mark.parametrize("width", [0.2, 0.05, 1e-3])
def test_smooth_stress_is_monotone_between_none_and_full(width):
    water = jnp.linspace(0.0, 2000.0, 4001)
    value = np.asarray(stress(water, 200.0, 0.15, WaterForm(ramp_width=width)))
    # rounding of a difference of numbers up to 11: twice 1.8e-15
    assert (np.diff(value) > -4e-15).all()
    assert value[0] > 0.0
    assert value[-1] < 1.0
    on_the_ramp = (water[1:] > 35) & (water[1:] < 195)
    assert (np.diff(value)[on_the_ramp] > 0).all()


@pytest.mark.parametrize("width", [0.1, 0.05, 0.01, 1e-4])
def test_smooth_stress_nears_the_reference_as_its_width_shrinks(width):
    water = jnp.linspace(0.0, 600.0, 6001)
    gap = stress(water, 200.0, 0.15, WaterForm(ramp_width=width)) - stress(
        water, 200.0, 0.15, REFERENCE
    )
    # greatest at the corners, where it is (1 + w - sqrt(1 + w^2)) / 2, just below w / 2
    corner = 0.5 * (1 + width - np.sqrt(1 + width**2))
    assert float(jnp.abs(gap).max()) == pytest.approx(corner, rel=1e-3, abs=1e-9)
    assert corner < 0.5 * width


def test_smooth_stress_has_a_slope_everywhere():
    slope = jax.vmap(jax.grad(lambda water: stress(water, 200.0, 0.15, SMOOTH)))
    assert (np.asarray(slope(jnp.linspace(0.0, 600.0, 601))) > 0).all()
