"""What a chain leaves to chance is the same on a second try, and does not tune its steps."""

import threading

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


def walk(length, *, chance, disk=None, target=None):
    jumps = Jumps(KERNEL, [METRIC], [1.0])
    chain = Chain(KERNEL, METRIC, np.ones(2), jax.random.key(0), 0.9, target=target, disk=disk,
                  name="chain", jumps=jumps, chance=chance)  # fmt: skip
    with Progress("", 0, show=False) as bar:
        chain.advance(length, bar, threading.Event())
    return chain


def test_more_leapfrogs_than_needed_do_not_tune_the_step_size():
    tuned = [walk(200, chance=chance, target=0.8).step_size for chance in (0.0, 0.4)]
    assert tuned[1] == pytest.approx(tuned[0], rel=0.4)


def test_a_chain_that_is_taken_up_again_leaves_the_same_to_chance(tmp_path):
    whole = walk(60, chance=0.3)
    assert (np.array(whole.positions) != walk(60, chance=0.0).positions).any()
    walk(25, chance=0.3, disk=Checkpoint(tmp_path, {"of": "test"}))
    again = walk(60, chance=0.3, disk=Checkpoint(tmp_path, {"of": "test"}, resume=True))
    np.testing.assert_array_equal(whole.positions, again.positions)
