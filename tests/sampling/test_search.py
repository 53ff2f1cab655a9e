"""Optimisers that hop on where one alone has reached the heaviest mode."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bayes_tbm.sampling import search
from bayes_tbm.sampling.search import find_modes

from .count import Count

DIMENSION, STARTS = 10, 12
SIGN = np.where(np.arange(DIMENSION) % 2, 1.0, -1.0)
BEST, BOTTOM = 1.2 * SIGN, -SIGN


def rugged(z):
    """Each coordinate has two hills: 1024 modes, and the prior leads to the best hardly ever."""
    towards = z * SIGN
    high = 40.0 - 0.5 * ((towards - 1.2) / 0.12) ** 2
    low = -0.5 * ((towards + 1.0) / 0.6) ** 2
    return jnp.sum(jnp.logaddexp(high, low))


def one_hill(z):
    return -0.5 * jnp.sum(((z - 0.5) / 0.2) ** 2)


def find(log_density, *, seed=0, workers=2, starts=STARTS):
    evaluate = jax.jit(jax.value_and_grad(log_density))
    count = Count(starts)
    modes = find_modes(
        evaluate, DIMENSION, starts=starts, seed=seed, workers=workers, progress=count
    )
    assert count.units == count.total
    return modes, count.units


@pytest.mark.parametrize("seed", range(3))
def test_hops_reach_a_mode_that_few_starts_would(seed):
    """The best of 1024 modes: one start in two thousand leads there."""
    modes, climbed = find(rugged, seed=seed)
    np.testing.assert_allclose(modes[0].position, BEST, atol=1e-3)
    assert climbed > STARTS
    assert sum(mode.starts for mode in modes) <= STARTS


def test_nobody_hops_where_starts_agree():
    modes, climbed = find(one_hill)
    assert climbed == STARTS
    assert modes[0].starts == STARTS


def test_nobody_hops_from_few_starts():
    """Who asks for one start gets one."""
    assert find(rugged, starts=3)[1] == 3


def test_hops_are_the_same_whoever_works():
    alone, several = (find(rugged, workers=workers)[0] for workers in (1, 4))
    for a, b in zip(alone, several, strict=True):
        np.testing.assert_array_equal(a.position, b.position)
        assert a.starts == b.starts


def test_a_line_does_not_agree_with_itself(monkeypatch):
    """One that climbs its hill in parts is one start, and the search goes on."""
    evaluate = jax.jit(jax.value_and_grad(rugged))
    bottom = search.End(float(rugged(BOTTOM)), BOTTOM)

    def climb(evaluate, point, line=0):
        """Reach the best hill from one line alone, each time a little higher."""
        if line:
            return bottom._replace(line=line)
        heights.append(0.3 - 0.02 * len(heights))
        position = BEST + 0.1 * max(heights[-1], 0.0)
        return search.End(float(rugged(position)), position, line)

    heights = []
    monkeypatch.setattr(search, "_climb", climb)
    count = Count(STARTS)
    found = find_modes(evaluate, DIMENSION, starts=STARTS, seed=0, workers=1, progress=count)
    assert [mode.starts for mode in found] == [1]
    assert count.units > STARTS + search._PATIENCE * search._HOPS


def test_hopping_ends_where_nothing_is_gained(monkeypatch):
    """One start on the best hill, and no hop that leads there."""
    ends = iter([search.End(float(rugged(BEST)), BEST, 0)])
    bottom = search.End(float(rugged(BOTTOM)), BOTTOM)

    def climb(evaluate, point, line=0):
        return next(ends, bottom._replace(line=line))

    monkeypatch.setattr(search, "_climb", climb)
    evaluate = jax.jit(jax.value_and_grad(rugged))
    count = Count(STARTS)
    found = find_modes(evaluate, DIMENSION, starts=STARTS, seed=0, workers=1, progress=count)
    assert found[0].starts == 1
    assert count.units == STARTS + search._PATIENCE * 2 * search._HOPS  # from two heights


def test_hops_follow_where_most_starts_end_apart(monkeypatch):
    """Two of twelve agree by chance on a mode that is not the best."""
    evaluate = jax.jit(jax.value_and_grad(rugged))
    corners = [np.where(np.arange(DIMENSION) < kept, BEST, BOTTOM) for kept in range(STARTS - 2)]
    places = [corners[-1], *reversed(corners), corners[-1]]  # the first and the last agree
    ends = [search.End(float(rugged(place)), place, line) for line, place in enumerate(places)]

    def climb(evaluate, point, line=0):
        if hopping:
            return search.End(float(rugged(BEST)), BEST, line)
        hopping.extend([True] * (line == STARTS - 1))
        return ends[line]

    hopping = []
    monkeypatch.setattr(search, "_climb", climb)
    count = Count(STARTS)
    found = find_modes(evaluate, DIMENSION, starts=STARTS, seed=0, workers=1, progress=count)
    np.testing.assert_array_equal(found[0].position, BEST)
    assert count.units == STARTS + search._LINES * search._HOPS


def test_a_mode_that_its_line_has_left_is_kept(monkeypatch):
    """It is nearly as high, and weighs as much as its width says."""
    heights = {"best": 0.0, "next": -2.0, "low": -100.0}
    places = {name: 4.0 * np.eye(DIMENSION)[i] for i, name in enumerate(heights)}

    @jax.jit
    @jax.value_and_grad
    def evaluate(z):
        hills = [h - 0.5 * jnp.sum(((z - places[n]) / 0.5) ** 2) for n, h in heights.items()]
        return jax.scipy.special.logsumexp(jnp.stack(hills))

    starts = iter(["best", "next", *["low"] * (STARTS - 2)])

    def climb(evaluate, point, line=0):
        name = next(starts, None) or {0: "best", 1: "best"}.get(line, "low")
        return search.End(heights[name], places[name], line)

    monkeypatch.setattr(search, "_climb", climb)
    found = find_modes(
        evaluate, DIMENSION, starts=STARTS, seed=0, workers=1, progress=Count(STARTS)
    )
    assert [(mode.log_density, mode.starts) for mode in found] == [(0.0, 2), (-2.0, 1)]
