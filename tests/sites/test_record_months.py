"""Months of the record that a stand regrows under."""

import numpy as np
import pytest

import bayes_tbm as bt
from bayes_tbm.sites.record_months import place_in_cycle
from bayes_tbm.units import DAYS_PER_MONTH, DAYS_PER_YEAR


@pytest.fixture(scope="module")
def monthly():
    return bt.open_site("hyytiala-twin")


@pytest.fixture(scope="module")
def daily():
    return bt.open_site("hyytiala-twin-daily")


def test_a_monthly_record_is_cycled_as_it_is(monthly):
    months = monthly.record_months()
    for name in ("t_min", "t_max", "shortwave", "vpd", "precipitation", "co2"):
        np.testing.assert_allclose(months[name], monthly.drivers[name], rtol=1e-12)
    assert len(months["days"]) % 12 == 0
    assert not months["burned_fraction"].any()
    np.testing.assert_allclose(months["day_of_year"], months["days"] % DAYS_PER_YEAR)


def test_days_become_means_of_their_month(daily):
    months, days = daily.record_months(), daily.drivers.days.values
    first = np.floor(days[0] / DAYS_PER_MONTH)
    assert first % 12 == 0  # the record begins in January
    for number in (0, 1, 7, 25):
        own = np.floor(days / DAYS_PER_MONTH) - first == number
        assert 29 <= own.sum() <= 32
        assert months["vpd"][number] == pytest.approx(daily.drivers.vpd.values[own].mean())
    kept = place_in_cycle(daily.drivers, "x") >= 0
    mean = np.average(months["precipitation"])
    assert mean == pytest.approx(daily.drivers.precipitation.values[kept].mean(), rel=3e-3)


@pytest.mark.parametrize("start", ["2006-03", "2006-07", "2006-12"])
def test_months_before_the_first_january_come_last(monthly, start):
    site = monthly.window(start)
    months, whole = site.record_months(), site.drivers.t_max.values
    begun = int(start[-2:]) - 1
    years = len(whole) // 12
    assert len(months["t_max"]) == 12 * years
    np.testing.assert_allclose(months["t_max"], np.roll(whole[: 12 * years], begun - 12))
    light = months["shortwave"].reshape(-1, 12)
    assert (light.argmax(axis=1) > 3).all()  # the season is kept
    assert (light.argmax(axis=1) < 8).all()


def test_what_no_whole_year_holds_is_left_out(monthly):
    site = monthly.window("2006-02", "2008-09")  # 32 months
    place = place_in_cycle(site.drivers, "x")
    np.testing.assert_array_equal(place, [*range(13, 24), *range(13), *[-1] * 8])


def test_steps_that_cross_months_belong_where_their_middle_lies(daily):
    starts = daily.drivers.isel(time=slice(None, None, 8))
    coarse = starts.assign(step_length=starts.step_length * 8.0)
    place = place_in_cycle(coarse, "x")
    counts = np.bincount(place[place >= 0])
    assert set(counts) <= {3, 4}
    assert len(counts) % 12 == 0


def test_a_record_of_less_than_a_year_is_refused(monthly):
    with pytest.raises(
        bt.InputError, match=r"time: the record must cover every month .* 10, 11, 12"
    ):
        monthly.window("2006-01", "2006-09").record_months()
