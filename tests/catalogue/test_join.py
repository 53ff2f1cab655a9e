"""One site of several files: what counts, what is refused, what is noted."""

import contextlib
import dataclasses

import numpy as np
import pytest

import bayes_tbm as bt
from bayes_tbm.catalogue.inspection import share_of_gaps
from bayes_tbm.formats.common import without_copies

from .files import FILES, leaf_area, own_site

TWIN = "hyytiala-twin"


@pytest.fixture
def here(tmp_path):
    """Drivers, NEE and the rest of a made-up site of forty days of 2001 at 61.5 N."""
    path = tmp_path / "here.nc"
    own_site().to_netcdf(path)
    return path


def other(tmp_path, file="there.nc", *, days=0, keep=("lai",), **changes):
    """Another file of the site, whose series are moved by days."""
    site = own_site()
    late = np.timedelta64(days, "D")
    drivers = site.drivers.assign_coords(time=site.drivers["time"].values + late)
    of_year = (site.drivers["day_of_year"].values + days - 1) % 365 + 1
    drivers["day_of_year"] = drivers["day_of_year"].copy(data=of_year)
    seen = {
        n: dataclasses.replace(site.observations[n], time=site.observations[n].time + late)
        for n in keep
    }
    changed = dataclasses.replace(site, drivers=drivers, observations=seen, **changes)
    changed.to_netcdf(tmp_path / file)
    return tmp_path / file


def refused(*args, **options):
    with pytest.raises(bt.InputError) as error:
        bt.open_site(*args, **options)
    return str(error.value)


def test_a_series_that_two_files_hold_is_refused_until_one_is_chosen(here, tmp_path):
    there = other(tmp_path, keep=("lai", "et"))
    said = refused(here, observations=there)
    assert said == (
        "there.nc: et, lai: must be in one of the files; found in here.nc too; "
        'replace=["et", "lai"] (--replace et --replace lai) takes that of there.nc'
    )
    assert "there.nc: et: must be" in refused(here, observations=[there], replace=["lai"])
    site = bt.open_site(here, observations=there, replace=["lai", "et"])
    assert "et: that of there.nc replaces that of here.nc" in site.notes
    assert site.observations["lai"].note.startswith("from there.nc")
    assert "there.nc: its drivers are not used" in site.notes
    assert set(site.observations) == set(bt.open_site(here).observations)


def test_what_is_to_be_replaced_must_be_there_twice(here, tmp_path):
    there = other(tmp_path)
    said = refused(here, observations=there, replace=["lai", "gpp"])
    assert "replace: gpp: must be a series that two files hold; found one file that does" in said
    assert "found none that does; did you mean" in refused(here, replace=["wod"])
    assert refused(TWIN, replace=["nee"]).startswith("replace: nee")


def test_nbe_made_of_nee_follows_the_nee_that_counts(tmp_path):
    path = FILES["DifferLand site file"][0](tmp_path)
    before = bt.open_site(path).observations
    assert np.array_equal(before["nbe"].value, before["nee"].value)
    assert set(before) - set(without_copies(before)) == {"nbe"}
    time = np.array(["2001-01-03", "2001-01-04"], dtype="datetime64[ns]")
    nee = leaf_area(2001, name="nee", unit="g C m-2 d-1", time=time)
    joined = bt.open_site(path, observations=nee, replace="nee").observations
    assert list(joined["nee"].value) == list(joined["nbe"].value) == [2.0, 3.0]


def test_nee_of_another_file_is_no_nbe_where_something_burned(tmp_path):
    site = own_site()
    burned = site.drivers["burned_fraction"].copy(data=np.full(site.steps, 0.01))
    drivers = site.drivers.assign(burned_fraction=burned)
    dataclasses.replace(site, drivers=drivers, observations={}).to_netcdf(tmp_path / "fire.nc")
    time = np.array(["2001-01-03", "2001-01-04"], dtype="datetime64[ns]")
    nee = leaf_area(2001, name="nee", unit="g C m-2 d-1", time=time)
    joined = bt.open_site(tmp_path / "fire.nc", observations=nee)
    assert set(joined.observations) == {"nee"}


def test_series_in_memory_are_joined_and_converted():
    wood = leaf_area(name="wood", unit="t C ha-1", value=np.array([45.0, 46.0]))
    site = bt.open_site(TWIN, observations=wood, replace=["wood"])
    np.testing.assert_allclose(site.observations["wood"].value, [4500.0, 4600.0])


