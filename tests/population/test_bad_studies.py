"""Studies, tables, batches and folders that will not do end in one line, and nothing is lost."""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import bayes_tbm as bt
from bayes_tbm.cli import main
from bayes_tbm.population import result
from bayes_tbm.population.batch.collect import DRAWS, MANIFEST
from bayes_tbm.population.folder import PRODUCTS, remove_stale
from bayes_tbm.population.hierarchy import fit

NAME = "wood_residence_time"
NAMES = [f"s{place}" for place in range(10)]


@pytest.fixture(autouse=True)
def no_sampling(monkeypatch):
    monkeypatch.setattr(fit, "sample", lambda *_, **__: pytest.fail("it was sampled"))


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "batch"
    prior = json.dumps({NAME: bt.LogNormal(60.0, 0.8).to_dict()})
    draws = np.exp(4.0 + 0.5 * np.random.default_rng(0).normal(size=(10, 60)))
    store = xr.Dataset(
        {NAME: (("site", "draw"), draws.astype("float32")),
         "effective": ("site", np.full(10, 60.0)),
         "priors": ("site", np.array([prior] * 10)), "state": ("site", np.array(["done"] * 10))},
        coords={"site": NAMES},
    )  # fmt: skip
    store.to_zarr(folder / DRAWS, zarr_format=2, consolidated=True)
    table(folder / MANIFEST)
    return folder


@pytest.fixture
def runs(batch, tmp_path, monkeypatch):
    """Return a batch of its own, in the folder that a user is in."""
    monkeypatch.chdir(tmp_path)
    return shutil.copytree(batch, tmp_path / "batch")


def table(path, **columns):
    known = {"coldest": np.linspace(-30.0, 0.0, 10), "warmest": np.arange(10.0) % 7, "cell": NAMES}
    pd.DataFrame({"site": NAMES} | known | columns).to_csv(path, index=False)


def refused(capsys, text, *options, out="pop", said):
    """Make sure that the command says why it does nothing."""
    lines = f'runs = "batch"\ncoordinates = ["{NAME}"]\n{text}\n'
    with open("study.toml", "w", encoding="utf-8") as file:
        file.write(lines)
    assert main(["population", "study.toml", "--out", str(out), *options]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('not_converged = "no"', "study.toml: not_converged: must be true or false; found 'no'"),
        ('every_driver_set = "no"', "every_driver_set: must be true or false"),
        ('heavy_tails = "no"', "study.toml: heavy_tails: must be true or false"),
        ('cells = "no"', "cells: must be true or false"),
        ('split = "no"', "split: must be true or false"),
        ("mean = 5", "study.toml: mean: no such mean function; found 5"),
        ('mean = ["step"]', "mean: no such mean function"),
        ("covariates = 5", "study.toml: covariates: must name a CSV file; found 5"),
        ('covariates = ["a.csv"]', "covariates: must name a CSV file"),
        ("drivers = 5", "drivers: must be a list of names"),
        ('drivers = "warmest"', "study.toml: drivers: must be a list of names"),
        ('drivers = ["coldest"]', "drivers: must be other columns"),
        ('chains = "4"', "study.toml: chains: must be a whole number"),
        ("chains = 1.5", "chains: must be a whole number"),
        ("keep = 10", "keep: must be a whole number, at least 25; found 10"),
        ('covariate_sd = "x"', "covariate_sd: must be a number"),
        ("offset_sd = -1", "offset_sd: must be a number that is not negative"),
        ("seed = 1.5", "study.toml: seed: must be a whole number"),
        ("replicates = 0", "replicates: must be a whole number, at least 1"),
        ("refits = 1.5", "refits: must be a whole number"),
        ("believed = [1e6, 3]", "study.toml: believed: must be mean and sd"),
        ('groups = ["warmest"]', "study.toml: groups: must be lists of columns"),
        ('[groups]\na = ["nope"]\nb = ["coldest"]', "manifest.csv: nope: no such column"),
        ('[groups]\na = "coldest"', "study.toml: groups: a: must be a list of names"),
    ],
)
def test_entries_of_the_wrong_kind(runs, capsys, text, said):
    refused(capsys, text, said=said)


