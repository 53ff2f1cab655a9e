import errno
import io
import json
import os
import re

import h5py
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayes_tbm.constraint import constraint_table
from bayes_tbm.errors import InputError, WriteError
from bayes_tbm.experiment import Experiment
from bayes_tbm.report import check_folder, load_run, write_run
from bayes_tbm.report import folder as folder_module
from bayes_tbm.results import check_convergence, stream_skill

from ..plots.conftest import make_tree

FIGURES = {"streams.png", "prior_posterior.png", "trace.png", "rank.png"}


def test_everything_is_there(short_run):
    names = {path.name for path in short_run.folder.iterdir()}
    assert names == {
        "posterior.nc", "experiment.toml", "summary.csv", "streams.csv", "constraint.csv",
        "figures", "report.html", "checkpoint",
    }  # fmt: skip
    assert {path.name for path in (short_run.folder / "figures").iterdir()} == FIGURES
    for path in (short_run.folder / "figures").iterdir():
        assert path.read_bytes().startswith(b"\x89PNG")


def test_the_page_tells_the_error_that_all_values_share(short_run, short_tree):
    page = (short_run.folder / "report.html").read_text()
    told = re.search(r"Error common to all values of a stream, one sd: (.*?)</p>", page)[1]
    sizes = json.loads(short_tree.attrs["experiment"])["systematic"]
    assert len(told.split(", ")) == len([size for size in sizes.values() if size])
    assert "gpp 8 %" in told


def test_tables_are_those_of_the_tree(short_run, short_tree):
    streams = pd.read_csv(short_run.folder / "streams.csv", index_col=0)
    pd.testing.assert_frame_equal(streams, stream_skill(short_tree), check_dtype=False)
    constraint = pd.read_csv(short_run.folder / "constraint.csv", index_col=0)
    expected = constraint_table(short_tree)
    np.testing.assert_allclose(constraint["bits"], expected["bits"], rtol=1e-9)
    summary = pd.read_csv(short_run.folder / "summary.csv", index_col=0)
    draws = short_tree["posterior/initial_wood"].values
    assert summary.loc["initial_wood", "mean"] == pytest.approx(draws.mean(), rel=1e-9)


def test_page_is_self_contained_and_says_the_verdict_first(short_run, short_tree):
    text = (short_run.folder / "report.html").read_text(encoding="utf-8")
    assert text.count("data:image/png;base64,") == len(FIGURES)
    assert 'src="http' not in text
    assert "href=" not in text
    verdict = text.index('class="fail">NOT CONVERGED')
    assert verdict < text.index("100 draws a chain at step size 0.") < text.index("<table")
    assert verdict < text.index("<table")
    for word in ("wood_residence_time", short_tree.attrs["data_sha256"], "hyytiala-twin"):
        assert word in text


def test_experiment_in_the_folder_gives_the_same_run(short_run, short_tree):
    again = Experiment.from_toml(short_run.folder / "experiment.toml")
    assert again.settings().seed == 1
    assert again.settings().draws == 100
    assert again.streams == tuple(short_tree["observed_data"].data_vars)
    assert again.open_site().data_hash() == short_tree.attrs["data_sha256"]


def test_loading_by_folder_or_by_file(short_run, short_tree):
    by_file = load_run(short_run.folder / "posterior.nc")
    xr.testing.assert_identical(
        by_file["posterior"].to_dataset(), short_tree["posterior"].to_dataset()
    )


def write_netcdf_of_something_else(path):
    xr.Dataset({"snow": ("x", np.ones(3))}).to_netcdf(path, engine="h5netcdf")


@pytest.mark.parametrize(
    ("write", "parts"),
    [
        (None, ("must be a run folder", "none there", "--out")),
        (lambda path: path.write_text("text"), ("must be a netCDF file of a run",)),
        (write_netcdf_of_something_else, ("must be a netCDF file of a run", "groups none")),
        (lambda path: path.write_bytes(h5_of_a_run()[:20000]), ("must be a netCDF file",)),
    ],
)
def test_what_is_no_run_is_refused(write, parts, tmp_path):
    path = tmp_path / "posterior.nc"
    if write:
        write(path)
    with pytest.raises(InputError) as caught:
        load_run(tmp_path)
    assert str(tmp_path) in str(caught.value)
    for part in parts:
        assert part in str(caught.value)


