"""The run folder: everything a run leaves behind, written so that a failure loses nothing."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import arviz as az
import h5netcdf
import numpy as np
import pandas as pd
import xarray as xr

from bayes_tbm.constraint import constraint_table
from bayes_tbm.errors import InputError, WriteError
from bayes_tbm.plots import save_figures
from bayes_tbm.plots.save import FIGURES
from bayes_tbm.report.page import html_page
from bayes_tbm.results import check_convergence, stream_skill
from bayes_tbm.runtime.files import probe, write_whole
from bayes_tbm.runtime.netcdf import KeptLookups, write_netcdf

POSTERIOR = "posterior.nc"
CHECKPOINT = "checkpoint"
EXPERIMENT = "experiment.toml"


def _summary(tree: xr.DataTree) -> pd.DataFrame:
    with np.errstate(invalid="ignore"):  # a constant has no R-hat
        return az.summary(tree, round_to="none")


TABLES: dict[str, Callable[[xr.DataTree], pd.DataFrame]] = {
    "summary.csv": _summary,
    "streams.csv": stream_skill,
    "constraint.csv": constraint_table,
}
PRODUCTS = (POSTERIOR, EXPERIMENT, *TABLES, "figures", "report.html", CHECKPOINT)


def check_folder(
    out: str | Path, *, overwrite: bool = False, resume: bool = False,
    products: Sequence[str] = PRODUCTS,
) -> Path:  # fmt: skip
    """Make sure that a run can be written, before it is computed; nothing is changed.

    Parameters
    ----------
    out
        The folder.
    overwrite
        Whether a run that is there may be replaced.
    resume
        Whether to go on with the run that is there.
    products
        Files that the run would replace.

    Raises
    ------
    InputError
        The folder holds a finished run that is neither replaced nor resumed, or one to resume that
        has no checkpoint; it is a file, or cannot be written.
    """
    if not str(out).strip():
        raise InputError(where="out", rule="must name a folder", found=repr(out))
    path = Path(out)
    here = [name for name in products if (path / name).exists()]
    if here and not (overwrite or resume):
        raise InputError(
            where=str(path), rule="must not hold files that the run would replace",
            found=", ".join(here),
            remedy="choose another folder, add --overwrite to replace it, or --resume to go on "
            "with it",
        )  # fmt: skip
    if resume and POSTERIOR in here and CHECKPOINT not in here:
        raise InputError(
            where=str(path), rule="must hold the checkpoint of the run that is to go on",
            found=f"{POSTERIOR} without {CHECKPOINT}/",
            remedy="choose another folder, or add --overwrite to replace the run",
        )  # fmt: skip
    try:
        probe(next(place for place in (path, *path.absolute().parents) if os.path.lexists(place)))
    except OSError as error:
        raise InputError(
            where=str(path), rule="must be a folder that can be written", found=error
        ) from error
    return path


def refuse_product(path: str | Path) -> None:
    """Refuse to write, as something else, a file that belongs to a run.

    Raises
    ------
    InputError
        It lies in a run folder and has the place of one of `PRODUCTS`.
    """
    whole = Path(path).resolve()
    for folder in whole.parents[:3]:
        name = whole.relative_to(folder).parts[0]
        is_run = (folder / POSTERIOR).exists() or (folder / CHECKPOINT).is_dir()
        if is_run and name.lower() in PRODUCTS:
            raise InputError(
                where=str(path), rule="must not replace what belongs to a run",
                found=f"{name} of the run {folder}", remedy="name another file",
            )  # fmt: skip


def write_run(tree: xr.DataTree, experiment_toml: str, out: str | Path) -> list[Path]:
    """Write a run folder: the posterior first, then what is derived from it.

    Parameters
    ----------
    tree
        Result of `bayes_tbm.Calibration.sample`.
    experiment_toml
        The experiment file that gives this run.
    out
        Folder, see `check_folder`; made if missing.

    Returns
    -------
    list of Path
        ``posterior.nc``, ``experiment.toml``, ``summary.csv``, ``streams.csv``,
        ``constraint.csv``, ``figures/*.png`` and ``report.html``.

    Raises
    ------
    WriteError
        A file cannot be written, as on a full disk; an earlier posterior is there until the new
        one is.
    """
    out = Path(out)
    written = [save_tree(tree, out / POSTERIOR)]
    for stale in (*TABLES, "report.html", *(f"figures/{name}.png" for name in FIGURES)):
        (out / stale).unlink(missing_ok=True)  # nothing of an older run beside this one
    written.append(write_whole(out / EXPERIMENT, experiment_toml))
    tables = {name: make(tree) for name, make in TABLES.items()}
    for name, table in tables.items():
        written.append(write_whole(out / name, table.to_csv()))
    figures = _figures(tree, out / "figures")
    text = html_page(tree, check_convergence(tree), tables, figures, experiment_toml)
    return [*written, *figures, write_whole(out / "report.html", text)]


def _figures(tree: xr.DataTree, folder: Path) -> list[Path]:
    """Figures that could be drawn; one that could not must not cost the run its report."""
    try:
        return save_figures(tree, folder)
    except ExceptionGroup as group:
        unwritten = [error for error in group.exceptions if isinstance(error, WriteError)]
        if unwritten:
            raise unwritten[0] from group
        for error in group.exceptions:
            warnings.warn(f"{'; '.join(error.__notes__)}: {error}", stacklevel=2)
        return [path for name in FIGURES if (path := folder / f"{name}.png").exists()]


def save_tree(tree: xr.DataTree, path: Path) -> Path:
    """Write a result as netCDF; the file appears whole or not at all."""
    encoding = {
        f"/{group}": {
            str(name): {"zlib": True, "complevel": 1}
            for name, variable in node.data_vars.items()
            if variable.size > 10_000
        }
        for group, node in tree.children.items()
    }
    return write_netcdf(path, tree, encoding)


def load_run(folder: str | Path) -> xr.DataTree:
    """Read the posterior of a run folder, or such a file itself.

    Raises
    ------
    InputError
        There is none, or it cannot be read.
    """
    path = _posterior_of(folder)
    try:
        with KeptLookups(path) as file:
            tree = xr.open_datatree(file, engine="h5netcdf").load()
    except Exception as error:  # HDF5 raises what the torn place makes it raise
        raise _no_run(path, error) from error
    if not {"posterior", "sample_stats", "simulation"} <= set(tree.children):
        raise _no_run(path, f"groups {', '.join(tree.children) or 'none'}")
    try:
        stored_experiment(tree)
    except (KeyError, TypeError, ValueError) as error:
        raise _no_run(path, f"no record of the experiment ({error})") from error
    return tree


def asked_and_made(folder: str | Path) -> tuple[int, int]:
    """Return draws a chain that a run was asked for and that it made; none of them is read.

    Raises
    ------
    InputError
        There is no posterior, or it cannot be read.
    """
    path = _posterior_of(folder)
    try:
        with h5netcdf.File(path, "r") as file:
            asked = json.loads(file.attrs["experiment"])["sampling"]["draws"]
            return int(asked), int(file["posterior"].dimensions["draw"].size)
    except Exception as error:  # HDF5 raises what the torn place makes it raise
        raise _no_run(path, error) from error


def _posterior_of(folder: str | Path) -> Path:
    path = Path(folder)
    path = path / POSTERIOR if path.is_dir() else path
    if not path.is_file():
        raise InputError(
            where=str(folder), rule=f"must be a run folder with {POSTERIOR}, or such a file",
            found="none there", remedy="give the folder that `bayes-tbm fit --out` wrote",
        )  # fmt: skip
    return path


def stored_experiment(tree: xr.DataTree) -> dict[str, Any]:
    """Return the resolved experiment that a result was made by."""
    return dict(json.loads(tree.attrs["experiment"]))


def _no_run(path: Path, found: object) -> InputError:
    remedy = "give the folder that `bayes-tbm fit --out` wrote"
    if path.name == POSTERIOR and (path.parent / CHECKPOINT).exists():
        remedy = (
            "remove this file and repeat the command that wrote it, with --resume where it is "
            f"`fit`: {CHECKPOINT}/ holds what it is made of"
        )
    return InputError(
        where=str(path), rule="must be a netCDF file of a run", found=found, remedy=remedy
    )
