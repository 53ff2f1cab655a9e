"""A process that works for a batch: how it ends."""

import atexit
import os

from bayes_tbm.population.batch.executors import _Worker


def test_an_idle_process_ends_by_itself_and_tidies_up(tmp_path):
    worker = _Worker(None)
    worker._pool.submit(atexit.register, os.mkdir, str(tmp_path / "tidy")).result()
    worker.end()
    assert (tmp_path / "tidy").is_dir()
