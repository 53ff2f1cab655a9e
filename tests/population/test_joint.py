"""The joint density and its sampler on Gaussian sites, where the answer is known; real sites."""

import dataclasses

import arviz as az
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree
from scipy.stats import norm

import bayes_tbm as bt
from bayes_tbm.errors import InputError
from bayes_tbm.population.hierarchy.covariates import covariates_of
from bayes_tbm.population.hierarchy.fit import DIMS, PopulationFit
from bayes_tbm.population.hierarchy.joint import sampled
from bayes_tbm.population.hierarchy.joint_coordinates import (
    FittedSite,
    fitted_site,
    grouped,
    joint_density,
    start,
)
from bayes_tbm.population.hierarchy.joint_density import Group
from bayes_tbm.population.hierarchy.model import Form
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
    """What two stages would find without error: draws of the posterior on a grid."""
    mean, sd, probability = grid(truth)
    rows = np.random.default_rng(0).choice(len(mean), (1, 1000), p=probability)
    scale = np.broadcast_to(sd[rows][..., None, None, None], (1, 1000, 2, 1, 1))
    posterior = {
        "intercept": mean[rows], "sd": sd[rows][..., None], "factors": scale,
        "beyond": np.sqrt(sd[rows] ** 2 - 0.01)[..., None],
        "location": np.broadcast_to(mean[rows][..., None], (1, 1000, SITES)),
    }  # fmt: skip
    known = covariates_of(truth.covariates, truth.draws.sites)
    form = Form("constant", None, *PLAIN.values())
    tree = az.from_dict(
        {"posterior": posterior}, dims=DIMS, coords={"coordinate": list(truth.draws.coordinates)}
    )
    return PopulationFit(form, truth.draws, known, tree)


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


def by_hand(truth, density, positions):
    """Log density of positions: that of natural coordinates, and the map's determinant by steps."""
    flat = jnp.stack([ravel_pytree(p)[0] for p in positions])
    unravel, size = ravel_pytree(positions[0])[1], flat.shape[1]
    steps = jnp.concatenate([jnp.zeros((1, size)), 1e-5 * jnp.eye(size), -1e-5 * jnp.eye(size)])
    around = (flat[:, None] + steps[None]).reshape(-1, size)
    found = jax.jit(jax.vmap(lambda at: natural(density, unravel(at))))(around)
    total = []
    for at, *rest in np.asarray(found).reshape(len(positions), -1, size):
        above, below = np.split(np.array(rest), 2)
        total.append(exact(truth, at) + np.linalg.slogdet((above - below) / 2e-5)[1])
    return np.array(total)


def test_density_is_that_by_hand_with_the_map_s_determinant(truth, two_stage, sites, monkeypatch):
    density, xs = joint_density(two_stage, sites, 0)
    positions = [start(density, xs, np.random.default_rng(seed)) for seed in (1, 2)]
    expected = by_hand(truth, density, positions)

    def gap():  # up to a constant
        value = jax.jit(lambda position: density(position))
        return np.ptp([float(value(p)) for p in positions] - expected)

    assert 0.1 < float(density.groups[0].centred.min()) < 0.9
    assert gap() < 1e-5
    monkeypatch.setattr(Group, "log_stretch", lambda self, t: jnp.zeros(len(t)))
    assert gap() > 0.1


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
    assert fit.against(two_stage)["agree"].all()
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
