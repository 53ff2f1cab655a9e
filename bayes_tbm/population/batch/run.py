"""Many sites as one job."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from bayes_tbm.errors import InputError, did_you_mean
from bayes_tbm.experiment import Experiment
from bayes_tbm.plain import whole_at_least
from bayes_tbm.population.batch import executors, journal
from bayes_tbm.population.batch.collect import MANIFEST, collect, table_of
from bayes_tbm.population.batch.folder import folder_of, wanted_of
from bayes_tbm.population.batch.jobs import Job
from bayes_tbm.population.batch.journal import Event
from bayes_tbm.population.batch.manifest import Sites, jobs_of
from bayes_tbm.population.batch.work import is_settled, with_attempt
from bayes_tbm.population.batch.worker import packed
from bayes_tbm.report.folder import load_run
from bayes_tbm.runtime.files import write_whole
from bayes_tbm.sampling import Settings
from bayes_tbm.sampling.nuts.run import workers as cores
from bayes_tbm.sampling.progress import Progress
from bayes_tbm.sampling.settings import settings_with
from bayes_tbm.streams import FITTED_TO


@dataclasses.dataclass(frozen=True)
class ManyFits:
    """Fits of many sites.

    Attributes
    ----------
    folder
        Where they lie.
    table
        A row for each site: state, reason, attempt, seconds, rhat, ess, divergences, folder of the
        fit, and its covariates.
    """

    folder: Path
    table: pd.DataFrame

    def load(self, site: str) -> xr.DataTree:
        """Return the posterior of a site.

        Parameters
        ----------
        site
            Its name.

        Returns
        -------
        xarray.DataTree
            As `bayes_tbm.Calibration.sample` gives it.

        Raises
        ------
        InputError
            It has none.
        """
        fitted = self.table.index[self.table["state"].isin(journal.FITTED)]
        if site not in fitted:
            raise InputError(
                where=str(self.folder), variable=site, rule="must be a site with a posterior",
                found=str(self.table["state"].get(site, "no such site")),
            )  # fmt: skip
        return load_run(self.folder / str(self.table.loc[site, "folder"]))

    @property
    def counts(self) -> dict[str, int]:
        """Number of sites in each state, of those that any is in."""
        found = self.table["state"].value_counts()
        return {state: int(found[state]) for state in journal.STATES if state in found}


def fit_many(
    sites: Sites,
    streams: Sequence[str] = (),
    settings: Settings | None = None,
    *,
    folder: str | Path,
    common: Mapping[str, Any] | Experiment | None = None,
    covariates: Sequence[str] = (),
    least: Mapping[str, int] | None = None,
    executor: Any = "processes",
    workers: int | None = None,
    shard: tuple[int, int] = (1, 1),
    retry: bool = False,
    progress: bool = True,
    **changes: Any,
) -> ManyFits:
    """Fit many sites, one posterior each, and keep all of it in a folder.

    Each is that of the site alone, to the bit: seeds follow from names. Nothing is done twice.

    Parameters
    ----------
    sites
        A CSV or table with a row for each site, a folder of site files, or experiments or
        calibrations by name; see `bayes_tbm.population.batch.manifest.jobs_of`.
    streams
        Of all sites that do not name their own.
    settings
        How to sample.
    folder
        Where fits, their journal, ``manifest.csv``, ``summary.csv``, ``draws.zarr`` and a map go.
    common
        What else all sites share, as entries of an experiment: ``priors``, ``constraints``.
    covariates, least
        Columns that every site must have; by stream, values without which a site is skipped.
    executor, workers
        ``"processes"`` (by default as many as cores, each on one of its own), ``"serial"``,
        ``"dask"``, a client of `distributed` or a scheduler's address.
    shard
        Part ``(i, n)`` of the sites to do, from 1: every n-th one, as for the jobs of an array.
    retry
        Whether to do again what failed or was skipped, and to try what has not converged with
        another seed and twice the warm-up.
    progress, **changes
        Whether to draw a progress bar; fields of the settings.

    Returns
    -------
    ManyFits
        What became of every site.

    Raises
    ------
    InputError
        The sites, options or the folder will not do: nothing has run then.
    WriteError
        Something cannot be written; what is done is kept.
    """
    shared = _common(common, _listed(streams))
    settings = settings_with(settings, {**shared.sampling, **changes})
    shared = dataclasses.replace(shared, sampling={})
    jobs = jobs_of(sites, shared, settings, _listed(covariates))
    (place, count), processes = _shard(shard), _check_executor(executor, workers)
    least = _checked_least(least)
    with executors.reached(executor) as executor:  # before anything is written
        out = folder_of(folder, wanted_of(shared, settings) | {"least": least}, sites)
        said = journal.read(out)
        jobs = _attempts(jobs, said, jobs[place - 1 :: count] if retry else ())
        own = jobs[place - 1 :: count]
        due = [job for job in own if not is_settled(job, said.get(job.name), out, retry=retry)]
        write_whole(out / MANIFEST, table_of(jobs, out).to_csv())
        with Progress("fitting sites", len(own), show=progress) as bar:
            bar.advance(len(own) - len(due))
            for event in _events(due, out, least, executor, processes):
                said[event.site] = event
                bar.advance(1, _note(said, [job.name for job in own]))
    found = ManyFits(out, table_of(jobs, out))
    if count == 1 or not _others_left(found):
        collect(jobs, out)
    return found


def _attempts(jobs: Sequence[Job], said: Mapping[str, Event], again: Sequence[Job]) -> list[Job]:
    """Return jobs as they are due, some of them once more; other shards' are none of ours."""
    names = {job.name for job in again}
    return [with_attempt(job, said.get(job.name), retry=job.name in names) for job in jobs]


