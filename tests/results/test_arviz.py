"""A result opens in ArviZ as it is: straight from the file of a run."""

import arviz as az
import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot as plt
from scipy.special import logsumexp

STREAMS = ("gpp", "nee", "et", "lai", "wood", "som")
DENSE = STREAMS[:-1]  # soil carbon is observed once

pytestmark = [
    # A point or two weigh much among 200 draws: ArviZ is right to say so.
    pytest.mark.filterwarnings("ignore:Estimated shape parameter of Pareto:UserWarning"),
    # Inside arviz_plots 1.3 with xarray 2026.
    pytest.mark.filterwarnings("ignore:Deleting a single level of a MultiIndex:FutureWarning"),
]


@pytest.fixture(scope="module")
def tree(short_run):
    with xr.open_datatree(short_run.folder / "posterior.nc", engine="h5netcdf") as opened:
        yield opened


def test_summary(tree):
    table = az.summary(tree, round_to="none")
    assert set(table.index) == set(tree["posterior"].data_vars)
    draws = tree["posterior/wood_residence_time"].values
    assert float(table.loc["wood_residence_time", "mean"]) == pytest.approx(draws.mean())
    assert np.isfinite(table["r_hat"].astype(float)).all()


@pytest.mark.parametrize("stream", DENSE)
def test_loo(tree, stream):
    found = az.loo(tree, var_name=stream)
    pointwise = tree["log_likelihood"][stream].stack(sample=("chain", "draw")).values
    fitted = (logsumexp(pointwise, axis=-1) - np.log(200)).sum()
    assert found.n_data_points == len(pointwise)
    # Of the size of the terms, which are kept in single precision: their sum may be near zero.
    size = float(np.abs(pointwise).mean(axis=-1).sum())
    assert found.elpd + found.p == pytest.approx(fitted, rel=0.0, abs=1e-6 * size)
    assert 0 < found.p < 15


@pytest.mark.parametrize("stream", STREAMS)
def test_power_scaling(tree, stream):
    table = az.psense_summary(tree, likelihood_var_names=[stream])
    assert set(table.index) == set(tree["posterior"].data_vars)
    assert np.isfinite(table[["prior", "likelihood"]].astype(float)).all(axis=None)


def test_power_scaling_tells_streams_apart(tree):
    found = {
        stream: az.psense_summary(tree, likelihood_var_names=[stream])["likelihood"].astype(float)
        for stream in STREAMS
    }
    for stream in ("gpp", "et", "lai"):  # each knows its own errors best
        own = {other: found[other][f"{stream}_structural_sd"] for other in STREAMS}
        assert max(own, key=own.get) == stream
    medians = {stream: table.median() for stream, table in found.items()}
    assert min(medians, key=medians.get) == "som"  # one value of 15 %


def test_plots(tree):
    before = plt.get_fignums()
    for drawn, count in (
        (az.plot_ppc_dist(tree), len(STREAMS)),
        (az.plot_trace_dist(tree, var_names=["wood_residence_time", "allocation_wood"]), 4),
    ):
        axes = drawn.viz["figure"].item().axes
        assert len([a for a in axes if a.lines]) == count
    for number in set(plt.get_fignums()) - set(before):
        plt.close(number)
