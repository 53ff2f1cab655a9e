"""The climate of a site is that of a year, whatever part of one its record adds."""

from dataclasses import replace

import numpy as np
import pytest

import bayes_tbm as bt
from bayes_tbm.population.climate import climate


@pytest.fixture(scope="module")
def same_each_year():
    """The embedded site under weather that depends on the month alone."""
    site = bt.open_site("hyytiala-twin")
    phase = np.cos(2.0 * np.pi * (site.drivers["time"].dt.month - 7) / 12.0)
    weather = {"t_min": 1.0 + 9.0 * phase, "t_max": 7.0 + 13.0 * phase, "precipitation": 2 + phase}
    return replace(site, drivers=site.drivers.assign(weather))


@pytest.mark.parametrize(("start", "end"), [("2006-05", "2007-09"), ("2006", "2008-06")])
def test_a_summer_more_than_winters_makes_no_warmer_climate(same_each_year, start, end):
    whole, part = climate(same_each_year), climate(same_each_year.window(start, end))
    for name in ("coldest", "warmest", "mean_temperature"):
        assert part[name] == pytest.approx(whole[name], abs=0.03), name
    assert part["precipitation"] == pytest.approx(whole["precipitation"], rel=0.003)
    steps = same_each_year.window(start, end).drivers
    plain = float(0.5 * (steps["t_min"] + steps["t_max"]).mean())
    assert abs(plain - whole["mean_temperature"]) > 0.3  # as it was


def test_a_record_without_some_month_has_the_mean_of_what_there_is(same_each_year):
    part = same_each_year.window("2006-02", "2006-07")
    mean = np.average(
        0.5 * (part.drivers["t_min"] + part.drivers["t_max"]), weights=part.drivers["step_length"]
    )
    assert climate(part)["mean_temperature"] == pytest.approx(mean, abs=1e-3)