@pytest.mark.parametrize(
    "changes", [{"latitude": 61.7}, {"longitude": 24.9}, {"latitude": -61.5}], ids=str
)
def test_files_of_other_places_are_refused(changes, here, tmp_path):
    there = other(tmp_path, **changes)
    said = refused(here, observations=there, replace=["lai"])
    assert said.startswith("there.nc: must be of the place of here.nc; found ")
    assert "61.5 N, 24.5 E there" in said
    stated = {"latitude": 61.5, "longitude": 24.5} | changes
    far = changes.get("latitude", 61.5) < 0.0
    with pytest.warns(bt.DataWarning, match="which one") if far else contextlib.nullcontext():
        assert bt.open_site(here, observations=there, replace=["lai"], **stated)


def test_a_place_that_is_stated_is_that_of_the_drivers_alone(here, tmp_path):
    fluxes = FILES["CalLMIP fluxes"][0](tmp_path)
    with pytest.warns(bt.DataWarning, match="latitude 50 as stated, the file has 61.5: which"):
        said = refused(here, observations=fluxes, latitude=50.0, replace=["nee", "et"])
    assert said.startswith("flux.nc: must be of the place of here.nc; found 61.85 N")


def test_a_longitude_counts_all_the_way_round(here, tmp_path):
    there = other(tmp_path, longitude=24.5 + 0.15)  # 0.07 degrees as far as a parallel goes
    assert bt.open_site(here, observations=there, replace=["lai"]).longitude == 24.5
    west = {"longitude": -0.05}
    first = other(tmp_path, "west.nc", **west)
    there = other(tmp_path, longitude=359.99)
    assert bt.open_site(first, observations=there, replace=["lai"]).longitude == -0.05


def test_files_of_other_towers_are_doubted(tmp_path):
    first, there = other(tmp_path, "a.nc", name="FI-Hyy"), other(tmp_path, "b.nc", name="FI-Sod")
    with pytest.warns(bt.DataWarning, match=r"b.nc: is of FI-Sod, while a.nc is of FI-Hyy"):
        bt.open_site(first, observations=there, replace=["lai"])
    assert any("FI-Sod" in note for note in bt.inspect(first, observations=there).notes)


def test_files_of_other_times_are_refused_and_parts_are_counted(here, tmp_path):
    said = refused(here, observations=other(tmp_path, days=400), replace=["lai"])
    assert "there.nc: must observe something in the time of the drivers; found 2002-02-" in said
    assert "while the drivers of here.nc are of 2001-01-01 to 2001-02-09" in said
    part = bt.open_site(here, observations=other(tmp_path, days=20), replace=["lai"])
    whole = bt.open_site(here)
    left = len(whole.observations["lai"]) - len(part.observations["lai"])
    assert left > 5
    told = f"lai: {left} of {len(whole.observations['lai'])} values lie outside the drivers' time"
    assert f"there.nc: {told}, left out" in part.notes


def test_stocks_of_other_times_are_kept_where_the_file_has_more(here, tmp_path):
    there = other(tmp_path, days=25, keep=("lai", "som", "live_biomass"))
    both = {"replace": ["lai", "som", "live_biomass"]}
    site = bt.open_site(here, observations=there, **both)
    assert len(site.observations["live_biomass"]) == 1
    assert any("1 of 1 values lie outside the drivers' time, kept" in note for note in site.notes)


def test_a_file_of_stocks_before_the_drivers_alone_is_kept(here, tmp_path):
    seen = bt.Observations("live_biomass", "g C m-2", ["1990-07-01"], [4000.0], [500.0])
    site = bt.open_site(here, observations=seen, replace=["live_biomass"])
    assert len(site.observations["live_biomass"]) == 1
    assert any("1 of 1 values lie outside the drivers' time, kept" in note for note in site.notes)


def test_drivers_come_first(tmp_path, here):
    fluxes = FILES["CalLMIP fluxes"][0](tmp_path)
    said = refused(fluxes, observations=here)
    assert "flux.nc: must hold drivers, being given first" in said
    assert "give here.nc first" in said


def test_a_scale_that_may_be_that_of_two_files_is_refused(tmp_path, here):
    one, two = (FILES[name][0](tmp_path) for name in ("Earth Engine table", "CalLMIP fluxes"))
    said = refused(here, observations=[one, two], scale=0.1)
    assert "lai.csv and flux.nc: scale: must be for one of the files" in said
    apart = bt.inspect(one, scale=0.1).observations
    assert [seen.name for seen in apart] == ["lai"]
    np.testing.assert_allclose(apart[0].value, [1.5, 1.7])


