"""Processes that were forked after JAX had run, in which its threads are missing."""

from __future__ import annotations

import os

from bayes_tbm.errors import InputError

_state = {"has run": False, "forked": False}


def jax_will_run() -> None:
    """Note that JAX runs in this process.

    Raises
    ------
    InputError
        The process was forked from one in which it had run: it would wait for ever for threads that
        were not forked with it.
    """
    if _state["forked"]:
        raise InputError(
            where=f"process {os.getpid()}",
            rule="must not be forked from one in which JAX has run: it would wait for ever",
            remedy='start processes by multiprocessing.get_context("spawn").Pool(...), or '
            'concurrent.futures with mp_context=multiprocessing.get_context("spawn")',
        )
    _state["has run"] = True


def _after_fork() -> None:
    _state["forked"] = _state["has run"]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
