"""Weather and stocks that cannot be, told before anything is fitted to them."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

import bayes_tbm as bt
from bayes_tbm.sites import Observations
from bayes_tbm.sites.doubts import impossible
from bayes_tbm.units import UNITS


@pytest.fixture(scope="module")
def twin():
    return bt.open_site("hyytiala-twin")


def with_driver(site, **factors):
    changed = {name: site.drivers[name] * factor for name, factor in factors.items()}
    return replace(site, drivers=site.drivers.assign(changed))


def told_of(make):
    """Return what is warned of while something is made."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        make()
    return " ".join(str(one.message) for one in caught)


def test_real_weather_is_possible(shared_data):
    paths = [
        *sorted((shared_data / "daily").glob("*.nc")),
        *(shared_data / "fluxval").glob("*.cbf"),
    ]
    assert len(paths) > 10
    found = {}
    for path in paths:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            site = bt.open_site(path)
        found[path.name] = impossible(site.latitude, site.drivers)
    assert found == {name: {} for name in found}


@pytest.mark.parametrize(
    ("factors", "told"),
    [
        ({"vpd": 10.0}, "vpd: above saturation"),
        ({"precipitation": 30.0}, "precipitation: very large"),
        ({"shortwave": 2.7}, "shortwave: more than the sun gives"),
    ],
)
def test_weather_in_another_unit_is_doubted(twin, factors, told):
    assert told in told_of(lambda: with_driver(twin, **factors))
    assert told not in told_of(lambda: with_driver(twin))


def test_the_other_hemisphere_is_doubted(twin):
    assert "the sun gives: at" in told_of(lambda: replace(twin, latitude=-61.85))


@pytest.mark.parametrize(
    ("name", "factor", "told"),
    [("gpp", -1.0, "gpp: negative"), ("et", -1.0, "et: negative"), ("wood", 1e-3, "very small"),
     ("som", 1e-3, "very small"), ("nee", -1.0, "nee: against -GPP")],
)  # fmt: skip
def test_signs_and_small_stocks_are_doubted(twin, name, factor, told):
    seen = twin.observations[name]
    scaled = replace(seen, value=factor * seen.value, sd=abs(factor) * seen.sd)
    others = {"gpp": twin.observations["gpp"]}
    assert told in told_of(lambda: replace(twin, observations=others | {name: scaled}))
    assert told not in told_of(lambda: replace(twin, observations=others | {name: seen}))


@pytest.fixture(params=["hyytiala-twin", "hyytiala-twin-daily"])
def either(request):
    return bt.open_site(request.param).window(end="2008")


def series(site, name, value, keep=slice(None)):
    """Observations at steps of a site, alone."""
    time = site.drivers["time"].values[keep]
    seen = Observations(name, UNITS[name], time, np.broadcast_to(value, site.steps)[keep], 0.5)
    return replace(site, observations={name: seen})


def test_more_evapotranspiration_than_falls_is_doubted(either):
    rain, told = either.mean_precipitation, "et: more than falls"
    summer = np.abs(either.drivers["day_of_year"].values - 196) < 55
    assert told in told_of(lambda: series(either, "et", 2.1 * rain))
    assert told not in told_of(lambda: series(either, "et", 1.9 * rain))
    assert told not in told_of(lambda: series(either, "et", 3.0 * rain, summer))  # winter is none
    assert told in told_of(lambda: series(either, "et", 9.0 * rain, summer))
    assert told not in told_of(lambda: series(either.window(end="2006-09"), "et", 2.5 * rain))


def test_temperatures_that_hardly_differ_are_doubted(either):
    def with_range(apart):
        warmest = either.drivers["t_max"].copy(data=either.drivers["t_min"].values + apart)
        return replace(either, drivers=either.drivers.assign(t_max=warmest))

    for apart in (0.0, 0.4):
        told = f"t_max: hardly above t_min: by {apart:g} degC at the median step"
        assert told in told_of(lambda apart=apart: with_range(apart))
    assert "hardly above" not in told_of(lambda: with_range(0.6))


def test_growth_in_winter_is_doubted_beyond_the_tropics(either):
    season = np.cos(2.0 * np.pi * (either.drivers["day_of_year"].values - 190) / 365.25)
    told = "gpp: against the season"
    assert told in told_of(lambda: series(either, "gpp", 3.0 - 3.0 * season))
    assert told not in told_of(lambda: series(either, "gpp", 3.0 + 3.0 * season))
    assert told not in told_of(lambda: series(either, "gpp", 3.0))
    spring = np.cos(2.0 * np.pi * (either.drivers["day_of_year"].values - 80) / 365.25)
    assert told not in told_of(lambda: series(either, "gpp", 3.0 + 3.0 * spring))
    here = replace(either, observations={})
    tropical = told_of(lambda: series(replace(here, latitude=15.0), "gpp", 3.0 - 3.0 * season))
    assert told not in tropical


