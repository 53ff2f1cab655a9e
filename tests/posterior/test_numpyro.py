"""The NumPyro model: densities of any points, draws with the right law, NumPyro's handlers."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpyro import handlers
from numpyro.infer import Predictive
from numpyro.infer.util import log_density
from scipy import stats

import bayes_tbm as bt
from bayes_tbm.catalogue import open_site
from bayes_tbm.posterior.numpyro_model import StreamLikelihood
from bayes_tbm.streams import ERROR_MODELS, STREAMS, bind_all

DRAWS = 20_000
SD, MEMORY, LENGTH, COMMON = 0.7, 25.0, 30.0, 0.3
CURVE = ([20, 50, 90, 140], [50.0, 90.0, 120.0, 130.0], [9.0, 9.0, 20.0, 15.0], "Mg ha-1")


def of_errors(data, model):
    """Covariance of a Gaussian error model's points, of the logarithm where they are positive."""
    gap = np.abs(np.subtract.outer(data.day, data.day))
    if isinstance(model, bt.AlongAge):
        sd = np.sqrt(np.log1p((data.measurement_sd / data.value) ** 2))
        share = COMMON + (1 - COMMON) * np.exp(-gap / 365.25 / LENGTH)
        known = data.log_covariance
        shared = np.outer(sd, sd) * share if known is None else known
        own = data.own_log_sd**2 + SD**2
        return shared + np.diag(own + 1e-9 * np.diag(shared))
    if isinstance(model, bt.LogNormalErrors):
        return np.diag(np.log1p((data.measurement_sd / data.value) ** 2) + SD**2)
    independent = np.diag(data.measurement_sd**2 + SD**2)
    if isinstance(model, bt.BlockMeans):
        same_year = data.year[:, None] == data.year[None, :]
        return independent - (1 - model.balance**2) * SD**2 / data.points_per_year * same_year
    if isinstance(model, bt.Autoregressive):
        sd = np.sqrt(np.diag(independent))
        return np.outer(sd, sd) * np.exp(-gap / MEMORY)
    return independent


def stated(bound, expected):
    """Joint log density of points, and a map of points to independent standard errors."""
    data, model = bound.data, bound.stream.errors
    factor = np.linalg.cholesky(of_errors(data, model))
    on_log = model.positive
    middle = np.log(expected) if on_log else expected

    def white(points):
        x = np.log(points) if on_log else points
        return (x - middle) @ np.linalg.inv(factor).T

    law = stats.t(model.degrees_of_freedom) if isinstance(model, bt.StudentT) else stats.norm()

    def density(points):
        jacobian = np.log(points).sum(axis=-1) if on_log else 0.0
        total = law.logpdf(white(points)).sum(axis=-1)
        return total - np.log(np.diag(factor)).sum() - jacobian

    return density, white, law


@pytest.fixture(scope="module")
def site():
    return open_site("hyytiala-twin", start="2006-01-01", end="2007-12-31")


def streams():
    """Every kind of stream with every error model that goes with it."""
    flux, plain = STREAMS["gpp"], [m for m in ERROR_MODELS.values() if not m.of_curve]
    for model in plain:
        own = STREAMS["lai"] if model.positive else flux  # GPP of a winter is zero
        yield f"flux {model.__name__}", own.with_errors(model())
    point = {"value": 130.0, "sd": 20.0, "unit": "Mg ha-1"}
    for when, model in zip(({"age": 80}, {"date": "2006-06-01"}, {"date": "1990-06-01"}), plain[:3],
                           strict=True):  # fmt: skip
        for errors in (model(), bt.LogNormalErrors()):
            yield f"{when} {type(errors).__name__}", bt.Stock(**point, **when, errors=errors)
    yield "stock", STREAMS["wood"]
    yield "stock StudentT", STREAMS["wood"].with_errors(bt.StudentT())
    yield "blocks", flux.with_errors(bt.Gaussian(averaging=61.0))
    yield "loose", flux.with_errors(bt.BlockMeans(balance=1.0))
    yield "curve", bt.GrowthCurve.from_points(*CURVE)
    yield "curve with age errors", bt.GrowthCurve.from_points(*CURVE, age_sd=4.0)
    covariance = 0.01 * np.exp(-np.abs(np.subtract.outer(np.arange(4), np.arange(4))))
    yield "curve with a covariance", bt.GrowthCurve.from_points(*CURVE, log_covariance=covariance)


