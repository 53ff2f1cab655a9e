import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayes_tbm.processes.photosynthesis import (
    canopy_climate,
    day_length,
    gross_primary_production,
)


def textbook_day_length(latitude, day):
    declination = np.radians(-23.4 * np.cos(np.radians(360 * (day + 10) / 365)))
    x = -np.tan(np.radians(latitude)) * np.tan(declination)
    return 24 / np.pi * np.arccos(np.clip(x, -1, 1))


def textbook_gpp(lai, ce, t_min, t_max, light, co2, hours):
    """ACM of Williams et al. (1997), as printed: Ci is the root of a quadratic."""
    gc = 2.0**0.789798 / (0.37836 + 0.5 * (t_max - t_min))
    p = lai * ce * np.exp(0.011136 * t_max) / gc
    q = 4.22273 - 208.868
    ci = 0.5 * (co2 + q - p + np.sqrt((co2 + q - p) ** 2 - 4 * (co2 * q - 4.22273 * p)))
    pd = gc * (co2 - ci)
    e0 = 7.19298 * lai**2 / (2.1001 + lai**2)
    return e0 * light * pd / (e0 * light + pd) * (0.0156935 * hours + 0.0453194)


def gpp(lai, ce, t_min, t_max, light, co2, day, latitude):
    climate = canopy_climate(t_min, t_max, light, co2, day, latitude)
    return gross_primary_production(lai, ce * climate.carboxylation, climate)


@settings(max_examples=100)
@given(
    lai=st.floats(0.05, 12),
    ce=st.floats(5, 100),
    t_max=st.floats(-40, 45),
    spread=st.floats(0, 30),
    light=st.floats(0.1, 35),
    co2=st.floats(180, 1000),
    day=st.integers(1, 366),
    latitude=st.floats(-89, 89),
)
def test_gpp_is_the_published_quadratic(lai, ce, t_max, spread, light, co2, day, latitude):
    expected = textbook_gpp(
        lai, ce, t_max - spread, t_max, light, co2, textbook_day_length(latitude, day)
    )
    found = gpp(lai, ce, t_max - spread, t_max, light, co2, np.float64(day), latitude)
    # The printed form takes Ca - Ci, of a thousandth of Ca and more, from numbers rounded at 1e-16.
    assert float(found) == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("light", [0.0, 10.0])
def test_without_leaves_there_is_no_gpp_and_a_finite_slope(light):
    value, slope = jax.value_and_grad(gpp)(0.0, 20.0, 0.0, 10.0, light, 390.0, 180.0, 60.0)
    assert value == 0.0
    assert np.isfinite(slope)


def test_slope_without_leaves_is_that_of_the_published_form():
    # e0 goes with LAI squared and pd with LAI, so GPP starts with LAI squared: slope zero.
    assert jax.grad(gpp)(0.0, 20.0, 0.0, 10.0, 12.0, 390.0, 180.0, 60.0) == 0.0
    half = gpp(1e-5, 20.0, 0.0, 10.0, 12.0, 390.0, 180.0, 60.0)
    full = gpp(2e-5, 20.0, 0.0, 10.0, 12.0, 390.0, 180.0, 60.0)
    # next order: GPP = e0 SW (1 - e0 SW / pd), e0 SW / pd = O(LAI) = 1e-4
    assert float(full / half) == pytest.approx(4.0, rel=1e-3)


def test_without_light_there_is_no_gpp_and_a_finite_slope():
    value, slope = jax.value_and_grad(gpp)(3.0, 20.0, 0.0, 10.0, 0.0, 390.0, 180.0, 60.0)
    assert value == 0.0
    assert slope == 0.0


def test_day_length_at_the_poles_and_the_equator():
    summer, winter = np.float64(172), np.float64(355)
    assert day_length(90.0, summer) == 24.0
    assert day_length(90.0, winter) == 0.0
    assert day_length(-70.0, summer) == 0.0
    assert day_length(-70.0, winter) == 24.0
    days = np.arange(1.0, 366.0)
    np.testing.assert_allclose(day_length(0.0, days), 12.0, rtol=1e-14)


@pytest.mark.parametrize("latitude", [-65.0, -20.0, 40.0, 66.0])
def test_day_and_night_share_the_day_between_the_hemispheres(latitude):
    days = np.arange(1.0, 366.0)
    both = day_length(latitude, days) + day_length(-latitude, days)
    np.testing.assert_allclose(both, 24.0, rtol=1e-13)
    equinox = 365 / 4 - 10  # declination zero
    assert day_length(latitude, np.float64(equinox)) == pytest.approx(12.0, rel=1e-12)
    np.testing.assert_allclose(
        day_length(latitude, days), textbook_day_length(latitude, days), rtol=1e-11, atol=1e-6
    )


def test_more_of_anything_but_temperature_range_gives_more_gpp():
    base = {"lai": 2.0, "ce": 20.0, "t_min": 2.0, "t_max": 12.0, "light": 12.0, "co2": 390.0,
            "day": 150.0, "latitude": 60.0}  # fmt: skip
    usual = float(gpp(**base))
    for name, value in {"lai": 2.5, "ce": 25.0, "light": 15.0, "co2": 420.0}.items():
        assert float(gpp(**{**base, name: value})) > usual, name
