"""What came out of many fits: a manifest, a summary, the draws that a population needs, a map."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr

from bayes_tbm.errors import WriteError
from bayes_tbm.plots.population_map import plot_map
from bayes_tbm.plots.save import save_png
from bayes_tbm.population.batch import journal
from bayes_tbm.population.batch.claims import CLAIM, is_stale
from bayes_tbm.population.batch.jobs import Job
from bayes_tbm.population.batch.journal import Event
from bayes_tbm.population.batch.work import as_interrupted
from bayes_tbm.report.folder import load_run, stored_experiment
from bayes_tbm.results.groups import group
from bayes_tbm.runtime.files import write_whole

MANIFEST, SUMMARY, FAILURES, DRAWS = "manifest.csv", "summary.csv", "failures.csv", "draws.zarr"
SHARED = ("wood_residence_time", "allocation_wood")
"""Quantities that a population shares."""
TARGETS = (
    "carbon_use_efficiency", "gpp_annual", "npp_annual", "root_residence_time",
    "som_residence_time", "initial_wood", "mature_biomass",
)  # fmt: skip
_QUANTILES = {"q05": 0.05, "median": 0.5, "q95": 0.95}
_DRAWS = 2000  # of each site at most
_CHUNK = 64  # sites
_COLUMNS = ("state", "reason", "attempt", "seconds", "rhat", "ess", "divergences", "memory",
            "folder")  # fmt: skip


def table_of(jobs: Sequence[Job], folder: Path) -> pd.DataFrame:
    """Return a row for each site: what happened to it, and its covariates."""
    said = journal.read(folder)
    rows = {}
    for job in jobs:
        event = said.get(job.name)
        known = (event.climate if event else None) or {}  # a table's own columns come first
        rows[job.name] = _row(event, folder) | known | dict(job.covariates)
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("site")
    return table[[*_COLUMNS, *(c for c in table if c not in _COLUMNS)]]


def states(folder: Path) -> pd.DataFrame:
    """Return the same from the folder alone, as far as it was begun: for a look from outside."""
    rows = {site: _row(event, folder) for site, event in journal.read(folder).items()}
    kept = folder / MANIFEST
    known = pd.read_csv(kept, index_col="site", dtype={"site": str}) if kept.is_file() else None
    table = pd.DataFrame.from_dict(rows, orient="index", columns=list(_COLUMNS))
    if known is not None:
        for site in known.index.difference(table.index):
            table.loc[site, "state"] = journal.PENDING
    return table.rename_axis("site")


def _row(event: Event | None, folder: Path) -> dict[str, Any]:
    if event is None:
        return {name: None for name in _COLUMNS} | {"state": journal.PENDING}
    if event.state == journal.RUNNING and is_stale(folder / event.folder / CLAIM):
        event = as_interrupted(event)
    return {name: getattr(event, name) for name in _COLUMNS}


def collect(jobs: Sequence[Job], folder: Path) -> list[Path]:
    """Write what follows from the fits of a folder; what is there is replaced.

    Parameters
    ----------
    jobs
        Of the batch.
    folder
        That holds it.

    Returns
    -------
    list of Path
        ``manifest.csv``, ``failures.csv`` and, where any site is fitted, ``summary.csv``,
        ``draws.zarr`` and ``map.png``.

    Raises
    ------
    WriteError
        A file cannot be written.
    """
    table = table_of(jobs, folder)
    written = [write_whole(folder / MANIFEST, table.to_csv())]
    bad = table[~table["state"].eq(journal.DONE)][["state", "reason", "folder"]]
    written.append(write_whole(folder / FAILURES, bad.to_csv()))
    fitted = table[table["state"].isin(journal.FITTED)]
    if not len(fitted):
        return written
    summaries, rows = [], []
    for site, where in fitted["folder"].items():
        tree = load_run(folder / str(where))
        posterior = group(tree, "posterior")
        summaries.append(_summary(str(site), posterior))
        rows.append(_draws(tree, posterior))
    written.append(write_whole(folder / SUMMARY, pd.concat(summaries).to_csv(index=False)))
    sites = [str(site) for site in fitted.index]
    written.append(_save_draws(rows, sites, fitted["state"].to_numpy(), folder))
    if {"latitude", "longitude"} <= set(table.columns):
        figure = plot_map(table, _medians(summaries, SHARED[0]), "wood residence time, yr")
        written.append(save_png(figure, folder / "map.png"))
    return written


def _summary(site: str, posterior: xr.Dataset) -> pd.DataFrame:
    """Quantiles of every scalar quantity of a site."""
    names = [str(n) for n, x in posterior.data_vars.items() if x.dims == ("chain", "draw")]
    values = np.stack([posterior[name].values.ravel() for name in names])
    levels = np.quantile(values, list(_QUANTILES.values()), axis=1)
    columns = {"site": site, "quantity": names, "mean": values.mean(1), "sd": values.std(1)}
    return pd.DataFrame({**columns, **dict(zip(_QUANTILES, levels, strict=True))})


def _medians(summaries: Sequence[pd.DataFrame], quantity: str) -> dict[str, float]:
    rows = pd.concat(summaries)
    rows = rows[rows["quantity"].eq(quantity)]
    return dict(zip(rows["site"], rows["median"], strict=True))


def _draws(tree: xr.DataTree, posterior: xr.Dataset) -> xr.Dataset:
    """Draws of what a population shares and of some targets, (draw,), spread evenly over chains."""
    names = [name for name in (*SHARED, *TARGETS) if name in posterior]
    flat = posterior[names].stack(sample=("chain", "draw"))
    count = flat.sizes["sample"]
    chosen = np.unique(np.linspace(0, count - 1, min(_DRAWS, count)).round().astype(int))
    shared = [name for name in SHARED if name in posterior]
    ess = az.ess(posterior[shared]) if shared else xr.Dataset()
    out = xr.Dataset({n: ("draw", flat[n].values[chosen].astype("float32")) for n in names})
    out["index"] = "draw", chosen.astype("int32"), {"long_name": "place among chain times draw"}
    least = min((float(ess[name]) for name in shared), default=np.nan)
    out["effective"] = (), min(least, float(len(chosen)))
    priors = stored_experiment(tree)["priors"]
    out["priors"] = (), json.dumps({name: priors[name] for name in shared})
    return out


def _save_draws(rows: Sequence[xr.Dataset], sites: Sequence[str], state: Any, folder: Path) -> Path:
    whole = xr.concat(rows, pd.Index(sites, name="site"), join="outer", fill_value=np.nan)
    whole["state"] = "site", state.astype(str)
    for name in ("priors", "state"):
        whole[name] = whole[name].astype(str)
    chunks = {n: (_CHUNK, whole.sizes["draw"]) for n, x in whole.items() if x.ndim == 2}
    encoding = {n: {"chunks": (min(a, len(sites)), b)} for n, (a, b) in chunks.items()}
    path, beside = folder / DRAWS, folder / f"{DRAWS}.partial"
    try:
        shutil.rmtree(beside, ignore_errors=True)
        whole.to_zarr(beside, mode="w", encoding=encoding, zarr_format=2, consolidated=True)
        shutil.rmtree(path, ignore_errors=True)
        beside.rename(path)
    except OSError as error:
        raise WriteError(f"{path}: could not be written; found {error}") from error
    return path
