"""Workers that die: replaced, and nobody else pays for it."""

import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pandas as pd
import pytest

import bayes_tbm as bt
from bayes_tbm.experiment import Experiment
from bayes_tbm.population.batch import executors
from bayes_tbm.population.batch.claims import CLAIM
from bayes_tbm.population.batch.executors import in_processes, on_dask
from bayes_tbm.population.batch.manifest import jobs_of
from bayes_tbm.population.batch.worker import keep_to_a_core, packed


class EndsTheProcess:
    def __reduce__(self):
        return os._exit, (9,)


def test_a_site_that_ends_its_workers_is_given_up_and_the_others_are_not(tmp_path):
    rows = {"site": ["fine", "well"], "path": ["hyytiala-twin", "hyytiala-twin-daily"]}
    fine, well = jobs_of(pd.DataFrame(rows), Experiment("", ("gpp",)), bt.Settings())
    too_few = {"gpp": 100_000}  # so that they are skipped at once
    tasks = {
        "fine": packed(fine, tmp_path, too_few), "bad": pickle.dumps(EndsTheProcess()),
        "well": packed(well, tmp_path, too_few),
    }  # fmt: skip
    died = []
    found = list(in_processes(tasks, 2, lambda *told: died.append(told)))
    assert [site for site, _ in died] == ["bad"]
    assert "died 3 times" in died[0][1]
    assert {event.site: event.state for event in found if event} == {
        "fine": "skipped",
        "well": "skipped",
    }


def test_dask_asks_again_for_a_site_claimed_by_a_worker_that_was_lost(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")
    rows = pd.DataFrame({"site": ["fine"], "path": ["hyytiala-twin"]})
    [job] = jobs_of(rows, Experiment("", ("gpp",)), bt.Settings())
    tasks = {"fine": packed(job, tmp_path, {"gpp": 100_000})}
    claim = tmp_path / job.folder / CLAIM
    claim.parent.mkdir(parents=True)
    claim.write_text(json.dumps({"host": "elsewhere", "pid": 1}))
    monkeypatch.setattr(executors, "BEAT", 0.1)
    asked = []

    def no_more(_):
        asked.append(claim.exists())
        os.utime(claim, (1.0, 1.0))  # no sign of life since long

    monkeypatch.setattr(executors.time, "sleep", no_more)
    local = distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
    )
    with local, distributed.Client(local) as client:
        [event] = on_dask(tasks, client, 1, pytest.fail)
    assert asked == [True]
    assert event.state == "skipped"


ENDLESS = """
import os, pickle, time
from bayes_tbm.population.batch.executors import in_processes

class Endless:
    def __reduce__(self):
        return exec, ("import os, time; print(os.getpid(), flush=True); time.sleep(600)",)

if __name__ == "__main__":
    list(in_processes({"endless": pickle.dumps(Endless())}, 1, print))
"""


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="reads /proc, which Linux has")
def test_workers_end_with_a_job_that_is_killed(tmp_path):
    script = tmp_path / "endless.py"
    script.write_text(ENDLESS)
    job = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    with job:
        worker = int(job.stdout.readline())
        job.kill()
    for _ in range(100):
        if not Path(f"/proc/{worker}").exists():
            return
        time.sleep(0.1)
    os.kill(worker, signal.SIGKILL)
    pytest.fail("the worker goes on")


SCRIPT = """
import pandas as pd
import bayes_tbm as bt
sites = pd.DataFrame({"site": ["hyytiala-twin"]})
bt.fit_many(sites, ["gpp"], folder="runs", progress=False)
"""


@pytest.mark.slow  # starts workers three times
def test_a_script_that_workers_cannot_read_anew_is_told_what_to_do(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    ended = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert 'call fit_many below `if __name__ == "__main__":`' in ended.stderr.splitlines()[-1]


def test_workers_are_bound_to_cores_only_where_they_fill_the_machine(monkeypatch):
    """Shards of one worker each would all take turns on the first core."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {2, 3, 5, 7}, raising=False)
    assert [executors._cores(count) for count in (1, 3)] == [[None], [None] * 3]
    assert [executors._cores(count) for count in (4, 6)] == [[2, 3, 5, 7], [2, 3, 5, 7, 2, 3]]
    bound = []
    monkeypatch.setattr(os, "sched_setaffinity", lambda *told: bound.append(told), raising=False)
    for core in (None, 5):
        keep_to_a_core(core, threading.Event())
    assert bound == [(0, {5})]
