import dataclasses

import numpy as np
import pytest

import bayes_tbm as bt
from bayes_tbm.experiment import Experiment
from bayes_tbm.posterior import EDCS
from bayes_tbm.sampling import Settings
from bayes_tbm.synthetic.twin import embedded_site

BASE = 'site = "hyytiala-twin"\nstreams = ["gpp", "lai"]\n'
FULL = """
site = "hyytiala-twin"
start = "2006-03"
end = 2009-12-31
streams = ["gpp", "nee", "wood"]
[uncertainty]
gpp = 0.5
[errors.gpp]
model = "Autoregressive"
memory = {family = "lognormal", median = 2.0, log_sd = 0.2}
[errors.nee]
model = "BlockMeans"
averaging = 60
structural = 0.3
[priors]
wood_residence_time = {family = "loguniform", lower = 2.7, upper = 300.0}
leaf_lifespan = 2.5
[constraints]
steady_wood = 3.0
canopy_root_pools = false
[sampling]
draws = 50
seed = 3
target_accept = 0.9
"""


@pytest.fixture
def write(tmp_path):
    def write(text, name="experiment.toml"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def test_every_entry_reaches_the_calibration(write):
    cal = Experiment.from_toml(write(FULL)).calibration()
    site, density = cal.site, cal.density
    first, last = np.datetime_as_string(site.drivers["time"].values[[0, -1]], unit="M")
    assert (first, last) == ("2006-03", "2009-12")
    np.testing.assert_array_equal(site.observations["gpp"].sd, 0.5)
    errors = {s.name: s.stream.errors for s in density.streams}
    memory = bt.LogNormal(2.0, 0.2)
    assert errors["gpp"] == bt.Autoregressive(memory=memory)
    assert errors["nee"] == bt.BlockMeans(averaging=60, structural=bt.Fixed(0.3))
    assert errors["wood"] == bt.STREAMS["wood"].errors
    assert density.priors["wood_residence_time"] == bt.LogUniform(2.7, 300.0)
    assert density.priors["leaf_lifespan"] == bt.Fixed(2.5)
    assert density.priors["gpp_memory"] == memory
    widths = {c.name: c.width for c in density.constraints}
    assert widths["steady_wood"] == 3.0
    assert "canopy_root_pools" not in widths
    assert "steady_foliage" in widths  # the other defaults stay


def test_settings(write):
    found = Experiment.from_toml(write(FULL)).settings()
    assert found == Settings(draws=50, seed=3, target_accept=0.9)
    assert Experiment.from_toml(write(BASE)).settings() == Settings()
    whole = Experiment.from_toml(write(BASE + "[sampling]\nwarmup = 30\n")).settings()
    assert whole == Settings(warmup=30)


@pytest.mark.parametrize("text", [BASE, FULL])
def test_round_trip(text, write):
    first = Experiment.from_toml(write(text))
    again = Experiment.from_toml(write(first.to_toml()))
    assert again == first
    assert again.to_toml() == first.to_toml()
    before, after = first.calibration(), again.calibration()
    assert before.experiment == after.experiment
    assert before.site.data_hash() == after.site.data_hash()


@pytest.mark.parametrize("text", [BASE, FULL])
def test_resolved_holds_every_default_and_gives_the_same_calibration(text, write):
    first = Experiment.from_toml(write(text))
    cal = first.calibration()
    resolved = first.resolved(cal, first.settings())
    again = Experiment.from_toml(write(resolved.to_toml()))
    assert set(again.priors) == set(cal.density.priors) - cal.unused
    assert set(again.constraints) == set(EDCS)
    assert set(again.errors) == set(first.streams)
    assert set(again.sampling) == {field.name for field in dataclasses.fields(Settings)}
    assert again.settings() == first.settings()
    assert again.calibration().experiment == cal.experiment
    z = np.full(cal.density.dimension, 0.1)
    expected = {name: float(value) for name, value in cal.density.values_at(z).items()}
    found = again.calibration().density.values_at(z)
    assert {name: float(value) for name, value in found.items()} == expected


def test_prior_objects_are_written_too(write):
    prior = bt.LogNormal(60.0, 0.5)
    experiment = Experiment("hyytiala-twin", ("wood",), priors={"wood_residence_time": prior})
    again = Experiment.from_toml(write(experiment.to_toml()))
    assert again.calibration().density.priors["wood_residence_time"] == prior


def test_site_path_is_relative_to_the_file(tmp_path, monkeypatch):
    study, elsewhere = tmp_path / "study", tmp_path / "elsewhere"
    study.mkdir()
    elsewhere.mkdir()
    site = embedded_site(years=2)
    site.to_netcdf(study / "mine.nc")
    (study / "experiment.toml").write_text('site = "mine.nc"\nstreams = ["gpp"]\n')
    monkeypatch.chdir(tmp_path)
    experiment = Experiment.from_toml("study/experiment.toml")
    assert experiment.open_site().data_hash() == site.data_hash()
    # what a run writes down finds the site from anywhere
    (elsewhere / "experiment.toml").write_text(experiment.to_toml())
    monkeypatch.chdir(elsewhere)
    again = Experiment.from_toml("experiment.toml")
    assert again.open_site().data_hash() == site.data_hash()


BAD = {
    "no TOML": ("site = \n", "must be valid TOML"),
    "unknown key": (BASE + "strams = 1\n", "strams", "unknown ['strams']"),
    "missing streams": ('site = "hyytiala-twin"\n', "streams", "missing ['streams']"),
    "missing site": ('streams = ["gpp"]\n', "site", "missing ['site']"),
    "streams as text": ('site = "hyytiala-twin"\nstreams = "gpp"\n', "streams", "a list"),
    "streams as numbers": ('site = "hyytiala-twin"\nstreams = [1]\n', "streams", "a list", "[1]"),
    "no streams": ('site = "hyytiala-twin"\nstreams = []\n', "streams", "at least one", "none"),
    "unknown stream": (
        'site = "hyytiala-twin"\nstreams = ["gppp"]\n', "streams: gppp", "did you mean gpp?",
    ),
    "stream twice": ('site = "hyytiala-twin"\nstreams = ["gpp", "gpp"]\n', "streams", "once"),
    "site as number": ('site = 5\nstreams = ["gpp"]\n', "site", "text", "5"),
    "table as number": ("sampling = 3\n" + BASE, "sampling", "[name]", "3"),
    "bad date": ('start = "soon"\n' + BASE, "start", "must be a date", "soon"),
    "uncertainty as text": (BASE + '[uncertainty]\ngpp = "a"\n', "uncertainty.gpp", "number"),
    "error model as text": (BASE + '[errors]\ngpp = "Gaussian"\n', "errors.gpp", "table"),
    "errors of no stream": (BASE + '[errors.gppp]\nmodel = "Gaussian"\n', "errors.gppp", "stream"),
    "unknown error model": (
        BASE + '[errors.gpp]\nmodel = "Gauss"\n', "errors.gpp", "Autoregressive, Gaussian",
    ),
    "unknown error option": (
        BASE + '[errors.gpp]\nmodel = "Gaussian"\nmemory = 3.0\n', "errors.gpp", "memory",
    ),
    "error option as text": (
        BASE + '[errors.gpp]\naveraging = "long"\n', "errors.gpp", "averaging", "'long'",
    ),
    "bad error prior": (
        BASE + '[errors.gpp]\nstructural = {family = "gamma"}\n', "errors.gpp.structural", "gamma",
    ),
    "unknown prior": (BASE + "[priors]\nwood_time = 3.0\n", "priors: wood_time", "did you mean"),
    "bad prior": (
        BASE + '[priors]\nleaf_lifespan = {family = "gamma"}\n', "priors: leaf_lifespan", "family",
    ),
    "prior as text": (BASE + '[priors]\nleaf_lifespan = "2"\n', "priors: leaf_lifespan", "family"),
    "prior entry missing": (
        BASE + '[priors]\nleaf_lifespan = {family = "lognormal", median = 2.0}\n',
        "priors: leaf_lifespan", "log_sd",
    ),
    "negative spread": (
        BASE + '[priors]\nleaf_lifespan = {family = "lognormal", median = 2.0, log_sd = -1.0}\n',
        "priors: leaf_lifespan", "log_sd: must be positive",
    ),
    "unknown constraint": (BASE + "[constraints]\nsteady_wod = true\n", "constraints: steady_wod"),
    "constraint as text": (
        BASE + '[constraints]\nsteady_wood = "on"\n', "constraints: steady_wood", "on or off",
    ),
    "negative width": (
        BASE + "[constraints]\nsteady_wood = -1.0\n", "constraints: steady_wood", "positive width",
    ),
    "unknown sampling": (BASE + "[sampling]\ndrows = 3\n", "sampling: drows", "draws"),
    "fractional draws": (BASE + "[sampling]\ndraws = 50.5\n", "sampling: draws", "50.5", "whole"),
    "draws as text": (BASE + '[sampling]\ndraws = "50"\n', "sampling: draws", "'50'"),
    "draws as truth": (BASE + "[sampling]\ndraws = true\n", "sampling: draws", "True"),
    "no chains": (BASE + "[sampling]\nchains = 0\n", "sampling: chains", "at least 1"),
    "acceptance": (BASE + "[sampling]\ntarget_accept = 1.5\n", "target_accept", "0 and 1", "1.5"),
    "a bar": (BASE + "[reading]\nprogress = true\n", "reading.progress", "no entry", "--quiet"),
}  # fmt: skip


def set_up(path):
    experiment = Experiment.from_toml(path)
    experiment.settings()
    experiment.calibration()


@pytest.mark.parametrize("case", BAD)
def test_bad_entries_are_told_in_one_line_with_file_and_entry(case, write):
    text, *parts = BAD[case]
    path = write(text, f"{case.replace(' ', '_')}.toml")
    with pytest.raises(bt.InputError) as caught:
        set_up(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{path}: ")
    for part in parts:
        assert part in message


def test_unreadable_files(tmp_path):
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "gone.toml", tmp_path, tmp_path / "binary.toml"):
        with pytest.raises(bt.InputError, match="must be a readable experiment file") as caught:
            Experiment.from_toml(path)
        assert str(path) in str(caught.value)


def test_data_errors_name_the_data_and_not_the_experiment(write):
    path = write('site = "hyytiala-twin"\nstreams = ["reco"]\n')
    with pytest.raises(bt.InputError) as caught:
        Experiment.from_toml(path).calibration()
    assert str(caught.value).startswith("bayes_tbm.synthetic.twin: reco: ")
