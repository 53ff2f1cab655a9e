"""Where the jobs of a batch run: here in turn, in processes of this machine, or under Dask.

Each takes tasks by site, and yields the event that each ended with as it comes.
"""

from __future__ import annotations

import collections
import contextlib
import math
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Any

from bayes_tbm.errors import InputError, WriteError
from bayes_tbm.population.batch.claims import BEAT, STALE
from bayes_tbm.population.batch.journal import RUNNING
from bayes_tbm.population.batch.worker import keep_to_a_core, work, work_on_one_core

if TYPE_CHECKING:
    from bayes_tbm.population.batch.journal import Event

EXECUTORS = ("processes", "serial", "dask")
_DEATHS = 3  # of workers at one site, after which it is given up
_TO_END = 10.0  # seconds that an idle process has to end by itself
Tasks = Mapping[str, bytes]
type Died = Callable[[str, str], Event]
"""Writes of a site, with a reason, that it has failed."""


def in_turn(tasks: Tasks) -> Iterator[Event]:
    """Run all here, one after another."""
    for task in tasks.values():
        yield work(task)


def in_processes(tasks: Tasks, workers: int, died: Died) -> Iterator[Event]:
    """Run in so many processes, each on a core of its own where there are as many as cores.

    A process that dies is replaced, and its site goes on from its checkpoint; the others go on.

    Parameters
    ----------
    tasks
        By site, in the order in which they begin.
    workers
        How many.
    died
        Called for a site at which workers died again and again.
    """
    left, deaths = collections.deque(tasks), collections.Counter[str]()
    crew = [_Worker(core) for core in _cores(min(workers, len(tasks)))]
    at_work: dict[Future[Event], tuple[_Worker, str]] = {}
    idle = list(crew)
    try:
        while left or at_work:
            while idle and left:
                worker, site = idle.pop(), left.popleft()
                at_work[worker.begin(tasks[site])] = worker, site
            for future in wait(at_work, return_when=FIRST_COMPLETED).done:
                worker, site = at_work.pop(future)
                idle.append(worker)
                try:
                    yield future.result()
                except BrokenProcessPool:
                    deaths[site] += 1
                    _check_any_began(crew, deaths.total())
                    if deaths[site] < _DEATHS:
                        left.appendleft(site)
                        continue
                    reason = f"its worker died {_DEATHS} times: killed, or out of memory"
                    yield died(site, reason)
    finally:
        for worker in crew:
            worker.end()


class _Worker:
    """A process that does one task at a time, on a core of its own or on any, replaced if it dies.

    A pool of one: in a pool of several the death of one ends all of them, and nobody knows whose
    task it was.
    """

    def __init__(self, core: int | None) -> None:
        self._core = core
        self._context = multiprocessing.get_context("spawn")  # a fork with JAX would hang
        self._began = self._context.Event()
        self._pool = self._new()
        self._last: Future[Event] | None = None

    def _new(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            1, self._context, initializer=keep_to_a_core, initargs=(self._core, self._began)
        )

    @property
    def ever_began(self) -> bool:
        """Whether any process of this worker got as far as its first task."""
        return self._began.is_set()

    def begin(self, task: bytes) -> Future[Event]:
        """Begin a task, in another process if the last one has died."""
        try:
            self._last = self._pool.submit(work, task)
        except BrokenProcessPool:
            self._pool = self._new()
            self._last = self._pool.submit(work, task)
        return self._last

    def end(self) -> None:
        """End the process, whatever it is at; one that is idle ends itself, and tidies up."""
        idle = self._last is None or self._last.done()
        processes = list((self._pool._processes or {}).values())
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            if idle:
                process.join(_TO_END)
            process.terminate()


def _cores(count: int) -> list[int | None]:
    """Return the core of each of so many workers; None of each where they are fewer than cores.

    Others may be at work on this machine, such as other shards, and would share the first cores.
    """
    here = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
    if count < len(here):
        return [None] * count
    return [here[number % len(here)] for number in range(count)]


def _check_any_began(crew: Sequence[_Worker], deaths: int) -> None:
    if deaths > 1 and not any(worker.ever_began for worker in crew):
        raise InputError(
            where="many", rule="workers ended before they began",
            remedy='in a script, call fit_many below `if __name__ == "__main__":`, since each '
            "worker reads the script anew; see their messages above",
        )  # fmt: skip


def on_dask(tasks: Tasks, client: Any, workers: int, died: Died) -> Iterator[Event]:
    """Run under Dask: on the workers of a client, or on those of this machine.

    Results are a line each; posteriors stay on the disk that workers share. A worker that is lost
    is replaced by the scheduler, and its site goes on from its checkpoint.

    Parameters
    ----------
    tasks
        By site, in the order in which they begin.
    client
        Of `distributed`, or None for a cluster that is made here.
    workers
        Of the latter.
    died
        Called for a site at which workers died again and again.
    """
    distributed = _distributed()
    left = dict(tasks)
    with _client(distributed, client, workers) as client:
        for rounds in reversed(range(1 + math.ceil(STALE / BEAT))):
            for site, event in _submitted(distributed, client, left, died):
                # Another job is at it, or a worker of another machine was, until it was lost.
                if event.state != RUNNING or not rounds:
                    del left[site]
                    yield event
            if not left:
                return
            time.sleep(BEAT)


def _submitted(
    distributed: Any, client: Any, tasks: Tasks, died: Died
) -> Iterator[tuple[str, Event]]:
    """Give a client's workers all tasks, and yield how each ended, by site."""
    futures = {
        client.submit(work_on_one_core, task, pure=False, priority=-number): site
        for number, (site, task) in enumerate(tasks.items())
    }
    for future in distributed.as_completed(futures):
        site = futures.pop(future)
        try:
            event = future.result()
        except distributed.KilledWorker as error:
            event = died(site, f"its workers died: {error}")
        except WriteError:
            client.cancel(list(futures))
            raise
        future.release()  # a worker that is lost later must not do it again
        yield site, event


@contextlib.contextmanager
def reached(executor: Any) -> Iterator[Any]:
    """Turn a scheduler's address into a client, which ends here; leave others as they are.

    Raises
    ------
    InputError
        Nobody answers there.
    """
    if not (isinstance(executor, str) and "://" in executor):
        yield executor
        return
    distributed = _distributed()
    try:
        client = distributed.Client(executor)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            where="many", variable="scheduler", rule="must be the address of a Dask scheduler",
            found=f"{executor}: {error}", remedy="as in tcp://host:8786; is it running?",
        ) from error  # fmt: skip
    with client:
        yield client


@contextlib.contextmanager
def _client(distributed: Any, given: Any, workers: int) -> Iterator[Any]:
    if given is not None:
        yield given
        return
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
            found="none", remedy="install it: pip install distributed",
        ) from error  # fmt: skip
    return distributed
