"""Files of every format opened by content, options that concern them, and files of none."""

import numpy as np
import pytest
import xarray as xr

import bayes_tbm as bt
from bayes_tbm.catalogue.recognise import FORMATS, NETCDF, TABLES
from bayes_tbm.formats.netcdf import is_netcdf, read_netcdf
from bayes_tbm.formats.table import read_header

from .files import FILES, STATED, write_fluxnet


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A file of each format, under a name that misleads, each in a folder of its own."""
    made = {}
    for number, (name, (write, called)) in enumerate(FILES.items()):
        folder = tmp_path_factory.mktemp(f"f{number}")
        path = write(folder)
        made[name] = path.rename(folder / called)
    return made


def test_there_is_a_file_of_every_format():
    assert sorted(FILES) == sorted(one.name for one in FORMATS)


@pytest.mark.filterwarnings("ignore::bayes_tbm.DataWarning")
@pytest.mark.parametrize("name", FILES)
def test_a_file_is_known_by_its_content_whatever_it_is_called(name, files):
    found = bt.inspect(files[name], **STATED.get(name, {}))
    assert name.split()[0] in found.files[0].kind
    assert len(found.observations) > 0
    if found.files[0].drivers is not None:
        site = bt.open_site(files[name], **STATED.get(name, {}))
        assert site.data_hash() == found.site.data_hash()
    else:
        with pytest.raises(bt.InputError, match=r"no complete drivers.*join what it observes"):
            bt.open_site(files[name], **STATED.get(name, {}))


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_taken_for_one_format_alone(name, files):
    path = files[name]
    if is_netcdf(path):
        fits = [one.name for test, one in NETCDF if test(read_netcdf(path))]
        assert fits[0] == name
        assert fits[1:] in ([], ["CARDAMOM netCDF (.cbf.nc)"])  # DifferLand's have its variables
    elif name != "CARDAMOM binary (.cbf)":
        assert [one.name for test, one in TABLES if test(read_header(path))] == [name]


def refused(path, **options):
    with pytest.raises(bt.InputError) as error:
        bt.open_site(path, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_file_of_no_format_says_what_it_holds_and_what_to_do(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("when,temp,flux\n2008-01-01,1,2\n")
    said = refused(path)
    assert said.startswith("mine.csv: is of no format that is known; found columns when, temp, ")
    assert "Site.from_dataframe (docs: bring-your-own-data)" in said
    path = tmp_path / "mine.nc"
    xr.Dataset({"snow": ("x", np.ones(3))}).to_netcdf(path, engine="h5netcdf")
    assert "found variables snow; read it with pandas" in refused(path)
    path.write_text("<html>404</html>")
    assert "is not a netCDF file" in refused(path)
    (tmp_path / "bif.csv").write_text(
        "SITE_ID,GROUP_ID,VARIABLE_GROUP,VARIABLE,DATAVALUE\nA,1,G,V,1\n"
    )
    assert "leave it beside the daily file" in refused(tmp_path / "bif.csv")


@pytest.mark.parametrize(
    ("name", "options", "parts"),
    [
        ("site file of bayes_tbm", {"first_year": 1999}, ("first_year", "Edinburgh CARDAMOM")),
        ("DifferLand site file", {"half_hourly": __file__}, ("half_hourly", "FLUXNET table")),
        ("Edinburgh CARDAMOM table", {"scale": 0.1}, ("CalLMIP fluxes, MODISTools table, Earth",)),
        ("CalLMIP fluxes", {"fill_co2": True}, ("formats (PLUMBER2, FLUXNET table)", "leave")),
        ("AppEEARS table", {"quality": 0.5}, ("quality: is an option of other formats",)),
    ],
)
def test_an_option_that_does_not_concern_a_file_is_refused(name, options, parts, files):
    said = refused(files[name], **options)
    for part in parts:
        assert part in said


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"latitud": 61.0}, "latitud: is no option of reading a file; did you mean latitude"),
        ({"latitude": "north"}, "latitude: must be a number; found 'north'"),
        ({"latitude": np.nan}, "latitude: must be a number"),
        ({"first_year": 1999.5}, "first_year: must be a year"),
        ({"closure": 1}, "closure: must be true or false"),
        ({"quality": 75}, "quality: must be a share within 0 to 1"),
        ({"co2": -1}, "co2: must be positive"),
        ({"half_hourly": "gone.csv"}, "half_hourly: no such file; found gone.csv"),
        ({"site": 3}, "site: must be text"),
    ],
)
def test_options_of_the_wrong_kind_are_refused(options, part):
    assert part in refused("hyytiala-twin", **options)


def test_the_user_states_name_and_place_of_any_file(files):
    stated = {"site": "mine", "latitude": 61.0, "longitude": 24.0}
    site = bt.open_site(files["DifferLand site file"], **stated)
    assert (site.name, site.latitude, site.longitude) == ("mine", 61.0, 24.0)
    assert any("latitude 61 as stated, the file has 61.5" in note for note in site.notes)
    twin = bt.open_site("hyytiala-twin", latitude=60.0)
    assert twin.latitude == 60.0


def test_a_place_that_is_not_told_is_asked_for(files):
    said = refused(files["Edinburgh CARDAMOM table"], first_year=1999)
    assert "latitude: is in no file of this format; give it: latitude=61.85" in said
    assert "--latitude 61.85" in said


def test_a_fluxnet_pair_opens_as_the_site_it_was_made_of(tmp_path):
    site = bt.open_site("hyytiala-twin-daily", start="2008-01-01", end="2008-03-15")
    read = bt.open_site(write_fluxnet(tmp_path, site))
    assert (read.name, read.latitude) == ("XX-Twn", site.latitude)
    for name in ("t_min", "t_max", "shortwave", "vpd", "precipitation", "co2"):
        assert np.abs(read.drivers[name].values - site.drivers[name].values).max() < 1e-3
    for name in ("nee", "et"):
        seen, true = read.observations[name], site.observations[name]
        assert np.array_equal(seen.time, true.time)
        np.testing.assert_allclose(seen.value, true.value, atol=1e-4)


def test_edinburghs_genuine_tables_make_a_calibration(shared_data):
    path = shared_data / "formats" / "edinburgh" / "FI-Hyy_timeseries_met.csv"
    site = bt.open_site(path, first_year=1999, latitude=61.85)
    assert bt.Calibration(site, ["nee", "et", "lai", "wood"]).density.dimension > 20


def test_a_file_is_read_once_and_never_as_it_was_before(tmp_path, monkeypatch):
    site, path = bt.open_site("hyytiala-twin").window(end="2006"), tmp_path / "site.nc"
    site.to_netcdf(path)
    read, load = [], xr.load_dataset
    monkeypatch.setattr(xr, "load_dataset", lambda *a, **o: read.append(a) or load(*a, **o))
    assert bt.open_site(path).data_hash() == site.data_hash()
    assert len(read) == 1
    assert is_netcdf(path)
    read_netcdf(path, keep=True)  # recognised, and written anew before it is read
    later = bt.open_site("hyytiala-twin").window(end="2007")
    later.to_netcdf(path)
    assert bt.open_site(path).data_hash() == later.data_hash()
