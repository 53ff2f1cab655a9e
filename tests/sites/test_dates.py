"""Dates with time zones, periods and bare years: one rule wherever they are given."""

from datetime import datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest

import bayes_tbm as bt
from bayes_tbm.catalogue import open_site
from bayes_tbm.sites import Observations

DAYS = pd.DatetimeIndex(["2007-01-01 00:30", "2007-01-02 00:30"])
TOKYO, TWO = DAYS.tz_localize("Asia/Tokyo"), timezone(timedelta(hours=2))
ZONED = {
    "index": (TOKYO, "Asia/Tokyo"),
    "series": (pd.Series(TOKYO, index=[4, 9]), "Asia/Tokyo"),
    "list": (list(TOKYO), "Asia/Tokyo"),
    "datetime": ([one.to_pydatetime().replace(tzinfo=TWO) for one in DAYS], "UTC+02:00"),
    "text": ([f"{one:%Y-%m-%d}T00:30+02:00" for one in DAYS], "UTC+02:00"),
    "west": ([f"{one:%Y-%m-%d} 00:30:00-0800" for one in DAYS], "UTC-0800"),
    "Z": ([f"{one:%Y-%m-%d}T00:30Z" for one in DAYS], "UTC"),
    "summer": (["2007-01-01 00:30+01:00", "2007-01-02 00:30+02:00"], "UTC+01:00, UTC+02:00"),
}


def seen_at(time):
    return Observations("wood", "g C m-2", time, np.full(len(time), 4000.0), 400.0)


@pytest.mark.parametrize("kind", ZONED)
def test_observations_leave_a_zone_out_and_keep_the_clock(kind):
    time, zone = ZONED[kind]
    seen = seen_at(time)
    np.testing.assert_array_equal(seen.time, DAYS.to_numpy())
    assert seen.note == f"time: zone {zone} left out, its clock kept"


@pytest.fixture(scope="module")
def daily():
    return open_site("hyytiala-twin-daily").window("2007", "2007")


def site_of(daily, index):
    columns = ["t_min", "t_max", "shortwave", "co2", "vpd", "precipitation"]
    wood = pd.DataFrame({"wood": 4000.0, "sd": 400.0}, index=index)
    return bt.Site.from_dataframe(
        daily.drivers[columns].to_dataframe(), latitude=61.85, units="canonical",
        observations={"wood": wood},
    )  # fmt: skip


@pytest.mark.parametrize("kind", sorted(set(ZONED) - {"series"}))
def test_tables_follow_the_same_rule(kind, daily):
    time, zone = ZONED[kind]
    seen = site_of(daily, pd.Index(time)).observations["wood"]
    np.testing.assert_array_equal(seen.time, DAYS.to_numpy())
    assert f"time: zone {zone} left out, its clock kept" in seen.note


@pytest.mark.parametrize("kind", ZONED)
def test_stocks_and_single_values_follow_the_same_rule(kind, daily, tmp_path):
    date, zone = next(iter(ZONED[kind][0])), ZONED[kind][1].split(",")[0]
    assert bt.Stock(100.0, 10.0, "Mg ha-1", date=date).date == "2007-01-01T00:30:00"
    one = daily.with_observation("nbe", 1.0, 0.3, unit="g C m-2 d-1", time=date)
    assert str(one.observations["nbe"].time[0])[:16] == "2007-01-01T00:30"
    assert f"zone {zone} left out" in one.observations["nbe"].note
    table = tmp_path / "stock.csv"
    table.write_text(f"date,biomass,sd\n{date},100,10\n")
    assert bt.Stock.from_csv(table, unit="Mg ha-1").date == "2007-01-01T00:30:00"


@pytest.mark.parametrize(
    ("freq", "first"), [("D", "2007-01-01T12"), ("M", "2007-01-16T12"), ("Y", "2007-07-02T12")]
)
@pytest.mark.parametrize("kind", [pd.Index, pd.Series, list])
def test_periods_stand_at_their_middle(freq, first, kind, daily):
    periods = pd.period_range("2007-01-01", periods=2, freq=freq)
    seen = seen_at(kind(periods))
    assert (str(seen.time[0])[:13], seen.note) == (first, "time: the middle of each period")
    np.testing.assert_array_equal(site_of(daily, periods).observations["wood"].time, seen.time)


@pytest.mark.parametrize("years", [["2006", "2007"], [" 2006", "2007-07-01"]])
def test_a_year_alone_tells_no_day(years, daily):
    with pytest.raises(bt.InputError, match=r"time: must be dates.*2006'.*middle as 2008-07-01$"):
        site_of(daily, pd.Index(years))
    with pytest.raises(bt.InputError, match=r"time: must be dates.*2006'.*middle as 2008-07-01$"):
        seen_at(years)
    with pytest.raises(bt.InputError, match=r"time: must be dates.*'2006'"):
        seen_at(np.array(["2006", "2007"], "datetime64[Y]"))


@pytest.mark.parametrize("none", [None, pd.NaT, ""])
def test_a_missing_date_among_zoned_ones_stays_missing(none):
    assert np.isnat(seen_at(["2007-01-01T00:30+02:00", none]).time).tolist() == [False, True]
    assert datetime(2007, 1, 1, 0, 30) == seen_at([TOKYO[0], none]).time[0].astype("M8[s]").item()
