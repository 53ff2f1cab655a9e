"""Steps that shorten themselves lead back, are right at a wall, and cost nothing elsewhere."""

import functools
import itertools

import arviz as az
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bayes_tbm.sampling.adaptation import Metric
from bayes_tbm.sampling.nuts import leapfrog
from bayes_tbm.sampling.nuts.kernel import Kernel

DIMENSION, STEEPNESS, STEP = 3, 30.0, 0.9
_depths = itertools.count(7)  # a new one has its transition traced anew


def wall(u):
    """Minus the log density of a normal before a wall, which rises by e every 1/30 beyond 0."""
    return 0.5 * u @ u + jnp.exp(-STEEPNESS * u[0])


def tame(u):
    return 0.5 * u @ u


def closed_form():
    """Mean, variance and the share below 0.1 of the first coordinate, by quadrature."""
    x = np.linspace(-1.0, 9.0, 200_001)
    p = np.exp(-0.5 * x**2 - np.exp(-STEEPNESS * x))
    p /= p.sum()
    mean = p @ x
    return np.array([mean, p @ (x - mean) ** 2, p[x < 0.1].sum()])


def z_scores(chance, transitions=500, chains=4):
    """How far draws at a step that is far too long for the wall are from the closed form."""
    kernel = Kernel(jax.tree_util.Partial(lambda u: -wall(u)), DIMENSION, next(_depths))
    metric, x, stats = Metric(np.zeros(DIMENSION), np.eye(DIMENSION)), [], []
    for chain in range(chains):
        state = kernel.start(jax.random.key(chain), metric, np.full(DIMENSION, 0.5))
        states = [
            state := kernel.transition(state, STEP, metric, chance) for _ in range(transitions)
        ]
        x.append([s.z[0] for s in states])
        stats.append([(s.leapfrogs, s.places, s.diverging, s.irreversible) for s in states])
    x, (leapfrogs, places, diverging, irreversible) = np.array(x), np.moveaxis(stats, -1, 0)
    assert not diverging.any()
    assert leapfrogs.mean() > 3.0 * places.mean()  # most are made at the wall
    mean, variance, share = closed_form()
    found = x, (x - mean) ** 2, (x < 0.1).astype(float)
    errors = np.array([float(az.mcse(f, method="mean")) for f in found])
    far = (np.array([f.mean() for f in found]) - [mean, variance, share]) / errors
    return np.abs(far).max(), irreversible.mean()


@pytest.mark.parametrize(("chance", "least", "most"), [(0.0, 0.1, 0.9), (0.1, 0.0, 0.05)])
def test_moments_before_a_wall_are_those_of_the_closed_form(chance, least, most):
    z, irreversible = z_scores(chance)
    assert z < 4.0
    assert least < irreversible < most


@pytest.mark.parametrize("chance", [0.0, 0.1])
def test_steps_without_their_odds_would_bring_wrong_moments(monkeypatch, chance):
    judged = leapfrog._judged

    def credulous(*args):
        found = judged(*args)
        back = jnp.where(found.needed_back < 0, -1, found.needed)
        return found._replace(needed_back=back)

    monkeypatch.setattr(leapfrog, "_judged", credulous)
    # With less tolerance, steps that are long enough to go wrong are rare.
    monkeypatch.setattr(leapfrog, "STRICT", leapfrog.TOLERANCE)
    z, irreversible = z_scores(chance)
    assert z > 6.0
    assert irreversible < 0.05


@functools.partial(jax.jit, static_argnums=0)
def one_step(potential, u, r, length=STEP, chance=0.0, seed=0):
    """A step, as trees make it: place, momentum and slope."""
    value, slope = jax.value_and_grad(potential)(u)
    zero = jnp.zeros_like(value)
    place = leapfrog.Place(
        u=u, potential=value, odds=zero, leapfrogs=jnp.asarray(0), accepted=zero,
        retraced=jnp.asarray(True), random=jax.random.key_data(jax.random.key(seed)),
    )  # fmt: skip
    energy = value + leapfrog.kinetic(None, r)
    step = leapfrog.adaptive_leapfrog(potential, energy, jnp.asarray(chance, value.dtype))
    return step(jnp.asarray(length), None, (place, r, value, slope))


