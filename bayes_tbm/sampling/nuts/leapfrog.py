"""Leapfrogs that shorten themselves where the density is too steep for them.

A posterior may be smooth nearly everywhere and have an edge: beyond it a canopy dies, and the
log density falls by a thousand within a step. One step size for all places is then either too
long for the edge or wasted everywhere else. Here every step of a trajectory is made of 1, 2, 4, ...
leapfrogs: as few as keep its energy, or by chance more (Bou-Rabee, Carpenter, Kleppe & Liu 2025,
arXiv:2506.18746).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

TOLERANCE = 4.0
"""How far energy may range within a step [nat]: beyond it a step's end would hardly be drawn. With
less more steps cannot be retraced (at forests on the edge 1, 4 and 12 nats cut 39, 24 and 14 % of
trajectories short), and tame posteriors need more leapfrogs (FI-Hyy 45 instead of 31 with 0.3)."""
STRICT = 0.5
"""The same where chance halves steps, so that they can be retraced. With 4 nats a chain stays long
in a pocket where its energy is off by some nats all the way (CA-Man: of ten thousand leapfrogs 1
effective draw with 4 nats, 21 with 1 and with 0.5)."""
HALVINGS = 10
"""How often a step may be halved before its trajectory counts as diverging."""


class Place(NamedTuple):
    """A position and what belongs to it, as trajectories carry it.

    Attributes
    ----------
    u
        Whitened position, (dimension,).
    potential
        Minus the log density there.
    odds
        Log odds of making the steps between the trajectory's origin and here from here rather than
        from there.
    leapfrogs
        Made between the trajectory's origin and here.
    accepted
        Probabilities to accept the energy of each of the places from the origin to here, summed;
        halved as often as the step that led there had to be.
    retraced
        Whether the step that led here, made backwards, could lead back.
    random
        Data of the key by which the next step is made, (2,).
    """

    u: jax.Array
    potential: jax.Array
    odds: jax.Array
    leapfrogs: jax.Array
    accepted: jax.Array
    retraced: jax.Array
    random: jax.Array


def origin_of(u: jax.Array, potential: jax.Array, key: jax.Array) -> Place:
    """Where a trajectory begins; the key is that of its steps."""
    none = jnp.zeros_like(potential)
    return Place(
        u=u, potential=potential, odds=none, leapfrogs=jnp.asarray(0), accepted=none,
        retraced=jnp.asarray(True), random=jax.random.key_data(key),
    )  # fmt: skip


class _Point(NamedTuple):
    """Position and momentum on the way."""

    u: jax.Array
    r: jax.Array
    potential: jax.Array
    slope: jax.Array


class _Search(NamedTuple):
    """A step being tried with ever shorter leapfrogs, there and then, from its end, back."""

    halvings: jax.Array  # of the try
    made: jax.Array  # leapfrogs of the try
    at: _Point
    low: jax.Array  # range of energy in the try
    high: jax.Array
    end: _Point
    needed: jax.Array  # halvings there; -1 while they are sought
    taken: jax.Array  # with those that chance added; -1 while they are not made
    needed_back: jax.Array  # -1 while they are sought, or where there are none
    leapfrogs: jax.Array  # of all tries
    over: jax.Array


def kinetic(_: Any, r: jax.Array) -> jax.Array:
    """Kinetic energy of a momentum in whitened coordinates."""
    return 0.5 * jnp.dot(r, r)


def adaptive_leapfrog(
    potential_of: Callable[[jax.Array], jax.Array], energy: jax.Array, chance: jax.Array,
    tolerance: float = TOLERANCE,
) -> Callable[..., Any]:  # fmt: skip
    """Return a step as NumPyro's trees ask for it, over positions that are a `Place`.

    Parameters
    ----------
    potential_of
        Minus the log density of a whitened position.
    energy
        At the trajectory's origin.
    chance
        Of halving a step once more than its energy asks for, and again, and again. With 0 this
        never happens.
    tolerance
        How far energy may range within a step [nat]; where chance halves steps it is `STRICT`.

    Notes
    -----
    The number of leapfrogs is the least power of two with which energy ranges by the tolerance at
    most, or by chance a larger one. From the step's end backwards another
    number may be the least, and that which was made more or less likely. These odds count as if
    they were potential: with such weights the posterior stays as it is. So from the end all smaller
    numbers are tried. A step of one leapfrog has none to try: where the density is tame this costs
    nothing.

    Without chance a step leads back only where both least numbers are the same. Where it does not,
    or cannot be made, the potential is infinite: the tree ends, and the doubling that met it is
    given up, as at a U-turn. A chain in a pocket much narrower than a step could then hardly leave
    it, since fewer leapfrogs are enough where it comes out.
    """
    value_and_slope = jax.value_and_grad(potential_of)

    def leapfrog(at: _Point, length: jax.Array) -> _Point:
        r = at.r - 0.5 * length * at.slope
        u = at.u + length * r
        potential, slope = value_and_slope(u)
        return _Point(u, r - 0.5 * length * slope, potential, slope)

    def step(length: jax.Array, _: Any, state: tuple[Any, ...]) -> tuple[Any, ...]:
        place, r, _, slope = state
        start = _Point(place.u, r, place.potential, slope)
        most = jnp.where(chance > 0.0, STRICT, tolerance)
        own, onward = _keys(place.random, length)
        # So many more halvings than are needed have the geometric law.
        more = jnp.floor(jax.random.exponential(own, dtype=r.dtype) / -jnp.log(chance)).astype(int)

        def go_on(search: _Search) -> _Search:
            at = leapfrog(search.at, jnp.ldexp(length, -search.halvings))
            return _judged(search, at, start, more, most)

        found = jax.lax.while_loop(lambda s: ~s.over, go_on, _first_try(start))
        made, fewer_back = found.taken >= 0, found.needed - found.needed_back
        odds = place.odds + jnp.where(fewer_back == 0, 0.0, fewer_back * jnp.log(chance))
        retraced = jnp.where(made, odds > -jnp.inf, found.needed < 0)
        possible = made & retraced
        potential = jnp.where(possible, found.end.potential - odds, jnp.inf)
        # What has to be halved is half a success: else ever longer steps would be as good as any.
        success = jnp.minimum(1.0, jnp.exp(energy - _energy(found.end)))
        accepted = jnp.where(possible, jnp.ldexp(success, -found.needed), 0.0)
        to = Place(
            found.end.u, found.end.potential, odds, place.leapfrogs + found.leapfrogs,
            place.accepted + accepted, retraced, onward,
        )  # fmt: skip
        return to, found.end.r, potential, found.end.slope

    return step


def _keys(random: jax.Array, length: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return the key of a step, others forwards and backwards, and data of the next step's."""
    forwards = (length > 0).astype(int)
    own, onward = jax.random.split(jax.random.fold_in(jax.random.wrap_key_data(random), forwards))
    return own, jax.random.key_data(onward)