CASES = dict(streams())


@pytest.fixture(params=CASES)
def likelihood(request, site):
    """Distribution of a stream's points around a made-up series, the bound stream, expectations."""
    (bound,) = bind_all([CASES[request.param]], site, 44.0)
    level = float(bound.data.value.mean())
    count = len(bound.point) if not hasattr(bound, "step") else int(bound.step.max()) + 1
    series = jnp.asarray(level * (1.2 + 0.3 * np.sin(np.arange(count))))
    own = {"structural_sd": SD, "structural_log_sd": SD, "memory": MEMORY}
    own |= {"error_length": LENGTH, "error_common": COMMON}
    errors = {f"{bound.name}_{name}": jnp.asarray(value) for name, value in own.items()}
    distribution = StreamLikelihood(bound, series, errors)
    return distribution, bound, np.asarray(bound.expected(series))


def other_points(bound, expected, *shape):
    """Points that nobody observed."""
    noise = np.random.default_rng(1).normal(size=(*shape, len(expected)))
    return expected * np.exp(0.2 * noise)


def test_log_prob_is_the_stated_density_of_the_value(likelihood):
    distribution, bound, expected = likelihood
    density, _, _ = stated(bound, expected)
    many = other_points(bound, expected, 2, 3)
    many[0, 0] = bound.data.value

    @jax.jit
    def found(points):
        slopes = jax.grad(lambda x: distribution.log_prob(x).sum())(points)
        return distribution.log_prob(points), distribution.log_prob(points[1, 2]), slopes

    terms, alone, slopes = jax.device_get(found(many))
    assert terms.shape == many.shape
    np.testing.assert_allclose(terms.sum(axis=-1), density(many), rtol=1e-9)
    np.testing.assert_allclose(alone, terms[1, 2], rtol=1e-9, atol=1e-12)
    assert (slopes != 0.0).all()
    assert np.isfinite(slopes).all()


def test_impossible_points_have_no_density(likelihood):
    distribution, bound, expected = likelihood
    points = other_points(bound, expected)
    points[0] = -1.0
    inside = np.asarray(distribution.support(points))
    assert inside[1:].all()
    assert inside[0] == (not bound.stream.errors.positive)
    first = jax.jit(jax.value_and_grad(lambda x: distribution.log_prob(x)[0]))
    value, slope = first(jnp.asarray(points))
    assert np.isfinite(value) == inside[0]
    assert not np.isnan(slope).any()


