import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpyro.infer import MCMC, NUTS, init_to_value
from numpyro.infer.util import log_density
from scipy import stats

import bayes_tbm as bt
from bayes_tbm.runtime.promotion import lenient


@pytest.fixture(scope="module")
def density(calibration):
    return calibration.density


@pytest.fixture(scope="module")
def points(density):
    """Draws of the prior, (draw, dimension)."""
    return np.random.default_rng(5).normal(size=(50, density.dimension))


def test_value_is_the_sum_of_its_parts(density, points, value_and_grad):
    parts = jax.jit(density.parts)
    for z in points[:5]:
        found = jax.device_get(parts(z))
        assert set(found.stream) == {s.name for s in density.streams}
        assert set(found.constraint) == {c.name for c in density.constraints}
        assert set(found.prior) == set(density.sampled)
        terms = [stats.norm.logpdf(z).sum(), sum(found.constraint.values())]
        terms += [part.sum() for part in found.stream.values()]
        assert float(value_and_grad(z)[0]) == pytest.approx(sum(terms), rel=1e-12)
        for name, part in found.stream.items():
            assert part.shape == (len(next(s for s in density.streams if s.name == name).time),)


def test_a_stream_part_follows_from_the_simulation(calibration, density, points):
    """Wood inventories: log-normal errors around the mean of the pool over the step."""
    values = {n: float(v) for n, v in density.values(points[0]).items()}
    run = bt.simulate(bt.Parameters.from_mapping({n: values[n] for n in bt.TABLE}),
                      calibration.site)  # fmt: skip
    seen = calibration.site.observations["wood"]
    step = np.abs(run.time.values[:, None] - seen.time).argmin(axis=0)
    expected = (run.wood.values[step] + run.wood.values[step + 1]) / 2
    spread = np.sqrt(np.log(1 + (seen.sd / seen.value) ** 2))
    covariance = np.diag(spread**2) + 0.1**2  # of inventories' own errors and of one they share
    factor = np.linalg.cholesky(covariance)
    white = np.linalg.solve(factor, np.log(seen.value / expected))
    by_hand = stats.norm.logpdf(white) - np.log(np.diag(factor) * seen.value)
    part = jax.jit(lambda z: density.parts(z).stream["wood"])(points[0])
    np.testing.assert_allclose(part, by_hand, rtol=1e-9)


def test_latent_is_the_inverse_of_values(density, points):
    for z in points[:10]:
        np.testing.assert_allclose(density.latent(density.values(jnp.asarray(z))), z, atol=1e-9)


def test_log_density_by_name_is_that_of_the_latent_vector(calibration, points, value_and_grad):
    values = calibration.density.values(jnp.asarray(points[1]))
    plain = {name: float(value) for name, value in values.items()}
    assert calibration.log_density(plain) == pytest.approx(
        float(value_and_grad(points[1])[0]), rel=1e-9
    )


def test_gradient_is_finite_over_the_prior(points, value_and_grad):
    for z in points:
        value, gradient = value_and_grad(z)
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()


def test_gradient_is_the_slope(points, value_and_grad):
    rng = np.random.default_rng(6)
    for z in 0.5 * points[:3]:
        way = rng.normal(size=len(z))
        ahead, behind = (value_and_grad(z + h * way)[0] for h in (1e-5, -1e-5))
        slope = float(value_and_grad(z)[1] @ way)
        assert slope == pytest.approx(float(ahead - behind) / 2e-5, rel=1e-5)


def test_numpyro_sees_the_same_density(calibration, density, points, value_and_grad):
    model = calibration.numpyro_model()
    sites = [f"{name}_z" for name in density.sampled]
    joint = jax.jit(lambda z: log_density(model, (), {}, dict(zip(sites, z, strict=True)))[0])
    for z in points[:5]:
        assert float(joint(z)) == pytest.approx(float(value_and_grad(z)[0]), rel=1e-9)


@pytest.mark.slow
def test_numpyro_samples_the_model(calibration):
    few = bt.Calibration(calibration.site, ["lai"])
    density = few.density
    middle = init_to_value(values={f"{name}_z": 0.0 for name in density.sampled})
    kernel = NUTS(few.numpyro_model(), max_tree_depth=4, init_strategy=middle)
    mcmc = MCMC(kernel, num_warmup=20, num_samples=4, progress_bar=False)
    lenient(mcmc.run)(jax.random.key(0))
    draws = mcmc.get_samples()
    z = jnp.stack([draws[f"{name}_z"] for name in density.sampled], axis=-1)
    assert z.shape == (4, density.dimension)
    assert len(np.unique(z[:, 0])) > 1
    for row in range(4):
        for name, value in density.values(z[row]).items():
            if name in density.sampled:
                assert float(draws[name][row]) == pytest.approx(float(value), rel=1e-9)
