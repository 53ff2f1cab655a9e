from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bayes_tbm.catalogue import open_site
from bayes_tbm.errors import InputError
from bayes_tbm.formats.uncertainty import mend_sd
from bayes_tbm.sites import Observations, Site
from bayes_tbm.sites.drivers import make_drivers
from bayes_tbm.sites.settle import settled_observations
from bayes_tbm.sites.time_axis import days_from_time, time_from_days
from bayes_tbm.units import UNITS


def test_own_format_round_trip(site, own):
    again = open_site(own())
    assert again.data_hash() == site.data_hash()
    assert (again.name, again.longitude, again.notes) == (site.name, site.longitude, site.notes)
    for name, seen in site.observations.items():
        assert again.observations[name].note == seen.note
        np.testing.assert_array_equal(again.observations[name].time, seen.time)


def test_what_data_say_of_a_common_error_survives_the_round_trip(site, tmp_path):
    seen = {"nee": replace(site.observations["nee"], systematic=0.125)}
    other = replace(site, observations=seen)
    other.to_netcdf(tmp_path / "own.nc")
    assert open_site(tmp_path / "own.nc").observations["nee"].systematic == 0.125
    yearly = Observations(
        "nee",
        "g C m-2 yr-1",
        seen["nee"].time,
        365.25 * seen["nee"].value,
        0.5,
        systematic=0.125 * 365.25,
    )
    drivers = site.drivers
    assert settled_observations(yearly, drivers, "x").systematic == pytest.approx(0.125)
    shared = replace(yearly, name="gpp", value=np.abs(yearly.value), systematic=0.08)
    assert settled_observations(shared, drivers, "x").systematic == 0.08  # a share has no unit
    with pytest.raises(InputError, match="nee: systematic error must be a number, 0 or more"):
        replace(seen["nee"], systematic=-0.1)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    latitude=st.floats(-90, 90),
    day=st.integers(-20000, 20000),
    clock=st.floats(0.25, 0.75),  # midnights are no middles of days
    vpd=hnp.arrays(np.float64, 5, elements=st.floats(0, 80)),
    nee=hnp.arrays(np.float64, 5, elements=st.floats(-40, 40) | st.just(np.nan)),
    note=st.text("abc é=;,", max_size=20),
)
def test_any_site_survives_the_round_trip(latitude, day, clock, vpd, nee, note, content, tmp_path):
    time = time_from_days(day + clock + np.arange(5))
    columns = {name: values[:5] for name, values in content["drivers"].items()} | {"vpd": vpd}
    del columns["day_of_year"]  # made from time
    seen = Observations("nee", UNITS["nee"], time, nee, np.abs(nee), note)
    observations = {"nee": seen} if len(seen) else {}
    site = Site("any", latitude, None, make_drivers(time, columns), observations, notes=(note,))
    site.to_netcdf(tmp_path / "any.nc")
    again = open_site(tmp_path / "any.nc")
    assert again.data_hash() == site.data_hash()
    assert again.notes == site.notes
    assert [o.note for o in again.observations.values()] == [o.note for o in observations.values()]


def test_window_keeps_both_ends_and_the_stocks(site):
    cut = site.window("2001-01-10", "2001-01-12")
    assert cut.steps == 3
    assert set(cut.observations) == set(site.observations)
    days = cut.observations["gpp"].time.astype("datetime64[D]").astype(str).tolist()
    assert days == ["2001-01-11", "2001-01-12"]
    assert len(cut.observations["live_biomass"]) == 1
    assert site.window("2001-01", "2001").steps == 40
    assert site.window(end="2001-01").steps == 31


def test_climate_is_weighted_by_step_length(site):
    length = np.where(np.arange(40) < 20, 0.9, 1.1)
    drivers = site.drivers.assign(step_length=("time", length))
    rain = site.drivers.precipitation.values
    expected = (0.9 * rain[:20].sum() + 1.1 * rain[20:].sum()) / 40
    assert replace(site, drivers=drivers).mean_precipitation == pytest.approx(expected)
    mid = (site.drivers.t_min + site.drivers.t_max).values / 2
    assert site.mean_temperature == pytest.approx(mid.mean())


def test_hash_sees_every_number_and_nothing_else(site):
    def changed(**observed):
        return replace(site, observations={**site.observations, **observed}).data_hash()

    gpp = site.observations["gpp"]
    hashes = {
        site.data_hash(),
        changed(gpp=replace(gpp, value=gpp.value + 1e-12)),
        changed(gpp=replace(gpp, sd=gpp.sd * 2)),
        changed(gpp=replace(gpp, time=gpp.time + np.timedelta64(1, "h"))),
        replace(site, latitude=61.4).data_hash(),
        replace(site, drivers=site.drivers.assign(co2=site.drivers.co2 + 1)).data_hash(),
    }
    assert len(hashes) == 6
    assert changed(gpp=replace(gpp, note="else")) == site.data_hash()
    assert replace(site, name="other", source="x").data_hash() == site.data_hash()


def test_summary_counts_each_series(site):
    rows = {line.split()[0]: line.split()[1] for line in repr(site).splitlines() if line.strip()}
    assert {name: rows[name] for name in ("gpp", "som")} == {"gpp": "26", "som": "1"}
    assert "40 daily steps, 2001-01-01 to 2001-02-09" in repr(site)


def test_observations_cannot_be_changed(site):
    with pytest.raises(ValueError, match="read-only"):
        site.observations["gpp"].value[0] = 1.0


def test_mended_sd_counts_only_where_there_is_a_value():
    sd, note = mend_sd([1.0, np.nan, 3.0, 9.0, 0.0], [1.0, 1.0, 1.0, np.nan, 1.0])
    np.testing.assert_array_equal(sd, [1.0, 1.0, 3.0, np.nan, 0.01])
    assert "1 of 4 sd missing" in note
    assert "1 of 4 sd below" in note
    assert mend_sd([np.nan], [1.0])[1] == "no uncertainty given"
    assert mend_sd([2.0], [1.0])[1] == ""


def test_times_held_as_days_are_exact():
    days = np.arange(-200_000, 200_000, 7) / 10  # tenths have no exact float64
    np.testing.assert_array_equal(days_from_time(time_from_days(days)), days)
    assert time_from_days([15.3])[0] == np.datetime64("2001-01-16T07:12")
