"""The joint density and its sampler on Gaussian sites, where the answer is known; real sites."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree
from scipy.stats import norm

import bayes_tbm as bt
from bayes_tbm.errors import InputError
from bayes_tbm.population.hierarchy.joint import sampled
from bayes_tbm.population.hierarchy.joint_coordinates import (
    FittedSite,
    fitted_site,
    grouped,
    joint_density,
    start,
)
from bayes_tbm.population.hierarchy.joint_density import Group
from bayes_tbm.synthetic.twin import embedded_site
from tests.population.test_hierarchy import PLAIN, grid
from tests.population.toy import toy

SITES = 20


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Gaussian:
    """y ~ N(phi, s^2), a quarter of the variance by a parameter of the site's own."""

    y: float
    s: float

    def shared(self, x):
        place = jnp.tanh(0.3 * x[:1])  # bounded, like priors of residence times
        return 4.0 + 3.0 * place, jnp.log(0.9 * (1.0 - place**2))

    def log_likelihood(self, x):
        phi = self.shared(x)[0][0]
        away = self.y - phi - 0.5 * self.s * x[1]
        return -0.5 * away**2 / (0.75 * self.s**2) - jnp.log(self.s) - 0.5 * x[1] ** 2


@pytest.fixture(scope="module")
def truth():
    return toy(SITES, 1000, seed=2, s=0.4)


@pytest.fixture(scope="module")
def two_stage(truth):
    return bt.fit_population(truth.draws, truth.covariates, "constant", seed=1, **PLAIN)


@pytest.fixture(scope="module")
def sites(truth):
    rng = np.random.default_rng(0)
    phi = truth.draws.phi[..., 0]
    own = 0.5 * (truth.y - phi.T).T / truth.s[:, None] + np.sqrt(0.75) * rng.normal(size=phi.shape)
    x = np.stack([np.arctanh((phi - 4.0) / 3.0) / 0.3, own], axis=2)
    return [
        FittedSite(Gaussian(*of), x[n], (0,))
        for n, of in enumerate(zip(truth.y, truth.s, strict=True))
    ]


def natural(density, position):
    """Intercept, ln of the sd beyond the least, x of all sites."""
    values, _, (x,) = density.read(position)
    return jnp.concatenate([values["intercept"][None], jnp.log(values["beyond"]), jnp.ravel(x)])


def exact(truth, at):
    """Log density of natural coordinates, by hand."""
    mean, beyond, (z, own) = at[0], np.exp(at[1]), at[2:].reshape(SITES, 2).T
    phi = 4.0 + 3.0 * np.tanh(0.3 * z)
    total = norm.logpdf(mean, np.log(60.0), 1.0) + norm.logpdf(beyond, 0.0, 0.5) + at[1]
    total += (
        norm.logpdf(phi, mean, np.hypot(beyond, 0.1)).sum() - 2.0 * np.log(np.cosh(0.3 * z)).sum()
    )
    data = norm.logpdf(truth.y, phi + 0.5 * truth.s * own, np.sqrt(0.75) * truth.s)
    return total + data.sum() + norm.logpdf(own).sum()


def log_stretch(density, position):
    """Log determinant of natural coordinates by the position, by finite differences."""
    flat, unravel = ravel_pytree(position)
    step = 1e-5 * jnp.concatenate([jnp.eye(len(flat)), -jnp.eye(len(flat))])
    found = np.array(jax.jit(jax.vmap(lambda at: natural(density, unravel(at))))(flat[None] + step))
    above, below = np.split(found, 2)
    return np.linalg.slogdet((above - below) / 2e-5)[1]


def gap(density, xs, truth):
    """By how much the density changes too much from one position to another."""
    at = [start(density, xs, np.random.default_rng(seed)) for seed in (1, 2)]
    value = jax.jit(lambda position: density(position))
    found = [
        float(value(p)) - exact(truth, np.asarray(natural(density, p))) - log_stretch(density, p)
        for p in at
    ]
    return abs(found[1] - found[0])


def test_density_is_that_by_hand_with_the_map_s_determinant(truth, two_stage, sites, monkeypatch):
    density, xs = joint_density(two_stage, sites, 0)

    assert 0.1 < float(density.groups[0].centred.min()) < 0.9
    assert gap(density, xs, truth) < 1e-5
    monkeypatch.setattr(Group, "log_stretch", lambda self, t: jnp.zeros(len(t)))
    assert gap(density, xs, truth) > 0.1


@pytest.mark.slow
def test_joint_draws_are_those_of_the_grid(truth, two_stage, sites):
    fit = sampled(two_stage, sites, seed=1, chains=2, warmup=200, keep=800, progress=False)
    mean, sd, probability = grid(truth)
    precision = 1 / truth.s**2 + 1 / sd[:, None] ** 2
    centres = (truth.y / truth.s**2 + mean[:, None] / sd[:, None] ** 2) / precision
    spread = probability @ (1 / precision + centres**2) - (probability @ centres) ** 2
    posterior = fit.tree["posterior"]
    for name, values in (("intercept", mean), ("sd", sd)):
        draws, centre = posterior[name].values.ravel(), probability @ values
        exact_sd = np.sqrt(probability @ (values - centre) ** 2)
        assert draws.mean() == pytest.approx(centre, abs=0.15 * exact_sd)
        assert draws.std() == pytest.approx(exact_sd, rel=0.1)
    phi = posterior["phi"].values.reshape(-1, SITES)
    assert np.abs((phi.mean(0) - probability @ centres) / np.sqrt(spread)).max() < 0.15
    assert np.abs(phi.std(0) / np.sqrt(spread) - 1.0).max() < 0.1
    assert float(fit.tree["diagnostics"]["rhat"].max()) < 1.03
    assert not fit.tree["sample_stats"]["diverging"].any()


def test_sites_without_a_posterior_are_refused(two_stage):
    with pytest.raises(InputError, match="posteriors: must be given for every site"):
        bt.fit_population_jointly(two_stage, dict.fromkeys(two_stage.draws.sites), {})


@pytest.mark.slow
def test_a_calibration_counts_as_its_density_less_the_prior_of_what_is_shared():
    calibrations = [
        bt.Calibration(embedded_site(years=2, seed=seed), ["gpp", "lai"]) for seed in (1, 2)
    ]
    names = ("wood_residence_time", "allocation_wood")
    sites = [fitted_site("twin", c, c.prior(50), names) for c in calibrations]
    assert grouped(sites) == [[0, 1]]
    for own, calibration in zip(sites, calibrations, strict=True):
        density, x = calibration.density, jnp.asarray(own.x[7])
        z = own.site.map.to_latent(x)
        shared = z[jnp.asarray(own.places)]
        prior = norm.logpdf(np.asarray(shared)).sum()
        assert float(own.site.log_likelihood(x)) == pytest.approx(float(density(z)) - prior)
        phi, log_slope = own.site.shared(x)
        values = density.values(z)
        share = values["allocation_wood"]
        expected = [jnp.log(values["wood_residence_time"]), jnp.log(share / (1 - share))]
        np.testing.assert_allclose(phi, expected)
        for k, place in enumerate(own.places):
            above, below = (own.site.shared(x.at[place].add(e))[0][k] for e in (1e-5, -1e-5))
            assert float(jnp.log((above - below) / 2e-5)) == pytest.approx(float(log_slope[k]))
