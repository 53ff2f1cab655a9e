"""Many fits as one job: as alone, once, resumed, retried, with failures kept apart."""

import dataclasses
import json
import os
import shutil
import signal
import threading
import time
import types

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from threadpoolctl import threadpool_limits

import bayes_tbm as bt
from bayes_tbm.cli import main
from bayes_tbm.experiment import Experiment
from bayes_tbm.population.batch import collect, journal
from bayes_tbm.population.batch.jobs import Job, seed_of
from bayes_tbm.population.batch.kept import read_kept
from bayes_tbm.population.batch.work import is_settled, with_attempt
from bayes_tbm.population.runs import site_draws
from bayes_tbm.sampling import checkpoint

from .conftest import SHORT

FITTED = {"done", "not converged"}
LEAST = {"gpp": 36}  # which the third of the sites has alone


def events(folder):
    return [json.loads(line) for line in (folder / journal.EVENTS).read_text().splitlines()]


def test_each_posterior_is_that_of_a_fit_alone_and_is_made_once(fit, tmp_path):
    with threadpool_limits(1, "blas"):  # as a worker that keeps to a core has
        found = fit(covariates=["coldest"])
    assert set(found.table["state"]) <= FITTED
    site = bt.open_site("hyytiala-twin", start="2009", end="2011", latitude=61.8, longitude=25.3)
    with threadpool_limits(2, "blas"), pytest.warns(bt.ConvergenceWarning):
        alone = bt.Calibration(site, ("gpp", "lai")).sample(
            seed=seed_of("second", 0), progress=False, **SHORT
        )
    second = found.load("second")
    for name, values in alone.posterior.items():
        np.testing.assert_array_equal(second.posterior[name], values)
    again = fit(covariates=["coldest"])
    assert len(events(again.folder)) == 6  # a beginning and an end of each
    # A kill between the posterior and the journal draws nothing twice.
    kept = (again.folder / journal.EVENTS).read_text().splitlines(keepends=True)
    (again.folder / journal.EVENTS).write_text("".join(kept[:-1]))
    written = {path: path.stat().st_mtime_ns for path in again.folder.glob("fits/*/posterior.nc")}
    again = fit(covariates=["coldest"])
    assert written == {path: path.stat().st_mtime_ns for path in written}
    measured = ["seconds", "memory"]
    pd.testing.assert_frame_equal(
        again.table.drop(columns=measured), found.table.drop(columns=measured)
    )
    # What a population needs, from all of them.
    draws = xr.open_zarr(found.folder / "draws.zarr").load()
    assert dict(draws.sizes) == {"site": 3, "draw": 24}
    place = list(draws.site.values).index("second")
    kept = draws.wood_residence_time.values[place]
    stated = alone.posterior.wood_residence_time.values.ravel()[draws["index"].values[place]]
    np.testing.assert_allclose(kept, stated, rtol=1e-6)
    assert json.loads(str(draws.priors.values[place]))["wood_residence_time"]["median"] == 60.0
    summary = pd.read_csv(found.folder / "summary.csv").set_index(["site", "quantity"])
    assert summary.loc[("second", "gpp_annual"), "median"] == pytest.approx(
        float(alone.posterior.gpp_annual.median()), rel=1e-6
    )
    assert {"manifest.csv", "failures.csv", "map.png"} <= {p.name for p in found.folder.iterdir()}


def test_a_site_that_fails_leaves_the_others_and_is_done_again_on_request(
    fit, manifest, monkeypatch
):
    table = pd.read_csv(manifest)
    table.loc[1, "start"] = 1950  # drivers do not reach there, which only opening tells
    table.loc[1, "end"] = 1952
    table.to_csv(manifest, index=False)
    sample = bt.Calibration.sample

    def breaks(self, settings, **options):
        if settings.seed == seed_of("third", 0):
            raise ZeroDivisionError("of our own")
        return sample(self, settings, **options)

    monkeypatch.setattr(bt.Calibration, "sample", breaks)
    found = fit()
    states = found.table["state"]
    assert (states["second"], states["third"]) == ("skipped", "failed")
    assert states["first"] in FITTED
    assert "of our own" in (found.folder / "errors" / "third.txt").read_text()
    assert set(pd.read_csv(found.folder / "failures.csv")["site"]) >= {"second", "third"}
    with pytest.raises(bt.InputError, match="skipped"):
        found.load("second")
    monkeypatch.setattr(bt.Calibration, "sample", sample)
    before = len(events(found.folder))
    assert fit().table["state"]["third"] == "failed"  # as it was, unless it is asked for
    assert len(events(found.folder)) == before
    again = fit(retry=True).table
    assert again["state"]["third"] in FITTED
    assert not (found.folder / "errors" / "third.txt").exists()
    # What had not converged was tried once more: another seed, twice the warm-up.
    assert (states["first"], again["attempt"]["first"]) == ("not converged", 2)


