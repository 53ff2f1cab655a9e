import numpy as np
import pytest

from bayes_tbm.synthetic.climate import NORMALS, clear_sky, normal
from bayes_tbm.synthetic.noise import autoregressive, spells
from bayes_tbm.synthetic.weather import WET_SHARE, daily_weather
from bayes_tbm.units import DAYS_PER_MONTH, DAYS_PER_YEAR

YEARS = 200


@pytest.fixture(scope="module")
def weather():
    return daily_weather(np.random.default_rng(7), int(YEARS * DAYS_PER_YEAR))


def month_of(day):
    return (np.mod(day, DAYS_PER_YEAR) / DAYS_PER_MONTH).astype(int)


def by_month(day, series):
    return np.array([series[month_of(day) == month].mean() for month in range(12)])


def days_of(series):
    return np.arange(series.size) + 0.5


@pytest.mark.parametrize("name", NORMALS)
def test_annual_cycle_is_smooth_and_keeps_the_normals(name):
    day = np.arange(0.0, DAYS_PER_YEAR, 0.01) + 0.005
    cycle = normal(name, day)
    np.testing.assert_allclose(by_month(day, cycle), NORMALS[name], atol=0.01)
    assert np.abs(np.diff(cycle, append=cycle[0])).max() < 0.02
    assert name.startswith("t_") or cycle.min() > 0


# Four standard errors of 200 years of Januaries, with months that resemble their neighbours.
@pytest.mark.parametrize(
    ("name", "tolerance", "relative"),
    [("t_min", 0.9, 0.0), ("t_max", 0.9, 0.0), ("shortwave", 0.0, 0.05), ("vpd", 0.0, 0.07),
     ("precipitation", 0.0, 0.12)],
)  # fmt: skip
def test_long_means_are_the_normals(weather, name, tolerance, relative):
    means = by_month(days_of(weather[name]), weather[name])
    np.testing.assert_allclose(means, NORMALS[name], rtol=relative, atol=tolerance)


def test_weather_is_possible(weather):
    wet = weather["precipitation"] > 0
    dry = ~wet
    clear = clear_sky(days_of(wet))
    middle = 0.5 * (weather["t_min"] + weather["t_max"])
    saturation = 6.108 * np.exp(17.27 * middle / (middle + 237.3))
    assert (weather["t_max"] > weather["t_min"]).all()
    assert (weather["shortwave"] >= 0).all()
    assert (weather["shortwave"] <= clear).all()
    assert (weather["vpd"] > 0).all()
    assert (weather["vpd"] < saturation).all()
    assert wet.mean() == pytest.approx(WET_SHARE, abs=0.01)
    assert wet[1:][wet[:-1]].mean() > 0.55 > 0.4 > wet[1:][dry[:-1]].mean()
    clearness = weather["shortwave"] / clear
    assert clearness[wet].mean() < 0.7 * clearness[dry].mean()
    assert weather["vpd"][wet].mean() < 0.6 * weather["vpd"][dry].mean()


def test_temperature_varies_as_at_hyytiala(weather):
    middle = 0.5 * (weather["t_min"] + weather["t_max"])
    spread = [middle[month_of(days_of(middle)) == month].std() for month in (0, 6)]
    assert spread == pytest.approx([6.0, 3.0], rel=0.15)
    yearly = middle[: YEARS * 365].reshape(YEARS, 365).mean(axis=1)
    assert 0.6 < yearly.std() < 1.4


def test_clear_sky_has_polar_night_and_midnight_sun():
    day = np.arange(DAYS_PER_YEAR)
    north, south = clear_sky(day, 80.0), clear_sky(day, -80.0)
    assert np.isfinite([north, south]).all()
    assert north[355] == south[172] == 0.0
    assert north[172] > 25
    assert clear_sky(day).min() > 0.5


def test_noise_is_stationary_with_its_memory():
    rng = np.random.default_rng(3)
    noise = np.array([autoregressive(rng, 60, 0.7) for _ in range(4000)])
    np.testing.assert_allclose(noise.std(axis=0), 1.0, atol=0.06)
    assert np.corrcoef(noise[:, 10], noise[:, 12])[0, 1] == pytest.approx(0.49, abs=0.05)
    gaps = np.array([spells(rng, 60, 0.05, 0.85) for _ in range(4000)])
    np.testing.assert_allclose(gaps.mean(axis=0), 0.05, atol=0.02)
    assert gaps[:, 11][gaps[:, 10]].mean() == pytest.approx(0.05 + 0.85 * 0.95, abs=0.08)
