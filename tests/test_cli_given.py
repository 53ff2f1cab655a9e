"""Options and files of commands that are refused before anything is read."""

import warnings

import pytest

from bayes_tbm.cli import main
from bayes_tbm.errors import DataWarning
from bayes_tbm.experiment import Experiment
from bayes_tbm.experiment.unused import warn_unused

CODE = ("--convention", "callmip", "--site-code", "hyy")
REFUSED = {
    "export into a file": (["export", "RUN", "--out", "FILE"], "must be a folder"),
    "no such variable": (["export", "RUN", "--out", "new", "--variables", "gp"], "gp: no such"),
    "no variables": (["export", "RUN", "--out", "new", "--variables", ","], "--variables: must"),
    "no draws": (["export", "RUN", "--out", "new", "--ensemble", "0"], "ensemble: must be"),
    "no code": (["export", "RUN", "--out", "new", *CODE], "site_code: must be a site's code"),
    "inspect into a file": (["inspect", "FILE", "--out", "FILE"], "must be a folder"),
    "no file to judge": (["check-callmip", "FILE", "RUN/own.nc"], "RUN/own.nc: must be a netCDF"),
    "no streams": (["fit", "hyytiala-twin", "--out", "new", "--streams", ","], "--streams: must"),
    "a site without a name": (["inspect", ""], "must be a name or a file; found ''"),
    "priors and no refits": (["sensitivity", "RUN", "--priors", "flat", "--no-refits"], "left out"),
    "seed too large": (
        ["fit", "hyytiala-twin", "--out", "new", "--streams", "gpp", "--seed", "1099511627776"],
        "seed: must be a whole number, below 4294967296",
    ),
    "no parameters": (["sensitivity", "RUN", "--parameters", ""], "--parameters: must name"),
    "no priors": (["sensitivity", "RUN", "--priors", " ,"], "--priors: must name"),
    "sensitivity of a file": (["sensitivity", "FILE"], "must be a run folder; found a file; name"),
    "evaluate of a file": (["evaluate", "FILE"], "must be a run folder; found a file; name"),
    "TOML in capitals": (["fit", "E.TOML", "--out", "new"], "E.TOML: must be a readable"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_at_once(case, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FILE").write_text("kept")
    argv, part = REFUSED[case]
    assert main(argv) == 2
    out, err = capsys.readouterr()
    assert part in err
    assert err.count("\n") == 1
    assert out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["FILE"]
    assert (tmp_path / "FILE").read_text() == "kept"


def test_observations_are_added_to_those_of_the_experiment(tmp_path, capsys):
    (tmp_path / "bad.csv").write_text("nothing to see\n")
    toml = 'site = "hyytiala-twin"\nstreams = ["gpp"]\nobservations = ["bad.csv"]\n'
    (tmp_path / "e.toml").write_text(toml)
    argv = ["fit", str(tmp_path / "e.toml"), "--observations", "hyytiala-twin-daily"]
    assert main([*argv, "--out", str(tmp_path / "run")]) == 2
    assert "bad.csv" in capsys.readouterr().err


def test_what_a_fit_does_not_use_is_told():
    given = Experiment(
        "hyytiala-twin", ("gpp",), errors={"et": {}}, uncertainty={"gpp": 1.0, "lai": 0.5},
        growth_curve={"file": "a.csv"}, sets={"a": ["gpp"]}, where="e.toml",
    )  # fmt: skip
    with pytest.warns(DataWarning) as told:
        warn_unused(given)
    first, second = (str(each.message) for each in told)
    assert first.startswith("e.toml: [errors] et, [uncertainty] lai, [growth_curve] not used")
    assert "[sets] not used" in second
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_unused(Experiment("hyytiala-twin", ("GPP",), uncertainty={"gpp": 1.0}))
