"""The journal and the claims: what a kill at any moment leaves can be read, and taken over."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bayes_tbm.population.batch import claims, journal
from bayes_tbm.population.batch.claims import CLAIM, claimed, is_stale
from bayes_tbm.population.batch.journal import Event


def event(site, state="done", **more):
    return Event(site, "key", f"fits/{site}-key", state, **more)


def test_the_last_word_on_a_site_counts(tmp_path):
    for state in ("running", "failed", "running", "done"):
        journal.write(tmp_path, event("A", state))
    journal.write(tmp_path, event("B", "running"))
    assert {s: e.state for s, e in journal.read(tmp_path).items()} == {"A": "done", "B": "running"}
    assert journal.read(tmp_path / "nothing") == {}


@pytest.mark.parametrize("length", [1, 20, 60])
def test_a_torn_line_costs_itself_alone(tmp_path, length):
    journal.write(tmp_path, event("A"))
    path = tmp_path / journal.EVENTS
    line = path.read_text()
    path.write_text(line + line[:length])  # killed in the middle of a line
    assert set(journal.read(tmp_path)) == {"A"}
    journal.write(tmp_path, event("B", reason="why \u2014 not"))
    said = journal.read(tmp_path)
    assert (set(said), said["B"].reason) == ({"A", "B"}, "why \u2014 not")


def test_what_a_later_version_adds_is_left_aside(tmp_path):
    journal.write(tmp_path, event("A"))
    path = tmp_path / journal.EVENTS
    path.write_text(json.dumps(json.loads(path.read_text()) | {"new": 1}) + "\n")
    assert journal.read(tmp_path)["A"].state == "done"


def _write_many(folder, site):
    for number in range(200):
        journal.write(folder, event(f"{site}{number}", reason="x" * 300))


def test_processes_that_write_side_by_side_lose_nothing(tmp_path):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_many, args=(tmp_path, site)) for site in "AB"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(journal.read(tmp_path)) == 400


def test_a_fit_is_claimed_by_one_and_given_back(tmp_path):
    with claimed(tmp_path / "fit") as ours:
        assert ours
        assert not is_stale(tmp_path / "fit" / CLAIM)
        with claimed(tmp_path / "fit") as theirs:
            assert not theirs
    with claimed(tmp_path / "fit") as again:
        assert again


def _claimant(folder: Path) -> subprocess.Popen:
    code = (
        "import sys, time; from pathlib import Path\n"
        "from bayes_tbm.population.batch.claims import claimed\n"
        "with claimed(Path(sys.argv[1])) as ours:\n    print(ours, flush=True); time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE)
    assert child.stdout.readline() == b"True\n"
    return child


def test_the_claim_of_a_process_that_was_killed_is_taken_over_at_once(tmp_path):
    child = _claimant(tmp_path)
    with claimed(tmp_path) as ours:
        assert not ours
    child.send_signal(signal.SIGKILL)
    child.wait()
    with claimed(tmp_path) as ours:
        assert ours
    child.stdout.close()


@pytest.mark.parametrize(("age", "stale"), [(100.0, False), (200.0, True)])
def test_a_claim_of_another_machine_lives_while_it_gives_signs(tmp_path, age, stale):
    path = tmp_path / CLAIM
    path.write_text(json.dumps({"host": "elsewhere", "pid": 1}))
    then = time.time() - age
    os.utime(path, (then, then))
    assert is_stale(path) is stale


def test_signs_of_life_are_given(tmp_path, monkeypatch):
    monkeypatch.setattr(claims, "BEAT", 0.05)
    with claimed(tmp_path):
        os.utime(tmp_path / CLAIM, (1.0, 1.0))
        for _ in range(100):
            if (tmp_path / CLAIM).stat().st_mtime > 2.0:
                break
            time.sleep(0.05)
        assert (tmp_path / CLAIM).stat().st_mtime > 2.0


def stale_claim(folder, host="elsewhere"):
    path = folder / CLAIM
    path.write_text(json.dumps({"host": host, "pid": 1}))
    os.utime(path, (1.0, 1.0))
    return path


@pytest.mark.parametrize("has_links", [True, False])
def test_a_stale_claim_is_taken_over_by_one_of_two_that_found_it_so(
    tmp_path, monkeypatch, has_links
):
    if not has_links:
        monkeypatch.setattr(os, "link", lambda *_: os.stat("/no/such"))
    path = stale_claim(tmp_path)
    assert claims._take_over(path, "one")
    made = path.read_text()
    assert not claims._take_over(path, "other")  # which had looked before it was taken over
    assert path.read_text() == made
    assert [each.name for each in tmp_path.iterdir()] == [CLAIM]


def test_a_claim_that_was_taken_over_is_left_to_who_has_it(tmp_path):
    with claimed(tmp_path) as ours:
        assert ours
        stale_claim(tmp_path)  # this process gave no sign of life for long
        with claimed(tmp_path) as theirs:
            assert theirs
        assert not (tmp_path / CLAIM).exists()
        path = stale_claim(tmp_path)
    assert path.exists()
