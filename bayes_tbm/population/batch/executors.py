"""Where the jobs of a batch run: here in turn, in processes of this machine, or under Dask.

Each takes tasks by site, and yields the event that each ended with as it comes.
"""

from __future__ import annotations

import collections
import contextlib
import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Any

from bayes_tbm.errors import InputError, WriteError
from bayes_tbm.population.batch.worker import keep_to_a_core, work, work_on_one_core

if TYPE_CHECKING:
    from bayes_tbm.population.batch.journal import Event

EXECUTORS = ("processes", "serial", "dask")
_DEATHS = 3  # of workers at one site, after which it is given up
Tasks = Mapping[str, bytes]
type Died = Callable[[str, str], Event]
"""Writes of a site, with a reason, that it has failed."""


def in_turn(tasks: Tasks) -> Iterator[Event]:
    """Run all here, one after another."""
    for task in tasks.values():
        yield work(task)


def in_processes(
    tasks: Tasks, workers: int, was_at: Callable[[str], bool], died: Died
) -> Iterator[Event]:
    """Run in so many processes, each on a core of its own.

    Parameters
    ----------
    tasks
        By site, in the order in which they begin.
    workers
        How many.
    was_at
        Whether a worker that is gone was at work on a site.
    died
        Called for a site at which workers died again and again.
    """
    left, deaths = dict(tasks), collections.Counter[str]()
    while left:
        try:
            for site, event in _until_one_dies(left, workers):
                del left[site]
                yield event
        except BrokenProcessPool:
            deaths.update(site for site in left if was_at(site))
            if not deaths:
                raise InputError(
                    where="many", rule="workers ended before they began",
                    remedy='in a script, call fit_many below `if __name__ == "__main__":`, since '
                    "each worker reads the script anew; see their messages above",
                ) from None  # fmt: skip
            for site in [s for s, count in deaths.items() if count >= _DEATHS and s in left]:
                del left[site]
                reason = f"its worker died {_DEATHS} times: killed, or out of memory"
                yield died(site, reason)


def _until_one_dies(tasks: Tasks, workers: int) -> Iterator[tuple[str, Event]]:
    context = multiprocessing.get_context("spawn")  # a fork of a process with JAX would hang
    here = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
    cores: Any = context.Queue()
    for number in range(workers):
        cores.put(here[number % len(here)])
    pool = ProcessPoolExecutor(
        min(workers, len(tasks)), context, initializer=keep_to_a_core, initargs=(cores,)
    )
    try:
        futures = {pool.submit(work, task): site for site, task in tasks.items()}
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in list((pool._processes or {}).values()):
            process.terminate()
        raise
    pool.shutdown()


def on_dask(tasks: Tasks, cluster: Any, workers: int, died: Died) -> Iterator[Event]:
    """Run under Dask: on a client's or an address's workers, or on those of this machine.

    Results are a line each; posteriors stay on the disk that workers share. A worker that is lost
    is replaced by the scheduler, and its site goes on from its checkpoint.

    Parameters
    ----------
    tasks
        By site, in the order in which they begin.
    cluster
        A client of `distributed`, the address of a scheduler, or None.
    workers
        Of a cluster that is made here.
    died
        Called for a site at which workers died again and again.
    """
    distributed = _distributed()
    with _client(distributed, cluster, workers) as client:
        futures = {
            client.submit(work_on_one_core, task, pure=False, priority=-number): site
            for number, (site, task) in enumerate(tasks.items())
        }
        done = distributed.as_completed(futures)
        for future in done:
            site = futures.pop(future)
            try:
                event = future.result()
            except distributed.KilledWorker as error:
                event = died(site, f"its workers died: {error}")
            except WriteError:
                client.cancel(list(futures))
                raise
            future.release()  # a worker that is lost later must not do it again
            yield event


@contextlib.contextmanager
def _client(distributed: Any, cluster: Any, workers: int) -> Iterator[Any]:
    if isinstance(cluster, distributed.Client):
        yield cluster
    elif cluster is not None:
        with distributed.Client(cluster) as client:
            yield client
    else:
        local = distributed.LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None
        )
        with local, distributed.Client(local) as client:
            yield client


def _distributed() -> Any:
    try:
        import distributed
    except ImportError as error:
        raise InputError(
            where="many", variable="executor", rule="dask needs the package distributed",
            found="none", remedy='install it: pip install "bayes-tbm[dask]"',
        ) from error  # fmt: skip
    return distributed
