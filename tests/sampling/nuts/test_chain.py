"""Transitions in short steps leave the posterior as it is, and are the same on a second try."""

import threading

import arviz as az
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bayes_tbm.sampling.adaptation import Metric
from bayes_tbm.sampling.checkpoint import Checkpoint
from bayes_tbm.sampling.nuts.chain import Chain
from bayes_tbm.sampling.nuts.kernel import Kernel
from bayes_tbm.sampling.nuts.mode_jumps import Jumps
from bayes_tbm.sampling.progress import Progress

METRIC = Metric(np.zeros(2), np.eye(2))
KERNEL = Kernel(jax.tree_util.Partial(lambda u: -0.5 * jnp.sum((u - 1.0) ** 2)), 2, 7)


def walk(length, *, short, seed=0, disk=None, target=None):
    jumps = Jumps(KERNEL, [METRIC], [1.0])
    chain = Chain(KERNEL, METRIC, np.ones(2), jax.random.key(seed), 0.9, target=target, disk=disk,
                  name="chain", jumps=jumps, short=short)  # fmt: skip
    with Progress("", 0, show=False) as bar:
        chain.advance(length, bar, threading.Event())
    return chain


def test_short_steps_are_taken_at_random_and_leave_the_moments():
    chains = [walk(600, short=0.5, seed=seed) for seed in range(4)]
    x = np.array([chain.positions for chain in chains])
    short, size, diverging, deepest = (
        np.array([[stats[name] for stats in chain.stats] for chain in chains])
        for name in ("short", "step_size", "diverging", "reached_max_tree_depth")
    )
    assert short.mean() == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(short.size))
    assert (size[~short] == 0.9).all()
    assert set(np.round(np.log2(0.9 / size[short]))) == {1, 2, 3, 4, 5, 6}
    assert not diverging.any()
    assert not deepest.any()  # though their trees are cut short
    for moment, expected in ((x, 1.0), ((x - 1.0) ** 2, 1.0)):
        for i in range(2):
            error = float(az.mcse(moment[..., i], method="mean"))
            assert abs(moment[..., i].mean() - expected) < 4 * error


def test_short_steps_do_not_tune_the_step_size():
    tuned = [walk(120, short=short, target=0.8).step_size for short in (0.0, 0.5)]
    assert tuned[1] == pytest.approx(tuned[0], rel=0.5)  # else some ten times as long


def test_a_chain_that_is_taken_up_again_takes_the_same_short_steps(tmp_path):
    whole = walk(60, short=0.3)
    walk(25, short=0.3, disk=Checkpoint(tmp_path, {"of": "test"}))
    again = walk(60, short=0.3, disk=Checkpoint(tmp_path, {"of": "test"}, resume=True))
    np.testing.assert_array_equal(whole.positions, again.positions)
