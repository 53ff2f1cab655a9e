"""One NUTS transition on NumPyro's tree, compiled once, with metric and step size as arguments."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray
from numpyro.infer.hmc import IntegratorState
from numpyro.infer.hmc_util import build_tree

from bayes_tbm.runtime.promotion import lenient
from bayes_tbm.runtime.shared import shared
from bayes_tbm.sampling.adaptation import Metric
from bayes_tbm.sampling.nuts.leapfrog import adaptive_leapfrog, kinetic, origin_of

Array = NDArray[np.float64]
Target = Callable[[jax.Array], jax.Array]
ValueAndGradient = Callable[[jax.Array], tuple[jax.Array, jax.Array]]


class State(NamedTuple):
    """Where a chain is, in whitened coordinates, and how its last transition went."""

    z: jax.Array
    z_grad: jax.Array
    potential_energy: jax.Array
    energy: jax.Array
    places: jax.Array  # of the trajectory, without its origin
    leapfrogs: jax.Array
    accept_prob: jax.Array
    diverging: jax.Array
    irreversible: jax.Array
    rng_key: jax.Array


class Kernel:
    """NUTS on coordinates whitened by a metric.

    Parameters
    ----------
    target
        Log density: a pytree that is a scalar function of a position. Targets of one form share
        what is compiled.
    dimension
        Length of a position.
    max_tree_depth
        Doublings of a trajectory at most.
    evaluate
        Value and gradient of the log density, where they are compiled already.
    """

    def __init__(
        self,
        target: Target,
        dimension: int,
        max_tree_depth: int,
        evaluate: ValueAndGradient | None = None,
    ) -> None:
        start, transition = _nuts(max_tree_depth)
        self.max_tree_depth = max_tree_depth
        self._evaluate = evaluate or shared(_value_and_gradient, target)
        self._begin, self._transition = shared(start, target), shared(transition, target)
        zero = jnp.zeros(dimension)
        state = self._begin(jax.random.key(0), zero, jnp.zeros(()), zero)
        # Compiled before threads ask for it: a step of no length ends a trajectory at once.
        self.transition(state, math.nan, Metric(np.zeros(dimension), np.eye(dimension)))

    def start(self, key: jax.Array, metric: Metric, z: Array) -> Any:
        """State of a chain at a position."""
        u = jnp.asarray(metric.whiten(z))
        value, gradient = self._evaluate(jnp.asarray(z))
        return self._begin(key, u, -value, -(jnp.asarray(metric.scale).T @ gradient))

    def evaluate(self, z: Array) -> tuple[float, Array]:
        """Log density of a position, and its gradient."""
        value, gradient = jax.device_get(self._evaluate(jnp.asarray(z)))
        return float(value), gradient

    def moved(self, state: Any, metric: Metric, z: Array, value: float, gradient: Array) -> Any:
        """Return the state put at another position of known density, with the momentum it has."""
        before, energy = jax.device_get((state.potential_energy, state.energy))
        return state._replace(  # by NumPy: JAX takes ten times as long over so little
            z=metric.whiten(z), potential_energy=np.float64(-value),
            energy=energy - before - value, z_grad=-(metric.scale.T @ gradient),
        )  # fmt: skip

    def transition(self, state: Any, step_size: float, metric: Metric, chance: float = 0.0) -> Any:
        """Return the next state of a chain; see `adaptive_leapfrog` for the chance."""
        numbers = jnp.asarray(step_size), jnp.asarray(chance)
        return self._transition(
            state, *numbers, jnp.asarray(metric.center), jnp.asarray(metric.scale)
        )

    def read(self, state: Any, metric: Metric) -> tuple[Array, Array, dict[str, Any]]:
        """Position and gradient of a state, and its statistics under ArviZ's names."""
        found = told(state) | {"places": state.places}
        u, gradient, stats = jax.device_get((state.z, state.z_grad, found))
        places = int(stats.pop("places"))
        stats["tree_depth"] = math.ceil(math.log2(places + 1))
        stats["reached_max_tree_depth"] = places >= 2**self.max_tree_depth - 1
        return metric.center + metric.scale @ u, metric.unwhiten_gradient(gradient), stats


def told(state: State) -> dict[str, jax.Array]:
    """Return what is told of every transition, by ArviZ's names."""
    return {
        "lp": -state.potential_energy,
        "energy": state.energy,
        "acceptance_rate": state.accept_prob,
        "n_steps": state.leapfrogs,
        "diverging": state.diverging,
        "irreversible": state.irreversible,
    }


