"""Sites of one form share what is compiled; forms that pile up are let go."""

import jax.numpy as jnp
import pytest

from bayes_tbm.population.batch import work
from bayes_tbm.runtime.malloc import resident
from bayes_tbm.runtime.shared import shared

TRACED = []


def doubled(data):
    TRACED.append(data)
    return 2.0 * data


@pytest.mark.parametrize(("sizes", "traces"), [((100, 101, 129), 1), ((100, 120, 131), 2)])
def test_what_is_compiled_is_dropped_only_where_memory_has_grown(monkeypatch, sizes, traces):
    memory = iter([sizes[0], *sizes])  # asked for twice after the first fit
    monkeypatch.setattr(work, "resident", lambda: next(memory))
    work._after_the_first.cache_clear()
    TRACED.clear()
    for _ in sizes:
        work.make_room()
    shared(doubled, jnp.ones(3))()
    monkeypatch.setattr(work, "resident", lambda: sizes[-1])
    work.make_room()
    shared(doubled, jnp.ones(3))()
    work._after_the_first.cache_clear()
    assert len(TRACED) == traces


def test_memory_that_is_taken_is_seen():
    before = resident()
    held = bytearray(b"x") * (64 * 2**20)
    assert resident() - before > 50 * 2**20
    del held