def test_samples_follow_the_stated_law(likelihood):
    distribution, bound, expected = likelihood
    draws = np.asarray(jax.jit(lambda key: distribution.sample(key, (DRAWS,)))(jax.random.key(3)))
    assert draws.shape == (DRAWS, len(expected))
    _, white, law = stated(bound, expected)
    errors = white(draws)
    # one draw of a fixed key; a scale wrong by 5 % would give 1e-6 or less
    assert all(stats.kstest(e, law.cdf).pvalue > 1e-4 for e in errors.T[:: 1 + len(expected) // 5])
    if law.dist.name == "norm":
        correlation = errors.T @ errors / DRAWS
        assert np.abs(correlation - np.eye(len(expected))).max() < 5.0 * np.sqrt(2.0 / DRAWS)


MODELS = {
    "gpp": bt.BlockMeans(),
    "et": bt.StudentT(),
    "lai": bt.Autoregressive(),
    "nee": bt.Gaussian(),
}
PRIORS = {f"{name}_structural_sd": 0.3 for name in MODELS}
Z = 0.3


@pytest.fixture(scope="module")
def posterior(site):
    """Calibration with every error model, priors independent of the data, and its NumPyro model."""
    chosen = [STREAMS[name].with_errors(model) for name, model in MODELS.items()]
    calibration = bt.Calibration(site, [*chosen, "wood"], priors=PRIORS)
    return calibration, calibration.numpyro_model()


def predicted(model, values, key, **points):
    """Compile: NumPyro itself would run the model operation by operation."""
    return jax.jit(lambda key: Predictive(model, values)(key, **points))(jax.random.key(key))


def latent(density):
    return {f"{name}_z": jnp.asarray(Z) for name in density.sampled}


@pytest.mark.parametrize("how", ["None", "uncondition"])
def test_predictive_draws_have_the_moments_of_the_model(posterior, how):
    calibration, model = posterior
    density, count = calibration.density, 400
    names = [stream.name for stream in density.streams]
    fixed = {name: jnp.full(count, z) for name, z in latent(density).items()}
    if how == "None":
        drawn = predicted(model, fixed, 1, **dict.fromkeys(names))
    else:
        drawn = predicted(handlers.uncondition(model), fixed, 1)
    values = density.values(jnp.full(density.dimension, Z))
    p, run = density.run(values)
    for stream in density.streams:
        draws = np.asarray(drawn[stream.name])
        assert draws.shape == (count, len(stream.data.value))
        positive = stream.stream.errors.positive
        middle = np.asarray(stream.expected(stream.series(run, p)))
        x, middle = (np.log(draws), np.log(middle)) if positive else (draws, middle)
        variance = x.var(axis=0)
        assert (np.abs(x.mean(axis=0) - middle) < 4.5 * np.sqrt(variance / count)).all()
        own = {n.removeprefix(f"{stream.name}_"): float(v) for n, v in values.items()}
        shared = stream.stream.systematic * (1.0 if positive or stream.stream.is_offset else middle)
        law = _variance(stream, own) + shared**2
        assert variance.mean() == pytest.approx(law.mean(), rel=0.15)


def _variance(stream, own):
    """Variance of every point by the docstrings of the error models."""
    data, model = stream.data, stream.stream.errors
    if model.positive:
        slope = getattr(data, "own_log_sd", 0.0)
        return np.log1p((data.measurement_sd / data.value) ** 2) + (
            own["structural_log_sd"] ** 2 + slope**2
        )
    total = data.measurement_sd**2 + own["structural_sd"] ** 2
    if isinstance(model, bt.BlockMeans):
        shared = (1 - model.balance**2) * own["structural_sd"] ** 2
        return total - shared / data.points_per_year
    df = getattr(model, "degrees_of_freedom", np.inf)
    return total * (df / (df - 2.0) if np.isfinite(df) else 1.0)


def test_predictive_leaves_what_is_observed_alone(posterior):
    calibration, model = posterior
    drawn = predicted(model, {n: z[None] for n, z in latent(calibration.density).items()}, 0,
                      gpp=None)  # fmt: skip
    seen = {stream.name: stream.data.value for stream in calibration.density.streams}
    np.testing.assert_array_equal(drawn["lai"][0], seen["lai"])
    assert (np.asarray(drawn["gpp"]) != seen["gpp"]).all()


def test_other_points_have_the_density_of_a_calibration_to_them(posterior, site):
    """What a calibration check does: condition on drawn points, not on those observed."""
    calibration, model = posterior
    density = calibration.density
    z = jnp.full(density.dimension, Z)
    fixed = {name: z[None] for name, z in latent(density).items()}
    drawn = predicted(model, fixed, 7, **dict.fromkeys(MODELS))
    points = {name: np.asarray(drawn[name])[0] for name in MODELS}
    seen = dict(site.observations)
    for name, value in points.items():
        if density.streams[list(MODELS).index(name)].data.value.shape == seen[name].value.shape:
            seen[name] = dataclasses.replace(seen[name], value=value)
    assert all(seen[name] is not site.observations[name] for name in ("gpp", "et", "nee"))
    other = bt.Calibration(
        dataclasses.replace(site, observations=seen), [s.stream for s in density.streams],
        priors=density.priors,
    )  # fmt: skip
    conditioned = handlers.condition(model, points)

    @jax.jit
    def joint(at):
        return log_density(conditioned, (), {}, at)[0], log_density(model, (), points, at)[0]

    as_observed, as_drawn = (float(jax.jit(d)(z)) for d in (density, other.density))
    assert as_drawn != pytest.approx(as_observed, rel=1e-3)
    for value in joint(latent(density)):
        assert float(value) == pytest.approx(as_drawn, rel=1e-9)


def test_a_stream_that_is_not_there_is_told(posterior):
    with pytest.raises(bt.InputError, match="gppp: must be a stream of the model: gpp, et"):
        log_density(posterior[1], (), {"gppp": None}, {})
