"""A transition of HMC: a trajectory of a given number of steps, which shorten themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from bayes_tbm.sampling.nuts.leapfrog import adaptive_leapfrog, kinetic, origin_of


def transition(
    key: jax.Array, target: Callable[[jax.Array], jax.Array], u: jax.Array,
    step_size: jax.Array, steps: jax.Array, chance: jax.Array, tolerance: float,
) -> tuple[jax.Array, dict[str, jax.Array]]:  # fmt: skip
    """Return where a chain is after a transition, and statistics; to be traced, also in batches.

    Parameters
    ----------
    key
        Of the momentum and of the choice.
    target
        Log density of a whitened position.
    u
        Where the chain is, (dimension,).
    step_size, steps
        Of the trajectory.
    chance, tolerance
        See `adaptive_leapfrog`. In a batch all wait for whoever makes most leapfrogs.

    Notes
    -----
    A step that could not lead back ends the trajectory, and the chain stays. `diverging`: a step
    that the shortest leapfrogs could not make.
    """
    for_momentum, for_steps, for_choice = jax.random.split(key, 3)
    value, gradient = jax.value_and_grad(target)(u)
    momentum = jax.random.normal(for_momentum, u.shape, u.dtype)
    energy = kinetic(None, momentum) - value
    step = adaptive_leapfrog(lambda u: -target(u), energy, chance, tolerance)
    yes, no = jnp.asarray(True), jnp.asarray(False)
    begin = origin_of(u, -value, for_steps), momentum, -gradient, yes, no

    def go_on(_: int, at: tuple[Any, ...]) -> tuple[Any, ...]:
        place, momentum, slope, whole, diverging = at
        to, *onward, onward_slope = step(step_size, None, (place, momentum, None, slope))
        made = whole & jnp.isfinite(onward[1])
        here = (place._replace(leapfrogs=to.leapfrogs), momentum, slope)
        there = (to, onward[0], onward_slope)
        here = jax.tree.map(lambda new, old: jnp.where(made, new, old), there, here)
        return *here, made, diverging | (whole & ~made & to.retraced)

    place, momentum, _, whole, diverging = jax.lax.fori_loop(0, steps, go_on, begin)
    after = place.potential + kinetic(None, momentum)
    odds = jnp.exp(energy - after + place.odds)
    acceptance = jnp.where(whole, jnp.minimum(1.0, odds), 0.0)
    moves = jax.random.uniform(for_choice) < acceptance
    return jnp.where(moves, place.u, u), {
        "lp": jnp.where(moves, -place.potential, value), "energy": jnp.where(moves, after, energy),
        "acceptance_rate": acceptance, "n_steps": place.leapfrogs, "diverging": diverging,
        "step_size": step_size,
    }  # fmt: skip
