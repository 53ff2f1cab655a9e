import json
import subprocess
import sys
import tomllib
import warnings

import numpy as np
import pytest
import xarray as xr

from bayes_tbm import __version__
from bayes_tbm.calibration import Calibration
from bayes_tbm.catalogue import site_names
from bayes_tbm.cli import main
from bayes_tbm.errors import DataWarning
from bayes_tbm.parameters import Parameters, to_dalec
from bayes_tbm.report import folder as folder_module
from bayes_tbm.report import load_run, median_parameters
from bayes_tbm.synthetic.twin import embedded_site
from bayes_tbm.units import UNITS

from .conftest import STREAMS
from .report.test_few_draws import assert_whole_folder

STEPS = 24


@pytest.fixture
def never_sample(monkeypatch):
    def sample(*_, **__):
        pytest.fail("it began to sample")

    monkeypatch.setattr(Calibration, "sample", sample)
    monkeypatch.setattr("bayes_tbm.calibration.find_modes", sample)


@pytest.fixture
def sampled(monkeypatch, short_tree):
    """Let `Calibration.sample` return the short run at once; its settings are kept here."""
    seen = []

    def sample(self, settings, **_):
        seen.append((self, settings))
        return short_tree

    monkeypatch.setattr(Calibration, "sample", sample)
    monkeypatch.setattr(folder_module, "save_figures", lambda *_: [])
    return seen


