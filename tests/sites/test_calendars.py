"""Times in every unit and calendar of the field, in every reader that has times of its own."""

import numpy as np
import pytest
import xarray as xr

from bayes_tbm.catalogue import open_site
from bayes_tbm.errors import InputError
from bayes_tbm.sites import Site
from bayes_tbm.sites.calendars import decode_time
from bayes_tbm.sites.drivers import make_drivers
from bayes_tbm.units import UNITS

pytestmark = pytest.mark.filterwarnings(  # weather that is made up knows no sun
    "ignore:.*more than the sun gives:bayes_tbm.DataWarning"
)

YEARS = 8
LENGTHS = {"noleap": 365, "365_day": 365, "all_leap": 366, "360_day": 360}


def decode(values, units="days since 2001-01-01", calendar=""):
    values = np.array(values, dtype=float)
    return decode_time(values, units, calendar, where="a.nc", variable="time")


def day_of_year(time):
    return (time - time.astype("M8[Y]").astype("M8[ns]")) / np.timedelta64(1, "D")


@pytest.mark.parametrize(
    ("units", "value", "expected"),
    [
        ("days since 2001-1-1", 0.5, "2001-01-01T12"),
        ("Days since 2001-01-01T00:00:00Z", 1.0, "2001-01-02"),
        ("days since 2001-01-01 12:00", 1.0, "2001-01-02T12"),
        ("day since 2000-02-29 00:00:00.0 UTC", 1.0, "2000-03-01"),
        ("hours since 2001-01-01 00:00:00", 36.0, "2001-01-02T12"),
        ("seconds since 1999-12-31", 86400.0, "2000-01-01"),
        ("minutes since 2001-1-1 6:0", 30.0, "2001-01-01T06:30"),
        ("days since 1850-01-01", 55152.5, "2001-01-01T12"),
    ],
)
def test_units_of_time(units, value, expected):
    time, note = decode([value, np.nan], units)
    assert time[0] == np.datetime64(expected)
    assert np.isnat(time[1])
    zoned = units.endswith(("Z", "UTC"))
    assert note == "time: zone UTC left out, its clock kept" * zoned


@pytest.mark.parametrize(
    ("units", "calendar", "said"),
    [
        ("months since 2001-01-01", "", "unit must be"),
        ("since 2001-01-01", "", "unit must be"),
        ("1", "", "unit must be"),
        ("days since 2001-13-01", "", "1678 to 2262"),
        ("days since 2001-02-30", "360_day", None),
        ("days since 2001-02-30", "noleap", "no such day"),
        ("days since 2001-02-30", "standard", "1678 to 2262"),
        ("days since 2001-01-01", "julian", "calendar must be one of .*found 'julian'"),
        ("days since 0001-01-01", "standard", "changed in 1582"),
        ("days since 2001-01-01 00:00 +05:30", "", r"unit must be.*leave the zone \+05:30 out: "),
        ("days since 2001-01-01 00:00:00 2:00", "", "unit must be.*leave the zone 2:00 out: times"),
        ("Hours since 2001-01-01T00:00-0800", "", "unit must be.*leave the zone -0800 out: times"),
        ("months since 2001-01-01 00:00 +02:00", "", "unit must be.*seconds will do"),
    ],
)
def test_what_cannot_be_placed_is_refused(units, calendar, said):
    if said is None:
        decode([1.0], units, calendar)
        return
    with pytest.raises(InputError, match=rf"^a\.nc: time: .*{said}") as caught:
        decode([1.0], units, calendar)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("calendar", LENGTHS)
@pytest.mark.parametrize("epoch", ["2001-01-01", "1850-01-01", "2000-03-01"])
def test_seasons_stay_where_they_are(calendar, epoch):
    year = LENGTHS[calendar]
    middles = (np.arange(12 * 30) + 0.5) * year / 12
    time, note = decode(middles, f"days since {epoch}", calendar)
    assert f"{calendar} calendar" in note
    of_year = day_of_year(time).reshape(30, 12)
    assert np.ptp(of_year, axis=0).max() < 1.0  # a leap year is a day longer
    assert (np.diff(time) > np.timedelta64(29, "D")).all()
    first = day_of_year(time[:1]) / 365.25 - (np.datetime64(epoch) - np.datetime64(epoch[:4])) / (
        np.timedelta64(365, "D")
    )
    assert first[0] == pytest.approx(0.5 / 12, abs=0.01)


def monthly(content, calendar):
    """Months in a calendar with drivers that repeat every year, and their day of year."""
    year = LENGTHS[calendar]
    days = (np.arange(12 * YEARS) + 0.5) * year / 12
    drivers = {n: np.resize(x[:12], days.size) for n, x in content["drivers"].items()}
    return days, drivers | {"day_of_year": days % year}


