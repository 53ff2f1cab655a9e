"""Whatever number of draws is accepted gives the whole run folder."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayes_tbm.cli import main
from bayes_tbm.constraint import constraint_table
from bayes_tbm.results import check_convergence, stream_skill

from .test_folder import FIGURES

EXPERIMENT = """
site = "hyytiala-twin"
streams = ["gpp"]
[sampling]
warmup = 20
starts = 1
extensions = 0
max_tree_depth = 3
"""
KEPT = ["allocation_wood", "wood_residence_time", "leaf_onset_day", "gpp_structural_sd",
        "gpp_annual", "wood_increment"]  # fmt: skip
BY_DRAW = {"posterior", "sample_stats", "log_likelihood", "log_prior", "posterior_predictive"}


def assert_whole_folder(out):
    table = pd.read_csv(out / "constraint.csv", index_col=0)
    assert np.isfinite(table["contraction"].iloc[:-1]).all()  # a pair, the last, has none
    assert {path.name for path in (out / "figures").iterdir()} == FIGURES
    assert "NOT CONVERGED" in (out / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow  # test_cli.py looks at the folder of one chain of four draws
@pytest.mark.parametrize(("chains", "draws"), [(1, 4), (2, 5)])
def test_the_fewest_draws_give_the_whole_folder(chains, draws, tmp_path, capsys):
    experiment, out = tmp_path / "tiny.toml", tmp_path / "run"
    experiment.write_text(EXPERIMENT)
    argv = ["fit", experiment, "--out", out, "--chains", chains, "--draws", draws, "--quiet"]
    assert main([str(word) for word in argv]) == 3
    assert capsys.readouterr().err == ""
    assert_whole_folder(out)


def fewer(data, name, chains, draws):
    """Part of a group: some draws, and some quantities, enough for every kind and a pair."""
    if name in ("posterior", "prior"):
        data = data[KEPT]
    return data.isel(chain=slice(chains), draw=slice(draws)) if name in BY_DRAW else data


# Every number of draws with one of chains; 25 in all are the fewest that power-scaling takes.
@pytest.mark.parametrize(
    ("chains", "draws"),
    [(1, 4), (2, 4), (1, 5), (2, 6), (1, 9), (2, 12), (2, 13), (1, 24), (1, 26)],
)
def test_every_small_number_has_its_tables(chains, draws, short_tree):
    tree = xr.DataTree.from_dict({
        name: fewer(node.to_dataset(), name, chains, draws)
        for name, node in short_tree.children.items()
    })  # fmt: skip
    tree.attrs.update(short_tree.attrs)
    assert not check_convergence(tree).passed
    assert np.isfinite(stream_skill(tree)["bias"]).all()
    table = constraint_table(tree)
    assert np.isfinite(table["contraction"].iloc[:-1]).all()  # a pair, the last, has none
    few = chains * draws < 25
    assert table["psense_prior"].isna().all() == few
    assert (table["verdict"].iloc[:-1] == "").all() == few