@pytest.mark.parametrize("coordinates", ["5", "[]", f'"{NAME}"', "[1]"])
def test_coordinates_that_are_no_names(runs, tmp_path, capsys, coordinates):
    study = tmp_path / "other.toml"
    study.write_text(f'runs = "batch"\ncoordinates = {coordinates}\n')
    assert main(["population", str(study), "--out", "pop"]) == 2
    assert "coordinates: must be" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--workers", "0"], "workers: must be a whole number, at least 1"),
        (["--workers", "-1"], "workers: must be a whole number, at least 1"),
        (["--refits", "2", "--workers", "0"], "workers: must be a whole number"),
        (["--refits", "2", "--believed", "-20", "0"], "believed: must be mean and sd"),
        (["--refits", "2"], "no column folder in manifest.csv"),
        (["--seed", "-1"], "seed: must be a whole number"),
    ],
)
def test_options_that_will_not_do(runs, capsys, options, said):
    refused(capsys, "", *options, said=said)


def test_means_are_checked_before_refits(runs, capsys):
    refused(capsys, 'means = ["step"]', "--refits", "2", said="constant, linear and step")


TABLES = {
    "commas": ("site,coldest\n" + "".join(f"{n},-{i},\n" for i, n in enumerate(NAMES)), None),
    "long rows": ("site,soil\ns0,-8,5\ns1,2\n", "more.csv: must be a readable CSV"),
    "binary": ("\x00\x01\x02", "more.csv: site: must be a column"),
    "no site": ("stand,coldest\ns0,1\n", "more.csv: site: must be a column"),
    "lost": ("site,soil\ns0,1\n", "more.csv: site: must have a row for every site; found none for"),
    "site twice": ("site,soil\n" + "s0,1\n" * 10, "more.csv: site: must be named once each"),
    "column twice": ("site,coldest,coldest\ns0,1,2\n", "found coldest more than once"),
    "empty": ("", "more.csv: must be a readable CSV"),
}


@pytest.mark.parametrize("name", [name for name, (_, said) in TABLES.items() if said])
def test_covariates_that_cannot_be_read(runs, tmp_path, capsys, name):
    text, said = TABLES[name]
    (tmp_path / "more.csv").write_text(text)
    refused(capsys, 'covariates = "more.csv"', said=said)


def test_commas_at_the_ends_of_rows_do_no_harm(runs, tmp_path):
    (tmp_path / "more.csv").write_text(TABLES["commas"][0])
    study = bt.PopulationStudy("batch", coordinates=(NAME,), covariates="more.csv")
    assert list(study.read_runs()[1]["coldest"]) == list(-np.arange(10.0))


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"coldest": [f"{t},5" for t in range(10)]}, "more.csv: coldest: must be a temperature"),
        ({"coldest": ["cold", *range(9)]}, "found cold at s0"),
        ({"warmest": [np.inf, *range(9)]}, "more.csv: warmest: must be a finite number"),
        ({"cell": ["one"] * 10}, "more.csv: cell: must be two climate cells or more"),
    ],
)
def test_covariates_that_will_not_do_name_their_file(runs, tmp_path, capsys, columns, said):
    table(tmp_path / "more.csv", **columns)
    refused(capsys, 'covariates = "more.csv"\ndrivers = ["warmest"]', said=said)


def test_a_column_in_capitals_is_not_passed_over(runs, tmp_path, capsys):
    pd.DataFrame({"site": NAMES, "Coldest": range(10)}).to_csv(tmp_path / "more.csv", index=False)
    refused(capsys, 'covariates = "more.csv"', said="'Coldest': is almost the name")