def test_the_place_of_observations_stands_in_for_one_that_drivers_do_not_tell(tmp_path):
    drivers = FILES["Edinburgh CARDAMOM table"][0](tmp_path)
    fluxes = FILES["CalLMIP fluxes"][0](tmp_path)
    found = bt.inspect(drivers, observations=fluxes, first_year=1999, replace=["nee", "et"])
    assert (found.site.latitude, found.site.longitude) == (61.85, 24.3)
    assert "coordinates from flux.nc" in found.notes
    assert not any("latitude" in line for line in found.lacks)


@pytest.mark.parametrize("first", ["flux.nc", "there.nc"])
def test_observations_of_different_places_are_refused_though_drivers_tell_none(first, tmp_path):
    drivers = FILES["Edinburgh CARDAMOM table"][0](tmp_path)
    files = {
        "flux.nc": FILES["CalLMIP fluxes"][0](tmp_path),
        "there.nc": other(tmp_path, days=-200),
    }
    two = [files.pop(first), *files.values()]
    said = refused(drivers, observations=two, first_year=1999, replace=["nee", "et"])
    assert f"must be of the place of {first}" in said


def test_a_longitude_that_drivers_lack_is_that_of_observations(tmp_path):
    drivers = other(tmp_path, "first.nc", keep=("et",), longitude=None)
    placed = other(tmp_path, "second.nc", longitude=24.3)
    site = bt.open_site(drivers, observations=placed)
    assert (site.latitude, site.longitude) == (61.5, 24.3)
    assert "longitude from second.nc" in site.notes
    far = other(tmp_path, "third.nc", keep=("gpp",), longitude=-100.0)
    assert "of the place of second.nc" in refused(drivers, observations=[placed, far])


def test_inspection_tells_what_there_is_and_what_lacks(here, tmp_path):
    found = bt.inspect(here)
    row = found.table.set_index("series").loc["lai"]
    seen = found.site.observations["lai"]
    assert (row["n"], row["unit"], row["sd"]) == (len(seen), "m2 m-2", 0.5)
    assert (row["mean"], row["first"]) == (seen.value.mean(), "2001-01-02")
    assert row["gaps"] == pytest.approx(1 - len(seen) / 39, abs=0.02)
    assert found.lacks == ()
    assert "A fit can be made of it" in str(found)
    lacking = bt.inspect(here, observations=other(tmp_path))
    assert lacking.site is None
    assert 'replace=["lai"]' in lacking.lacks[0]
    assert "Lacking for a fit\n  - there.nc: lai: must be" in str(lacking)


def test_share_of_gaps():
    day = np.datetime64("2001-01-01") + np.arange(100).astype("timedelta64[D]")
    assert share_of_gaps(day) == 0
    assert share_of_gaps(np.delete(day, slice(10, 35))) == pytest.approx(0.25)
    month = np.arange("2001-01", "2003-01", dtype="datetime64[M]").astype("datetime64[D]")
    assert share_of_gaps(np.delete(month, [3, 4, 5])) == pytest.approx(3 / 24, abs=0.02)
    assert np.isnan(share_of_gaps(day[:2]))


@pytest.mark.filterwarnings("ignore::bayes_tbm.DataWarning")
def test_callmips_fluxes_join_differlands_drivers(shared_data, monkeypatch):
    monkeypatch.setenv("BAYES_TBM_DATA", str(shared_data))
    flux = next((shared_data / "formats" / "callmip").glob("FI-Hyy_*.nc"))
    assert 'replace=["nee", "et"]' in refused("FI-Hyy", observations=[flux])
    site = bt.open_site("FI-Hyy", observations=[flux], replace=["nee", "et"])
    counts = {name: len(seen) for name, seen in site.observations.items()}
    assert (counts["nee"], counts["nbe"], counts["et"], counts["wood"]) == (523, 523, 1586, 6)


def test_notes_of_a_series_that_is_replaced_go_with_it(tmp_path):
    told = ("lai: of here", "lai sd: of here", "laid: kept", "gpp: kept")
    dataclasses.replace(own_site(), notes=told).to_netcdf(tmp_path / "first.nc")
    second = other(tmp_path, "second.nc", notes=("lai: of the second",))
    third = other(tmp_path, "third.nc", notes=("lai: of the third",))
    notes = bt.open_site(tmp_path / "first.nc", observations=[second, third], replace="lai").notes
    assert "third.nc: lai: of the third" in notes
    assert {"laid: kept", "gpp: kept"} <= set(notes)
    assert not {"lai: of here", "lai sd: of here", "second.nc: lai: of the second"} & set(notes)
