"""Weather and stocks that cannot be, told before anything is fitted to them."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

import bayes_tbm as bt
from bayes_tbm.sites.doubts import impossible


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
