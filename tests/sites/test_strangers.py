"""What users bring: numbers for dates, midnights, other hemispheres, short steps."""

import dataclasses
from datetime import date

import numpy as np
import pandas as pd
import pytest

import bayes_tbm as bt
from bayes_tbm.sites import Observations, Site
from bayes_tbm.sites.doubts import doubts
from bayes_tbm.streams import STREAMS
from bayes_tbm.streams.from_site import bind

CARBON = "g C m-2"


@pytest.mark.parametrize(
    ("part", "given", "told"),
    [
        ("time", np.array([1996, 2001]), "wood time: must be dates.*1996"),
        ("time", pd.Series([1996, 2001]), "wood time: must be dates.*1996"),
        ("time", [1996.5, 2001.5], "wood time: must be dates.*1996.5"),
        ("time", ["1996", "2001"], "wood time: must be dates.*middle as 2008-07-01"),
        ("time", ["15/06/2006", "2006-07-15"], "wood time: must be dates.*15/06"),
        ("time", ["20080701", "2008-07-01"], "wood time: must be dates.*20080701"),
        ("time", [None, 1996], "wood time: must be dates.*1996"),
        ("time", np.array([1996, 2001], dtype=object), "wood time: must be dates.*1996"),
        ("time", np.array([10, 20], "timedelta64[D]"), "wood time: must be dates"),
        ("value", ["1,5", "2"], "wood value: must be numbers.*1,5"),
        ("sd", ["a", "b"], "wood sd: must be numbers"),
    ],
)
def test_what_is_no_date_or_no_number_is_refused(part, given, told):
    good = {"time": ["1996-07-01", "2001-07-01"], "value": [4000.0, 5000.0], "sd": [400.0, 500.0]}
    with pytest.raises(bt.InputError, match=told):
        Observations("wood", CARBON, **good | {part: given})
    assert str(Observations("wood", CARBON, **good).time[0])[:10] == "1996-07-01"


@pytest.mark.parametrize(
    "time",
    [
        ["2008-07-01", "2008-08"], [date(2008, 7, 1), date(2008, 8, 1)], "2008-07-01",
        pd.to_datetime(["2008-07-01", "2008-08-01"]), [pd.Timestamp("2008-07-01")],
        ["2008-07-01T12:30", "NaT"], ["2008-07-01", ""], ["2008-07-01", None], [],
        np.array(["2008-07-01", "NaT"], "datetime64[s]"), [np.datetime64("2008-07-01")],
        pd.Series(pd.to_datetime(["2008-07-01", "2008-08-01"]), index=[4, 9]),
    ],
    ids=repr,
)  # fmt: skip
def test_dates_of_every_kind_are_taken_and_a_missing_one_is_none(time):
    count = np.size(time)
    found = Observations("wood", CARBON, time, np.full(count, 4000.0), 400.0)
    assert len(found) == count
    if count:
        assert str(found.time[0])[:10] == "2008-07-01"
        assert not np.isnat(found.time[:1]).any()


@pytest.mark.parametrize("kind", [float, np.float32, int, str, object])
@pytest.mark.parametrize("part", ["value", "sd"])
def test_what_is_masked_is_missing(kind, part):
    masked = np.ma.array(np.array([4, 77, 6]).astype(kind), mask=[False, True, False])
    time = np.arange("2008-07-01", "2008-07-04", dtype="datetime64[D]")
    seen = Observations("wood", CARBON, time, **{"value": [4.0, 5.0, 6.0], "sd": 1.0, part: masked})
    gap = np.array([4.0, np.nan, 6.0])
    expected = gap[[0, 2]] if part == "value" else gap
    np.testing.assert_array_equal(getattr(seen, part), expected)


def test_a_masked_date_is_none():
    time = np.ma.array(np.array(["2008-07-01", "2008-07-02"], "datetime64[ns]"), mask=[1, 0])
    assert np.isnat(Observations("wood", CARBON, time, [4.0, 5.0], 1.0).time).tolist() == [1, 0]


