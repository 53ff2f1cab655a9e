"""The work on one site, from its files to a posterior on disk, whatever goes wrong."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import gc
import hashlib
import resource
import shutil
import sys
import time
import traceback
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from bayes_tbm.calibration import Calibration
from bayes_tbm.errors import (
    ConvergenceWarning,
    DataWarning,
    InputError,
    PlaceWarning,
    WriteError,
)
from bayes_tbm.experiment import Experiment
from bayes_tbm.population.batch import journal
from bayes_tbm.population.batch.claims import claimed
from bayes_tbm.population.batch.jobs import Job, slug
from bayes_tbm.population.batch.journal import Event
from bayes_tbm.population.batch.kept import has_posterior, keep
from bayes_tbm.population.climate import climate
from bayes_tbm.report.folder import CHECKPOINT, EXPERIMENT, POSTERIOR, load_run, save_tree
from bayes_tbm.results import check_convergence
from bayes_tbm.runtime.files import write_whole
from bayes_tbm.runtime.malloc import give_back, resident
from bayes_tbm.runtime.shared import forget
from bayes_tbm.sampling.engines import can_resume
from bayes_tbm.sites import Site

ERRORS = "errors"
"""Folder of a batch that holds what went wrong, a file a site."""
_PILED_UP = 1.3
"""Memory of a process, over that after its first fit, from which on compiled forms are dropped."""


def fit_job(job: Job, folder: Path, least: Mapping[str, int]) -> Event:
    """Fit one site of a batch, unless another process is at it, and say what happened.

    Parameters
    ----------
    job
        The site.
    folder
        Of the batch.
    least
        By stream, the number of values without which a site is skipped.

    Returns
    -------
    Event
        The last one that was written of the site; one that is `RUNNING` is another process's.

    Raises
    ------
    WriteError
        Something cannot be written; the batch cannot go on.
    """
    with claimed(folder / job.folder) as ours:
        if not ours:
            return _event(job, journal.RUNNING)
        said = journal.read(folder).get(job.name)
        if said and said.state in journal.FITTED and is_settled(job, said, folder, retry=False):
            return said  # another process was faster
        journal.write(folder, _event(job, journal.RUNNING))
        began = time.perf_counter()
        try:
            found = _fitted(job, folder, least)
        except InputError as error:
            found = {"state": journal.SKIPPED, "reason": str(error)}
        except PlaceWarning as error:
            found = {"state": journal.SKIPPED, "reason": f"{error} (leave the column out, or mend "
                     "the file)"}  # fmt: skip
        except WriteError:
            raise
        except Exception as error:
            _keep_traceback(job, folder)
            found = {"state": journal.FAILED, "reason": f"{type(error).__name__}: {error}"}
        found |= {"seconds": round(time.perf_counter() - began, 1), "memory": _memory()}
        found["reason"] = " ".join(found.get("reason", "").split())
        if found["state"] not in journal.FITTED and said and said.state == journal.NOT_CONVERGED:
            found["reason"] += f" (attempt {said.attempt}, not converged, is kept in {said.folder})"
        last = journal.write(folder, _event(job, **found))
    make_room()
    return last


def make_room() -> None:
    """Return freed memory after a fit, and what is compiled where forms of sites have piled up.

    Stands of other ages and sites of other streams are of other forms, a quarter of a gigabyte
    each. Sites of one form leave the process as large as the first did, and share what is compiled.
    """
    gc.collect()
    give_back()
    if resident() > _PILED_UP * _after_the_first():
        forget()
        gc.collect()
        give_back()


@functools.cache
def _after_the_first() -> int:
    """Memory of the process when this was asked for first, bytes."""
    return resident()


def _event(job: Job, state: str, **more: Any) -> Event:
    return Event(job.name, job.key, job.folder, state, attempt=job.attempt, **more)


def _fitted(job: Job, folder: Path, least: Mapping[str, int]) -> dict[str, Any]:
    own = folder / job.folder
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # notes of the site keep what they say
        warnings.simplefilter("error", PlaceWarning)  # nobody would see that columns are swapped
        warnings.simplefilter("ignore", ConvergenceWarning)  # the journal says it
        calibration, whole = _opened(job)
        _require(calibration, least)
        # A kill may have come between the posterior and the journal.
        tree = load_run(own) if has_posterior(own) else _sampled(job, calibration, own)
    shutil.rmtree(own / CHECKPOINT, ignore_errors=True)
    report = check_convergence(tree)
    with contextlib.suppress(FileNotFoundError):  # of an earlier attempt
        _error_file(job, folder).unlink()
    return {
        "state": journal.DONE if report.passed else journal.NOT_CONVERGED,
        "reason": "; ".join(report.failures), "climate": climate(calibration.site, whole),
        "ess": round(min(report.ess_bulk, report.ess_tail)), "divergences": report.divergences,
        "rhat": round(report.rhat, 4),
    }  # fmt: skip


def _opened(job: Job) -> tuple[Calibration, Site]:
    """Open a site, and tell what its files hold beyond the years that are fitted."""
    e = job.source
    if isinstance(e, Calibration) or (e.start is None and e.end is None):
        calibration = job.calibration()
        return calibration, calibration.site
    site, whole = cut(e)
    return e.calibration(site), whole


def cut(experiment: Experiment) -> tuple[Site, Site]:
    """Open the site of an experiment, as it is fitted, and with all years of its files."""
    e = experiment
    whole = dataclasses.replace(e, start=None, end=None, uncertainty={}).open_site()
    site = whole.window(e.start, e.end)
    return site.with_uncertainty(e.uncertainty) if e.uncertainty else site, whole


def _sampled(job: Job, calibration: Calibration, own: Path) -> xr.DataTree:
    """Sample and keep all of it; the posterior comes last: with it the fit is there."""
    settings = job.settings
    disk = own / CHECKPOINT if can_resume(settings) else None
    try:
        tree = calibration.sample(settings, progress=False, checkpoint=disk, resume=True)
    except InputError as error:
        if disk is None or not disk.is_dir() or str(disk) not in (error.where or ""):
            raise
        # Of another kind of processor or other versions, or torn: a fit is to be that of one.
        shutil.rmtree(disk)
        tree = calibration.sample(settings, progress=False, checkpoint=disk, resume=True)
    if isinstance(job.source, Experiment):
        resolved = job.source.resolved(calibration, settings)
        write_whole(own / EXPERIMENT, resolved.to_toml(own))
    keep(tree, own)
    save_tree(tree, own / POSTERIOR)
    return tree


def _require(calibration: Calibration, least: Mapping[str, int]) -> None:
    """Refuse a site that has too few values of a stream."""
    seen = {stream.name: len(stream.data.value) for stream in calibration.density.streams}
    few = {name: seen.get(name, 0) for name, count in least.items() if seen.get(name, 0) < count}
    if few:
        raise InputError(
            where=calibration.site.name, variable=", ".join(few),
            rule="must have " + ", ".join(f"{least[name]} values of {name}" for name in few),
            found=", ".join(str(count) for count in few.values()),
        )  # fmt: skip


def _error_file(job: Job, folder: Path) -> Path:
    plain = slug(job.name)  # of two names it may be the same
    told = "" if plain == job.name else f"-{hashlib.sha256(job.name.encode()).hexdigest()[:6]}"
    return folder / ERRORS / f"{plain}{told}.txt"


def _keep_traceback(job: Job, folder: Path) -> None:
    write_whole(_error_file(job, folder), f"{job.name}, {job.folder}\n\n{traceback.format_exc()}")


def _memory() -> int:
    """Return what this process has used at most, MB."""
    with contextlib.suppress(OSError, StopIteration, ValueError):
        # On Linux the usage below begins with what the parent had used.
        lines = Path("/proc/self/status").read_text().splitlines()
        peak = next(line for line in lines if line.startswith("VmHWM"))
        return round(float(peak.split()[1]) / 1e3)
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit)


def with_attempt(job: Job, said: Event | None, *, retry: bool) -> Job:
    """Return a job as it is due: the attempt that was made last, or the one after it.

    Parameters
    ----------
    job
        First attempt.
    said
        What the journal says of the site.
    retry
        Whether to begin another attempt where the last one did not converge.
    """
    tried = [job]
    for _ in range(1, said.attempt if said else 1):
        tried.append(tried[-1].again())
    # what the journal says of another record or other options is nothing to go on from
    job = next((each for each in tried if said and each.key == said.key), job)
    if retry and said and said.key == job.key and said.state == journal.NOT_CONVERGED:
        return job.again()
    return job


def is_settled(job: Job, said: Event | None, folder: Path, *, retry: bool) -> bool:
    """Whether nothing is left to do for a job."""
    if said is None or said.key != job.key:
        return False
    if said.state in journal.FITTED:
        return has_posterior(folder / job.folder)
    return said.state in (journal.SKIPPED, journal.FAILED) and not retry