def test_steps_at_a_wall_lead_back_or_are_given_up():
    rng = np.random.default_rng(3)
    halved = lost = 0
    for _ in range(200):
        u = jnp.asarray([rng.uniform(0.0, 0.4), *rng.normal(size=2)])
        r = jnp.asarray(rng.normal(size=DIMENSION))
        to, momentum, potential, _ = one_step(wall, u, r)
        lost += not to.retraced
        assert np.isfinite(potential) == bool(to.retraced)
        if not to.retraced:
            assert to.odds == -jnp.inf
            assert to.accepted == 0.0
            continue
        assert to.odds == 0.0
        halved += int(to.leapfrogs) > 1
        energy = to.potential + leapfrog.kinetic(None, momentum)
        assert abs(energy - wall(u) - leapfrog.kinetic(None, r)) < leapfrog.TOLERANCE
        back, returned, *_ = one_step(wall, to.u, -momentum)
        np.testing.assert_allclose(back.u, u, atol=1e-9)
        np.testing.assert_allclose(-returned, r, atol=1e-9)
        assert back.retraced
    assert halved > 20
    assert 5 < lost < 100


@pytest.mark.parametrize(("chance", "most"), [(0.0, leapfrog.TOLERANCE), (0.1, leapfrog.STRICT)])
def test_energy_is_kept_better_where_chance_lets_steps_be_retraced(chance, most):
    rng = np.random.default_rng(5)
    off = []
    for seed in range(200):
        u = jnp.asarray([rng.uniform(0.0, 0.4), *rng.normal(size=2)])
        r = jnp.asarray(rng.normal(size=DIMENSION))
        to, momentum, potential, _ = one_step(wall, u, r, chance=chance, seed=seed)
        if np.isfinite(potential):
            energy = to.potential + leapfrog.kinetic(None, momentum)
            off.append(abs(float(energy - wall(u) - leapfrog.kinetic(None, r))))
    assert len(off) > 100
    assert 0.5 * most < max(off) <= most


def test_where_the_density_is_tame_a_step_is_one_leapfrog():
    u, r = jnp.asarray([0.3, -1.0, 2.0]), jnp.asarray([1.0, 0.5, -0.2])
    to, momentum, _, slope = one_step(tame, u, r)
    half = r - 0.5 * STEP * u
    np.testing.assert_allclose(to.u, u + STEP * half, rtol=1e-14)
    np.testing.assert_allclose(momentum, half - 0.5 * STEP * to.u, rtol=1e-14)
    np.testing.assert_allclose(slope, to.u)
    assert (int(to.leapfrogs), bool(to.retraced)) == (1, True)


def test_by_chance_a_step_has_more_leapfrogs_than_it_needs():
    u, r = jnp.asarray([0.3, -1.0, 2.0]), jnp.asarray([1.0, 0.5, -0.2])
    found = [one_step(tame, u, r, chance=0.4, seed=seed)[0] for seed in range(400)]
    # One that is enough, 2, 4, ... by chance, and one back.
    assert {int(to.leapfrogs) for to in found} >= {1, 1 + 2 + 1, 1 + 4 + 1, 1 + 8 + 1}
    more, much_more = (np.mean([to.leapfrogs > least for to in found]) for least in (1, 4))
    assert more == pytest.approx(0.4, abs=0.1)
    assert much_more == pytest.approx(0.16, abs=0.075)
    assert all(to.odds == 0.0 for to in found)  # as likely from there


@pytest.mark.parametrize("beyond", [1e6, jnp.inf, jnp.nan])
def test_where_no_step_is_short_enough_it_is_not_made(beyond):
    def cliff(u):
        return jnp.where(u[0] > 0.0, 0.5 * u @ u, beyond)

    to, _, potential, _ = one_step(
        cliff, jnp.asarray([0.1, 0.0, 0.0]), jnp.asarray([-2.0, 0.0, 0.0])
    )
    assert potential == jnp.inf
    assert to.retraced  # it diverges: it is not that it could not be retraced
    assert int(to.leapfrogs) <= 2 ** (leapfrog.HALVINGS + 1)


def test_single_precision_stays_single():
    u, r = jnp.zeros(2, jnp.float32), jnp.ones(2, jnp.float32)
    to, momentum, _, slope = one_step(tame, u, r, np.float32(STEP))
    assert {x.dtype for x in (to.u, to.potential, momentum, slope)} == {jnp.dtype("float32")}
