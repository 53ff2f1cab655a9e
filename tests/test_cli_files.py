"""Own files from the command line: inspected, named in experiment files, found again."""

import dataclasses

import pytest

import bayes_tbm as bt
from bayes_tbm.cli import main
from bayes_tbm.experiment import Experiment
from bayes_tbm.plots import plot_coverage
from bayes_tbm.sampling import Settings

from .catalogue.files import FILES, own_site, write_fluxnet


def run(*words):
    return main([str(word) for word in words])


def test_inspect_prints_and_writes_a_page(tmp_path, capsys):
    path = write_fluxnet(tmp_path)
    assert run("inspect", path, "--out", tmp_path / "page", "--quiet") == 0
    said = capsys.readouterr().out
    assert "XX-Twn" in said
    assert "FLUXNET daily (FULLSET)" in said
    assert "A fit can be made of it" in said
    page = (tmp_path / "page" / "inspect.html").read_text()
    for part in ("data:image/png;base64,", "FLUXNET daily", "<td>driver</td>", 'class="pass"'):
        assert part in page
    assert (tmp_path / "page" / "coverage.png").stat().st_size > 10_000
    assert len((tmp_path / "page" / "inspect.csv").read_text().splitlines()) > 8


def test_inspect_says_what_a_file_lacks_and_how_to_mend_it(tmp_path, capsys):
    path = write_fluxnet(tmp_path)
    for other in tmp_path.iterdir():
        if other != path:
            other.unlink()
    assert run("inspect", path, "--quiet") == 0
    said = capsys.readouterr().out
    assert "Lacking for a fit" in said
    assert "(--half-hourly)" in said
    assert "(--latitude)" in said
    write, _ = FILES["Edinburgh CARDAMOM table"]
    assert run("inspect", write(tmp_path)) == 2
    assert "--first-year 1999" in capsys.readouterr().err


def test_inspect_takes_names_and_refuses_what_is_not_there(capsys, tmp_path):
    assert run("inspect", "hyytiala-twin") == 0
    assert "embedded site" in capsys.readouterr().out
    assert run("inspect", tmp_path / "gone.csv") == 2
    assert "no such file" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert run("inspect", "hyytiala-twin", "--out", tmp_path / "file") in (2, 4)


def test_options_of_the_command_line_are_those_of_python(tmp_path, capsys):
    drivers = FILES["Edinburgh CARDAMOM table"][0](tmp_path)
    flux = FILES["CalLMIP fluxes"][0](tmp_path)
    words = ["--first-year", "1999", "--latitude", "61.85", "--longitude", "24.3", "--site-name",
             "mine", "--observations", flux, "--replace", "nee", "--replace", "et"]  # fmt: skip
    assert run("inspect", drivers, *words) == 0
    assert "Site mine (61.8500 N, 24.3000 E)" in capsys.readouterr().out
    assert run("simulate", drivers, *words, "--out", flux) == 2
    assert "must not be a file that is read" in capsys.readouterr().err


def test_coverage_needs_a_series():
    with pytest.raises(bt.InputError, match="holds a series"):
        plot_coverage([])


EXPERIMENT = """
site = "drivers.nc"
observations = ["lai.csv"]
replace = ["lai"]
streams = ["gpp", "lai"]
[reading]
scale = 0.01
latitude = 61.5
"""
LAI = "system:index,Lai,.geo\n2001_01_09,150,\n2001_01_17,170,\n"


@pytest.fixture
def folder(tmp_path):
    """An experiment with its files beside it."""
    (tmp_path / "data").mkdir()
    own_site().to_netcdf(tmp_path / "data" / "drivers.nc")
    (tmp_path / "data" / "lai.csv").write_text(LAI)
    (tmp_path / "data" / "experiment.toml").write_text(EXPERIMENT)
    return tmp_path


def test_an_experiment_finds_its_files_and_writes_where_they_lie(folder, monkeypatch):
    experiment = Experiment.from_toml(folder / "data" / "experiment.toml")
    site = experiment.open_site()
    assert list(site.observations["lai"].value) == [1.5, 1.7]
    assert site.latitude == 61.5
    out = folder / "run"
    out.mkdir()
    (out / "experiment.toml").write_text(experiment.to_toml(out))
    text = (out / "experiment.toml").read_text()
    assert '"../data/lai.csv"' in text
    assert 'site = "../data/drivers.nc"' in text
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    again = Experiment.from_toml(out / "experiment.toml")
    assert again.open_site().data_hash() == site.data_hash()
    assert again.replace == ("lai",)
    assert again.reading == {"scale": 0.01, "latitude": 61.5}


@pytest.mark.filterwarnings("ignore:.*the record has no")  # of a few weeks
def test_an_experiment_as_it_is_resolved_names_the_same_files(folder):
    experiment = Experiment.from_toml(folder / "data" / "experiment.toml")
    calibration = experiment.calibration()
    resolved = experiment.resolved(calibration, Settings())
    fields = ("site", "observations", "replace", "reading")
    assert all(getattr(resolved, name) == getattr(experiment, name) for name in fields)
    sets = dataclasses.replace(experiment, sets={"one": ["gpp"], "two": ["lai"]})
    assert set(sets.set_calibrations()) == {"one", "two"}


def test_half_hours_are_found_beside_the_experiment(tmp_path):
    (tmp_path / "data").mkdir()
    daily = write_fluxnet(tmp_path / "data")
    fine = next((tmp_path / "data").glob("*_HH_*"))
    text = (
        f'site = "data/{daily.name}"\nstreams = ["nee"]\n[reading]\nhalf_hourly = "data/hh.csv"\n'
    )
    fine.rename(tmp_path / "data" / "hh.csv")
    (tmp_path / "experiment.toml").write_text(text)
    experiment = Experiment.from_toml(tmp_path / "experiment.toml")
    assert experiment.open_site().steps > 40
    assert 'half_hourly = "../data/hh.csv"' in experiment.to_toml(tmp_path / "run")


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (('replace = ["lai"]', ""), 'replace=["lai"]'),
        (('"lai.csv"', '"gone.csv"'), "gone.csv: no such file"),
        (('["lai.csv"]', "[3]"), "observations"),
        (("scale = 0.01", "scal = 0.01"), "experiment.toml: scal: is no option of reading a file"),
        (("scale = 0.01", "first_year = 1999"), "first_year: is an option of other formats"),
        (('replace = ["lai"]', 'replace = ["lai", "et"]'), "experiment.toml: replace: et: must be"),
    ],
)
def test_a_wrong_entry_is_told_in_one_line(change, part, folder, capsys):
    path = folder / "data" / "experiment.toml"
    path.write_text(EXPERIMENT.replace(*change))
    assert run("fit", path, "--out", folder / "run", "--quiet") == 2
    said = capsys.readouterr().err
    assert part in said
    assert said.count("\n") == 1
    assert not (folder / "run").exists()
