"""Days of another zone than the site's: told where longitude and zone tell it."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import bayes_tbm as bt
from bayes_tbm.sites.dates import hours_ahead

FOREIGN = "days are not the site's own"
UNITS_OF_TIME = ("days since 2001-01-01", "days since 2001-01-01 00:00:00")


@pytest.fixture(scope="module")
def daily():
    return replace(bt.open_site("hyytiala-twin-daily").window("2007", "2007"), observations={})


def told_of(make):
    """Return what is made and what is warned of days meanwhile."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        site = make()
    return site, [str(one.message) for one in caught if FOREIGN in str(one.message)]


def table(daily, index, longitude, **more):
    columns = ["t_min", "t_max", "shortwave", "co2", "vpd", "precipitation"]
    frame = daily.drivers[columns].to_dataframe().set_axis(index)
    return told_of(lambda: bt.Site.from_dataframe(
        frame, latitude=61.85, longitude=longitude, units="canonical", stamp="start", **more
    ))  # fmt: skip


def midnights(daily):
    return pd.DatetimeIndex(daily.drivers["time"].values).normalize()


ZONES = {
    "UTC": lambda days: days.tz_localize("UTC"),
    "Z": lambda days: pd.Index([f"{day:%Y-%m-%d}T00:00Z" for day in days]),
    "+00:00": lambda days: pd.Index([f"{day:%Y-%m-%d} 00:00+00:00" for day in days]),
    "Asia/Tokyo": lambda days: days.tz_localize("Asia/Tokyo"),
}


@pytest.mark.parametrize(
    ("zone", "longitude", "middle"),
    [("UTC", -72.2, 7), ("Z", -72.2, 7), ("+00:00", 148.2, 22), ("UTC", 287.8, 7),
     ("Asia/Tokyo", -72.2, 22), ("UTC", 24.3, None), ("Z", -9.1, None),
     ("Asia/Tokyo", 141.0, None), ("UTC", None, None)],
)  # fmt: skip
def test_days_of_a_table_are_those_of_its_zone(zone, longitude, middle, daily):
    site, told = table(daily, ZONES[zone](midnights(daily)), longitude)
    assert len(told) == (middle is not None)
    if middle is not None:
        assert f"my site: time: {FOREIGN}: of zone " in told[0]
        assert f"their middle is {middle} h by the sun: make days by local standard" in told[0]
        assert told_of(lambda: replace(site, name="again"))[1] == []


def test_days_of_the_site_whose_clock_is_utc_are_its_own(daily):
    """Midnight of Boston is 5 h in UTC."""
    for index in (midnights(daily).tz_localize("Etc/GMT+5").tz_convert("UTC"), midnights(daily)):
        assert table(daily, index, -72.2)[1] == []


def test_fluxes_of_days_elsewhere_are_doubted_and_stocks_are_not(daily):
    time = [f"{day:%Y-%m-%d}T12:00Z" for day in midnights(daily)[:40]]

    def own(name, sd):
        unit = "g C m-2" if name == "wood" else "g C m-2 d-1"
        return bt.Observations(name, unit, time, np.full(40, 4000 * sd), sd)

    with_fluxes = {"nee": own("nee", 1e-4), "wood": own("wood", 1.0)}
    far = replace(daily, longitude=-120.0)
    _, told = told_of(lambda: replace(far, observations=with_fluxes))
    assert len(told) == 1
    assert f"nee: time: {FOREIGN}" in told[0]
    assert told_of(lambda: replace(daily, observations=with_fluxes))[1] == []


@pytest.mark.parametrize("since", UNITS_OF_TIME)
@pytest.mark.parametrize("zone", ["", " UTC", "Z", " +00:00"])
def test_files_say_that_a_zone_was_left_out(since, zone, daily, tmp_path):
    path, stated = tmp_path / "site.nc", since + zone
    replace(daily, longitude=-120.0).to_netcdf(path)
    data = xr.load_dataset(path, decode_cf=False, engine="h5netcdf")
    assert data["time"].attrs["units"] == UNITS_OF_TIME[1]
    data["time"].attrs["units"] = stated
    data.to_netcdf(path, engine="h5netcdf")
    site, told = told_of(lambda: bt.open_site(path))
    assert site.drivers["time"].equals(daily.drivers["time"])
    assert any("zone UTC left out, its clock kept" in note for note in site.notes) == bool(zone)
    assert len(told) == bool(zone)


def test_hours_do_not_matter_to_months(tmp_path):
    monthly = replace(bt.open_site("hyytiala-twin"), observations={}, longitude=-120.0)
    noted = replace(monthly, notes=("time: zone UTC left out, its clock kept",))
    assert noted.steps == monthly.steps  # would warn, an error here


@pytest.mark.parametrize(
    ("zone", "hours"),
    [("UTC", 0), ("UTC+5", 5), ("UTC+05:30", 5.5), ("UTC-0800", -8), ("Asia/Tokyo", 9),
     ("America/New_York", -5), ("tzutc()", None), ("Mars/Base", None), ("../x", None)],
)  # fmt: skip
def test_how_far_zones_are_from_utc(zone, hours):
    assert hours_ahead(zone, np.datetime64("2007-01-01T12", "ns")) == hours