def test_masked_values_of_tables_and_datasets_are_missing(daily):
    names = ["t_min", "t_max", "shortwave", "co2", "vpd", "precipitation"]
    frame, time = daily.drivers[names].to_dataframe(), daily.drivers["time"].values
    gpp = np.ma.array(np.full(time.size, 3.0), mask=np.arange(time.size) % 3 == 0)
    options = {"latitude": 61.85, "units": "canonical"}
    data = daily.drivers[names].assign(gpp=("time", gpp))
    for site in (
        Site.from_dataframe(frame.assign(gpp=gpp), **options),
        Site.from_dataset(data, **options),
    ):
        np.testing.assert_array_equal(site.observations["gpp"].time, time[~gpp.mask])


@pytest.mark.parametrize("day", [14, 15, 16])
def test_a_year_of_months_stamped_on_one_day_does_not_overlap(day):
    site = bt.open_site("hyytiala-twin").window(end="2006")
    months = np.arange("2006-03", "2007-03", dtype="datetime64[M]").astype("datetime64[D]")
    time = (months + np.timedelta64(day - 1, "D")).astype("datetime64[ns]")
    assert not doubts(61.85, site.drivers.assign_coords(time=time), {})


@pytest.fixture(scope="module")
def daily():
    return bt.open_site("hyytiala-twin-daily").window("2006", "2007")


def test_days_at_midnight_are_refused_wherever_they_come_from(daily):
    moved = daily.drivers.assign_coords(time=daily.drivers["time"].dt.floor("D"))
    with pytest.raises(bt.InputError, match=r"time: must be the middle of each step; found midni"):
        dataclasses.replace(daily, drivers=moved)


@pytest.mark.parametrize("hours", [23.0, 23 + 59 / 60, 0.5, 5.9, 18.1])
def test_days_at_night_are_refused_wherever_they_come_from(hours, daily):
    clock = np.timedelta64(round(hours * 60), "m")
    night = (daily.drivers["time"].values.astype("datetime64[D]") + clock).astype("datetime64[ns]")
    drivers = daily.drivers.assign_coords(time=night)
    told = rf"must be the middle of each step; found {str(night[0])[11:16]}, 1 d apart"
    with pytest.raises(bt.InputError, match=rf"{told}.*stamp='start' or 'end'"):
        dataclasses.replace(daily, drivers=drivers)
    table = drivers.to_dataframe()
    with pytest.raises(bt.InputError, match=rf"{told}.*say stamp='start'.*stamp='end'"):
        Site.from_dataframe(table, latitude=61.85, units="canonical")
    stamp = "end" if hours > 12 else "start"
    site = Site.from_dataframe(table, latitude=61.85, units="canonical", stamp=stamp)
    apart = site.drivers["time"].values - daily.drivers["time"].values
    assert (np.abs(apart) < np.timedelta64(6, "h")).all()


@pytest.mark.parametrize("hours", [6.0, 9.5, 17.0])
def test_the_middle_of_a_day_may_be_some_hours_from_noon(hours, daily):
    day = daily.drivers["time"].values.astype("datetime64[D]")
    time = (day + np.timedelta64(round(hours * 60), "m")).astype("datetime64[ns]")
    dataclasses.replace(daily, drivers=daily.drivers.assign_coords(time=time))


@pytest.mark.parametrize("shift", [0.5, 31.0, 1461.0])
def test_days_left_over_from_another_time_are_set_to_it(shift, daily):
    drivers = daily.drivers.assign(days=daily.drivers["days"] - shift)
    site = dataclasses.replace(daily, drivers=drivers)
    np.testing.assert_array_equal(site.drivers["days"], daily.drivers["days"])
    assert f"days: {shift:g} d from those of time at most, set to them" in site.notes
    assert site.data_hash() == daily.data_hash()


