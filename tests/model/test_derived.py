"""Quantities of a year, from records that are no whole years."""

import dataclasses

import jax
import numpy as np
import pytest

from bayes_tbm.model import prepare
from bayes_tbm.model.derived import share_of_year
from bayes_tbm.units import DAYS_PER_YEAR


def window(weather, first, last):
    """Return the steps of a forcing that begin within a span of days."""
    forcing, days = prepare(weather), np.asarray(weather.days)
    inside = (days > first) & (days < last)
    sine, cosine, length = (
        np.asarray(column)[inside]
        for column in (forcing.season.sine, forcing.season.cosine, forcing.step_length)
    )
    season = type(forcing.season)(sine, cosine)
    cut = dataclasses.replace(forcing, season=season, step_length=length)
    return cut, days[inside]


@pytest.mark.parametrize("daily", [True, False])
@pytest.mark.parametrize(
    ("first", "last"), [(0.0, 1.0), (0.25, 1.75), (0.75, 2.25), (0.0, 2.5), (0.25, 3.75)]
)
def test_seasons_count_alike_however_often_a_record_has_them(make_weather, daily, first, last):
    weather = make_weather(4 * 12 if not daily else 1461, daily=daily)
    forcing, days = window(weather, first * DAYS_PER_YEAR, last * DAYS_PER_YEAR)
    flux = 5.0 + 4.0 * np.sin(2.0 * np.pi * (days - 100.0) / DAYS_PER_YEAR)
    share = np.asarray(jax.jit(share_of_year)(forcing))
    assert share.sum() == pytest.approx(1.0)
    assert (share * flux).sum() == pytest.approx(5.0, abs=0.02)
    if (last - first) % 1:
        assert abs(flux.mean() - 5.0) > 0.05  # what the mean of the record would say


def test_without_all_months_steps_count_by_their_length(make_weather):
    forcing, days = window(make_weather(24, daily=False), 0.0, 180.0)
    np.testing.assert_allclose(share_of_year(forcing), 1.0 / len(days))