def h5_of_a_run():
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.create_group("posterior")["x"] = np.zeros(10_000)
    return buffer.getvalue()


def test_a_finished_run_is_not_replaced_unless_asked(tmp_path):
    (tmp_path / "posterior.nc").write_text("precious")
    with pytest.raises(InputError, match=r"found posterior\.nc; .*--overwrite"):
        check_folder(tmp_path)
    assert check_folder(tmp_path, overwrite=True) == tmp_path
    assert (tmp_path / "posterior.nc").read_text() == "precious"  # until the new one is there
    assert [path.name for path in tmp_path.iterdir()] == ["posterior.nc"]


@pytest.mark.parametrize("name", ["summary.csv", "report.html", "experiment.toml"])
def test_files_that_the_run_would_replace_are_kept(name, tmp_path):
    (tmp_path / name).write_text("mine")
    with pytest.raises(InputError, match=f"found {name}; "):
        check_folder(tmp_path)


def test_a_link_to_nowhere_is_refused_before_a_run(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "gone" / "far")
    for out in (tmp_path / "link", tmp_path / "link" / "run"):
        with pytest.raises(InputError, match="must be a folder that can be written"):
            check_folder(out)


def test_files_of_others_do_not_matter(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    assert check_folder(tmp_path) == tmp_path


def test_folders_may_be_missing_and_are_not_made_before_there_is_something_to_write(tmp_path):
    assert check_folder(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_is_refused(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(InputError, match="must be a folder that can be written"):
        check_folder(tmp_path / "taken")


def test_a_failed_write_leaves_the_old_posterior(tmp_path, short_tree, monkeypatch):
    (tmp_path / "posterior.nc").write_text("old")

    (tmp_path / "summary.csv").write_text("old")

    def fail(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(WriteError, match=r"posterior\.nc: could not be .* No space left"):
        write_run(short_tree, "", tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "posterior.nc": "old", "summary.csv": "old",
    }  # fmt: skip


def test_a_failed_table_loses_no_draws(tmp_path, short_tree, monkeypatch):
    (tmp_path / "report.html").write_text("old")

    def fail(_):
        raise RuntimeError("no table")

    monkeypatch.setitem(folder_module.TABLES, "constraint.csv", fail)
    with pytest.raises(RuntimeError, match="no table"):
        write_run(short_tree, "", tmp_path)
    assert load_run(tmp_path)["posterior"].equals(short_tree["posterior"])
    assert not (tmp_path / "report.html").exists()  # that of an older run


def test_a_run_with_a_fixed_quantity_is_written(tmp_path, short_tree, monkeypatch):
    """Carbon use efficiency is constant where the autotrophic fraction is held fixed."""
    monkeypatch.setattr(folder_module, "save_figures", lambda *_: [])
    tree = short_tree.copy(deep=True)
    for group in ("posterior", "prior"):
        tree[group]["carbon_use_efficiency"].values[:] = 0.48
    write_run(tree, "", tmp_path)
    summary = pd.read_csv(tmp_path / "summary.csv", index_col=0)
    assert summary.loc["carbon_use_efficiency", "mean"] == pytest.approx(0.48)
    assert "carbon_use_efficiency" not in " ".join(check_convergence(tree).failures)
    constraint = pd.read_csv(tmp_path / "constraint.csv", index_col=0)
    assert "carbon_use_efficiency" not in constraint.index


def test_a_figure_that_fails_lets_no_picture_of_others_into_the_report(tmp_path):
    tree = make_tree(2, 20).filter(lambda node: node.name != "prior")
    (tmp_path / "notes.png").write_bytes(b"mine")
    with pytest.warns(UserWarning, match=r"while drawing prior_posterior\.png"):
        found = folder_module._figures(tree, tmp_path)
    assert {path.name for path in found} == FIGURES - {"prior_posterior.png"}
