"""What came out of many fits: a manifest, a summary, the draws that a population needs, a map."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayes_tbm.errors import InputError, WriteError
from bayes_tbm.plots.population_map import plot_map
from bayes_tbm.plots.save import save_png
from bayes_tbm.population.batch import journal
from bayes_tbm.population.batch.claims import CLAIM, is_stale
from bayes_tbm.population.batch.columns import STATE_COLUMNS
from bayes_tbm.population.batch.jobs import Job
from bayes_tbm.population.batch.journal import Event
from bayes_tbm.population.batch.kept import SHARED, has_posterior, read_kept
from bayes_tbm.runtime.files import partial, remove_folder, replace_folder, write_whole

MANIFEST, SUMMARY, FAILURES, DRAWS = "manifest.csv", "summary.csv", "failures.csv", "draws.zarr"
_MAP = "map.png"
_CHUNK = 64  # sites
_NO_DRAW = -1  # place of a draw that a site has not
WRITTEN = (MANIFEST, SUMMARY, FAILURES, DRAWS)
"""What a batch writes into its folder, and writes anew."""


def table_of(jobs: Sequence[Job], folder: Path) -> pd.DataFrame:
    """Return a row for each site: what happened to it, and its covariates.

    What happened to another fit of the site, as before its row was changed, is not told. A cell of
    the table that is empty stays so: another product's climate would stand among its column's.
    """
    said = journal.read(folder)
    stated = {name for job in jobs for name in job.covariates}
    rows = {}
    for job in jobs:
        event = said.get(job.name)
        where = job.folder if event else None
        if event and event.key != job.key:
            event = None
        climate = (event.climate if event else None) or {}
        known = {name: value for name, value in climate.items() if name not in stated}
        rows[job.name] = _row(event, folder, where) | known | dict(job.covariates)
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("site")
    return table[[*STATE_COLUMNS, *(c for c in table if c not in STATE_COLUMNS)]]


def states(folder: Path) -> pd.DataFrame:
    """Return the same from the folder alone, as far as it was begun: for a look from outside."""
    listed = _listed(folder / MANIFEST)
    rows = {}
    for site, event in journal.read(folder).items():
        due = listed.get(site)
        rows[site] = _row(None if due and due.replaces(event) else event, folder)
    table = pd.DataFrame.from_dict(rows, orient="index", columns=list(STATE_COLUMNS))
    for site in pd.Index(list(listed)).difference(table.index):
        table.loc[site, "state"] = journal.PENDING
    return table.rename_axis("site")


@dataclasses.dataclass(frozen=True)
class _Due:
    """What a manifest says of a site: the folder of its fit, if any was begun, and when."""

    folder: str
    time: float

    def replaces(self, event: Event) -> bool:
        """Whether an event is of another fit, and was over when the manifest was written."""
        return bool(self.folder) and event.folder != self.folder and event.time < self.time


def _listed(path: Path) -> dict[str, _Due]:
    """Return the sites of a manifest, if there is one."""
    if not path.is_file():
        return {}
    try:
        table = pd.read_csv(path, index_col="site", dtype=str, keep_default_na=False)
        when = path.stat().st_mtime
        return {str(site): _Due(where, when) for site, where in table["folder"].items()}
    except (ValueError, TypeError, OSError, KeyError) as error:
        raise InputError(
            where=str(path), rule="must be the table that bayes-tbm many writes", found=error,
            remedy="repeat the command of the batch, which writes it anew",
        ) from error  # fmt: skip


def _row(event: Event | None, folder: Path, where: str | None = None) -> dict[str, Any]:
    """Say what happened to a site, in columns, or that it is due, and where its fit would lie."""
    lost = event and event.state in journal.FITTED and not has_posterior(folder / event.folder)
    if event is None or lost:
        due = {"state": journal.PENDING, "folder": where}
        return {name: due.get(name) for name in STATE_COLUMNS}
    if event.state == journal.RUNNING and is_stale(folder / event.folder / CLAIM):
        event = dataclasses.replace(event, state=journal.INTERRUPTED)
    return {name: getattr(event, name) for name in STATE_COLUMNS}


def collect(jobs: Sequence[Job], folder: Path) -> list[Path]:
    """Write what follows from the fits of a folder; what is there is replaced, or removed.

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
    has_places = {"latitude", "longitude"} <= set(table.columns)
    if not (len(fitted) and has_places):
        (folder / _MAP).unlink(missing_ok=True)
    if not len(fitted):
        (folder / SUMMARY).unlink(missing_ok=True)
        remove_folder(folder / DRAWS)
        return written
    summaries, rows = [], []
    for site, where in fitted["folder"].items():
        summary, draws = read_kept(folder / str(where))
        summaries.append(summary.assign(site=site))
        rows.append(draws.assign(folder=str(where)))
    whole = pd.concat(summaries).set_index(["site", "quantity"])
    written.append(write_whole(folder / SUMMARY, whole.to_csv()))
    sites = [str(site) for site in fitted.index]
    written.append(_save_draws(rows, sites, fitted["state"].to_numpy(), folder))
    if has_places:
        medians = whole["median"].xs(SHARED[0], level="quantity").to_dict()
        figure = plot_map(table, medians, "wood residence time, yr")
        written.append(save_png(figure, folder / _MAP))
    return written


def _save_draws(rows: Sequence[xr.Dataset], sites: Sequence[str], state: Any, folder: Path) -> Path:
    # A site that was given more draws has more: others are filled up with none.
    numbered = [row.assign_coords(draw=np.arange(row.sizes["draw"])) for row in rows]
    joined = xr.concat(
        numbered, pd.Index(sites, name="site"), join="outer", fill_value={"index": _NO_DRAW}
    )
    whole = joined.drop_vars("draw")
    whole["state"] = "site", state.astype(str)
    for name in {"priors", "state", "folder"} & set(whole):
        whole[name] = whole[name].astype(str)
    chunks = {n: (_CHUNK, whole.sizes["draw"]) for n, x in whole.items() if x.ndim == 2}
    encoding = {n: {"chunks": (min(a, len(sites)), b)} for n, (a, b) in chunks.items()}
    path = folder / DRAWS
    beside = partial(path)
    try:
        whole.to_zarr(beside, mode="w", encoding=encoding, zarr_format=2, consolidated=True)
        return replace_folder(beside, path)
    except OSError as error:
        shutil.rmtree(beside, ignore_errors=True)
        raise WriteError(f"{path}: could not be written; found {error}") from error
