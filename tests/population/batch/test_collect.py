"""What is told and collected of a batch: of the fits that are asked for now, and that are there."""

import dataclasses
import json
import os
import shutil
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import bayes_tbm as bt
from bayes_tbm.experiment import Experiment
from bayes_tbm.population.batch import journal
from bayes_tbm.population.batch.collect import MANIFEST, collect, states, table_of
from bayes_tbm.population.batch.manifest import jobs_of
from bayes_tbm.population.batch.work import fit_job, is_settled
from bayes_tbm.population.hierarchy.covariates import covariates_of
from bayes_tbm.population.result import PopulationResult
from bayes_tbm.population.runs import _store, site_draws, sites_not_fitted

TWINS = {"A": "hyytiala-twin", "B": "hyytiala-twin-daily"}
PRIORS = json.dumps({"wood_residence_time": bt.LogNormal(60.0, 1.0).to_dict()})


def jobs(**columns):
    table = {"site": list(TWINS), "path": list(TWINS.values()), **columns}
    return jobs_of(pd.DataFrame(table), Experiment("", ("gpp", "lai")), bt.Settings())


def as_fitted(job, folder, state=journal.DONE, **more):
    """Leave what a fit leaves, as far as collecting it needs."""
    own = folder / job.folder
    own.mkdir(parents=True, exist_ok=True)
    (own / "posterior.nc").write_text("of a fit")
    summary = pd.DataFrame({"quantity": ["wood_residence_time"]})
    summary[["mean", "sd", "q05", "median", "q95"]] = 60.0
    summary.to_csv(own / "summary.csv", index=False)
    draws = xr.Dataset({"wood_residence_time": ("draw", np.full(30, 60.0, "float32")),
                        "index": ("draw", np.arange(30))})  # fmt: skip
    draws.assign(effective=30.0, priors=PRIORS).to_netcdf(own / "draws.nc", engine="h5netcdf")
    event = journal.Event(job.name, job.key, job.folder, state, attempt=job.attempt, **more)
    return journal.write(folder, event)


def collected(folder):
    return list(xr.open_zarr(folder / "draws.zarr").site.values)


def test_a_row_that_was_changed_is_pending_and_its_old_posterior_is_not_collected(tmp_path):
    before = jobs()
    for job in before:
        as_fitted(job, tmp_path)
    collect(before, tmp_path)
    assert collected(tmp_path) == ["A", "B"]
    now = jobs(stand_age=[40, None])
    table = table_of(now, tmp_path)
    assert table["state"].to_dict() == {"A": "pending", "B": "done"}
    (tmp_path / MANIFEST).write_text(table.to_csv())  # as a batch does when it begins
    assert states(tmp_path)["state"].to_dict() == {"A": "pending", "B": "done"}
    collect(now, tmp_path)
    assert collected(tmp_path) == ["B"]
    journal.write(tmp_path, journal.Event("A", now[0].key, now[0].folder, journal.FAILED))
    assert states(tmp_path)["state"].to_dict() == {"A": "failed", "B": "done"}


def test_a_batch_that_is_tried_again_meanwhile_is_told_as_it_is(tmp_path):
    """Another shard wrote the manifest before this one began its next attempt."""
    own = jobs()
    for job in own:
        as_fitted(job, tmp_path, journal.NOT_CONVERGED)
    (tmp_path / MANIFEST).write_text(table_of(own, tmp_path).to_csv())
    then = os.stat(tmp_path / MANIFEST).st_mtime - 10.0
    os.utime(tmp_path / MANIFEST, (then, then))
    again = own[0].again()
    journal.write(tmp_path, journal.Event("A", again.key, again.folder, journal.FAILED))
    assert states(tmp_path)["state"].to_dict() == {"A": "failed", "B": "not converged"}


@pytest.mark.parametrize("lose", [lambda own: (own / "posterior.nc").unlink(), shutil.rmtree])
def test_a_posterior_that_was_lost_is_told_left_out_and_made_again(tmp_path, lose):
    own = jobs()
    for job in own:
        said = as_fitted(job, tmp_path)
    lose(tmp_path / own[1].folder)
    assert states(tmp_path)["state"].to_dict() == {"A": "done", "B": "pending"}
    collect(own, tmp_path)
    assert collected(tmp_path) == ["A"]
    assert not is_settled(own[1], said, tmp_path, retry=False)
    tried = fit_job(own[1], tmp_path, {"gpp": 10**6})  # so that it ends before it is sampled
    assert tried.state == "skipped"


def test_a_shard_that_tries_again_leaves_the_others_attempts_as_they_are(tmp_path):
    def run(shard, **options):
        return bt.fit_many(
            pd.DataFrame({"site": list(TWINS), "path": list(TWINS.values())}), ("gpp", "lai"),
            folder=tmp_path, executor="serial", progress=False, shard=shard,
            least={"gpp": 10**6}, **options,
        ).table["state"].to_dict()  # fmt: skip

    as_fitted(jobs()[1], tmp_path, journal.NOT_CONVERGED)
    assert run((1, 2), retry=True) == {"A": "skipped", "B": "not converged"}
    assert collected(tmp_path) == ["B"]  # by the last of the shards


def manifest(folder, rows):
    table = pd.DataFrame(rows, columns=["site", "state", "folder"]).assign(coldest=-3.0, cell="x")
    table.to_csv(folder / MANIFEST, index=False)


