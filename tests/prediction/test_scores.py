"""Scores and baselines against closed forms and by hand."""

import numpy as np
import pytest
from scipy.stats import norm

from bayes_tbm.prediction.baselines import last_year, seasonal_cycle
from bayes_tbm.prediction.scores import crps_of_draws

YEAR = 365.25


def test_crps_of_draws_is_that_of_the_normal_they_are_of():
    mean, sd = np.array([1.0, -2.0, 0.5]), np.array([0.5, 2.0, 1.0])
    seen = np.array([1.4, -6.0, 0.5])
    draws = mean + sd * np.random.default_rng(0).normal(size=(40_000, 3))
    z = (seen - mean) / sd
    exact = sd * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / np.sqrt(np.pi))
    np.testing.assert_allclose(crps_of_draws(draws, seen), exact, rtol=0.02)


def test_crps_is_fair_to_few_draws():
    rng = np.random.default_rng(1)
    few = np.mean([crps_of_draws(rng.normal(size=(3, 1)), np.zeros(1)) for _ in range(20_000)])
    assert few == pytest.approx((np.sqrt(2) - 1) / np.sqrt(np.pi), rel=0.02)


def three_years(noise=0.0, seed=0):
    day = np.arange(0.0, 3 * YEAR, YEAR / 36)
    value = 5.0 + 4.0 * np.sin(2 * np.pi * day / YEAR)
    return day, value + noise * np.random.default_rng(seed).normal(size=len(day))


def test_seasonal_cycle_repeats_what_repeats():
    day, value = three_years()
    at = day[-36:] + YEAR
    said = seasonal_cycle(day, value, at)
    np.testing.assert_allclose(said.mean, value[-36:], atol=0.15)  # as far as neighbours differ
    assert (said.sd < 0.15).all()


def test_baselines_know_how_wrong_they_are():
    day, value = three_years(noise=0.5, seed=3)
    at = np.arange(0.0, 100 * YEAR, YEAR / 36)
    truth = 5.0 + 4.0 * np.sin(2 * np.pi * at / YEAR)
    seen = truth + 0.5 * np.random.default_rng(4).normal(size=len(at))
    for baseline, lowest in ((seasonal_cycle, 0.80), (last_year, 0.80)):
        said = baseline(day, value, at)
        inside = np.abs(seen - said.mean) < norm.ppf(0.95) * said.sd
        assert lowest < inside.mean() < 0.97


@pytest.mark.parametrize(("years", "lowest"), [(2, 0.82), (4, 0.82)])
@pytest.mark.parametrize("spacing", [1.0, 8.0])
def test_the_seasonal_cycle_knows_that_years_differ(years, lowest, spacing):
    """Anomalies last two weeks, and whole years are better or worse."""
    rng, inside = np.random.default_rng(5), []
    day = np.arange(0.0, years * YEAR, spacing)
    at = np.arange(years * YEAR, (years + 1) * YEAR, spacing)
    for _ in range(40):
        both = np.concatenate([day, at])
        kick = rng.normal(size=len(both)) * np.sqrt(1.0 - np.exp(-2.0 * spacing / 14.0))
        anomaly = np.zeros(len(both))
        for n in range(1, len(both)):
            anomaly[n] = np.exp(-spacing / 14.0) * anomaly[n - 1] + kick[n]
        year = 0.3 * rng.normal(size=years + 2)[(both // YEAR).astype(int)]
        value = 5.0 + 4.0 * np.sin(2 * np.pi * both / YEAR) + 0.7 * anomaly + year
        said = seasonal_cycle(day, value[: len(day)], at)
        inside.append(np.mean(np.abs(value[len(day) :] - said.mean) < norm.ppf(0.95) * said.sd))
    assert lowest < np.mean(inside) < 0.97


def test_one_year_does_not_tell_how_years_differ():
    day = np.arange(0.0, YEAR, 8.0)
    assert np.isnan(seasonal_cycle(day, np.sin(day / 58.0), day + YEAR).sd).all()


def test_last_year_is_the_last_one():
    day, value = three_years()
    value[-36:] += 10.0
    said = last_year(day, value, day[:36] + 3 * YEAR)
    np.testing.assert_allclose(said.mean, value[-36:], atol=1e-9)
    assert (said.sd > 5.0).all()  # it changed by ten between years


def test_baselines_are_silent_where_there_is_nothing_to_say():
    one = np.array([10.0]), np.array([5.0])
    for baseline in (seasonal_cycle, last_year):
        assert np.isnan(baseline(*one, np.array([400.0])).mean).all()
    day = np.arange(0.0, 60.0, 10.0)  # two months
    said = last_year(day, day, np.array([200.0]))
    assert np.isnan(said.mean).all()
