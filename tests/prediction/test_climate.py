"""Decomposition refers to the climate that was fitted, over whatever record the model runs."""

import numpy as np
import pytest
import xarray as xr

import bayes_tbm as bt
from bayes_tbm.cli import main
from bayes_tbm.prediction.fitted import fitted, fitted_climate
from bayes_tbm.report import median_parameters
from bayes_tbm.report.folder import save_tree
from bayes_tbm.results.tree import CLIMATE

FACTOR = "decomposition_climate"


@pytest.fixture(scope="module")
def of_the_fit(draws, fitted_part):
    """The factor of climate over the fitted record, which it was fitted with."""
    return bt.simulate(median_parameters(draws), fitted_part.site)[FACTOR]


def without_climate(tree):
    """As an earlier version wrote it."""
    old = tree.copy()
    for name in CLIMATE:
        del old.attrs[name]
    return old


@pytest.mark.parametrize("earlier", [False, True])
def test_simulate_of_a_run_keeps_the_climate_that_was_fitted(
    earlier, draws, whole, of_the_fit, tmp_path
):
    run, out = tmp_path / "posterior.nc", tmp_path / "forward.nc"
    save_tree(without_climate(draws) if earlier else draws, run)
    longer = tmp_path / "longer.nc"
    whole.to_netcdf(longer)
    assert main(["simulate", str(longer), "--run", str(run), "--out", str(out)]) == 0
    found = xr.load_dataset(out, engine="h5netcdf")[FACTOR]
    assert found.sizes["time"] > of_the_fit.sizes["time"]
    there = found.sel(time=of_the_fit["time"])
    np.testing.assert_allclose(there, of_the_fit, rtol=1e-12)
    alone = bt.simulate(median_parameters(draws), whole)[FACTOR].sel(time=of_the_fit["time"])
    assert float(abs(alone - of_the_fit).max()) > 1e-3  # what the record's own means would do


def test_simulate_takes_the_climate_of_a_result(draws, whole, of_the_fit):
    climate = [draws.attrs[name] for name in CLIMATE]
    run = bt.simulate(median_parameters(draws), whole, climate=climate)
    there = run[FACTOR].sel(time=of_the_fit["time"])
    np.testing.assert_allclose(there, of_the_fit, rtol=1e-12)


def test_a_prediction_and_a_simulation_refer_to_one_climate(draws, whole):
    forcing = fitted(draws, whole, None, ()).density.forcing
    climate, drivers = fitted_climate(draws, whole), whole.drivers.isel(time=slice(0, 1))
    warmth = (drivers["t_min"] + drivers["t_max"]) / 2 - climate.temperature
    assert float(warmth[0]) == pytest.approx(float(forcing.warmth[0]), rel=1e-12)


def test_a_result_that_does_not_tell_its_climate_needs_the_site_that_was_fitted(draws, whole):
    for other in (whole.window("2012"), whole.window(end="2008")):
        with pytest.raises(bt.InputError, match="time: must hold the drivers that were fitted"):
            fitted_climate(without_climate(draws), other)
        assert fitted_climate(draws, other) == fitted_climate(draws, whole)


@pytest.mark.parametrize("wrong", [3.0, (3.0,), (3.0, -1.0), ("3", 1.0), "warm", (np.nan, 1.0)])
def test_a_climate_that_is_none_is_refused(wrong, whole):
    with pytest.raises(bt.InputError, match="climate: must be a mean temperature"):
        bt.simulate(bt.Parameters.default(), whole, climate=wrong)
