"""The benchmarks still run: they are no part of the package, and nobody runs all of them daily."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"
SCRIPTS = sorted(path.name for path in FOLDER.glob("[!_]*.py"))

# Asks each script for help as a process of its own would, but imports the libraries once for all.
HELPS = """
import contextlib, io, json, runpy, sys, traceback
found = {}
sys.path.insert(0, sys.argv[1])
for script in sys.argv[2:]:
    out, status = io.StringIO(), None
    sys.argv = [script, "--help"]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            runpy.run_path(f"{sys.path[0]}/{script}", run_name="__main__")
        except SystemExit as end:
            status = end.code or 0
        except BaseException:
            traceback.print_exc()
    found[script] = status, out.getvalue()
print(json.dumps(found))
"""


def ran(*command, timeout=300):
    return subprocess.run(
        [sys.executable, str(FOLDER / command[0]), *command[1:]],
        capture_output=True, text=True, check=False, timeout=timeout,
    )  # fmt: skip


@pytest.fixture(scope="module")
def helps():
    """Exit status and output of each script that is asked for help."""
    command = [sys.executable, "-c", HELPS, str(FOLDER), *SCRIPTS]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    return json.loads(done.stdout)


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_teaches_without_running_anything(script, helps):
    status, text = helps[script]
    assert status == 0, text
    assert "usage:" in text


@pytest.mark.slow
def test_gradients_of_both_paths_agree_and_are_timed():
    result = ran(
        "gradient.py", "--cases", "monthly", "--monthly-site", "hyytiala-twin",
        "--precisions", "float64", "--batches", "2", "--seconds", "0.1",
    )  # fmt: skip

    assert result.returncode == 0, result.stderr
    assert "float64 |      2 |" in result.stdout


@pytest.mark.slow
def test_the_short_calibration_check_finds_nothing_outside(tmp_path):
    options = "--replicates", "20", "--years", "3", "--planted"
    result = ran("calibration_check.py", "--out", str(tmp_path), *options, timeout=1200)

    assert result.returncode == 0, result.stderr
    assert "outside the envelope: 0 of 68 quantities" in result.stdout.splitlines()[-1]


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["numpyro", "blackjax-flow"])
def test_the_peers_problem_is_sampled(sampler, shared_data, monkeypatch):
    monkeypatch.setenv("BAYES_TBM_DATA", str(shared_data))
    short = "--chains", "2", "--warmup", "30", "--draws", "20", "--starts", "2"
    result = ran("peer_problem.py", "--sampler", sampler, *short)

    assert result.returncode == 0, result.stderr
    assert "effective draws a second a core" in result.stdout.splitlines()[-1]


@pytest.mark.slow
def test_a_batch_under_fire_ends_like_one_in_peace(tmp_path):
    result = ran("kill_many.py", "--out", str(tmp_path / "killed"), "--kills", "1", "--sites", "3")

    assert result.returncode == 0, result.stdout + result.stderr
    assert "the same draws and every site ended once: True" in result.stdout