def test_leaf_area_of_a_tenth_is_doubted(either):
    leaves = 1.5 - np.cos(2.0 * np.pi * either.drivers["day_of_year"].values / 365.25)
    told = "lai: very small: 0.25 m2 m-2 at most"
    assert told in told_of(lambda: series(either, "lai", 0.1 * leaves))
    assert told not in told_of(lambda: series(either, "lai", leaves))


MARKS = (249.0, 255.0, 24.9, 25.5)
"""The first and the last mark of what is missing in MODIS, stored and scaled."""


@pytest.mark.parametrize("factor", [10.0, 100.0])
def test_leaf_area_as_stored_is_doubted_or_refused(either, factor):
    leaves = 1.5 - np.cos(2.0 * np.pi * either.drivers["day_of_year"].values / 365.25)
    with pytest.raises(
        bt.InputError, match=r"lai: must be within 0 to 24; .*; state the unit .*0\.1 m2"
    ):
        series(either, "lai", factor * leaves)
    told = told_of(lambda: series(either, "lai", 8.0 * leaves))
    assert "lai: unusual values" in told
    assert "usual are 0 to 12; are they stored integers of MODIS, to be multiplied by 0.1?" in told


@pytest.mark.parametrize("mark", MARKS)
def test_marks_of_missing_leaf_area_are_no_leaf_area(either, mark):
    leaves = np.full(either.steps, 3.0)
    leaves[5] = mark
    with pytest.raises(
        bt.InputError, match=r"lai: must be within .*mark missing ones .*249 to 255"
    ):
        series(either, "lai", leaves)


def test_whole_numbers_are_no_leaf_area(either):
    leaves = np.round(10.0 * (0.6 - 0.5 * np.cos(np.arange(either.steps) / 9.0)))
    told = "lai: whole numbers: "
    for step in (1.0, 8.0 / 7.0):
        said = told_of(lambda step=step: series(either, "lai", leaves * step))
        assert (told in said) == (step == 1.0)
    assert told not in told_of(lambda: series(either, "lai", leaves, slice(0, 9)))
    assert told not in told_of(lambda: series(either, "lai", np.round(leaves / 5.0)))  # 0, 1, 2


def test_too_little_leaf_area_for_the_gpp_is_doubted_once(either):
    """Of a forest a tenth is a possible leaf area, but no forest's."""
    twin = bt.open_site("hyytiala-twin")
    told = "gpp: more than the leaves can take up: "

    def with_leaves(factor, gpp=1.0, end=None):
        seen = {name: twin.observations[name] for name in ("gpp", "lai")}
        seen = {n: replace(one, value=(gpp if n == "gpp" else factor) * one.value)
                for n, one in seen.items()}  # fmt: skip
        return told_of(lambda: replace(twin, observations=seen).window(end=end))

    assert told not in with_leaves(1.0)
    assert told in with_leaves(0.15)
    assert told in with_leaves(1.0, 4.0)
    assert told not in with_leaves(0.01)
    assert "lai: very small" in with_leaves(0.01)


@pytest.mark.filterwarnings("ignore::bayes_tbm.DataWarning")
@pytest.mark.parametrize("factor", [2.0, 0.03])
def test_steps_are_as_long_as_they_are_apart(twin, factor):
    with pytest.raises(bt.InputError, match=r"step_length: must be about as long .* 30.44 d"):
        with_driver(twin, step_length=factor)


@pytest.mark.parametrize("latitude", [None, "north", True])
def test_a_latitude_is_a_number(twin, latitude):
    with pytest.raises(bt.InputError, match="latitude"):
        replace(twin, latitude=latitude)


@pytest.mark.parametrize("when", ["9999", "0001"])
def test_years_beyond_all_records_are_refused(when):
    with pytest.raises(bt.InputError, match="end: must be a date"):
        bt.open_site("hyytiala-twin", end=when)


def test_systematic_errors_are_shares_or_of_a_day(twin):
    for sizes, told in (({"gpp": 8}, "gpp: must be a share"), ({"nee": 40}, "365.25")):
        with pytest.raises(bt.InputError, match=told):
            bt.Calibration(twin, ["gpp", "nee"], systematic=sizes)
    seen = replace(twin.observations["gpp"], systematic=8.0)
    with pytest.raises(bt.InputError, match="gpp systematic error: must be a share"):
        replace(twin, observations={"gpp": seen})
    assert np.isfinite(twin.latitude)
