"""What pyproject.toml declares, what `make lowest` installs and what CI pins belong together."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def pins(name):
    """Versions by name of a file of requirements."""
    lines = (ROOT / "requirements" / name).read_text(encoding="utf-8").splitlines()
    named = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {normal(name): version for name, version in named}


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def bounds(requirements):
    """Lowest versions by name."""
    found = (re.match(r"([\w.-]+)(?:\[.*\])?(?:>=([\w.]+))?", each) for each in requirements)
    return {normal(each[1]): each[2] for each in found}


def test_lowest_versions_are_those_declared():
    declared = bounds(PROJECT["dependencies"])
    assert all(declared.values()), "every dependency states the lowest version it works with"
    assert pins("lowest.txt") == declared | {"jaxlib": declared["jax"]}


@pytest.mark.parametrize("group", ["dependencies", "docs", "notebooks", "test", "dev"])
def test_ci_pins_what_is_declared(group):
    own = PROJECT["dependencies"]
    declared = bounds(own if group == "dependencies" else PROJECT["optional-dependencies"][group])
    pinned = pins("ci.txt")
    assert declared.keys() - {"bayes-tbm"} <= pinned.keys()