def _energy(at: _Point) -> jax.Array:
    energy = at.potential + kinetic(None, at.r)
    return jnp.where(jnp.isnan(energy), jnp.inf, energy)


def _first_try(start: _Point) -> _Search:
    zero, energy = jnp.asarray(0), _energy(start)
    return _Search(
        halvings=zero, made=zero, at=start, low=energy, high=energy, end=start, needed=zero - 1,
        taken=zero - 1, needed_back=zero - 1, leapfrogs=zero, over=jnp.asarray(False),
    )  # fmt: skip


def _judged(
    search: _Search, at: _Point, start: _Point, more: jax.Array, tolerance: jax.Array
) -> _Search:
    """Return the search after one more leapfrog: the same try, another one, or the end of it."""
    energy = _energy(at)
    low, high = jnp.minimum(search.low, energy), jnp.maximum(search.high, energy)
    made = search.made + 1
    failed = high - low > tolerance
    whole = ~failed & (made == 2**search.halvings)
    seeking, back = search.needed < 0, search.taken >= 0

    needed = jnp.where(seeking & whole, search.halvings, search.needed)
    wanted = jnp.minimum(needed + more, HALVINGS)
    arrived = whole & ~back & (search.halvings == wanted)
    taken = jnp.where(arrived, search.halvings, search.taken)
    end = jax.tree.map(lambda new, old: jnp.where(arrived, new, old), at, search.end)
    needed_back = jnp.where(back & whole, search.halvings, search.needed_back)
    # After as many halvings as were taken it would be the same way as there.
    halvings = jnp.where(whole, wanted, search.halvings + failed.astype(int))
    halvings = jnp.where(arrived, 0, halvings)
    needed_back = jnp.where((arrived | (back & failed)) & (halvings == taken), taken, needed_back)
    over = (needed_back >= 0) | (failed & ~back & (~seeking | (halvings > HALVINGS)))

    begins = jax.tree.map(
        lambda first, last: jnp.where(taken < 0, first, last), start, end._replace(r=-end.r)
    )
    anew = whole | failed
    at = jax.tree.map(lambda new, old: jnp.where(anew, new, old), begins, at)
    begun = _energy(begins)
    return _Search(
        halvings=halvings, made=jnp.where(anew, 0, made), at=at,
        low=jnp.where(anew, begun, low), high=jnp.where(anew, begun, high), end=end,
        needed=needed, taken=taken, needed_back=needed_back, leapfrogs=search.leapfrogs + 1,
        over=over,
    )  # fmt: skip