def to_arrays(state: Any) -> dict[str, NDArray[Any]]:
    """Leaves of a state as plain arrays."""
    leaves = jax.tree.leaves(state)
    plain = [jax.random.key_data(leaf) if _is_key(leaf) else leaf for leaf in leaves]
    return {f"state_{i}": np.asarray(leaf) for i, leaf in enumerate(plain)}


def from_arrays(like: Any, arrays: dict[str, NDArray[Any]]) -> Any:
    """State of the same structure as ``like`` from its arrays."""
    leaves, tree = jax.tree.flatten(like)
    plain = [jnp.asarray(arrays[f"state_{i}"], dtype=None if _is_key(leaf) else leaf.dtype)
             for i, leaf in enumerate(leaves)]  # fmt: skip
    whole = [
        jax.random.wrap_key_data(array) if _is_key(leaf) else array
        for leaf, array in zip(leaves, plain, strict=True)
    ]
    return jax.tree.unflatten(tree, whole)


def _is_key(leaf: Any) -> bool:
    return bool(jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key))


def _value_and_gradient(target: Target, z: jax.Array) -> tuple[jax.Array, jax.Array]:
    found: tuple[jax.Array, jax.Array] = jax.value_and_grad(target)(z)
    return found


@functools.cache
def _nuts(max_tree_depth: int) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return functions of a target: the start of a chain, and a transition."""

    def start(
        target: Target, key: Any, u: jax.Array, potential: jax.Array, slope: jax.Array
    ) -> State:
        return begin(key, u, potential, slope)

    @lenient
    def transition(
        target: Target, state: State, step_size: jax.Array, chance: jax.Array,
        center: jax.Array, scale: jax.Array,
    ) -> State:  # fmt: skip
        return move(lambda u: -target(center + scale @ u), state, step_size, chance, max_tree_depth)

    return start, transition


def begin(key: jax.Array, u: jax.Array, potential: jax.Array, slope: jax.Array) -> State:
    """State of a chain that begins at a whitened position."""
    none, no = jnp.asarray(0), jnp.asarray(False)
    return strong(State(u, slope, potential, potential, none, none, jnp.zeros(()), no, no, key))


def move(
    potential_of: Callable[[jax.Array], jax.Array], state: State, step_size: jax.Array,
    chance: jax.Array, max_tree_depth: int | tuple[jax.Array, int],
) -> State:  # fmt: skip
    """Return the state after a transition, as a function to be traced.

    Parameters
    ----------
    potential_of
        Minus the log density of a whitened position.
    state
        Where the chain is.
    step_size, chance
        See `adaptive_leapfrog`.
    max_tree_depth
        Doublings of a trajectory at most; or of this one, and of any.
    """
    key, for_momentum, for_tree, for_steps = jax.random.split(state.rng_key, 4)
    momentum = jax.random.normal(for_momentum, state.z.shape, state.z.dtype)
    origin = origin_of(state.z, state.potential_energy, for_steps)
    energy = state.potential_energy + kinetic(None, momentum)
    tree = build_tree(
        adaptive_leapfrog(potential_of, energy, chance), kinetic,
        IntegratorState(origin, momentum, state.potential_energy, state.z_grad),
        jnp.ones_like(momentum), step_size, for_tree, max_tree_depth=max_tree_depth,
    )  # fmt: skip
    left, right = tree.z_left, tree.z_right
    irreversible = ~(left.retraced & right.retraced)
    # A step that cannot be retraced says nothing of how long steps should be.
    counted = jnp.maximum(tree.num_proposals - irreversible, 1)
    return strong(State(
        z=tree.z_proposal.u, z_grad=tree.z_proposal_grad,
        potential_energy=tree.z_proposal.potential,
        energy=tree.z_proposal_energy + tree.z_proposal.odds,
        places=tree.num_proposals, leapfrogs=left.leapfrogs + right.leapfrogs,
        accept_prob=(left.accepted + right.accepted) / counted,
        diverging=tree.diverging & ~irreversible, irreversible=irreversible, rng_key=key,
    ))  # fmt: skip


def strong[S](state: S) -> S:
    """State whose numbers have types of their own, so that all states are of one form."""
    typed: S = jax.tree.map(
        lambda x: x if _is_key(x) else jax.lax.convert_element_type(x, x.dtype), state
    )
    return typed
