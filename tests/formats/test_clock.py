"""Sunshine tells whether steps are stamped in local time."""

import warnings

import numpy as np
import pytest

from bayes_tbm.errors import DataWarning
from bayes_tbm.formats.fluxnet import read_fluxnet
from bayes_tbm.formats.plumber2 import read_plumber2
from bayes_tbm.formats.subdaily import doubt_clock, whole_days

PLACES = {
    "Utqiagvik": (71.3, -156.6, -9), "Harvard": (42.5, -72.2, -5), "Manaus": (-2.6, -60.2, -4),
    "Hyytiala": (61.85, 24.3, 2), "Kashgar": (39.5, 76.0, 8), "Tumbarumba": (-35.7, 148.2, 10),
    "Galicia": (42.9, -9.1, 1), "Mendoza": (-32.9, -68.8, -3), "Adelie": (-66.7, 140.0, 10),
}  # fmt: skip
"""Latitude, longitude, and hours of local standard time ahead of UTC."""


def half_hours(days, first="2009-01-01", per_day=48):
    step = np.timedelta64(1440 // per_day, "m")
    return np.datetime64(first, "ns") + np.arange(days * per_day) * step


def sunlight(start, latitude, longitude, ahead):
    """Sunlight under a sky without clouds or air, MJ m-2 d-1, at local times."""
    middle = start + (start[1] - start[0]) / 2
    hour = (middle - middle.astype("datetime64[D]")) / np.timedelta64(1, "h") - ahead
    day = (middle - np.datetime64("2009-01-01")) / np.timedelta64(1, "D")
    tilt = np.deg2rad(-23.4) * np.cos(2 * np.pi * (day + 10) / 365.25)
    angle, north = np.deg2rad(15 * (hour - 12) + longitude), np.deg2rad(latitude)
    height = np.sin(north) * np.sin(tilt) + np.cos(north) * np.cos(tilt) * np.cos(angle)
    return 118.0 * np.maximum(height, 0.0)


def told(start, sun):
    days, _ = whole_days(start, "t.csv")
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        doubt_clock(days, sun, "t.csv")
    return [str(one.message) for one in warned]


@pytest.mark.parametrize("days", [7, 365])
@pytest.mark.parametrize("first", ["2009-01-01", "2009-06-18"])
@pytest.mark.parametrize("place", PLACES)
def test_local_time_is_not_doubted_anywhere(place, first, days):
    start = half_hours(days, first)
    assert told(start, sunlight(start, *PLACES[place])) == []


def test_few_gappy_cloudy_or_dark_days_are_not_doubted():
    noise = np.random.default_rng(0)
    for days in (2, 5, 30):
        start = half_hours(days)
        sun = sunlight(start, 50.0, 0.0, 0)
        clouds = np.repeat(noise.uniform(0.05, 1.0, sun.size // 8), 8)
        assert told(start, sun * clouds) == []
        assert told(start, np.where(noise.uniform(size=sun.size) < 0.3, np.nan, sun)) == []
        assert told(start, noise.normal(0.0, 0.5, sun.size)) == []  # a polar night
        assert told(start, np.full(sun.size, np.nan)) == []
        assert told(start, np.where(sun > 0.0, np.nan, 3.0)) == []  # nights alone


@pytest.mark.parametrize(
    ("place", "centre"), [("Harvard", 17), ("Tumbarumba", 2), ("Kashgar", 7), ("Manaus", 16)]
)
@pytest.mark.parametrize("per_day", [24, 48])
def test_stamps_in_utc_are_doubted(place, centre, per_day):
    start = half_hours(20, per_day=per_day)
    latitude, longitude, _ = PLACES[place]
    said = told(start, sunlight(start, latitude, longitude, 0))
    assert len(said) == 1
    assert f"t.csv: sunshine is centred on {centre} h: are stamps UTC?" in said[0]


def later(values, hours):
    return np.roll(values, 2 * hours)


def test_readers_of_half_hours_doubt_them(half_hourly, weather, tmp_path):
    for hours in (0, 7):
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            for read, write in ((read_fluxnet, half_hourly), (read_plumber2, weather)):
                read(write(tmp_path, hours))
        said = [str(one.message) for one in warned if one.category is DataWarning]
        assert sum("sunshine is centred on 19 h" in one for one in said) == 2 * bool(hours)


def test_sunshine_tells_the_clock_where_units_say_utc(tmp_path):
    """Files of half-hours say UTC by habit; of fluxes alone nothing tells."""
    from .test_plumber2 import flux, met

    path, zoned = tmp_path / "XX-Abc_2003-2003_FLUXNET2015_Met.nc", "zone UTC left out"
    for make, noted in ((met, False), (flux, True)):
        data = make()
        data["longitude"].values[:] = -120.0
        data["time"].attrs["units"] += " UTC"
        data.to_netcdf(path, engine="scipy")
        assert any(zoned in note for note in read_plumber2(path).notes) == noted


@pytest.fixture
def half_hourly():
    def write(folder, hours):
        start = half_hours(8)
        sun = later(sunlight(start, 50.0, 0.0, 0), hours) / 0.0864
        stamps = np.char.replace(np.datetime_as_string(start, "m"), "T", "")
        for mark in "-:":
            stamps = np.char.replace(stamps, mark, "")
        rows = [f"{stamp},5,{one:.6g}" for stamp, one in zip(stamps, sun, strict=True)]
        path = folder / "FLX_XX-Abc_FLUXNET2015_FULLSET_HH_2009-2009.csv"
        path.write_text("\n".join(["TIMESTAMP_START,TA_F,SW_IN_F", *rows]))
        return path

    return write


@pytest.fixture
def weather():
    from .test_plumber2 import met

    def write(folder, hours):
        data = met(days=8)
        data["SWdown"].values[:] = later(data["SWdown"].values.ravel(), hours).reshape(-1, 1, 1)
        path = folder / "XX-Abc_2003-2003_FLUXNET2015_Met.nc"
        path.unlink(missing_ok=True)
        data.to_netcdf(path, engine="scipy")
        return path

    return write
