"""A command that is refused, or whose disk is full, leaves the folder as it was."""

import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
import warnings

import numpy as np
import pytest

from bayes_tbm.calibration import Calibration
from bayes_tbm.cli import main
from bayes_tbm.errors import DataWarning, InputError
from bayes_tbm.experiment import Experiment
from bayes_tbm.plots import save
from bayes_tbm.report import load_run
from bayes_tbm.runtime import files
from bayes_tbm.synthetic.twin import embedded_site
from tests.sampling.test_checkpoint import TORN


def tree_hash(folder):
    """Names and contents of everything in a folder; None where there is none."""
    if not folder.exists():
        return None
    paths = sorted(folder.rglob("*"))
    return [
        (str(path.relative_to(folder)),
         hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder")
        for path in paths
    ]  # fmt: skip


@pytest.fixture(autouse=True)
def one_figure(request, monkeypatch):
    """Draw one of the figures, but where writing them is what is looked at: they take seconds."""
    if "disk" not in request.node.name:
        monkeypatch.setattr(save, "FIGURES", {"trace": save.FIGURES["trace"]})


@pytest.fixture
def run(short_run, tmp_path):
    """Copy a finished run."""
    shutil.copytree(short_run.folder, tmp_path / "run")
    return tmp_path / "run"


def refused(argv, capsys, *parts, status=2):
    capsys.readouterr()
    assert main([str(word) for word in argv]) == status
    lines = [line for line in capsys.readouterr().err.splitlines() if ": error: " in line]
    assert len(lines) == 1
    for part in parts:
        assert part in lines[0]


TWIN = ["fit", "hyytiala-twin", "--streams", "gpp"]
# Arguments after the experiment file of the run, and what the refusal says.
REFUSED = {
    "another seed": (["--resume", "--seed", "5"], "sampling seed was 1, is 5"),
    "other data": (["--resume", "--uncertainty", "gpp=0.9"], "data was"),
    "another period": (["--resume", "--end", "2014"], "data was"),
    "more chains": (["--resume", "--chains", "3"], "sampling chains was 2, is 3"),
    "fewer draws": (["--resume", "--draws", "50"], "draws: must not be fewer than the 100"),
    "another sampler": (["--resume", "--sampler", "blackjax-window"], "must be numpyro"),
    "a negative extension": (["--extend", "-5"], "--extend: must be a whole number", "-5"),
    "no extension": (["--extend", "0"], "--extend: must be a whole number"),
    "another seed to extend": (["--extend", "5", "--seed", "5"], "seed was 1, is 5"),
    "neither": ([], "must not hold files", "--overwrite"),
    "another processor, fresh": (["--overwrite", "--other-processor"], "goes with --resume"),
    "replaced by an unknown stream": (["--overwrite", "--streams", "gppp"], "did you mean gpp?"),
    "replaced with no draws": (["--overwrite", "--draws", "1"], "draws: must be"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_fit_leaves_the_run_as_it_was(case, run, capsys):
    options, *parts = REFUSED[case]
    before = tree_hash(run)
    refused(["fit", run / "experiment.toml", "--out", run, "--quiet", *options], capsys, *parts)
    assert tree_hash(run) == before


@pytest.mark.parametrize("options", [["--resume", "--extend", "5"], ["--resume", "--overwrite"]])
def test_options_that_contradict_each_other_are_refused(options, run):
    before = tree_hash(run)
    with pytest.raises(SystemExit):
        main(["fit", str(run / "experiment.toml"), "--out", str(run), *options])
    assert tree_hash(run) == before


@pytest.mark.parametrize(
    ("late", "overwrite"),
    [("prior", False), ("prior", True), ("modes", False), ("modes", True), ("both", False)],
)
def test_what_is_refused_only_by_numbers_leaves_the_folder_too(
    late, overwrite, run, tmp_path, monkeypatch, capsys
):
    """Constraints that contradict the priors, a density that is nowhere finite, or both of them."""
    file = tmp_path / "e.toml"
    text = 'site = "hyytiala-twin"\nstreams = ["gpp"]\n[sampling]\nstarts = 1\n'
    if late != "modes":
        text += (
            "[priors]\ncanopy_to_root_allocation = "
            '{family = "lognormal", median = 20.0, log_sd = 0.01}\n'
            "[constraints]\ncanopy_root_allocation = true\n"
        )
    if late != "prior":
        monkeypatch.setattr("bayes_tbm.sampling.search._BAD", -1e12)  # no start will do
    file.write_text(text)
    out = run if overwrite else tmp_path / "new"
    before = tree_hash(out)
    argv = ["fit", file, "--out", out, "--quiet", *(["--overwrite"] if overwrite else [])]
    refused(argv, capsys, "must be finite" if late == "modes" else "must not contradict")
    assert tree_hash(out) == before


READ_BY = {
    "posterior.nc": ("summary", "sensitivity", "extend", "simulate"),
    "experiment.toml": ("sensitivity", "resume"),
    "checkpoint/manifest.json": ("resume", "extend"),
    "checkpoint/modes.npz": ("resume", "extend"),
}


def command(name, run):
    fit = ["fit", run / "experiment.toml", "--out", run, "--quiet"]
    return {
        "summary": ["summary", run],
        "sensitivity": ["sensitivity", run, "--no-refits", "--quiet"],
        "simulate": ["simulate", "hyytiala-twin", "--run", run, "--out", run / "forward.nc"],
        "resume": [*fit, "--resume"],
        "extend": [*fit, "--extend", "5"],
    }[name]


@pytest.mark.parametrize("how", ["empty", "three quarters", "zeros"])
@pytest.mark.parametrize(("name", "reader"), [(n, r) for n, by in READ_BY.items() for r in by])
def test_a_torn_file_is_refused_by_every_command_that_reads_it(name, reader, how, run, capsys):
    path = run / name
    path.write_bytes(TORN[how](path.read_bytes()))
    before = tree_hash(run)
    refused(command(reader, run), capsys, str(run))
    assert tree_hash(run) == before


@pytest.mark.slow  # samples again; that resuming makes the same draws test_checkpoint.py tells
def test_a_torn_posterior_is_made_again_by_resume(run, short_tree, capsys):
    (run / "posterior.nc").write_bytes((run / "posterior.nc").read_bytes()[:5000])
    assert main([str(word) for word in command("resume", run)]) == 3
    again = load_run(run)["posterior"]
    for name in again.data_vars:
        np.testing.assert_array_equal(again[name], short_tree["posterior"][name])


def test_sensitivity_takes_no_experiment_but_that_of_the_posterior(run, capsys):
    path = run / "experiment.toml"
    text = path.read_text()
    assert "seed = 1" in text
    for old, new, part in (
        ("seed = 1", "seed = 2", "seed"), ("[constraints]", "[uncertainty]\ngpp = 0.9\n"
                                           "[constraints]", "data"),
    ):  # fmt: skip
        path.write_text(text.replace(old, new))
        before = tree_hash(run)
        refused(
            command("sensitivity", run), capsys, part, "must be the experiment of the posterior"
        )
        assert tree_hash(run) == before


def test_a_run_without_its_checkpoint_is_not_replaced_by_resume(run, capsys):
    shutil.rmtree(run / "checkpoint")
    before = tree_hash(run)
    for how in ("resume", "extend"):
        refused(command(how, run), capsys, "must hold the checkpoint")
    assert tree_hash(run) == before


def test_compare_does_not_write_into_a_run(run, tmp_path, capsys):
    file = tmp_path / "sets.toml"
    file.write_text('site = "hyytiala-twin"\n[sets]\na = ["gpp"]\nb = ["gpp"]\n')
    before = tree_hash(run)
    refused(["compare", file, "--out", run], capsys, "must not hold a run of fit")
    assert tree_hash(run) == before
    refused(["compare", file, "--out", tmp_path / "new"], capsys, "no two alike")
    assert not (tmp_path / "new").exists()


def test_simulate_does_not_write_over_what_it_reads(tmp_path, capsys):
    site, mine = tmp_path / "mine.nc", tmp_path / "mine.toml"
    embedded_site(years=2).to_netcdf(site)
    mine.write_text("wood_residence_time = 50\n")
    before = tree_hash(tmp_path)
    for out in (site, mine, tmp_path, tmp_path / "no folder" / "forward.nc"):
        argv = ["simulate", site, "--parameters", mine, "--out", out]
        refused(argv, capsys, str(out), "must")
    assert tree_hash(tmp_path) == before


@pytest.mark.parametrize(
    "name", ["posterior.nc", "experiment.toml", "report.html", "figures/new.png", "checkpoint/a.nc"]
)
def test_simulate_does_not_write_over_a_run(name, tmp_path, capsys):
    run = tmp_path / "rc"
    (run / "checkpoint").mkdir(parents=True)
    (run / "figures").mkdir()
    (run / "posterior.nc").write_text("kept")
    before = tree_hash(tmp_path)
    argv = ["simulate", "hyytiala-twin", "--run", run, "--out", run / name]
    refused(argv, capsys, str(run / name), "must not replace what belongs to a run")
    assert tree_hash(tmp_path) == before


def test_simulate_does_not_write_over_a_table_of_half_hours(tmp_path, capsys):
    table = tmp_path / "hh.csv"
    table.write_text("kept")
    argv = ["simulate", "hyytiala-twin", "--half-hourly", table, "--out", table]
    refused(argv, capsys, "must not be a file that is read")


def test_simulate_names_the_file_of_an_unknown_parameter(tmp_path, capsys):
    mine = tmp_path / "mine.toml"
    mine.write_text("wood_time = 50\n")
    argv = ["simulate", "hyytiala-twin", "--parameters", mine, "--out", tmp_path / "f.nc"]
    refused(argv, capsys, str(mine), "wood_time")


def test_a_file_that_is_no_posterior_is_not_to_be_removed(tmp_path):
    (tmp_path / "checkpoint").mkdir()
    (tmp_path / "experiment.toml").write_text('site = "hyytiala-twin"\n')
    with pytest.raises(InputError) as told:
        load_run(tmp_path / "experiment.toml")
    assert "remove" not in str(told.value)


def test_a_folder_without_a_name_is_refused(capsys):
    refused([*TWIN, "--out", ""], capsys, "must name a folder")


# a full disk


@pytest.fixture
def full(monkeypatch):
    """Let writes fail from a given one on, as on a full disk."""

    def fill(first):
        left, sync = iter(range(first)), os.fsync

        def fsync(descriptor):
            if next(left, None) is None:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            sync(descriptor)

        monkeypatch.setattr(files.os, "fsync", fsync)

    return fill


@pytest.mark.parametrize(
    "first", [0, 9, *(pytest.param(write, marks=pytest.mark.slow) for write in (3, 5, 13, 21))]
)
def test_a_full_disk_is_told_in_one_line_and_loses_nothing(first, run, full, capsys, short_tree):
    """The disk fills up at the experiment file, checkpoint, posterior, tables, figures, page."""
    before = dict(tree_hash(run / "checkpoint"))
    with pytest.MonkeyPatch.context() as patch:
        full(first)
        refused(command("resume", run), capsys, "could not be written", "No space left", status=4)
        patch.undo()
    assert not list(run.rglob("*.partial"))
    assert dict(tree_hash(run / "checkpoint")) == before
    tree = load_run(run)["posterior"]
    for name in tree.data_vars:
        np.testing.assert_array_equal(tree[name], short_tree["posterior"][name])


def test_every_command_that_writes_tells_of_a_full_disk(run, full, tmp_path, capsys):
    full(0)
    before = tree_hash(tmp_path)
    forward = ["simulate", "hyytiala-twin", "--out", tmp_path / "forward.nc"]
    for argv in (forward, command("sensitivity", run), command("extend", run)):
        refused(argv, capsys, "could not be written; found No space left", status=4)
        assert tree_hash(tmp_path) == before


@pytest.mark.slow
@pytest.mark.parametrize("argv", [TWIN, ["demo"]], ids=["fit", "demo"])
def test_a_new_run_on_a_full_disk_leaves_nothing(argv, full, tmp_path, capsys):
    full(0)
    argv = [*argv, "--out", tmp_path / "new", "--quiet", "--chains", "1"]
    refused(argv, capsys, "could not be written; found No space left", status=4)
    assert tree_hash(tmp_path) == []


# printing


def piped(argv, lines):
    """Run a command whose reader leaves after so many lines; its errors and status."""
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "bayes_tbm.cli", *map(str, argv)], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip
    for _ in range(lines):
        process.stdout.readline()
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    return process.wait(timeout=300), err


@pytest.mark.parametrize("argv", [["--help"], ["sites"], ["fit", "--help"], ["--version"]])
def test_a_reader_that_leaves_ends_nothing_loudly(argv):
    assert piped(argv, 0) == (0, "")


class Gone:
    """A stream whose reader has left, or whose disk is full."""

    def __init__(self, number):
        self.number = number

    def write(self, _):
        raise OSError(self.number, os.strerror(self.number))

    flush = write

    def fileno(self):
        raise OSError("no file")


@pytest.mark.parametrize("name", ["summary", "sensitivity", "simulate", "resume"])
def test_every_command_does_its_work_though_nobody_reads(name, run, monkeypatch):
    argv = [str(word) for word in command(name, run)]
    monkeypatch.setattr(sys, "stdout", Gone(errno.EPIPE))
    monkeypatch.setattr(sys, "stderr", Gone(errno.EPIPE))
    (run / "report.html").unlink()
    assert main(argv) in (0, 3)
    assert (run / "report.html").exists() == (name == "resume")
    assert (run / "forward.nc").exists() == (name == "simulate")
    assert (run / "sensitivity" / "sensitivity.csv").exists() == (name == "sensitivity")


def test_output_that_cannot_be_written_is_told(run, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", Gone(errno.ENOSPC))
    refused(["summary", run], capsys, "standard output", "No space left", status=4)


# what is kept, and where


def test_a_folder_with_site_and_run_may_be_moved(short_tree, tmp_path, monkeypatch):
    site, curve = tmp_path / "a" / "mine.nc", tmp_path / "a" / "data" / "curve.csv"
    curve.parent.mkdir(parents=True)
    curve.write_text("age,biomass,sd,unit\n20,40,15,Mg ha-1\n60,110,15,Mg ha-1\n")
    embedded_site(years=2).to_netcdf(site)
    given = tmp_path / "a" / "e.toml"
    given.write_text(
        'site = "mine.nc"\nstreams = ["gpp", "growth_curve"]\n'
        '[growth_curve]\nfile = "data/curve.csv"\n'
    )

    def sample(*_, on_start, **__):
        on_start()
        return short_tree

    monkeypatch.setattr(Calibration, "sample", sample)
    monkeypatch.setattr("bayes_tbm.report.folder.save_figures", lambda *_: [])
    assert main(["fit", str(given), "--out", str(tmp_path / "a" / "runs" / "run")]) == 3
    before = Experiment.from_toml(tmp_path / "a" / "runs" / "run" / "experiment.toml")
    expected = before.calibration().experiment
    (tmp_path / "a").rename(tmp_path / "b")
    path = tmp_path / "b" / "runs" / "run" / "experiment.toml"
    assert str(tmp_path) not in path.read_text()
    assert Experiment.from_toml(path).calibration().experiment == expected


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_files_with_a_byte_order_mark_are_read(encoding, tmp_path):
    path = tmp_path / "e.toml"
    path.write_text('site = "hyytiala-twin"\nstreams = ["gpp"]\n', encoding=encoding)
    assert Experiment.from_toml(path).streams == ("gpp",)
    mine = tmp_path / "mine.toml"
    mine.write_text("wood_residence_time = 50\n", encoding=encoding)
    argv = ["simulate", "hyytiala-twin", "--parameters", str(mine)]
    assert main([*argv, "--out", str(tmp_path / "forward.nc")]) == 0


def test_a_file_in_another_encoding_is_told(tmp_path, capsys):
    path = tmp_path / "e.toml"
    path.write_text('site = "hyytiala-twin"\nstreams = ["gpp"]\n', encoding="utf-16")
    refused(["fit", path, "--out", tmp_path / "run"], capsys, "save it as UTF-8")


@pytest.mark.slow
def test_a_run_of_another_processor_goes_on_where_that_is_asked_for(run, capsys):
    manifest = run / "checkpoint" / "manifest.json"
    kept = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(kept | {"compiled": "icelake, vectors of 8"}))
    before = tree_hash(run)
    refused(command("resume", run), capsys, "compiled was icelake", "--other-processor")
    assert tree_hash(run) == before
    argv = [str(word) for word in [*command("resume", run), "--other-processor"]]
    with warnings.catch_warnings():
        warnings.simplefilter("default", DataWarning)
        assert main(argv) == 3
    assert "not bit for bit" in capsys.readouterr().err
    assert len(json.loads(load_run(run).attrs["experiment"])["processors"]) == 2
