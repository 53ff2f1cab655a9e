"""A tiny comparison of stream sets, made once from the command line for all workers."""

import contextlib
import dataclasses
import fcntl
import functools
import io
import json
import os
from pathlib import Path

import pytest
import xarray as xr

from bayes_tbm import cli, studies
from bayes_tbm.experiment import Experiment
from bayes_tbm.report import load_run

# Far too short to converge: these tests look at tables and figures, not at numbers of the fits.
SAMPLING = """
[sampling]
chains = 2
warmup = 20
draws = 20
starts = 1
extensions = 0
max_tree_depth = 3
"""
CURVE = """
[growth_curve]
unit = "Mg ha-1"
points = {age = [20, 60, 120], biomass = [40, 110, 150], sd = [15, 15, 15]}
"""
SETS = {"flux": ("gpp", "lai"), "with curve": ("gpp", "lai", "growth_curve")}
STUDY = f"""
site = "hyytiala-twin"
[sets]
{"\n".join(f"{json.dumps(name)} = {json.dumps(streams)}" for name, streams in SETS.items())}
{CURVE}{SAMPLING}"""
PRIOR_DRAWS = 200

compare = functools.partial(studies.compare, prior_draws=PRIOR_DRAWS)


@dataclasses.dataclass(frozen=True)
class Study:
    """A finished comparison: its folder, and what the command line returned and printed."""

    folder: Path
    status: int
    out: str
    err: str

    @property
    def experiment(self) -> Path:
        """The experiment file."""
        return self.folder.with_suffix(".toml")

    def posteriors(self) -> dict[str, xr.DataTree]:
        """Return the fits in the folder, by name of the set."""
        found = {name: self.folder.glob(f"fits/{name.replace(' ', '-')}-*") for name in SETS}
        return {name: load_run(next(folders)) for name, folders in found.items()}

    def comparison(self) -> studies.Comparison:
        """Return the comparison from the fits in the folder."""
        experiment = Experiment.from_toml(self.experiment)
        calibrations = experiment.set_calibrations()
        return compare(calibrations, experiment.settings(), folder=self.folder, progress=False)


def tiny_study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Run ``bayes-tbm compare``, unless another worker did."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    folder, told = root / "tiny_study", root / "tiny_study.json"
    with (root / "tiny_study.lock").open("w") as lock, pytest.MonkeyPatch.context() as patch:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not told.exists():
            folder.with_suffix(".toml").write_text(STUDY)
            patch.setattr(studies, "compare", compare)
            out, err = io.StringIO(), io.StringIO()
            argv = ["compare", str(folder.with_suffix(".toml")), "--out", str(folder), "--quiet"]
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                status = cli.main(argv)
            told.write_text(json.dumps([status, out.getvalue(), err.getvalue()]))
    return Study(folder, *json.loads(told.read_text()))
