"""Values repeated or interpolated between measurements: doubted, and counted."""

import numpy as np
import pytest
import xarray as xr

from bayes_tbm.errors import DataWarning
from bayes_tbm.sites import Observations, Site
from bayes_tbm.sites.doubts import doubts
from bayes_tbm.sites.doubts_of_spread import spread
from bayes_tbm.sites.drivers import make_drivers
from bayes_tbm.sites.ranges import OBSERVED_RANGES
from bayes_tbm.units import UNITS

TIME = np.arange("2007-01-01", "2009-01-01", dtype="datetime64[D]") + np.timedelta64(12, "h")
DAY = np.arange(TIME.size)
SEASON = 1.2 - np.cos(2.0 * np.pi * DAY / 365.25)
NOISE = np.random.default_rng(5).normal(size=TIME.size)
LEAVES = SEASON + 0.2 * NOISE


def told(value, name="lai", step=1.0, time=TIME):
    return spread(Observations(name, UNITS[name], time, value, 0.5), step)


def repeated(every):
    return LEAVES[DAY // every * every]


def lines(every):
    return np.interp(DAY, DAY[::every], LEAVES[::every])


@pytest.mark.parametrize("name", OBSERVED_RANGES)
@pytest.mark.parametrize("every", [3, 8, 30])
@pytest.mark.parametrize("way", [repeated, lines])
def test_values_that_are_spread_are_counted(name, every, way):
    [(head, rest)] = told(way(every), name).items()
    assert head == f"{name}: values are spread"
    count = int(rest.split(" of ")[0])
    assert abs(count - TIME.size * (1 - 1 / every)) <= every
    assert "a value that is spread is no new measurement: give those that were measured" in rest


def test_rounded_and_single_precision_values_are_found_too():
    assert told(np.round(repeated(8), 1))
    assert told(np.float32(lines(8)))
    gaps = NOISE < 1.0
    assert told(repeated(8)[gaps], time=TIME[gaps])


@pytest.mark.parametrize(
    "value",
    [
        LEAVES,
        SEASON,
        np.full(TIME.size, 2.0),
        np.where(SEASON > 1.5, LEAVES, 0.0),  # no gas exchange in winter
        np.where(DAY % 3 > 0, 0.0, LEAVES),
        np.round(0.3 + 0.05 * NOISE, 1),  # a satellite's few leaves
        np.round(LEAVES * 4),
        np.where(SEASON > 1.5, 1.0, 2.0),
        0.001 * DAY,
        repeated(2),
    ],
    ids=[
        "noise",
        "smooth",
        "constant",
        "zero",
        "often zero",
        "few",
        "whole",
        "mask",
        "line",
        "two",
    ],
)
def test_measurements_are_not_doubted(value):
    assert not told(value)


def test_values_within_a_step_are_its_mean():
    assert not told(repeated(8), step=30.4375)
    assert told(repeated(90)[::30], step=30.4375, time=TIME[::30])


def test_a_site_warns_once_of_leaves_given_on_every_day(content):
    columns = {name: np.resize(values, TIME.size) for name, values in content["drivers"].items()}
    del columns["day_of_year"]
    drivers = make_drivers(TIME.astype("datetime64[ns]"), columns)
    assert not any("spread" in head for head in doubts(40.0, drivers, {}))
    leaves = Observations("lai", UNITS["lai"], TIME, 1.0 + repeated(8), 0.5)
    options = {"name": "x", "latitude": 40.0, "longitude": None, "drivers": drivers}
    with pytest.warns(DataWarning) as caught:
        site = Site(**options, observations={"lai": leaves})
    assert sum("lai: values are spread: 639 of 731" in str(w.message) for w in caught) == 1
    assert any("lai: values are spread" in note for note in site.notes)


def test_leaves_of_differland_as_they_stand_are_doubted(shared_data):
    for path in sorted((shared_data / "daily").glob("*.nc")):
        with xr.open_dataset(path, decode_times=False) as data:
            days = data["time"].values.astype("timedelta64[D]")
            time = np.datetime64("2001-01-01T12", "ns") + days
            assert told(data["LAI"].values, time=time), path