@pytest.mark.parametrize("calendar", ["noleap", "360_day"])
@pytest.mark.parametrize("reader", ["own", "cardamom"])
def test_every_reader_takes_the_calendar(reader, calendar, content, tmp_path, request):
    content["days"], content["drivers"] = monthly(content, calendar)
    content["series"] = {n: np.resize(x[:12], 12 * YEARS) for n, x in content["series"].items()}
    time = ("time", content["days"], {"units": "days since 2001-01-01", "calendar": calendar})
    if reader == "cardamom":
        site = open_site(request.getfixturevalue("cardamom")(time=time))
    else:
        units = {name: {"units": UNITS[name]} for name in UNITS}
        data = xr.Dataset({n: ("time", x, units[n]) for n, x in content["drivers"].items()})
        data = data.assign(latitude=((), 61.5, units["latitude"]), time=time)
        data.assign(gpp=("time", content["series"]["gpp"], units["gpp"])).to_netcdf(
            tmp_path / "own.nc", engine="h5netcdf"
        )
        site = open_site(tmp_path / "own.nc")
    assert site.step_name == "monthly"
    assert any(f"time is in the {calendar} calendar" in note for note in site.notes)
    months = site.drivers.time.values.astype("M8[M]").astype(int) % 12
    np.testing.assert_array_equal(months, np.tile(np.arange(12), YEARS))
    assert str(site.observations["gpp"].time[-1]).startswith("2008-1")


def test_differland_takes_units_and_calendar(differland):
    hours = ("time", 24 * np.arange(40), {"units": "hours since 2000-12-31", "calendar": "noleap"})
    site = open_site(differland(time=hours, DOY=("time", (np.arange(40) + 364) % 365 + 1.0)))
    assert str(site.drivers.time.values[1]).startswith("2001-01-01T12")
    with pytest.raises(InputError, match=r"A-B.nc: time: calendar must be one of .*'moon'"):
        open_site(differland(time=("time", np.arange(40), {"calendar": "moon"})))


@pytest.mark.parametrize("reader", ["own", "cardamom", "differland", "binary"])
def test_day_of_year_is_compared_with_time(reader, content, request):
    late = content["drivers"]["day_of_year"] + 7.0
    if reader == "binary":
        content["drivers"]["day_of_year"] = late
        path = request.getfixturevalue("binary")()
    else:
        name = "day_of_year" if reader == "own" else "DOY"
        path = request.getfixturevalue(reader)(**{name: ("time", late, {"units": "d"})})
    with pytest.raises(InputError, match=r"day_of_year: must be that of the time.*\(40 of 40"):
        open_site(path)


@pytest.mark.parametrize(("shift", "place"), [(0.0, "first"), (-1.0, "last")])
@pytest.mark.parametrize("of_year", [True, False])
def test_months_stamped_at_their_ends_are_refused(shift, place, of_year, content):
    starts = np.arange("2001-01", "2004-05", dtype="M8[M]").astype("M8[ns]")
    stamps = starts[:40] + np.timedelta64(int(shift), "D")
    drivers = dict(content["drivers"])
    if of_year:  # of the middles, right
        drivers["day_of_year"] = day_of_year(starts[:40] + np.timedelta64(15, "D"))
    else:
        del drivers["day_of_year"]
    with pytest.raises(InputError, match=f"must be the middle of each step; found the {place} day"):
        Site("months", 61.5, None, make_drivers(stamps, drivers), {})
    half = np.timedelta64(15, "D") * (1 if shift == 0.0 else -1)
    drivers.pop("day_of_year", None)
    Site("months", 61.5, None, make_drivers(stamps + half, drivers), {})  # the remedy


def test_days_before_the_epoch_are_times(own, site):
    """-999 and -9999 too, where days around them are."""
    for mark in (-999.0, -9999.0):
        days = ("time", np.arange(40.0) + mark - 5.0, {"units": "days since 2001-01-01 12:00"})
        of_year = day_of_year(np.datetime64("2001-01-01T12", "ns") + days[1].astype("m8[D]")) + 0.5
        opened = open_site(own(time=days, day_of_year=("time", of_year, {"units": "d"})))
        assert opened.drivers.days[5] == mark + 0.5


def test_bounds_count_where_there_are_some(own):
    start = np.arange(40.0)
    time = ("time", start, {"units": "days since 2001-01-01", "bounds": "time_bounds"})
    bounds = (("time", "edge"), np.stack([start, start + 1], axis=1))
    site = open_site(own(time=time, time_bounds=bounds))
    assert str(site.drivers.time.values[0]).startswith("2001-01-01T12")
    assert any("the middle between time_bounds" in note for note in site.notes)


def test_the_older_cardamom_layout_is_told_apart(shared_data):
    path = shared_data / "cases" / "07-demo-month-start" / "CARDAMOM_DEMO_DRIVERS.cbf.nc"
    site = open_site(path)
    np.testing.assert_array_equal(site.drivers.days[:3], [15.21875, 45.65625, 76.09375])
    assert {"nbe", "nee"} <= set(site.observations)
    assert any("TIME_INDEX" in note for note in site.notes)
    assert any("PARPRIORS 2 = 0.5" in note for note in site.notes)


@pytest.mark.filterwarnings("ignore:.*LAI. opt_filter")
@pytest.mark.parametrize("name", ["360day", "noleap"])
def test_cases_of_calendars(name, shared_data):
    site = open_site(shared_data / "cases" / "04-calendar-ignored" / f"forcing-{name}.cbf.nc")
    assert str(site.drivers.time.values[-1]).startswith("2016-12-16")