# --help and what needs no run


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ([], ("demo", "fit", "simulate", "summary", "sites", "--version", "exit status")),
        (["demo"], ("--step", "--out", "--seed", "--chains", "--warmup", "--draws", "--quiet")),
        (
            ["fit"],
            ("SITE", "--streams", "gpp", "--start", "--end", "--uncertainty", "--out",
             "--overwrite", "--seed", "--chains", "--warmup", "--draws", "experiment.toml"),
        ),
        (["simulate"], ("SITE", "--parameters", "--run", "--out")),
        (["summary"], ("RUN",)),
        (["sites"], ("sites",)),
    ],
)  # fmt: skip
def test_help(command, options, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([*command, "--help"])
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    for option in options:
        assert option in text


def test_version(capsys):
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"bayes-tbm {__version__}\n"


@pytest.mark.parametrize(
    "argv",
    [
        [], ["fitt"], ["fit", "hyytiala-twin"], ["fit", "x", "--ouch"], ["many"],
        ["many", "sites.csv", "--workers", "two"], ["population", "runs/", "--believed", "-20"],
    ],
)  # fmt: skip
def test_wrong_usage_is_told_in_one_line(argv, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(argv)
    assert stopped.value.code == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("bayes-tbm")
    assert ": error: " in line
    assert line.endswith("--help")


def test_sites(capsys):
    assert main(["sites"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert tuple(line.split()[0] for line in lines) == site_names()
    assert max(map(len, lines)) <= 100
    told = {line.split()[0]: line.split(maxsplit=4)[1:] for line in lines}
    assert told["fluxval:CA-NS2"] == [
        "55.9058", "-98.5247", "ENF", "+validation, stand of 1930, inventory of 2004"
    ]  # fmt: skip
    assert told["FI-Hyy"] == ["61.8474", "24.2948", "ENF"]


# fit refuses bad input before anything is sampled


@pytest.fixture(scope="module")
def two_years(tmp_path_factory):
    """What a file of two years of the embedded site holds."""
    path = tmp_path_factory.mktemp("own") / "mine.nc"
    embedded_site(years=2).to_netcdf(path)
    return xr.load_dataset(path, engine="h5netcdf", decode_times=False)


@pytest.fixture
def own(tmp_path, two_years):
    """Write that file with some of its variables changed."""

    def write(drop=(), **changes):
        path, data = tmp_path / "mine.nc", two_years.copy(deep=True)
        for name, change in changes.items():
            if isinstance(change, dict):
                data[name].attrs |= change
            else:
                data = data.assign({name: (data[name].dims, change(data[name].values.copy()),
                                           data[name].attrs)})  # fmt: skip
        data.drop_vars(list(drop)).to_netcdf(path, engine="h5netcdf")
        return path

    return write


def put(value, at=5):
    def change(values):
        values[at] = value
        return values

    return change


def cardamom_without_uncertainties(path):
    """CARDAMOM's netCDF with GPP but not one standard deviation."""
    drivers = embedded_site(years=2).drivers
    names = {"T2M_MIN": "t_min", "T2M_MAX": "t_max", "SSRD": "shortwave", "CO2": "co2",
             "DOY": "day_of_year", "VPD": "vpd", "TOTAL_PREC": "precipitation",
             "BURNED_AREA": "burned_fraction"}  # fmt: skip
    data = xr.Dataset(
        {field: ("time", drivers[name].values, {"units": UNITS[name]})
         for field, name in names.items()},
        coords={"time": ("time", drivers.days.values, {"units": "days since 2001-01-01"})},
    )  # fmt: skip
    data["LAT"] = 61.8
    attrs = {"opt_unc_type": 0.0, "single_unc": -9999.0, "opt_filter": -9999.0}
    data["GPP"] = ("time", np.full(STEPS, 3.0), attrs)
    data["GPPunc"] = ("time", np.full(STEPS, -9999.0))
    data.to_netcdf(path, engine="h5netcdf")
    return path


def truncated_cbf(path):
    header = np.full(300, -9999.0)
    header[:5] = 1005, 61.8, STEPS, 9, 11
    path.write_bytes(header.astype("<f8").tobytes() + b"\0" * 800)
    return path


def text_file(path):
    path.write_text("time,gpp\n2001-01-01,3\n")
    return path


BAD = {
    "no stream": (lambda own, _: ["hyytiala-twin"], "streams: at least one", "choose from et, gpp"),
    "empty streams": (lambda own, _: ["hyytiala-twin", "--streams", ","], "at least one"),
    "unknown stream": (
        lambda own, _: ["hyytiala-twin", "--streams", "gpp,gppp"], "gppp", "did you mean gpp?",
    ),
    "stream not observed": (
        lambda own, _: ["hyytiala-twin", "--streams", "reco"], "reco", "observed here: gpp, nee",
    ),
    "nothing in the window": (
        lambda own, _: ["hyytiala-twin", "--streams", "som", "--start", "2010"],
        "som", "some observation must lie within", "2006-06",
    ),
    "window off the record": (
        lambda own, _: ["hyytiala-twin", "--streams", "gpp", "--start", "2030"],
        "at least two steps", "2006-01-16",
    ),
    "bad date": (
        lambda own, _: ["hyytiala-twin", "--streams", "gpp", "--end", "soon"], "end", "a date",
    ),
    "no uncertainties": (
        lambda own, tmp: [cardamom_without_uncertainties(tmp / "c.nc"), "--streams", "gpp"],
        "c.nc: gpp uncertainty", "24 of 24 missing", "--uncertainty gpp=1.0",
    ),
    "no uncertainties of our own": (
        lambda own, _: [own(drop=["lai_sd"]), "--streams", "gpp,lai"],
        "mine.nc: lai uncertainty", "missing", "--uncertainty lai=1.0",
    ),
    "uncertainty without number": (
        lambda own, _: ["hyytiala-twin", "--streams", "gpp", "--uncertainty", "gpp"],
        "--uncertainty: must be STREAM=SD", "found gpp",
    ),
    "negative uncertainty": (
        lambda own, _: ["hyytiala-twin", "--streams", "gpp", "--uncertainty", "gpp=-1"],
        "gpp: uncertainty must be positive", "-1",
    ),
    "latitude": (
        lambda own, _: [own(latitude=lambda _: 105.0), "--streams", "gpp"],
        "mine.nc: latitude: must be within -90 to 90 degrees; found 105",
    ),
    "swapped temperatures": (
        lambda own, _: [own(t_min=put(30.0), t_max=put(20.0)), "--streams", "gpp"],
        "mine.nc: t_max - t_min: must not be negative; found -10 ", "2006-06",
    ),
    "negative radiation": (
        lambda own, _: [own(shortwave=put(-1.0)), "--streams", "gpp"],
        "mine.nc: shortwave: must be within 0 to 60; found -1 MJ m-2 d-1 on 2006-06",
    ),
    "unsorted time": (
        lambda own, _: [own(time=lambda t: t[[1, 0, *range(2, STEPS)]]), "--streams", "gpp"],
        "mine.nc: time: must increase",
    ),
    "duplicate time": (
        lambda own, _: [own(time=lambda t: t[[0, 0, *range(2, STEPS)]]), "--streams", "gpp"],
        "mine.nc: time: must not repeat",
    ),
    "missing driver values": (
        lambda own, _: [own(vpd=put(np.nan)), "--streams", "gpp"],
        "mine.nc: vpd: a driver must have a value at every step", "2006-06", "1 of 24",
    ),
    "fill values": (
        lambda own, _: [own(co2=put(-9999.0)), "--streams", "gpp"], "mine.nc: co2: a driver must",
    ),
    "wrong unit": (
        lambda own, _: [own(precipitation={"units": "degC"}), "--streams", "gpp"],
        "mine.nc: precipitation: unit must be", "found 'degC'",
    ),
    "missing driver": (
        lambda own, _: [own(drop=["shortwave"]), "--streams", "gpp"], "mine.nc: shortwave",
        "missing",
    ),
    "truncated binary": (
        lambda own, tmp: [truncated_cbf(tmp / "a.cbf"), "--streams", "gpp"],
        "a.cbf: size must be", "24 steps", "cut short",
    ),
    "text as netCDF": (
        lambda own, tmp: [text_file(tmp / "a.nc"), "--streams", "gpp"],
        "a.nc: is not a netCDF file",
    ),
    "missing file": (lambda own, _: ["gone.nc", "--streams", "gpp"], "gone.nc: no such file"),
    "missing experiment": (
        lambda own, _: ["gone.toml"], "gone.toml: must be a readable experiment file",
    ),
    "unknown site": (lambda own, _: ["FI-Hyi", "--streams", "gpp"], "did you mean FI-Hyy"),
    "too few draws": (
        lambda own, _: ["hyytiala-twin", "--streams", "gpp", "--draws", "2"],
        "draws: must be", "at least 4; found 2",
    ),
    "negative seed": (
        lambda own, _: ["hyytiala-twin", "--streams", "gpp", "--seed", "-1"], "seed: must be",
        "found -1",
    ),
}  # fmt: skip


def assert_refused(argv, capsys, *parts):
    capsys.readouterr()
    assert main([str(word) for word in argv]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("bayes-tbm: error: ")
    assert err.count("\n") == 1
    for part in parts:
        assert part in err


@pytest.mark.parametrize("case", BAD)
def test_fit_refuses(case, own, tmp_path, capsys, never_sample):
    make, *parts = BAD[case]
    run, given = tmp_path / "run", make(own, tmp_path)
    assert_refused(["fit", *given, "--out", run], capsys, *parts)
    assert not run.exists()
    # an earlier run is left alone, even where it was to be replaced
    run.mkdir()
    (run / "posterior.nc").write_text("precious")
    assert_refused(["fit", *given, "--out", run, "--overwrite"], capsys, *parts)
    assert [path.name for path in run.iterdir()] == ["posterior.nc"]
    assert (run / "posterior.nc").read_text() == "precious"


def test_the_good_file_of_these_cases_is_accepted(own, tmp_path, monkeypatch):
    """So that none of them is refused for another reason."""

    def sample(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(Calibration, "sample", sample)
    argv = ["fit", str(own()), "--streams", "gpp,lai", "--out", str(tmp_path / "run")]
    assert main(argv) == 130


def test_fit_does_not_touch_an_existing_run(short_run, capsys, never_sample):
    before = {path: path.stat().st_mtime_ns for path in short_run.folder.rglob("*")}
    argv = ["fit", "hyytiala-twin", "--streams", "gpp", "--out", short_run.folder]
    assert_refused(argv, capsys, "found posterior.nc, ", "--overwrite")
    assert {path: path.stat().st_mtime_ns for path in short_run.folder.rglob("*")} == before


def test_exit_status_and_no_traceback_of_the_process(tmp_path):
    command = [sys.executable, "-m", "bayes_tbm.cli", "fit", "hyytiala-twin", "--streams", "gppp",
               "--out", str(tmp_path / "run")]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("bayes-tbm: error: ")
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


# fit, summary and demo


def test_fit_writes_the_run_and_says_that_it_has_not_converged(short_run):
    assert short_run.status == 3
    assert short_run.err == ""
    site, verdict, *_ = short_run.out.split("\n\n")
    assert site.startswith("Site hyytiala-twin (61.8470 N")
    assert verdict.startswith("NOT CONVERGED: do not use this posterior")
    assert "R-hat above 1.01" in verdict
    assert "modes found: 1, weights 100%" in verdict
    files = [path for path in short_run.folder.rglob("*") if path.is_file()]
    written = [path for path in files if path.parent.name != "checkpoint"]
    assert f"wrote {len(written)} files to {short_run.folder}/" in short_run.out


def test_summary_returns_and_says_the_same(short_run, capsys):
    assert main(["summary", str(short_run.folder)]) == 3
    out = capsys.readouterr().out
    verdict = short_run.out.split("\n\n")[1].split("  modes found")[0]
    assert verdict.count("\n") > 3
    assert verdict in out
    assert out.index("NOT CONVERGED") < out.index("gpp") < out.index("wood_residence_time  ")
    assert main(["summary", str(short_run.folder / "posterior.nc")]) == 3


def test_summary_of_no_run(tmp_path, capsys):
    assert_refused(["summary", tmp_path], capsys, str(tmp_path), "must be a run folder")
    xr.Dataset({"snow": ("x", np.ones(3))}).to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    assert_refused(["summary", tmp_path / "a.nc"], capsys, "must be a netCDF file of a run")


@pytest.fixture
def run_with_options(fitted):
    """Folder of a run of an experiment file with options that win over it, in place of a run."""
    run = fitted["with options"]
    assert (run.status, run.err) == (3, "")
    return run.folder


def test_options_reach_the_run_and_win_over_the_experiment_file(run_with_options):
    tree = load_run(run_with_options)
    assert dict(tree["posterior"].sizes) == {"chain": 1, "draw": 4}
    experiment = json.loads(tree.attrs["experiment"])
    sampling = experiment["sampling"]
    assert (sampling["seed"], sampling["warmup"], sampling["starts"]) == (9, 23, 1)
    assert list(experiment["streams"]) == list(STREAMS)
    assert tree["simulation"].sizes["time"] == 120
    assert set(tree["constant_data"]["lai_measurement_sd"].values) == {0.4}


def test_the_experiment_that_is_kept_states_every_option(run_with_options):
    written = tomllib.loads((run_with_options / "experiment.toml").read_text())
    given = {n: written[n] for n in ("site", "streams", "start", "end", "uncertainty", "sampling")}
    for unchanged in ("target_accept", "sampler", "max_tree_depth"):
        del given["sampling"][unchanged]
    assert given == {
        "site": "hyytiala-twin", "streams": list(STREAMS), "start": "2006", "end": "2015",
        "uncertainty": {"gpp": 0.5, "lai": 0.4},
        "sampling": {
            "seed": 9, "chains": 1, "warmup": 23, "draws": 4, "starts": 1, "extensions": 0,
        },
    }  # fmt: skip


def test_overwrite_replaces_a_run(run_with_options):
    assert (run_with_options / "posterior.nc").read_bytes()[1:4] == b"HDF"


def test_the_fewest_draws_give_the_whole_folder(run_with_options):
    assert_whole_folder(run_with_options)


def test_demo_compares_with_the_truth(sampled, tmp_path, capsys):
    assert main(["demo", "--seed", "5", "--out", str(tmp_path / "demo")]) == 3
    ((calibration, settings),) = sampled
    assert calibration.site.name == "hyytiala-twin"
    assert settings.seed == 5
    out = capsys.readouterr().out
    assert out.index("NOT CONVERGED") < out.index("Posterior against the truth")
    assert "wood_residence_time              truth         75" in out
    assert "of 31 parameters" in out.splitlines()[-1]


def test_daily_demo_fits_the_daily_site(monkeypatch, tmp_path):
    def sample(self, *_, **__):
        assert self.site.step_name == "daily"
        raise KeyboardInterrupt

    monkeypatch.setattr(Calibration, "sample", sample)
    assert main(["demo", "--step", "daily", "--out", str(tmp_path / "demo")]) == 130


def test_warnings_become_notes_and_the_old_way_comes_back(monkeypatch, tmp_path, capsys):
    def sample(*_, **__):
        warnings.warn(DataWarning("sd of gpp mended"), stacklevel=1)
        warnings.warn("odd numbers", UserWarning, stacklevel=1)
        raise KeyboardInterrupt

    monkeypatch.setattr(Calibration, "sample", sample)
    before = warnings.showwarning
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        argv = ["fit", "hyytiala-twin", "--streams", "gpp", "--out", str(tmp_path)]
        assert main(argv) == 130
    assert warnings.showwarning is before
    assert capsys.readouterr().err.splitlines() == [
        "bayes-tbm: note: sd of gpp mended",
        "bayes-tbm: warning: odd numbers",
        "bayes-tbm: interrupted",
    ]


# simulate


def simulated(tmp_path, *options):
    path = tmp_path / "forward.nc"
    assert main(["simulate", "hyytiala-twin", *map(str, options), "--out", str(path)]) == 0
    return xr.load_dataset(path, engine="h5netcdf")


@pytest.fixture(scope="module")
def default(tmp_path_factory):
    return simulated(tmp_path_factory.mktemp("simulate"))


def test_simulate_prior_medians(default, tmp_path, capsys):
    run = simulated(tmp_path)
    assert all(variable.attrs["units"] for variable in run.data_vars.values())
    assert all(variable.attrs["long_name"] for variable in run.data_vars.values())
    assert run.sizes == {"time": 120, "edge": 121}
    assert run.wood.values[0] == pytest.approx(float(Parameters.default().initial_wood))
    # carbon of the whole ecosystem changes by what is exchanged
    pools = sum(run[n] for n in ("labile", "foliage", "root", "wood", "litter", "som"))
    np.testing.assert_allclose(np.diff(pools), -run.nbe.values * 30.4375, rtol=1e-9, atol=1e-9)
    printed = dict(line.split()[:2] for line in capsys.readouterr().out.splitlines()[:4])
    assert float(printed["gpp"]) == pytest.approx(float(run.gpp.mean()) * 365.25, abs=0.5)
    xr.testing.assert_identical(run, default)


def test_simulate_own_parameters(default, tmp_path):
    mine = tmp_path / "mine.toml"
    mine.write_text("initial_wood = 9000\nwood_residence_time = 50\n")
    run = simulated(tmp_path, "--parameters", mine)
    assert run.wood.values[0] == 9000.0
    first_loss = float(run.wood_litterfall[0] / default.wood_litterfall[0])
    middle = Parameters.default()
    # a little less than in proportion: over a month the pool itself falls
    faster = 9000 / float(middle.initial_wood) * float(middle.wood_residence_time) / 50
    assert first_loss == pytest.approx(faster, rel=0.01)
    np.testing.assert_allclose(run.gpp, default.gpp, rtol=1e-12)


def test_simulate_dalec_parameters(default, tmp_path):
    values = to_dalec(Parameters.default(), step_length=30.4375)
    mine = tmp_path / "dalec.toml"
    mine.write_text("".join(f"{name} = {float(value)!r}\n" for name, value in values.items()))
    run = simulated(tmp_path, "--parameters", mine)
    for name in ("gpp", "nee", "wood", "som", "water"):
        np.testing.assert_allclose(run[name], default[name], rtol=1e-9, atol=1e-9)


def test_simulate_from_a_run(short_run, short_tree, tmp_path):
    run = simulated(tmp_path, "--run", short_run.folder)
    medians = median_parameters(short_tree)
    assert run.wood.values[0] == pytest.approx(float(medians.initial_wood))
    annual = float(np.median(short_tree["posterior/gpp_annual"].values))
    assert float(run.gpp.mean()) * 365.25 == pytest.approx(annual, rel=0.05)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("wood_time = 3\n", ("parameters: wood_time", "unknown wood_time")),
        ("wood_residence_time = 1e6\n", ("wood_residence_time", "must lie within", "1000000")),
        ("f_fol = 0.1\n", ("every DALEC parameter must be given", "LCMA")),
        ("wood_residence_time = \n", ("mine.toml: must be a TOML file of name = number",)),
    ],
)
def test_simulate_refuses_bad_parameters(text, parts, tmp_path, capsys):
    (tmp_path / "mine.toml").write_text(text)
    argv = ["simulate", "hyytiala-twin", "--parameters", tmp_path / "mine.toml", "--out",
            tmp_path / "forward.nc"]  # fmt: skip
    assert_refused(argv, capsys, *parts)
    assert not (tmp_path / "forward.nc").exists()


def test_simulate_refuses_what_it_cannot_read_or_write(tmp_path, capsys):
    out = tmp_path / "forward.nc"
    assert_refused(["simulate", "nowhere", "--out", out], capsys, "nowhere: neither a file nor")
    argv = ["simulate", "hyytiala-twin", "--run", tmp_path, "--out", out]
    assert_refused(argv, capsys, "must be a run folder")
    argv = ["simulate", "hyytiala-twin", "--out", tmp_path / "no folder" / "forward.nc"]
    assert_refused(argv, capsys, "must be a file that can be written")
