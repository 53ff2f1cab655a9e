"""The benchmarks still run: they are no part of the package, and nobody runs all of them daily."""

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"
SCRIPTS = sorted(path.name for path in FOLDER.glob("[!_]*.py"))


def ran(*command, timeout=300):
    return subprocess.run(
        [sys.executable, str(FOLDER / command[0]), *command[1:]],
        capture_output=True, text=True, check=False, timeout=timeout,
    )  # fmt: skip


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_teaches_without_running_anything(script):
    result = ran(script, "--help")

    assert result.returncode == 0, result.stderr
    assert "usage:" in result.stdout


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
