"""What BlackJAX offers as pure functions: NUTS with two adaptations, and ChEES-HMC.

NUTS in a batch waits at every transition for the chain with the deepest tree. ChEES-HMC is made
for batches: all chains share the step size and the length of their trajectories, which warm-up
tunes to what moves the ensemble furthest (Hoffman, Radul & Sountsov 2021), and a low-discrepancy
sequence that they share too varies the length, so that no direction is met at its own period.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import blackjax
import jax
import jax.numpy as jnp
import optax
from blackjax.adaptation.base import get_filter_adapt_info_fn
from blackjax.mcmc.dynamic_hmc import halton_sequence

from bayes_tbm.sampling.nuts.kernel import Target
from bayes_tbm.sampling.settings import Settings

Step = Callable[[jax.Array, Any], tuple[Any, Any]]
_FIRST_STEP_SIZE = 0.5  # for NUTS; ChEES begins with trajectories of one step and learns upwards
_FIRST_CHEES_STEP_SIZE = 0.1
# Of Adam on the logarithm of the trajectory's length: twice the paper's, for warm-up is short.
_LEARNING_RATE = 0.05
_HALTON_BITS = 16  # a period of 65536 transitions


class Tuned(NamedTuple):
    """What warm-up has tuned, for one chain.

    Attributes
    ----------
    step_size
        ().
    inverse_mass_matrix
        Its diagonal, (dimension,), itself, (dimension, dimension), or BlackJAX's form of low rank.
    leapfrogs
        Of the longest trajectory, (); None for NUTS.
    """

    step_size: jax.Array
    inverse_mass_matrix: Any
    leapfrogs: jax.Array | None = None


@dataclasses.dataclass(frozen=True)
class Method:
    """One way to sample.

    Attributes
    ----------
    warm_up
        Called with the target (log density of a position), settings, number of transitions, a
        function to call at each, a key and a position, (dimension,), or, if chains adapt
        ``together``, with those of all chains. Returns the last state, what was tuned, and
        positions and gradients on the way if ``phases`` want them.
    stepper
        From the target, settings and what was tuned to a transition of one chain.
    phases
        Of warm-up, each with a metric that the phase before has learnt.
    together
        Whether chains adapt together.
    """

    warm_up: Callable[..., tuple[Any, Tuned, Any]]
    stepper: Callable[[Target, Settings, Tuned], Step]
    phases: int
    together: bool


def _warm_up_nuts(
    target: Target, settings: Settings, length: int, tick: Callable[[], None],
    key: jax.Array, u: jax.Array, *, low_rank: bool,
) -> tuple[Any, Tuned, None]:  # fmt: skip
    """Adapt the step size and metric of one chain; see `Method`."""
    # BlackJAX by default keeps every state with all that surrounds it.
    states = {"position", "logdensity", "logdensity_grad"} if low_rank else set()
    trim = get_filter_adapt_info_fn(states, set(), {"mu_star"})

    def keep(*transition: Any) -> Any:
        jax.debug.callback(tick)
        return trim(*transition)

    options = {
        "target_acceptance_rate": settings.target_accept, "initial_step_size": _FIRST_STEP_SIZE,
        "max_num_doublings": settings.max_tree_depth, "adaptation_info_fn": keep,
    }  # fmt: skip
    if low_rank:
        adaptation = blackjax.window_adaptation_low_rank(blackjax.nuts, target, **options)
    else:
        # The first windows have fewer draws than dimensions. Without shrinkage their covariance
        # is all but singular, and what the Laplace metric knows is lost.
        adaptation = blackjax.window_adaptation(
            blackjax.nuts, target, is_mass_matrix_diagonal=False,
            imm_shrinkage_to_previous=float(len(u)), **options,
        )  # fmt: skip
    (state, found), kept = adaptation.run(key, u, length)
    if low_rank:  # the state that it returns is an estimate of the centre, not a draw
        state = jax.tree.map(lambda leaf: leaf[-1], kept.state)
    return state, Tuned(found["step_size"], found["inverse_mass_matrix"]), None


def _step_nuts(target: Target, settings: Settings, tuned: Tuned) -> Step:
    step: Step = blackjax.nuts(
        target, tuned.step_size, tuned.inverse_mass_matrix,
        max_num_doublings=settings.max_tree_depth,
    ).step  # fmt: skip
    return step


def _warm_up_chees(
    target: Target, settings: Settings, length: int, tick: Callable[[], None],
    keys: jax.Array, u: jax.Array,
) -> tuple[Any, Tuned, tuple[jax.Array, jax.Array]]:  # fmt: skip
    """Adapt step size, trajectory length and a diagonal metric to all chains; see `Method`.

    The acceptance that is tuned is the harmonic mean over chains. The worst chain rules it: most
    accept more than the target.
    """

    def keep(states: Any, info: Any, tuned: Any) -> tuple[jax.Array, jax.Array]:
        jax.debug.callback(tick)
        return states.position, states.logdensity_grad

    adaptation = blackjax.chees_adaptation(
        target, len(u), target_acceptance_rate=settings.target_accept,
        max_leapfrog_steps=2**settings.max_tree_depth - 1, adaptation_info_fn=keep,
        mass_matrix_estimation="diagonal",
    )  # fmt: skip
    # Without momentum, as in the paper: each gradient is of another, random part of the length.
    optimiser = optax.adam(_LEARNING_RATE, b1=0.0, b2=0.95)
    (states, found), path = adaptation.run(keys[0], u, _FIRST_CHEES_STEP_SIZE, optimiser, length)
    tuned = Tuned(
        found["step_size"], found["inverse_mass_matrix"], found["integration_steps_params"][0]
    )
    for_each = jax.tree.map(lambda x: jnp.broadcast_to(x, (len(u), *jnp.shape(x))), tuned)
    # BlackJAX hides what `keep` returned in an object of its own.
    positions, gradients = (jnp.swapaxes(part, 0, 1) for part in path._wrapped_info)
    return states, for_each, (positions, gradients)


def energy_after(before: Any, info: Any, inverse_mass: jax.Array) -> jax.Array:
    """Energy of the state that a transition of HMC ends in.

    BlackJAX tells the proposal's even if the proposal is rejected.
    """
    kept = 0.5 * jnp.sum(inverse_mass * info.momentum**2) - before.logdensity
    return jnp.where(info.is_accepted, info.energy, kept)


def _step_chees(target: Target, settings: Settings, tuned: Tuned) -> Step:
    def leapfrogs(index: jax.Array, longest: jax.Array) -> jax.Array:
        return jnp.ceil(halton_sequence(index, _HALTON_BITS) * longest).astype(int)

    kernel = blackjax.dynamic_hmc(
        target, tuned.step_size, tuned.inverse_mass_matrix,
        next_random_arg_fn=lambda index: index + 1,
        integration_steps_fn=leapfrogs, integration_steps_params=(tuned.leapfrogs,),
    )  # fmt: skip

    def step(key: jax.Array, state: Any) -> tuple[Any, Any]:
        new, info = kernel.step(key, state)
        return new, info._replace(energy=energy_after(state, info, tuned.inverse_mass_matrix))

    return step


METHODS = {
    "window": Method(
        functools.partial(_warm_up_nuts, low_rank=False), _step_nuts, phases=1, together=False
    ),
    "low_rank": Method(
        functools.partial(_warm_up_nuts, low_rank=True), _step_nuts, phases=1, together=False
    ),
    "chees": Method(_warm_up_chees, _step_chees, phases=3, together=True),
}
