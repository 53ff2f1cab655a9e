"""Fixtures and hypothesis settings of the test suite."""

import contextlib
import dataclasses
import fcntl
import io
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from bayes_tbm import cli
from bayes_tbm.calibration import Calibration
from bayes_tbm.catalogue import open_site
from bayes_tbm.model import Drivers
from bayes_tbm.report import load_run

REPOSITORY = Path(__file__).resolve().parents[1]

# No deadline: the first example pays for compilation. Derandomised: a run can be repeated.
hypothesis.settings.register_profile("repeatable", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("repeatable")


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that reads real data, so that nobody has to remember to."""
    for item in items:
        if "shared_data" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.real_data)


def _folder_or_skip(variable: str, beside: str) -> Path:
    """Return the folder that an environment variable names, or the one beside the checkout."""
    if named := os.environ.get(variable):
        path = Path(named)
        if not path.is_dir():
            pytest.fail(f"{variable} names {path}, which is not a folder", pytrace=False)
        return path
    path = REPOSITORY.parent / beside
    if not path.is_dir():
        pytest.skip(f"no folder ../{beside} beside the checkout and {variable} is not set")
    return path


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real site data: $BAYES_TBM_DATA, else ../shared/data; or skips."""
    return _folder_or_skip("BAYES_TBM_DATA", "shared/data")


@pytest.fixture(scope="session")
def shared_reference() -> Path:
    """Folder of reference runs: $BAYES_TBM_REFERENCE, else ../shared/reference; or skips."""
    return _folder_or_skip("BAYES_TBM_REFERENCE", "shared/reference")


@pytest.fixture(scope="session")
def make_weather() -> Callable[..., Drivers]:
    """Build made-up boreal weather, daily or monthly, with a dry spell and, if asked, fires."""

    def build(steps: int, *, daily: bool = True, fire: bool = False, **changes: Any) -> Drivers:
        rng = np.random.default_rng(11)
        length = 1.0 if daily else 30.4375
        days = (np.arange(steps) + 0.5) * length
        summer = np.sin(2 * np.pi * (days - 100.0) / 365.25)
        wet = (rng.random(steps) < 0.4) & ((days < 180) | (days > 215))
        showers = np.where(wet, rng.exponential(4.0, steps), 0.0)
        warmth = 3.0 + 13.0 * summer + rng.normal(0.0, 2.0, steps)
        columns = {
            "days": days,
            "t_min": warmth - rng.uniform(1, 6, steps),
            "t_max": warmth + rng.uniform(1, 6, steps),
            "shortwave": (9.5 + 9.0 * summer) * rng.uniform(0.3, 1.0, steps),
            "co2": np.full(steps, 390.0),
            "day_of_year": np.floor(days % 365.25) + 1,
            "burned_fraction": np.where(np.arange(steps) % 17 == 5, 0.1, 0.0) * fire,
            "vpd": np.clip(4.0 + 3.5 * summer + rng.normal(0, 1, steps), 0.0, None),
            "precipitation": showers if daily else rng.gamma(3.0, 0.6, steps),
            "step_length": np.full(steps, length),
            "latitude": 62.0,
            "reference_temperature": 3.0,
            "reference_precipitation": 1.7,
        }
        # By way of numpy: a Python number would give a weak type, and a compilation of its own.
        arrays = {n: jnp.asarray(np.asarray(v, float)) for n, v in {**columns, **changes}.items()}
        return Drivers(**arrays, fire=fire, daily=daily)

    return build


STREAMS = ("gpp", "nee", "et", "lai", "wood", "som")
# Too short to converge, long enough to be used: about 20 effective draws of the slowest parameter.
SHORT_EXPERIMENT = f"""
site = "hyytiala-twin"
streams = {json.dumps(STREAMS)}
[sampling]
starts = 3
chains = 2
warmup = 90
draws = 100
seed = 1
"""
# A file and options that win over it: in place of an old run, of the fewest draws that are taken.
OVERRIDDEN = """
site = "hyytiala-twin"
streams = ["gpp", "nee"]
start = "2007"
end = "2008"
[uncertainty]
gpp = 0.5
lai = 0.6
[sampling]
seed = 1
draws = 77
starts = 1
extensions = 0
"""
OPTIONS = (
    "--streams", f" {', '.join(STREAMS)} ", "--start", "2006", "--end", "2015",
    "--uncertainty", "lai=0.4", "--seed", "9", "--chains", "1", "--warmup", "23",
    "--draws", "4", "--overwrite",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class ShortRun:
    """A finished run: its folder, and what the command line returned and printed."""

    folder: Path
    status: int
    out: str
    err: str


def _fitted(root: Path, name: str, experiment: str, *options: str) -> ShortRun:
    """Fit the embedded monthly site from the command line."""
    folder, path = root / name, (root / name).with_suffix(".toml")
    path.write_text(experiment)
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = cli.main(["fit", str(path), *options, "--out", str(folder), "--quiet"])
    return ShortRun(folder, status, out.getvalue(), err.getvalue())


@pytest.fixture(scope="session")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ShortRun]:
    """Two runs of posteriors of one form, which is compiled but once: by one of the workers."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    told = root / "fitted.json"
    with (root / "fitted.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not told.exists():
            short = _fitted(root, "short run", SHORT_EXPERIMENT)
            (root / "with options").mkdir()
            (root / "with options" / "posterior.nc").write_text("old")
            other = _fitted(root, "with options", OVERRIDDEN, *OPTIONS)
            runs = {"short": short, "with options": other}
            kept = {name: dataclasses.asdict(run) for name, run in runs.items()}
            told.write_text(json.dumps(kept, default=str))
    kept = json.loads(told.read_text())
    return {
        name: dataclasses.replace(ShortRun(**run), folder=Path(run["folder"]))
        for name, run in kept.items()
    }


@pytest.fixture(scope="session")
def short_run(fitted: dict[str, ShortRun]) -> ShortRun:
    """Fit of `SHORT_EXPERIMENT`."""
    return fitted["short"]


@pytest.fixture(scope="session")
def short_tree(short_run: ShortRun) -> xr.DataTree:
    """Result of `short_run`; not to be changed."""
    return load_run(short_run.folder)


@pytest.fixture
def compiled() -> Iterator[list[str]]:
    """Names of functions that were compiled since the test began."""
    names: list[str] = []

    def note(event: str, _: float, **about: Any) -> None:
        if "compile" in event:
            names.append(about.get("fun_name", ""))

    jax.monitoring.register_event_duration_secs_listener(note)
    yield names
    jax.monitoring.unregister_event_duration_listener(note)


@pytest.fixture(scope="session")
def calibration() -> Calibration:
    """The posterior that `short_run` samples."""
    return Calibration(open_site("hyytiala-twin"), STREAMS)


@pytest.fixture(scope="session")
def value_and_grad(calibration: Calibration) -> Callable[..., Any]:
    """Log density of `calibration` with its gradient, compiled."""
    return jax.jit(jax.value_and_grad(calibration.density))
