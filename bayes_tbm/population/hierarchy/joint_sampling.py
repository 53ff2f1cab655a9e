"""NUTS on a population and its sites together: chains side by side, a few transitions at a time."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray
from numpyro.infer.hmc import hmc

from bayes_tbm.population.hierarchy.joint_density import JointDensity, Position
from bayes_tbm.runtime.promotion import lenient
from bayes_tbm.sampling.nuts.kernel import strong
from bayes_tbm.sampling.nuts.run import workers
from bayes_tbm.sampling.progress import Progress

Arrays = dict[str, NDArray[Any]]
_TARGET_ACCEPT, _DEEPEST, _FIRST_STEP = 0.9, 9, 0.1
_BLOCK = 20
"""Transitions between reports, after which a run can be interrupted."""


@functools.cache
def _nuts(warmup: int) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return compiled functions of a density: the start of a chain, and a block of transitions."""

    def kernel(density: JointDensity, key: jax.Array, position: Position) -> tuple[Any, Any]:
        def potential_of(density: JointDensity) -> Callable[[Position], jax.Array]:
            return lambda at: -density(at)

        init, step = hmc(potential_fn_gen=potential_of, algo="NUTS")
        state = init(
            position, warmup, step_size=_FIRST_STEP, target_accept_prob=_TARGET_ACCEPT,
            max_tree_depth=_DEEPEST, model_args=(density,), rng_key=key,
        )  # fmt: skip
        return strong(state), step

    def begin(density: JointDensity, key: jax.Array, position: Position) -> Any:
        return kernel(density, key, position)[0]

    def block(density: JointDensity, state: Any) -> Any:
        step = kernel(density, state.rng_key, state.z)[1]  # which knows its settings from a start

        def move(state: Any, _: None) -> Any:
            state = step(state, (density,))
            statistics = {
                "diverging": state.diverging, "n_steps": state.num_steps, "energy": state.energy,
                "lp": -state.potential_energy, "acceptance_rate": state.accept_prob,
            }  # fmt: skip
            return strong(state), (state.z, statistics)

        return jax.lax.scan(move, state, length=_BLOCK)

    return jax.jit(begin), jax.jit(block)


@lenient
def sample(
    density: JointDensity, starts: Sequence[Position], *, warmup: int, draws: int, seed: int,
    progress: bool,
) -> tuple[Position, Arrays]:  # fmt: skip
    """Positions (chain, draw, ...) and sample statistics (chain, draw) after warm-up."""
    begin, block = _nuts(warmup)
    keys = jax.random.split(jax.random.key(seed), len(starts))
    states = [begin(density, key, start) for key, start in zip(keys, starts, strict=True)]
    found: list[list[Any]] = [[] for _ in starts]
    blocks = -(-(warmup + draws) // _BLOCK)

    @lenient  # a thread has rules of its own
    def advance(chain: int) -> None:
        states[chain], moves = block(density, states[chain])
        found[chain].append(jax.device_get(moves))

    advance(0)  # compiles, before threads ask for it
    with (
        Progress("sampling jointly", blocks * len(starts), show=progress) as bar,
        ThreadPoolExecutor(min(len(starts), workers())) as pool,
    ):
        for number in range(blocks):
            due = [chain for chain in range(len(starts)) if len(found[chain]) <= number]
            list(pool.map(advance, due))
            leapfrogs = np.mean([f[-1][1]["n_steps"] for f in found])
            bar.advance(len(starts), f"{leapfrogs:.0f} leapfrogs")
    whole = [jax.tree.map(lambda *x: np.concatenate(x)[warmup : warmup + draws], *f) for f in found]
    positions, statistics = jax.tree.map(lambda *x: np.stack(x), *whole)
    return positions, statistics