def test_shards_make_the_whole_and_sites_with_few_values_are_skipped(fit):
    found = fit(least=LEAST, shard=(1, 3))
    assert found.counts == {"skipped": 1, "pending": 2}
    assert "values of gpp" in found.table["reason"]["first"]
    assert fit(least=LEAST, shard=(2, 3)).counts == {"skipped": 2, "pending": 1}
    assert not (found.folder / "draws.zarr").exists()
    assert set(fit(least=LEAST, shard=(3, 3)).table["state"]) == {"skipped", "not converged"}
    assert (found.folder / "draws.zarr").is_dir()  # by the last of them
    assert len(events(found.folder)) == 6


def of_another_processor(disk):
    path = disk / checkpoint.MANIFEST
    kept = json.loads(path.read_text())
    path.write_text(json.dumps({**kept, "compiled": "for another"}))


def torn(disk):
    for path in disk.glob("*.npz"):
        path.write_bytes(b"")


def as_it_was(disk):
    assert list(disk.glob("*.npz"))


def test_a_fit_that_was_interrupted_gives_the_same_numbers(fit, begun, tmp_path, monkeypatch):
    """It goes on where it was, or begins anew where its checkpoint is of no use."""
    from bayes_tbm.sampling.nuts.chain import Chain

    whole = begun.load("first").posterior
    advance, calls = Chain.advance, []

    def stops(self, *arguments):
        calls.append(1)
        if len(calls) > 4:  # in the third phase of warm-up
            raise KeyboardInterrupt
        return advance(self, *arguments)

    monkeypatch.setattr(Chain, "advance", stops)
    with pytest.raises(KeyboardInterrupt):
        fit(shard=(1, 3), folder=tmp_path / "interrupted")
    assert not list(tmp_path.glob("interrupted/fits/*/claim"))
    monkeypatch.setattr(Chain, "advance", advance)
    for spoil in (as_it_was, of_another_processor, torn):
        folder = tmp_path / spoil.__name__
        shutil.copytree(tmp_path / "interrupted", folder)
        [disk] = folder.glob("fits/*/checkpoint")
        spoil(disk)
        resumed = fit(shard=(1, 3), folder=folder).load("first").posterior
        for name, values in whole.items():
            np.testing.assert_array_equal(resumed[name], values)


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["processes", "dask"])
def test_other_processes_give_the_same_store(fit, manifest, tmp_path, executor):
    if executor == "dask":
        pytest.importorskip("distributed")
    table = pd.read_csv(manifest).iloc[:2]
    table.to_csv(manifest, index=False)
    here = fit()
    there = fit(folder=tmp_path / "there", executor=executor, workers=2)
    columns = ["state", "reason", "rhat", "ess", "divergences", "folder", "coldest"]
    pd.testing.assert_frame_equal(here.table[columns], there.table[columns])
    one, other = (xr.open_zarr(f.folder / "draws.zarr").load() for f in (here, there))
    xr.testing.assert_identical(one, other)


@pytest.mark.slow
def test_a_worker_of_dask_that_is_killed_in_mid_site_is_replaced(fit, manifest, tmp_path):
    distributed = pytest.importorskip("distributed")
    pd.read_csv(manifest).iloc[:2].to_csv(manifest, index=False)
    longer = {"warmup": 60, "draws": 300}
    here, folder, killed = fit(**longer), tmp_path / "there", []
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    )

    def kill() -> None:
        while not list(folder.glob("fits/*/checkpoint/*")):
            time.sleep(0.05)
        name = min(cluster.workers)
        killed.append(cluster.workers[name].pid)
        os.kill(killed[0], signal.SIGKILL)

    with cluster, distributed.Client(cluster) as client:
        killer = threading.Thread(target=kill)
        killer.start()
        there = fit(folder=folder, executor=client, **longer)
        killer.join()
        assert killed[0] not in {worker.pid for worker in cluster.workers.values()}
    told = [(event["site"], event["state"]) for event in events(folder)]
    assert len(told) > 4  # one site has begun twice
    assert sorted(site for site, state in told if state in FITTED) == ["first", "second"]
    one, other = (xr.open_zarr(f.folder / "draws.zarr").load() for f in (here, there))
    xr.testing.assert_identical(one, other)


