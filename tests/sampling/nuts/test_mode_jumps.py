"""Chains visit modes by their weight, and jumps leave a posterior as it is."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bayes_tbm.sampling.adaptation import Metric
from bayes_tbm.sampling.modes import Mode
from bayes_tbm.sampling.nuts import run as nuts
from bayes_tbm.sampling.nuts.kernel import Kernel
from bayes_tbm.sampling.nuts.mode_jumps import Jumps, jumps_after, learnt
from bayes_tbm.sampling.progress import Progress
from bayes_tbm.sampling.settings import Settings

from ..target import Target

DIMENSION, HEAVY, FAR, NARROW = 5, 0.8, 8.0, 0.5


def two_modes(z):
    """Four fifths of a mass about +8, one fifth, half as wide, about -8: NUTS cannot cross."""
    wide = -0.5 * jnp.sum((z - FAR) ** 2) + jnp.log(HEAVY)
    narrow = -0.5 * jnp.sum(((z + FAR) / NARROW) ** 2) - DIMENSION * jnp.log(NARROW)
    return jnp.logaddexp(wide, narrow + jnp.log(1.0 - HEAVY))


def mode(center, width, weight):
    position = np.full(DIMENSION, center)
    return Mode(position, 0.0, width * np.eye(DIMENSION), starts=1, weight=weight)


def draw(modes, **changes):
    settings = Settings(**{"chains": 4, "warmup": 60, "draws": 600, "seed": 2} | changes)
    with Progress("test", 1, show=False) as bar:
        return nuts.sample(Target(two_modes), modes, settings, bar)


@pytest.mark.parametrize("scale", [1.0, pytest.param(0.7, marks=pytest.mark.slow)])
def test_modes_are_visited_by_their_weight_even_from_wrong_shapes(scale):
    modes = [mode(FAR, 1.0, 0.5), mode(-FAR, scale * NARROW, 0.5)]
    draws = draw(modes)
    heavy = draws.z[..., 0] > 0.0
    # A chain that jumps with probability p each way forgets where it was in about 1 / p steps.
    accepted = draws.stats["jumped"].mean()
    assert accepted > 0.02
    error = np.sqrt(HEAVY * (1.0 - HEAVY) * 2.0 / accepted / heavy.size)
    assert abs(heavy.mean() - HEAVY) < 4.0 * error
    # An energy is that of where the chain is, also after a jump: the rest is kinetic.
    kinetic = draws.stats["energy"] + draws.stats["lp"]
    assert (kinetic > 0.0).all()
    for jumped in (draws.stats["jumped"], ~draws.stats["jumped"]):
        few = DIMENSION / 8.0 if jumped.sum() > 100 else DIMENSION / 4.0
        assert abs(kinetic[jumped].mean() - DIMENSION / 2) < few
    assert np.std(draws.z[heavy], axis=0).mean() == pytest.approx(1.0, rel=0.1)
    assert np.std(draws.z[~heavy], axis=0).mean() == pytest.approx(NARROW, rel=0.1)


def test_regions_take_the_moments_of_the_points_in_them():
    rng = np.random.default_rng(4)
    places = np.array([[0.0, 0.0], [9.0, -7.0]])
    factors = np.array([[[2.0, 0.0], [1.5, 0.3]], [[0.4, 0.0], [-0.2, 0.6]]])
    points = [c + rng.normal(size=(4000, 2)) @ f.T for c, f in zip(places, factors, strict=True)]
    rough = [Metric(c + 0.5, np.eye(2)) for c in places]
    for found, center, factor in zip(
        learnt(rough, np.vstack(points)), places, factors, strict=True
    ):
        np.testing.assert_allclose(found.center, center, atol=0.15)
        np.testing.assert_allclose(found.scale @ found.scale.T, factor @ factor.T, atol=0.25)


def test_a_region_without_points_stays_as_it_was():
    regions = [Metric(np.zeros(2), np.eye(2)), Metric(np.full(2, 50.0), np.eye(2))]
    _, far = learnt(regions, np.random.default_rng(1).normal(size=(40, 2)))
    assert far is regions[1]


def test_dear_transitions_are_followed_by_more_jumps():
    assert jumps_after(3.0) == jumps_after(16.0) == 4
    assert jumps_after(64.0) == 16


def test_with_one_mode_nothing_jumps():
    draws = draw([mode(FAR, 1.0, 1.0)], draws=40, warmup=30)
    assert not draws.stats["jumped"].any()
    assert (draws.z[..., 0] > 0.0).all()


def test_a_jump_to_where_the_density_is_no_number_is_refused():
    def broken(z):
        return jnp.where(z[0] < 0.0, jnp.nan, -0.5 * jnp.sum(z**2))

    kernel = Kernel(jax.tree_util.Partial(broken), 2, 4)
    regions = [Metric(np.full(2, 1.0), np.eye(2)), Metric(np.full(2, -9.0), np.eye(2))]
    metric = Metric(np.zeros(2), np.eye(2))
    state = kernel.start(jax.random.key(0), metric, np.array([0.5, 0.5]))
    rng = np.random.default_rng(0)
    outcomes = [Jumps(kernel, regions, [0.5, 0.5]).move(state, metric, rng) for _ in range(20)]
    assert all(np.isfinite(moved.potential_energy) for moved, _ in outcomes)


def test_jumps_are_the_same_when_a_run_is_taken_up_again(tmp_path):
    from bayes_tbm.sampling.checkpoint import Checkpoint

    modes = [mode(FAR, 1.0, 0.5), mode(-FAR, NARROW, 0.5)]
    whole = draw(modes, chains=2, warmup=30, draws=30)
    settings = Settings(chains=2, warmup=30, draws=12, seed=2)
    for length in (12, 30):
        disk = Checkpoint(tmp_path / "run", {"of": "test"}, resume=True)
        with Progress("test", 1, show=False) as bar:
            settings = Settings(chains=2, warmup=30, draws=length, seed=2)
            again = nuts.sample(Target(two_modes), modes, settings, bar, disk)
    assert np.array_equal(whole.z, again.z)
    assert np.array_equal(whole.stats["jumped"], again.stats["jumped"])