def test_a_population_of_a_batch_that_grew_is_of_what_was_collected_or_of_nothing(tmp_path):
    """A kill comes between fits and what follows from them."""
    own = jobs()
    for job in own:
        as_fitted(job, tmp_path)
    collect(own, tmp_path)
    shared = ["wood_residence_time"]
    a, b = (["A", "done", own[0].folder], ["B", "done", own[1].folder])
    manifest(tmp_path, [a, b, ["C", "pending", ""], ["D", "failed", ""], ["E", "pending", ""]])
    assert _store(tmp_path, False, None).sizes["site"] == 2
    assert sites_not_fitted(tmp_path) == {"failed": ("D",), "pending": ("C", "E")}
    for rows, said in (
        ([a, b, ["C", "done", "fits/C"]], r"C \(no draws\)"),
        ([a, ["B", "pending", own[1].folder]], r"B \(pending now\)"),
        ([a, ["B", "done", "fits/B-other"]], r"B \(of another fit\)"),
        ([a], r"B \(not listed now\)"),
    ):
        manifest(tmp_path, rows)
        with pytest.raises(bt.InputError, match=rf"found {said}; repeat bayes-tbm many"):
            site_draws(tmp_path, shared)


def test_sites_that_are_tried_again_do_not_keep_a_population_from_the_others(tmp_path):
    own = jobs()
    as_fitted(own[0], tmp_path)
    as_fitted(own[1], tmp_path, journal.NOT_CONVERGED)
    collect(own, tmp_path)
    a, b = ([job.name, "done", job.folder] for job in own)
    manifest(tmp_path, [a, ["B", "pending", own[1].again().folder]])
    assert list(_store(tmp_path, False, ["A"]).site.values) == ["A"]
    with pytest.raises(bt.InputError, match=r"B \(pending now\)"):
        _store(tmp_path, True, None)
    manifest(tmp_path, [a, b])  # the next attempt has converged, and is not collected
    with pytest.raises(bt.InputError, match=r"B \(no draws\)"):
        _store(tmp_path, False, None)


def test_nothing_that_was_collected_stays_where_no_site_is_fitted_any_more(tmp_path):
    own = jobs(latitude=[61.8, 61.8], longitude=[24.3, 24.3])
    for job in own:
        as_fitted(job, tmp_path)
    collect(own, tmp_path)
    products = ("draws.zarr", "summary.csv", "map.png")
    assert all((tmp_path / name).exists() for name in products)
    for job in own:
        journal.write(tmp_path, journal.Event(job.name, job.key, job.folder, journal.SKIPPED))
    collect(own, tmp_path)
    assert not any((tmp_path / name).exists() for name in products)
    assert sites_not_fitted(tmp_path) == {"skipped": ("A", "B")}


def test_a_summary_of_a_population_names_the_sites_that_are_not_there():
    numbers = {"error_bits": 0.1, "effective": ("site", [900.0]), "pareto_k": ("site", [0.1]),
               "rhat": 1.004, "ess": 812.0, "divergences": 0.0}  # fmt: skip
    diagnostics = xr.Dataset(numbers, {"site": ["A"]})
    posterior = xr.Dataset({"intercept": (("chain", "draw"), np.zeros((4, 5)))})
    groups = {"diagnostics": diagnostics, "posterior": posterior}
    fit = SimpleNamespace(tree=xr.DataTree.from_dict(groups))
    said = SimpleNamespace(verdict="cannot tell", drivers="", fits={"step": fit})
    lost = {"failed": ("B",), "pending": tuple("CDEFGHI")}
    found = PopulationResult(
        "step", 0, SimpleNamespace(sites=("A",)), pd.DataFrame({"cell": ["x"]}), said,
        not_fitted=lost,
    ).summary()  # fmt: skip
    assert "without a posterior: 1 failed (B), 7 pending (C, D, E, F, G, H, ...)" in found


def test_an_empty_cell_of_a_column_is_not_filled_from_the_climate_of_the_drivers(tmp_path):
    """Means of the coldest month differ by kelvins between products."""
    own = jobs(coldest=[-12.0, None])
    of_drivers = {"coldest": -8.1, "warmest": 15.0, "cell": "-8.1|3.0|700"}
    for job in own:
        as_fitted(job, tmp_path, climate=of_drivers)
    table = table_of(own, tmp_path)
    assert table["coldest"].fillna(0.0).to_dict() == {"A": -12.0, "B": 0.0}
    assert table["warmest"].to_dict() == {"A": 15.0, "B": 15.0}
    with pytest.raises(bt.InputError, match=r"coldest: must be given.*none for B"):
        covariates_of(table, list(TWINS))
    assert table_of(jobs(), tmp_path)["state"].to_dict() == {"A": "done", "B": "done"}
    assert set(table_of(jobs(), tmp_path)["coldest"]) == {-8.1}


def test_a_site_that_is_called_like_a_missing_value_has_its_state(tmp_path):
    for name in ("NA", "null", "b"):
        job = dataclasses.replace(jobs()[0], name=name)
        as_fitted(job, tmp_path)
    rows = [[name, "done", ""] for name in ("NA", "null", "b", "None")]
    manifest(tmp_path, rows)
    assert states(tmp_path)["state"].to_dict() == {
        "NA": "done", "null": "done", "b": "done", "None": "pending",
    }  # fmt: skip


def test_a_retry_that_fails_says_where_the_attempt_before_it_is_kept(tmp_path):
    first = jobs()[0]
    as_fitted(first, tmp_path, journal.NOT_CONVERGED)
    said = fit_job(first.again(), tmp_path, {"gpp": 10**6})
    assert said.state == "skipped"
    assert said.reason.endswith(f"(attempt 1, not converged, is kept in {first.folder})")
    assert "is kept in" not in fit_job(jobs()[1], tmp_path, {"gpp": 10**6}).reason
