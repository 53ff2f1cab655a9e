"""Modes weigh what they hold, also where Laplace is off by orders of magnitude."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import gammaln

from bayes_tbm.sampling.mode_weights import weigh_modes
from bayes_tbm.sampling.modes import Mode, allot, laplace_scale
from bayes_tbm.sampling.nuts import run as nuts
from bayes_tbm.sampling.progress import Progress
from bayes_tbm.sampling.search import find_modes
from bayes_tbm.sampling.settings import Settings

from .target import Target

DIMENSION, APART = 30, 1.0
WIDE, NARROW = 0.3, 0.1


def normal(u):
    return -0.5 * jnp.sum(u**2) - 0.5 * DIMENSION * np.log(2.0 * np.pi)


def peaked(u):
    """Student's t of five degrees of freedom in each dimension: Laplace sees 1.5 % of its mass."""
    scale = gammaln(3.0) - gammaln(2.5) - 0.5 * np.log(5.0 * np.pi)
    return jnp.sum(scale - 3.0 * jnp.log1p(u**2 / 5.0))


def sharp(u):
    """Multivariate t of five degrees of freedom: Laplace sees 1e-5 of its mass."""
    scale = gammaln(0.5 * (5 + DIMENSION)) - gammaln(2.5)
    scale -= 0.5 * DIMENSION * np.log(5.0 * np.pi)
    return scale - 0.5 * (5 + DIMENSION) * jnp.log1p(jnp.sum(u**2) / 5.0)


def mixture(left, share=0.5):
    """A shape at -1, a tenth wide, with a share of the mass, and a normal at +1, 0.3 wide."""

    def log_density(z):
        narrow = left((z + APART) / NARROW) - DIMENSION * np.log(NARROW)
        wide = normal((z - APART) / WIDE) - DIMENSION * np.log(WIDE)
        return jnp.logaddexp(np.log(share) + narrow, np.log1p(-share) + wide)

    return Target(log_density)


def laplace_modes(target):
    """Both modes with the shapes and weights that the Laplace approximation gives them."""
    modes = []
    for center in (APART, -APART):
        position = np.full(DIMENSION, center)
        height = float(target.value_and_gradient(jnp.asarray(position))[0])
        modes.append(Mode(position, height, laplace_scale(target.value_and_gradient, position), 1))
    masses = np.array([m.log_density + np.linalg.slogdet(m.scale)[1] for m in modes])
    weights = np.exp(masses - np.logaddexp.reduce(masses))
    return [
        Mode(m.position, m.log_density, m.scale, 1, w) for m, w in zip(modes, weights, strict=True)
    ]


def left_share(modes):
    return sum(mode.weight for mode in modes if mode.position[0] < 0.0)


def weigh(target, modes, seed=0):
    return weigh_modes(target, modes, seed=seed, workers=2)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(("shape", "seen"), [(normal, 0.5), (peaked, 0.0144), (sharp, 1.457e-5)])
def test_two_modes_of_equal_mass_weigh_the_same(shape, seen, seed):
    target = mixture(shape)
    modes = laplace_modes(target)
    assert left_share(modes) == pytest.approx(seen, rel=0.05)
    found = weigh(target, modes, seed)
    assert sum(mode.weight for mode in found) == pytest.approx(1.0)
    assert left_share(found) == pytest.approx(0.5, abs=0.25)
    assert allot(found, 4) == [0, 0, 1, 1]


@pytest.mark.parametrize("share", [0.01, 1e-3])
def test_light_modes_keep_their_small_weight(share):
    found = weigh(mixture(peaked, share), laplace_modes(mixture(peaked, share)))
    assert [mode.position[0] for mode in found] == [APART, -APART]
    assert left_share(found) == pytest.approx(share, rel=0.7)


def test_what_is_lighter_than_that_is_left_out():
    target = mixture(peaked, 1e-6)
    (found,) = weigh(target, laplace_modes(target))
    assert found.position[0] == APART
    assert found.weight == 1.0


def test_a_mode_found_twice_is_not_counted_twice():
    target = mixture(normal)
    wide, narrow = laplace_modes(target)
    found = weigh(target, [wide, narrow, narrow])
    assert left_share(found) == pytest.approx(0.5, abs=0.1)


def test_draws_of_no_density_weigh_nothing():
    target = mixture(normal)
    cut = Target(lambda z: jnp.where(z[1] > APART, jnp.nan, target.log_density(z)))
    found = weigh(cut, laplace_modes(target))
    assert left_share(found) == pytest.approx(2 / 3, abs=0.1)  # half of the wide one is gone


@pytest.mark.slow
def test_optimisers_sampler_and_jumps_find_both_by_weight():
    """From the prior to the draws: a mode that Laplace gives 1.4 % has its half of them."""
    target = mixture(peaked)
    with Progress("", 0, show=False) as bar:
        found = find_modes(
            target.value_and_gradient, DIMENSION, starts=6, seed=0, workers=2, progress=bar
        )
        assert left_share(found) == pytest.approx(0.0144, rel=0.05)
        settings = Settings(chains=4, warmup=120, draws=300, seed=1)
        draws = nuts.sample(target, weigh(target, found), settings, bar)
    left = draws.z[..., 0] < 0.0
    assert_share(left, draws.stats["jumped"])


def assert_share(left, jumped):
    # A chain that jumps with probability p each way forgets where it was in about 1 / p steps.
    error = np.sqrt(0.25 * 2.0 / max(jumped.mean(), 1e-9) / left.size)
    assert error < 0.1
    assert abs(left.mean() - 0.5) < 4.0 * error


def test_a_sharp_mode_of_which_laplace_sees_next_to_nothing_gets_its_half():
    target = mixture(sharp)
    with Progress("", 0, show=False) as bar:
        settings = Settings(chains=4, warmup=120, draws=300, seed=1)
        draws = nuts.sample(target, weigh(target, laplace_modes(target)), settings, bar)
    assert_share(draws.z[..., 0] < 0.0, draws.stats["jumped"])
