"""The commands compare and sensitivity."""

import dataclasses
import shutil

import pandas as pd
import pytest

from bayes_tbm import studies
from bayes_tbm.calibration import Calibration
from bayes_tbm.cli import main
from bayes_tbm.errors import ConvergenceWarning
from bayes_tbm.experiment import Experiment
from bayes_tbm.report import load_run
from bayes_tbm.studies.refits import ALTERNATIVES

from .tiny_study import CURVE, SETS, compare, tiny_study


@pytest.fixture
def never_sample(monkeypatch):
    def sample(*_, **__):
        pytest.fail("it began to sample")

    monkeypatch.setattr(Calibration, "sample", sample)
    monkeypatch.setattr(studies, "compare", compare)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return tiny_study(tmp_path_factory)


@pytest.fixture(scope="module")
def finished(study, tmp_path_factory):
    """A run folder, with what sensitivity reads: the first fit of the comparison."""
    folder = tmp_path_factory.mktemp("finished")
    (fit,) = study.folder.glob("fits/flux-*")
    shutil.copy(fit / "posterior.nc", folder)
    experiment = Experiment.from_toml(study.experiment)
    alone = dataclasses.replace(
        experiment, sets={}, growth_curve={}, streams=SETS["flux"], regrowth=True
    )
    calibration, settings = alone.calibration(), alone.settings()
    text = alone.resolved(calibration, settings).to_toml(folder)
    (folder / "experiment.toml").write_text(text)
    return folder


