"""Sites that are quick to fit: windows of the embedded one, under few transitions."""

import functools
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import bayes_tbm as bt
from bayes_tbm.population.batch import work

SHORT = {
    "chains": 2, "warmup": 21, "draws": 12, "starts": 1, "extensions": 0, "max_tree_depth": 3,
}  # fmt: skip
ENDS = {"first": "2008", "second": "2011", "third": "2014"}


def write_manifest(folder: Path) -> Path:
    """Write a table of three sites of one length, two of them the same but for their data."""
    rows = [
        {"site": name, "path": "hyytiala-twin", "start": str(int(end) - 2), "end": end,
         "latitude": 61.8, "longitude": 24.3 + n, "coldest": -8.0 - n}
        for n, (name, end) in enumerate(ENDS.items())
    ]  # fmt: skip
    path = folder / "sites.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def fit_sites(manifest: Path, **options: Any) -> bt.ManyFits:
    """Fit the sites of a table, in turn, in a folder beside it."""
    given = {
        "sites": manifest, "streams": ("gpp", "lai"), "folder": manifest.parent / "runs",
        "executor": "serial", "progress": False, **SHORT, **options,
    }  # fmt: skip
    return bt.fit_many(**given)


@pytest.fixture(autouse=True)
def as_in_a_process_of_its_own() -> None:
    """Compare memory with that of this batch: other tests' would have each fit forget its code."""
    work._after_the_first.cache_clear()


@pytest.fixture(autouse=True)
def few_draws_of_the_prior(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw less of the prior, half of what a fit as short as these takes; nobody looks at it."""
    monkeypatch.setattr("bayes_tbm.calibration._PRIOR_DRAWS", 100)


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """Return such a table."""
    return write_manifest(tmp_path)


@pytest.fixture
def fit(manifest: Path) -> Callable[..., bt.ManyFits]:
    """Fit its sites."""
    return functools.partial(fit_sites, manifest)


@pytest.fixture(scope="module")
def first_fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a batch of which the first site is done; to be copied, not changed."""
    return fit_sites(write_manifest(tmp_path_factory.mktemp("first")), shard=(1, 3)).folder


@pytest.fixture
def begun(fit: Callable[..., bt.ManyFits], first_fitted: Path, tmp_path: Path) -> bt.ManyFits:
    """Return such a batch of one's own, in the place where `fit` goes on with it."""
    shutil.copytree(first_fitted, tmp_path / "runs")
    return fit(shard=(1, 3))