def test_settings_of_another_batch_are_refused(fit, begun):
    with pytest.raises(bt.InputError, match="sampling: must be that of the batch"):
        fit(draws=13)
    with pytest.raises(bt.InputError, match="streams: must be that of the batch"):
        fit(streams=("gpp",))
    with pytest.raises(bt.InputError, match="common: must be that of the batch"):
        fit(common={"constraints": {"steady_wood": False}})
    assert len(events(begun.folder)) == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"executor": "proceses"}, "must be one of processes, serial, dask"),
        ({"shard": (4, 3)}, "found 4/3"),
        ({"workers": 0}, "workers"),
        ({"shard": "1/4"}, "shard"),
        ({"shard": (1,)}, "shard"),
        ({"shard": (1.5, 4)}, "shard"),
        ({"executor": 5}, "executor"),
        ({"executor": "tpc://127.0.0.1:8786"}, "scheduler: must be the address"),
        ({"least": {"gppp": 12}}, "did you mean gpp"),
        ({"least": {"gpp": "many"}}, "least gpp"),
        ({"least": ["gpp"]}, "least"),
        ({"common": "common.toml"}, "common"),
        ({"folder": " "}, "must be named"),
        ({"drawz": 3}, "did you mean draws"),
    ],
)
def test_bad_options_are_refused_before_anything_is_written(fit, tmp_path, options, said):
    with pytest.raises(bt.InputError, match=said):
        fit(**options)
    assert not (tmp_path / "runs").exists()


def test_other_least_numbers_are_another_batch(fit):
    fit(shard=(1, 3), least={"gpp": 10_000})
    with pytest.raises(bt.InputError, match="least: must be that of the batch"):
        fit(shard=(1, 3), least={"gpp": 12})


@pytest.mark.parametrize("name", ["manifest.csv", "summary.csv", "failures.csv"])
def test_a_table_of_ones_own_is_not_written_over(manifest, tmp_path, name):
    own = tmp_path / "mine"
    own.mkdir()
    mine = "# my notes\n" + manifest.read_text()
    (own / name).write_text(mine)
    for sites in (own / name, manifest):
        with pytest.raises(bt.InputError, match=r"written over|must be empty"):
            bt.fit_many(sites, ("gpp", "lai"), folder=own)
    assert [path.name for path in own.iterdir()] == [name]
    assert (own / name).read_text() == mine


def test_a_folder_of_site_files_is_not_that_of_the_batch(tmp_path):
    (tmp_path / "a.nc").write_text("")
    with pytest.raises(bt.InputError, match="written over by the batch"):
        bt.fit_many(tmp_path, ("gpp",), folder=tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "null", "{"])
def test_a_torn_study_is_told_and_left(manifest, tmp_path, content):
    (tmp_path / "study.json").write_text(content)
    with pytest.raises(bt.InputError, match=r"study.json: must be readable.*remove it"):
        bt.fit_many(manifest, ("gpp", "lai"), folder=tmp_path)
    assert (tmp_path / "study.json").read_text() == content


def test_lines_of_a_journal_that_are_no_events_are_left_out(tmp_path):
    event = journal.Event("A", "1", "fits/A-1", journal.DONE)
    journal.write(tmp_path, event)
    with (tmp_path / journal.EVENTS).open("a") as file:
        for line in ([], 3, None, {"site": ["A"]}, {"site": "A", "key": "1", "folder": 3}):
            file.write(json.dumps(line) + "\n")
    assert journal.read(tmp_path) == {"A": event}


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"a,b\n1,2,3,4\n", b"name,state\n"])
def test_status_of_a_torn_manifest_says_what_to_do(tmp_path, capsys, content):
    journal.write(tmp_path, journal.Event("A", "1", "fits/A-1", journal.DONE))
    (tmp_path / "manifest.csv").write_bytes(content)
    assert main(["many", "status", str(tmp_path)]) == 2
    assert "repeat the command of the batch" in capsys.readouterr().err


