"""Sites that are quick to fit: windows of the embedded one, under few transitions."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import bayes_tbm as bt

SHORT = {
    "chains": 2, "warmup": 21, "draws": 12, "starts": 1, "extensions": 0, "max_tree_depth": 3,
}  # fmt: skip
ENDS = {"first": "2008", "second": "2011", "third": "2014"}


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """Return a table of three sites of one length, two of them the same but for their data."""
    rows = [
        {"site": name, "path": "hyytiala-twin", "start": str(int(end) - 2), "end": end,
         "latitude": 61.8, "longitude": 24.3 + n, "coldest": -8.0 - n}
        for n, (name, end) in enumerate(ENDS.items())
    ]  # fmt: skip
    path = tmp_path / "sites.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


@pytest.fixture
def fit(manifest: Path, tmp_path: Path) -> Callable[..., bt.ManyFits]:
    """Fit the sites of the table, in turn."""

    def run(**options: Any) -> bt.ManyFits:
        given = {
            "sites": manifest, "streams": ("gpp", "lai"), "folder": tmp_path / "runs",
            "executor": "serial", "progress": False, **SHORT, **options,
        }  # fmt: skip
        return bt.fit_many(**given)

    return run