def test_drivers_given_another_time_see_what_was_observed_then(daily):
    later = np.timedelta64(1461, "D")
    seen = dataclasses.replace(
        daily.observations["gpp"], time=daily.observations["gpp"].time + later
    )
    drivers = daily.drivers.assign_coords(time=daily.drivers["time"].values + later)
    moved = dataclasses.replace(daily, drivers=drivers, observations={"gpp": seen})
    there, here = (bind(STREAMS["gpp"], site) for site in (moved, daily))
    assert not there.left_out.size
    np.testing.assert_array_equal(there.step, here.step)


@pytest.mark.parametrize("name", ["hyytiala-twin", "hyytiala-twin-daily"])
def test_the_season_of_the_other_hemisphere_is_doubted(name):
    site = bt.open_site(name)
    for place in (25.0, 40.0, 61.85):
        assert "shortwave: against the season" not in doubts(place, site.drivers, {})
        there = doubts(-place, site.drivers, {})
        assert {"shortwave: against the season", "shortwave: more than the sun gives"} & set(there)


def test_a_winter_too_dark_for_the_latitude_is_doubted():
    site = bt.open_site("hyytiala-twin-daily")
    assert not any(head.startswith("shortwave") for head in doubts(61.85, site.drivers, {}))
    assert "shortwave: less than clouds leave" in doubts(24.3, site.drivers, {})  # its longitude


def test_no_site_at_hand_is_doubted_without_reason(shared_data):
    paths = sorted((shared_data / "population" / "fluxval").glob("*.cbf"))
    assert len(paths) > 40
    paths += sorted((shared_data / "daily").glob("*.nc"))
    told = ("clouds leave", "the season", "overlap", "in summer than in winter", "are spread",
            "more than falls", "hardly above", "very small", "differ at one time")  # fmt: skip
    for path in paths:
        assert not any(part in note for note in bt.open_site(path).notes for part in told)


def frame(index):
    count = len(index)
    warm = 10.0 - 10.0 * np.cos(2.0 * np.pi * (index.day_of_year.to_numpy() + 8) / 365.25)
    return pd.DataFrame(
        {"t_min": warm - 5.0, "t_max": warm + 5.0, "shortwave": 2.0 + 0.9 * warm,
         "vpd": np.full(count, 4.0), "precipitation": np.full(count, 2.0),
         "co2": np.full(count, 390.0)},
        index=index,
    )  # fmt: skip


UNITS = {"t_min": "degC", "t_max": "degC", "shortwave": "MJ m-2 d-1", "vpd": "hPa",
         "precipitation": "mm d-1", "co2": "ppm"}  # fmt: skip


def composites(days):
    starts = [
        pd.date_range(f"{y}-01-01", f"{y}-12-31", freq=f"{days}D") for y in (2006, 2007, 2008)
    ]
    return starts[0].append(starts[1:])


def test_steps_that_begin_anew_each_year_are_told_as_such():
    with pytest.raises(bt.InputError, match="begin anew with every year end in a shorter one"):
        Site.from_dataframe(
            frame(composites(8)), name="m", latitude=50.0, units=UNITS, stamp="start"
        )
    with pytest.warns(
        bt.DataWarning, match=r"overlap or leave gaps: they count 1088 d within 1082"
    ):
        Site.from_dataframe(
            frame(composites(16)), name="m", latitude=50.0, units=UNITS, stamp="start"
        )


def test_sums_of_months_are_noted():
    months = pd.date_range("2006-01-01", periods=24, freq="MS")
    site = Site.from_dataframe(
        frame(months), name="m", latitude=50.0, stamp="start",
        units=UNITS | {"precipitation": "mm month-1"},
    )  # fmt: skip
    assert any("a month taken for 30.4375 d" in note for note in site.notes)


def test_a_date_that_is_none_is_told_by_its_series(daily):
    with pytest.raises(bt.InputError, match=r"wood time: must be a date.*15/07/2006"):
        daily.with_observation("wood", 7.0, 1.0, unit="kg C m-2", time="15/07/2006")
