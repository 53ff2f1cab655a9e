"""Sites of a batch fitted again: under the prior that was asked for, beside what was there."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

import bayes_tbm as bt
from bayes_tbm.cli import main
from bayes_tbm.experiment import Experiment
from bayes_tbm.parameters import LogitStudentT
from bayes_tbm.population.batch.kept import SHARED
from bayes_tbm.population.hierarchy import RefitPrior
from bayes_tbm.population.refitting import RefitSites
from bayes_tbm.population.runs import site_draws

WANTED = RefitPrior(SHARED, np.array([np.log(90.0), -0.4]), np.array([0.4, 0.5]))


def refits(runs, folder, **changes):
    """Return what fits sites of a batch again."""
    table = site_draws(runs, not_converged=True)[1]
    options = {"executor": "serial", "progress": False}
    return dataclasses.replace(
        RefitSites(runs, folder, SHARED, table, not_converged=True, options=options), **changes
    )


@pytest.fixture
def two(manifest):
    """Leave two sites in the table."""
    pd.read_csv(manifest).iloc[:2].to_csv(manifest, index=False)


@pytest.mark.slow
@pytest.mark.usefixtures("two")
def test_a_site_is_fitted_again_under_the_prior_that_its_draws_are_weighed_by(fit, tmp_path):
    runs = fit().folder
    journal = (runs / "events.jsonl").read_text()
    again = refits(runs, tmp_path / "refits")
    again.check()
    found = again(1, {"second": WANTED})
    assert (found.sites, found.count) == (("second",), 2 * 24)  # twice the draws
    t = [stats.t(4, *at) for at in zip(WANTED.location, WANTED.scale, strict=True)]
    low, high = np.log([2.7, 500.0])
    exact = t[0].logpdf(found.phi[0, :, 0]) - np.log(t[0].cdf(high) - t[0].cdf(low))
    exact += t[1].logpdf(found.phi[0, :, 1])
    np.testing.assert_allclose(found.log_prior[0], exact, atol=0.02)  # rounded to three digits
    stated = json.loads(str(xr.open_zarr(tmp_path / "refits/round-1/draws.zarr").priors.values[0]))
    assert stated["wood_residence_time"]["family"] == "log_student_t"
    # It is a fit of its own, which an experiment file repeats, and is made once.
    folder = next((tmp_path / "refits" / "round-1" / "fits").iterdir())
    again_from_file = Experiment.from_toml(folder / "experiment.toml").calibration()
    assert again_from_file.density.priors["allocation_wood"] == LogitStudentT(0.401, 0.5)
    events = (tmp_path / "refits" / "round-1" / "events.jsonl").read_text()
    np.testing.assert_array_equal(again(1, {"second": WANTED}).phi, found.phi)
    assert (tmp_path / "refits" / "round-1" / "events.jsonl").read_text() == events
    assert (runs / "events.jsonl").read_text() == journal  # the batch stays as it was


@pytest.mark.slow
@pytest.mark.usefixtures("two")
def test_sites_that_were_fitted_from_python_are_fitted_again_where_they_are_given(fit, tmp_path):
    calibrations = {}
    for name, end in (("first", 2008), ("second", 2009)):
        site = bt.open_site("hyytiala-twin", start=f"{end - 2}", end=f"{end}")
        calibrations[name] = bt.Calibration(site, ("gpp", "lai"))
    runs = fit(sites=calibrations, streams=()).folder
    with pytest.raises(bt.InputError, match=r"first: must have its files .* give its calibration"):
        refits(runs, tmp_path / "refits").check()
    given = refits(runs, tmp_path / "refits", sites=calibrations)
    given.check()
    assert given(1, {"first": WANTED}).count == 2 * 24


@pytest.fixture
def fitted(tmp_path):
    """Return what refits need of a batch: its experiment, here of a file, and a table."""
    site = tmp_path / "tower.nc"
    site.write_bytes(b"")
    own = tmp_path / "runs" / "fits" / "a"
    own.mkdir(parents=True)
    priors = {"wood_residence_time": bt.LogUniform(3.0, 300.0).to_dict(),
              "allocation_wood": bt.LogitNormal(0.4, 0.7, 0.1, 0.6).to_dict(),
              "root_residence_time": 2.0}  # fmt: skip
    experiment = Experiment(str(site), ("gpp",), priors=priors, sampling={"draws": 100, "seed": 7})
    (own / "experiment.toml").write_text(experiment.to_toml(own))
    table = pd.DataFrame({"folder": ["fits/a"]}, index=["a"])
    return site, RefitSites(tmp_path / "runs", tmp_path / "refits", SHARED, table)


def test_a_refit_is_the_fit_but_for_priors_that_end_where_its_own_did_and_draws(fitted):
    site, again = fitted
    again.check()
    found = again.source("a", 1, WANTED)
    assert (Path(found.site).resolve(), found.streams) == (site, ("gpp",))
    assert found.sampling == {"draws": 200, "seed": 7}
    assert again.source("a", 2, WANTED).settings().draws == 400
    assert found.priors["wood_residence_time"] == bt.LogStudentT(90.0, 0.4, 3.0, 300.0)
    share = found.priors["allocation_wood"]
    assert (share.median, share.lower, share.upper) == (0.401, 0.1, 0.6)
    assert found.priors["root_residence_time"] == bt.Fixed(2.0)


def test_a_site_whose_file_is_gone_is_named_in_one_line(fitted):
    site, again = fitted
    site.unlink()
    with pytest.raises(bt.InputError, match=r"a: must have its files .* no .*tower.nc") as error:
        again.check()
    assert "\n" not in str(error.value)
    (again.runs / "fits" / "a" / "experiment.toml").unlink()
    with pytest.raises(bt.InputError, match=r"no experiment\.toml"):
        again.check()


@pytest.mark.slow
@pytest.mark.filterwarnings("default:.*climate cells are too few")
@pytest.mark.usefixtures("two")
def test_the_command_fits_weak_sites_again_once(fit, manifest, tmp_path, capsys):
    table = pd.read_csv(manifest)
    table.assign(cell=table["site"]).to_csv(manifest, index=False)
    runs = fit(draws=40).folder
    study = tmp_path / "study.toml"
    study.write_text(
        f'runs = "{runs}"\nnot_converged = true\nrefits = 2\nreplicates = 5\nchains = 1\n'
        'warmup = 40\nkeep = 40\nmeans = ["constant", "linear", "step"]\nmean = "constant"\n'
        '[groups]\nwinter = ["coldest"]\n'  # two sites have no shares of groups
    )
    command = ["population", str(study), "--out", str(tmp_path / "pop")]
    assert main(command) == 0
    said, warned = capsys.readouterr()
    assert "2 climate cells are too few" in warned
    assert "2 rounds of refits" in said
    told = pd.read_csv(tmp_path / "pop" / "refits.csv", index_col=["round", "site"])
    assert told["refitted"].all()
    assert len(told) == 4
    assert "refits" in (tmp_path / "pop" / "report.html").read_text()
    journals = sorted((tmp_path / "pop" / "refits").glob("round-?/events.jsonl"))
    lines = [len(path.read_text().splitlines()) for path in journals]
    assert lines == [4, 4]
    assert main(command) == 2  # what is there is not replaced unasked
    assert main([*command, "--overwrite"]) == 0  # again: nothing is fitted any more
    assert [len(path.read_text().splitlines()) for path in journals] == lines


def test_sites_that_are_given_again_are_called_as_the_batch_calls_them(tmp_path):
    again = RefitSites(tmp_path, tmp_path, SHARED, pd.DataFrame(), {1: "one", " a ": "a"})
    assert again.sites == {"1": "one", "a": "a"}
