"""What runs in another process: light to import, so that it keeps to its core before JAX starts."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bayes_tbm.population.batch.jobs import Job
    from bayes_tbm.population.batch.journal import Event


def packed(job: Job, folder: Path, least: Mapping[str, int]) -> bytes:
    """Return a task as bytes, which a worker opens once it is set up."""
    return pickle.dumps((job, folder, dict(least)))


def work(task: bytes) -> Event:
    """Do a task from `packed`."""
    job, folder, least = pickle.loads(task)
    from bayes_tbm.population.batch.work import fit_job

    return fit_job(job, folder, least)


def keep_to_a_core(core: int | None, began: Any) -> None:
    """Keep this process to a core: chains then take turns, and threads do not pile.

    Parameters
    ----------
    core
        Its number; None leaves it free.
    began
        An event, set here: the process has come up.
    """
    if core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})
    threading.Thread(target=_end_with_parent, daemon=True).start()
    began.set()


def _end_with_parent() -> None:
    """End this process when the one that has started it is gone: nobody waits for its work."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def work_on_one_core(task: bytes) -> Event:
    """Do a task in a worker of Dask, which keeps to one core from its first task on."""
    import dask
    from distributed import get_worker

    own = get_worker()
    if hasattr(os, "sched_setaffinity") and own.state.nthreads == 1:
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) > 1:  # names of a local cluster are numbers; others find their own
            number = own.name if isinstance(own.name, int) else os.getpid()
            os.sched_setaffinity(0, {cores[number % len(cores)]})
    with dask.config.set(scheduler="synchronous"):  # else xarray locks files across the cluster
        return work(task)