def torn(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (
            lambda b: torn(b / DRAWS / NAME / "0.0"),
            f"{NAME}/0.0 shorter than it says; repeat bayes-",
        ),
        (lambda b: torn(b / DRAWS / ".zmetadata"), "draws.zarr: must hold the draws of a batch"),
        (lambda b: (b / DRAWS / "priors" / "0").unlink(), "priors that cannot be read"),
        (lambda b: (b / DRAWS / NAME / "0.0").unlink(), "found sites without draws; repeat"),
        (lambda b: (b / DRAWS / "effective" / "0").unlink(), "without effective draws; repeat"),
        (lambda b: (b / DRAWS / "site" / "0").unlink(), "found sites without a name"),
        (lambda b: (b / MANIFEST).unlink(), "manifest.csv: must be a readable CSV"),
        (lambda b: (b / MANIFEST).write_text(""), "manifest.csv: must be a readable CSV"),
        (lambda b: (b / MANIFEST).write_text("x\n1\n"), "manifest.csv: site: must be a column"),
        (lambda b: (b / MANIFEST).write_text("site,coldest\ns0,1\n"), "none for s1, s2"),
    ],
)
def test_a_batch_that_is_torn(runs, capsys, harm, said):
    harm(runs)
    refused(capsys, "", said=said)


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_folder_of_the_batch_is_no_place_for_a_population(runs, capsys):
    before = contents(runs)
    refused(capsys, "", out="batch", said="must not be the folder of a batch")
    refused(capsys, "", "--overwrite", out="batch", said="must not be the folder of a batch")
    assert contents(runs) == before


def test_files_of_the_user_are_not_replaced(runs, tmp_path, capsys):
    for name in ("sites.csv", "report.html"):
        (tmp_path / name).write_text("mine")
    refused(capsys, "", out=".", said="add --overwrite")
    refused(capsys, "", "--overwrite", out=".", said="sites.csv, report.html without population.nc")
    (tmp_path / "population.nc").write_text("old")
    table(tmp_path / "sites.csv")
    refused(
        capsys, 'covariates = "sites.csv"', "--overwrite", out=".", said="must not be a file that"
    )
    assert (tmp_path / "report.html").read_text() == "mine"


@pytest.mark.parametrize("out", ["", "afile", "afile/pop", "/proc/nope"])
def test_a_folder_that_cannot_be_made(runs, tmp_path, capsys, out):
    (tmp_path / "afile").write_text("mine")
    refused(capsys, "", out=out, said="must")
    assert (tmp_path / "afile").read_text() == "mine"


def test_nothing_of_an_earlier_population_stays(tmp_path):
    (tmp_path / "figures").mkdir()
    for name in (*PRODUCTS, "figures/shares.png", "figures/mine.png", "notes.txt"):
        if name != "figures":
            (tmp_path / name).write_text("old")
    remove_stale(tmp_path)
    names = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert names == {"population.nc", "figures/mine.png", "notes.txt"}


class Told(result.PopulationResult):
    """A result that can be saved without anything having been sampled."""

    fit = SimpleNamespace(tree=None)

    def __init__(self):
        pass

    def summary(self):
        return "new"

    def tables(self):
        return {"sites": pd.DataFrame({"x": [1]})}

    def figures(self):
        return {}


def test_a_population_that_is_saved_again_leaves_no_stale_table(tmp_path, monkeypatch):
    monkeypatch.setattr(result, "save_tree", lambda _, path: result.write_whole(path, "new"))
    Told().save(tmp_path)
    for name in ("refits.csv", "mine.csv"):
        (tmp_path / name).write_text("old")
    Told().save(tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"population.nc", "verdict.txt", "sites.csv", "report.html", "mine.csv"}


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"runs": None}, "runs: must name the folder of a batch"),
        ({"covariates": pd.DataFrame()}, "covariates: must name a CSV file"),
        ({"settings": {"seed": 3}}, "seed: is no setting of a fit; give it beside settings"),
        ({"settings": 3}, "settings: must be settings by name"),
        ({"means": None}, "means: must be a list of names"),
    ],
)
def test_studies_from_python(entries, said):
    with pytest.raises(bt.InputError, match=said):
        bt.PopulationStudy(**{"runs": "batch", **entries})


def test_options_of_a_run_from_python(runs):
    study = bt.PopulationStudy("batch", coordinates=[NAME])
    with pytest.raises(bt.InputError, match="worker: is no option of refits; did you mean workers"):
        study.run("pop", worker=3)
    with pytest.raises(bt.InputError, match=r"s0: must be a bayes_tbm.Calibration"):
        study.run("pop", sites={"s0": 5})
    with pytest.raises(bt.InputError, match="sites: must be calibrations by name"):
        study.run("pop", sites=["s0"])
    with pytest.raises(bt.InputError, match="must be a folder that can be written"):
        study.run("batch/manifest.csv/pop")