def test_what_is_torn_beside_a_posterior_is_made_again(begun):
    found = begun
    own = found.folder / str(found.table["folder"].dropna().iloc[0])
    whole = [pd.read_csv(own / "summary.csv"), (own / "draws.nc").stat().st_size]
    (own / "summary.csv").write_text("")
    (own / "draws.nc").write_bytes(b"torn")
    summary, draws = read_kept(own)
    pd.testing.assert_frame_equal(summary, whole[0])
    assert "wood_residence_time" in draws
    (own / "posterior.nc").write_bytes(b"")
    said = journal.read(found.folder)["first"]
    job = types.SimpleNamespace(key=said.key, folder=said.folder)
    assert not is_settled(job, said, found.folder, retry=False)


def test_the_command_tells_and_counts(manifest, tmp_path, capsys):
    sampling = [f"--{n}={SHORT[n]}" for n in ("chains", "warmup", "draws")]
    out = str(tmp_path / "runs")
    command = ["many", str(manifest), "--streams", "gpp,lai", "--executor", "serial", "--quiet"]
    assert main([*command, "--out", out, *sampling, "--least", "gpp=10000", "--shard", "1/3"]) == 1
    assert "1 skipped, 2 pending" in capsys.readouterr().out
    assert main(["many", "status", out]) == 3
    assert "first: skipped" in capsys.readouterr().out
    for bad, said in (
        (["many", "status", str(tmp_path)], "no journal"), (command, "needs --out"),
        ([*command, "--out", out, "--shard", "3"], "must be I/N"),
        ([*command, "--out", out, "--least", "gpp"], "must be STREAM=N"),
    ):  # fmt: skip
        assert main(bad) == 2
        assert said in capsys.readouterr().err


def test_attempts_are_counted_for_one_record_and_its_options():
    first = Job("A", Experiment("hyytiala-twin", ("gpp",)), bt.Settings())
    third = first.again().again()
    said = journal.Event("A", third.key, third.folder, journal.NOT_CONVERGED, attempt=3)
    assert with_attempt(first, said, retry=False).key == third.key
    assert with_attempt(first, said, retry=True).attempt == 4
    other = dataclasses.replace(first, source=Experiment("hyytiala-twin", ("gpp", "lai")))
    assert with_attempt(other, said, retry=True) == other


def test_sites_with_more_draws_than_others_are_collected(tmp_path):
    prior = json.dumps({"wood_residence_time": bt.LogNormal(60.0, 1.0).to_dict()})
    sites, rows = ("short", "long"), []
    for count in (30, 50):
        values = {"wood_residence_time": ("draw", count + np.arange(count, dtype="float32"))}
        row = xr.Dataset({**values, "index": ("draw", np.arange(count, dtype="int32"))})
        rows.append(row.assign(effective=float(count), priors=prior))
    collect._save_draws(rows, sites, np.array(["done", "done"]), tmp_path)
    pd.DataFrame({"site": sites, "coldest": [-1.0, -2.0]}).to_csv(tmp_path / "manifest.csv")
    stored = xr.open_zarr(tmp_path / "draws.zarr").load()
    assert stored["index"].dtype.kind == "i"
    assert list(stored["index"].values[0, 29:31]) == [29, -1]
    draws, _ = site_draws(tmp_path, ["wood_residence_time"])
    assert draws.phi.shape == (2, 30, 1)
    read = np.exp(draws.phi[:, :, 0])
    np.testing.assert_allclose(read[0], 30.0 + np.arange(30), rtol=1e-6)
    np.testing.assert_allclose(read[1, [0, -1]], [50.0, 99.0], rtol=1e-6)  # spread over its own


def test_what_is_kept_of_an_event_is_plain():
    event = journal.Event("A", "k", "f", "done")
    assert json.loads(json.dumps(dataclasses.asdict(event)))["site"] == "A"


def test_draws_that_two_processes_collect_at_a_time_are_those_of_one(tmp_path, monkeypatch):
    rows = [xr.Dataset({"index": ("draw", np.arange(3))}).assign(priors="{}")]
    write = xr.Dataset.to_zarr

    def meanwhile(self, *arguments, **options):
        monkeypatch.setattr(xr.Dataset, "to_zarr", write)
        done = self.to_zarr(*arguments, **options)
        collect._save_draws(rows, ["theirs"], np.array(["done"]), tmp_path)
        return done

    monkeypatch.setattr(xr.Dataset, "to_zarr", meanwhile)
    collect._save_draws(rows, ["mine"], np.array(["done"]), tmp_path)
    assert list(xr.open_zarr(tmp_path / "draws.zarr").site.values) == ["mine"]
    assert [path.name for path in tmp_path.iterdir()] == ["draws.zarr"]
