"""The run folder: everything a run leaves behind, written so that a failure loses nothing."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr

from bayes_tbm.constraint import constraint_table
from bayes_tbm.errors import InputError
from bayes_tbm.plots import save_figures
from bayes_tbm.plots.save import FIGURES
from bayes_tbm.report.page import html_page
from bayes_tbm.results import check_convergence, stream_skill

POSTERIOR = "posterior.nc"
CHECKPOINT = "checkpoint"


def _summary(tree: xr.DataTree) -> pd.DataFrame:
    with np.errstate(invalid="ignore"):  # a constant has no R-hat
        return az.summary(tree, round_to="none")


TABLES: dict[str, Callable[[xr.DataTree], pd.DataFrame]] = {
    "summary.csv": _summary,
    "streams.csv": stream_skill,
    "constraint.csv": constraint_table,
}
PRODUCTS = (POSTERIOR, "experiment.toml", *TABLES, "figures", "report.html", CHECKPOINT)


def prepare_folder(out: str | Path, *, overwrite: bool = False, resume: bool = False) -> Path:
    """Make sure that a run can be written, before it is computed.

    Parameters
    ----------
    out
        The folder.
    overwrite
        Whether a run that is there may be replaced; its checkpoint goes at once.
    resume
        Whether to go on with the run that is there.

    Raises
    ------
    InputError
        The folder holds a finished run, is a file, or cannot be written.
    """
    path = Path(out)
    there = [name for name in PRODUCTS if (path / name).exists()]
    if there and not (overwrite or resume):
        raise InputError(
            where=str(path), rule="must not hold files that the run would replace",
            found=", ".join(there),
            remedy="choose another folder, add --overwrite to replace it, or --resume to go on "
            "with it",
        )  # fmt: skip
    if overwrite and not resume:
        shutil.rmtree(path / CHECKPOINT, ignore_errors=True)
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(
            where=str(path), rule="must be a folder that can be written", found=error
        ) from error
    return path


def write_run(tree: xr.DataTree, experiment_toml: str, out: str | Path) -> list[Path]:
    """Write a run folder: the posterior first, then what is derived from it.

    Parameters
    ----------
    tree
        Result of `bayes_tbm.Calibration.sample`.
    experiment_toml
        The experiment file that gives this run.
    out
        Folder, see `prepare_folder`.

    Returns
    -------
    list of Path
        ``posterior.nc``, ``experiment.toml``, ``summary.csv``, ``streams.csv``,
        ``constraint.csv``, ``figures/*.png`` and ``report.html``.
    """
    out = Path(out)
    for stale in (*TABLES, "report.html", *(f"figures/{name}.png" for name in FIGURES)):
        (out / stale).unlink(missing_ok=True)  # nothing of an older run beside this one
    written = [save_tree(tree, out / POSTERIOR), out / "experiment.toml"]
    written[-1].write_text(experiment_toml, encoding="utf-8")
    tables = {}
    for name, make in TABLES.items():
        tables[name] = make(tree)
        tables[name].to_csv(out / name)
        written.append(out / name)
    figures = _figures(tree, out / "figures")
    page = out / "report.html"
    text = html_page(tree, check_convergence(tree), tables, figures, experiment_toml)
    page.write_text(text, encoding="utf-8")
    return [*written, *figures, page]


def _figures(tree: xr.DataTree, folder: Path) -> list[Path]:
    """Figures that could be drawn; one that could not must not cost the run its report."""
    try:
        return save_figures(tree, folder)
    except ExceptionGroup as group:
        for error in group.exceptions:
            warnings.warn(f"{'; '.join(error.__notes__)}: {error}", stacklevel=2)
        return sorted(folder.glob("*.png"))


def save_tree(tree: xr.DataTree, path: Path) -> Path:
    """Write a result as netCDF; the file appears whole or not at all."""
    part = path.with_suffix(".part")
    encoding = {
        f"/{group}": {
            str(name): {"zlib": True, "complevel": 1}
            for name, variable in node.data_vars.items()
            if variable.size > 10_000
        }
        for group, node in tree.children.items()
    }
    tree.to_netcdf(part, engine="h5netcdf", encoding=encoding)
    part.replace(path)
    return path


def load_run(folder: str | Path) -> xr.DataTree:
    """Read the posterior of a run folder, or such a file itself.

    Raises
    ------
    InputError
        There is none, or it cannot be read.
    """
    path = Path(folder)
    path = path / POSTERIOR if path.is_dir() else path
    if not path.is_file():
        raise InputError(
            where=str(folder), rule=f"must be a run folder with {POSTERIOR}, or such a file",
            found="none there", remedy="give the folder that `bayes-tbm fit --out` wrote",
        )  # fmt: skip
    try:
        tree = xr.load_datatree(path, engine="h5netcdf")
    except (OSError, ValueError) as error:
        raise InputError(
            where=str(path), rule="must be a netCDF file of a run", found=error
        ) from error
    if not {"posterior", "sample_stats", "simulation"} <= set(tree.children):
        raise InputError(
            where=str(path), rule="must be a netCDF file of a run",
            found=f"groups {', '.join(tree.children) or 'none'}",
        )  # fmt: skip
    return tree