def _listed(names: Sequence[str]) -> tuple[str, ...]:
    """Return names as a list, also of one text with commas."""
    given = names.split(",") if isinstance(names, str) else names
    return tuple(name.strip() for name in given)


def _common(common: Mapping[str, Any] | Experiment | None, streams: Sequence[str]) -> Experiment:
    if isinstance(common, Experiment):
        return dataclasses.replace(common, streams=tuple(streams)) if streams else common
    if not isinstance(common, Mapping | None):
        raise InputError(
            where="many", variable="common", found=repr(common)[:80],
            rule="must hold entries of an experiment, or be a bayes_tbm.experiment.Experiment",
        )  # fmt: skip
    entries = {**(common or {}), "site": ""}
    entries["streams"] = list(streams or entries.get("streams", ()))
    return Experiment.from_dict(entries, where="")


def _shard(shard: Any) -> tuple[int, int]:
    is_pair = isinstance(shard, tuple | list) and len(shard) == 2
    place, count = (
        (whole_at_least(1, "shard", each, where="many") for each in shard) if is_pair else (1, 0)
    )
    if place > count:
        raise InputError(
            where="many", variable="shard", rule="must be part i of n, from 1 to n, as in (1, 4)",
            found="/".join(map(str, shard)) if is_pair else repr(shard),
        )  # fmt: skip
    return place, count


def _checked_least(least: Mapping[str, int] | None) -> dict[str, int]:
    least = {} if least is None else least
    if not isinstance(least, Mapping):
        raise InputError(
            where="many", variable="least", rule="must be numbers by stream", found=repr(least)
        )
    for name in least:
        if name not in FITTED_TO:
            raise InputError(
                where="many", variable=f"least {name}", rule="must be of a stream",
                remedy=did_you_mean(str(name), FITTED_TO),
            )  # fmt: skip
    return {name: whole_at_least(0, f"least {name}", n, where="many") for name, n in least.items()}


def _check_executor(executor: Any, workers: int | None) -> int:
    known = executors.EXECUTORS
    is_text = isinstance(executor, str)
    if (is_text and executor not in known and "://" not in executor) or (
        not is_text and not hasattr(executor, "submit")
    ):
        raise InputError(
            where="many", variable="executor", found=executor,
            rule=f"must be one of {', '.join(known)}, a Dask client or a scheduler's address",
        )  # fmt: skip
    if workers is None:
        return cores()
    return whole_at_least(1, "workers", workers, where="many")


def _events(
    due: Sequence[Job], out: Path, least: Mapping[str, int], executor: Any, workers: int
) -> Iterator[Event]:
    by_name = {job.name: job for job in sorted(due, key=lambda job: (-job.size, job.name))}
    tasks = {name: packed(job, out, least) for name, job in by_name.items()}  # the longest first

    def died(site: str, reason: str) -> Event:
        job = by_name[site]
        return journal.write(
            out,
            Event(site, job.key, job.folder, journal.FAILED, reason=reason, attempt=job.attempt),
        )

    if not tasks:
        return
    if executor == "serial":
        yield from executors.in_turn(tasks)
    elif executor == "processes":
        yield from executors.in_processes(tasks, workers, died)
    else:
        client = None if executor == "dask" else executor
        yield from executors.on_dask(tasks, client, workers, died)


def _note(said: Mapping[str, Event], names: Sequence[str]) -> str:
    states = [said[name].state for name in names if name in said]
    shown = (journal.NOT_CONVERGED, journal.SKIPPED, journal.FAILED)
    counted = {state: states.count(state) for state in shown}
    return ", ".join(f"{count} {state}" for state, count in counted.items() if count)


def _others_left(found: ManyFits) -> bool:
    open_states = (journal.PENDING, journal.RUNNING)
    return bool(found.table["state"].isin(open_states).any())