def assert_refused(argv, capsys, *parts):
    capsys.readouterr()
    assert main([str(word) for word in argv]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("bayes-tbm: error: ")
    assert err.count("\n") == 1
    for part in parts:
        assert part in err


# compare


def test_compare_prints_a_table_and_says_that_no_fit_has_converged(study):
    assert study.status == 3
    assert study.err == ""
    for name, streams in SETS.items():
        assert f"{name} ({', '.join(streams)}): NOT CONVERGED" in study.out
    heading = study.out.index("information gain, bits")
    columns = study.out[heading:].splitlines()[1]
    assert columns.split() == ["set", "flux", "with", "curve"]
    assert "wood_residence_time" in study.out[heading:]


def test_compare_writes_tables_and_figures(study):
    table = pd.read_csv(study.folder / "compare.csv", index_col=["set", "parameter"])
    assert list(dict.fromkeys(table.index.get_level_values("set"))) == list(SETS)
    files = [path for path in study.folder.rglob("*.*") if "fits" not in path.parts]
    assert {path.suffix for path in files} == {".csv", ".png"}
    assert f"wrote {len(files)} files to {study.folder}/" in study.out


@pytest.mark.filterwarnings("default:.*not used")
def test_compare_takes_sampling_options_and_tells_what_no_set_uses(
    study, monkeypatch, tmp_path, capsys
):
    asked = []

    def compare(sets, settings, **_):
        asked.append(settings)
        raise KeyboardInterrupt

    monkeypatch.setattr(studies, "compare", compare)
    text = study.experiment.read_text()
    (tmp_path / "e.toml").write_text(f"{text}\n[errors.et]\n")
    argv = ["compare", tmp_path / "e.toml", "--out", tmp_path, "--draws", "50", "--seed", "7"]
    assert main([str(word) for word in argv]) == 130
    assert "[errors] et not used; streams are gpp, lai, growth_curve" in capsys.readouterr().err
    (settings,) = asked
    assert (settings.draws, settings.seed, settings.chains) == (50, 7, 2)


SITE = 'site = "hyytiala-twin"\n'
FLUX = SITE + '[sets]\nflux = ["gpp"]\nmore = ["gpp", "lai"]\n'
BY_CURVE = SITE + '[sets]\nflux = ["gpp"]\nmore = ["gpp", "growth_curve"]\n'
BAD = {
    "no sets": (SITE + 'streams = ["gpp"]\n', "sets: must hold sets of streams"),
    "one set": (SITE + '[sets]\nflux = ["gpp"]\n', "two sets of streams or more"),
    "unknown stream": (FLUX.replace('"lai"', '"laii"'), "laii", "did you mean lai?"),
    "no curve": (BY_CURVE, "growth_curve: the stream growth_curve needs a table"),
    "no stock": (BY_CURVE.replace("growth_curve", "stock"), "stock: the stream stock needs"),
    "unknown entry": (BY_CURVE + CURVE + "ages = 3\n", "growth_curve: needs one of", "ages"),
    "missing CSV": (BY_CURVE + '[growth_curve]\nfile = "gone.csv"\n', "gone.csv: must be a read"),
    "unknown sampling": (FLUX + "[sampling]\ndrows = 3\n", "sampling: drows", "draws"),
    "draws as text": (FLUX + '[sampling]\ndraws = "50"\n', "sampling: draws", "'50'"),
    "empty set": (FLUX.replace('["gpp"]', "[]"), "streams", "at least one"),
}


@pytest.mark.parametrize("case", BAD)
def test_compare_refuses(case, tmp_path, capsys, never_sample):
    text, *parts = BAD[case]
    path = tmp_path / "experiment.toml"
    path.write_text(text)
    # a set alone is refused by name of the command, a file by its own
    named = {"one set": "compare", "missing CSV": "gone.csv"}.get(case, str(path))
    assert_refused(["compare", path, "--out", tmp_path / "out"], capsys, named, *parts)


def test_compare_refuses_a_missing_experiment(tmp_path, capsys, never_sample):
    argv = ["compare", tmp_path / "gone.toml", "--out", tmp_path / "out"]
    assert_refused(argv, capsys, "gone.toml: must be a readable experiment file")


# sensitivity


def sensitivity(folder, *options):
    return main(["sensitivity", str(folder), "--quiet", *options])


def test_sensitivity_without_refits_is_power_scaling_alone(finished, capsys, never_sample):
    assert sensitivity(finished, "--no-refits") == 0
    table = pd.read_csv(finished / "sensitivity" / "sensitivity.csv", index_col="parameter")
    assert list(table.index) == list(studies.refits.DEFAULT)
    assert table["verdict_power_scaling"].notna().all()
    assert table[["elasticity", "verdict_refits"]].isna().all(axis=None)
    assert not (finished / "sensitivity" / "figures" / "sensitivity.png").exists()
    out = capsys.readouterr().out
    assert "psense_prior" in out
    assert f"wrote sensitivity.csv to {finished / 'sensitivity'}/" in out


@pytest.mark.slow  # README's blocks, which CI runs, refit by default too
def test_sensitivity_refits_by_default_and_repeats_from_the_folder(finished, capsys, monkeypatch):
    """Every alternative prior of every parameter of the default is truly sampled."""
    assert sensitivity(finished) == 3
    out, err = capsys.readouterr()
    assert err == ""  # it is said once
    for which in ALTERNATIVES:
        assert f"{which}: NOT CONVERGED" in out
    assert "wrote sensitivity.csv, sensitivity.png" in out
    table = pd.read_csv(finished / "sensitivity" / "sensitivity.csv", index_col="parameter")
    assert list(table.index) == list(studies.refits.DEFAULT)
    made = [
        f"{what}_{which}" for what in ("median", "shift") for which in studies.refits.ALTERNATIVES
    ]
    assert table[["median_as stated", *made]].notna().all(axis=None)
    monkeypatch.setattr(Calibration, "sample", lambda *_, **__: pytest.fail("it began to sample"))
    assert sensitivity(finished) == 3
    assert capsys.readouterr().out == out
    experiment = Experiment.from_toml(finished / "experiment.toml")
    with pytest.warns(ConvergenceWarning) as told:  # from Python, of every fit that did not
        studies.sensitivity(
            experiment.calibration(), experiment.settings(), post=load_run(finished),
            folder=finished / "sensitivity", which=["wider"],
        )  # fmt: skip
    assert [str(w.message).split(": ")[0] for w in told] == ["as stated", "wider"]
    assert {w.filename for w in told} == {__file__}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--parameters", "wood_time"], "sensitivity: wood_time: parameters must be sampled"),
        (["--priors", "wide"], "sensitivity: wide: "),
    ],
)
def test_sensitivity_refuses_what_is_unknown(options, said, finished, capsys, never_sample):
    assert_refused(["sensitivity", finished, *options], capsys, said)


def test_sensitivity_refuses_a_folder_without_a_run(tmp_path, capsys, never_sample):
    assert_refused(["sensitivity", tmp_path], capsys, "must be a run folder")


@pytest.mark.parametrize("command", ["compare", "sensitivity"])
def test_help(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    options = {"compare": ("EXPERIMENT", "--out", "--draws", "[sets]")}
    for word in options.get(command, ("RUN", "--parameters", "--priors", "--no-refits")):
        assert word in text
