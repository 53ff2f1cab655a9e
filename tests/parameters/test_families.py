import math

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from bayes_tbm.errors import InputError
from bayes_tbm.native import Stacked, fused
from bayes_tbm.parameters import (
    FAMILIES,
    TABLE,
    BoundedLogNormal,
    Fixed,
    LogitNormal,
    LogitStudentT,
    LogNormal,
    LogStudentT,
    LogUniform,
    Normal,
    Uniform,
    prior_from_dict,
)

EXAMPLES = [
    Normal(120.0, 25.0),
    LogNormal(60.0, 0.8),
    LogNormal(2.5, 0.7, lower=1.0),
    BoundedLogNormal(60.0, 0.8, 2.7, 500.0),
    LogitNormal(0.15, 0.7),
    LogitNormal(3.0, 0.4, lower=2.0, upper=7.0),
    Uniform(-2.0, 5.0),
    LogUniform(1e-5, 1e-2),
    LogStudentT(60.0, 0.5, 2.7, 500.0),
    LogStudentT(4.0, 2.0, 2.7, 500.0),  # mostly cut off
    LogitStudentT(0.42, 0.5),
    LogitStudentT(3.0, 0.4, lower=2.0, upper=7.0),
]
SCALES = np.linspace(-3.5, 3.5, 15)


def quantile(prior, z):
    """Value at the normal quantile z, by scipy."""
    p = stats.norm.cdf(z)
    match prior:
        case Normal(mean, sd):
            return stats.norm.ppf(p, mean, sd)
        case LogNormal(median, log_sd, lower):
            return stats.lognorm.ppf(p, log_sd, lower, median - lower)
        case BoundedLogNormal(median, log_sd, lower, upper):
            span, share = np.log(upper / lower), np.log(median / lower) / np.log(upper / lower)
            scale = log_sd / (span * share * (1 - share))
            logit = stats.norm.ppf(p, special.logit(share), scale)
            return lower ** (1 - special.expit(logit)) * upper ** special.expit(logit)
        case LogitNormal(median, logit_sd, lower, upper):
            share = (median - lower) / (upper - lower)
            logit = stats.norm.ppf(p, math.log(share / (1 - share)), logit_sd)
            return lower + (upper - lower) / (1 + np.exp(-logit))
        case Uniform(lower, upper):
            return stats.uniform.ppf(p, lower, upper - lower)
        case LogUniform(lower, upper):
            return stats.loguniform.ppf(p, lower, upper)
        case LogStudentT(mode, log_scale, lower, upper):
            t = stats.t(4, np.log(mode), log_scale)
            below, above = t.cdf(np.log(lower)), t.sf(np.log(upper))
            within = 1.0 - below - above
            low, high = below + within * p, above + within * stats.norm.sf(z)
            return np.exp(np.where(np.less(low, high), t.ppf(low), t.isf(high)))
        case LogitStudentT(median, logit_scale, lower, upper):
            centre = special.logit((median - lower) / (upper - lower))
            return lower + (upper - lower) * special.expit(stats.t.ppf(p, 4, centre, logit_scale))


def natural_log_density(prior, value):
    """Density of the value by scipy, times the derivative of the value along its natural scale."""
    match prior:
        case Normal(mean, sd):
            return stats.norm.logpdf(value, mean, sd)
        case LogNormal(median, log_sd, lower):
            density = stats.lognorm.logpdf(value, log_sd, lower, median - lower)
            return density + np.log(value - lower)
        case BoundedLogNormal(median, log_sd, lower, upper):
            span, share = np.log(upper / lower), np.log(median / lower) / np.log(upper / lower)
            scale = log_sd / (span * share * (1 - share))
            x = special.logit(np.log(value / lower) / span)
            return stats.norm.logpdf(x, special.logit(share), scale)
        case LogitNormal(median, logit_sd, lower, upper):
            centre = special.logit((median - lower) / (upper - lower))
            x = special.logit((value - lower) / (upper - lower))
            return stats.norm.logpdf(x, centre, logit_sd)
        case Uniform(lower, upper):
            return stats.uniform.logpdf(value, lower, upper - lower)
        case LogUniform(lower, upper):
            return stats.loguniform.logpdf(value, lower, upper) + np.log(value)
        case LogStudentT(mode, log_scale, lower, upper):
            t = stats.t(4, np.log(mode), log_scale)
            return t.logpdf(np.log(value)) - np.log(t.cdf(np.log(upper)) - t.cdf(np.log(lower)))
        case LogitStudentT(median, logit_scale, lower, upper):
            centre = special.logit((median - lower) / (upper - lower))
            x = special.logit((value - lower) / (upper - lower))
            return stats.t.logpdf(x, 4, centre, logit_scale)


@pytest.mark.parametrize("prior", EXAMPLES, ids=str)
def test_from_normal_is_the_quantile_function(prior):
    # scipy's cdf and ppf lose a few digits in the upper tail
    np.testing.assert_allclose(prior.from_normal(SCALES), quantile(prior, SCALES), rtol=1e-11)


@pytest.mark.parametrize("prior", EXAMPLES, ids=str)
def test_log_density_is_that_of_the_natural_scale(prior):
    value = np.asarray(quantile(prior, SCALES))
    expected = natural_log_density(prior, value)
    np.testing.assert_allclose(prior.log_density(value), expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("compile_", ["0", "1"])
@pytest.mark.parametrize("prior", [*EXAMPLES, Fixed(2.0)], ids=str)
def test_value_and_derivatives_are_the_same_in_machine_code(monkeypatch, prior, compile_):
    """Up to the second derivative, of values that numbers made by scipy's quantiles confirm."""
    monkeypatch.setenv("BAYES_TBM_COMPILE", compile_)  # a warning, of what is left to XLA, fails

    def value(z):
        return fused(lambda z: (prior.from_normal(z),), Stacked.of(z))[0].tree.sum()

    @jax.jit
    def both(z):
        return jax.grad(value)(z), jax.jacfwd(jax.grad(value))(z).diagonal()

    slopes, curvature = both(SCALES)
    if isinstance(prior, Fixed):
        assert not slopes.any()
        assert not curvature.any()
        return
    step = 1e-4
    below, middle, above = (quantile(prior, SCALES + shift) for shift in (-step, 0.0, step))
    scale = np.abs(middle).max()
    np.testing.assert_allclose(slopes, (above - below) / (2 * step), rtol=1e-7, atol=1e-9 * scale)
    rough = (above - 2 * middle + below) / step**2
    np.testing.assert_allclose(curvature, rough, rtol=1e-5, atol=1e-5 * scale)


@pytest.mark.parametrize("z", [-30.0, -8.0, -1.0, 0.0, 0.3, 6.0, 40.0])
def test_the_derivatives_of_a_uniform_are_the_normal_density_s(z):
    prior = Uniform(-2.0, 5.0)
    density = 7.0 * stats.norm.pdf(z)
    assert jax.grad(prior.from_normal)(z) == pytest.approx(density, rel=1e-13)
    assert jax.grad(jax.grad(prior.from_normal))(z) == pytest.approx(-z * density, rel=1e-13)


@pytest.mark.parametrize("prior", EXAMPLES[-4:], ids=str)
def test_the_slope_of_a_student_t_is_finite_far_in_the_tails(prior):
    far = jax.vmap(jax.value_and_grad(prior.from_normal))(np.array([-40.0, -9.0, 9.0, 40.0]))
    assert np.isfinite(far).all()
    ends = np.repeat(prior.support, 2)
    np.testing.assert_allclose(far[0], ends, rtol=0.2, atol=0.2)


@pytest.mark.parametrize("prior", EXAMPLES, ids=str)
def test_center_is_the_median(prior):
    assert prior.center == pytest.approx(quantile(prior, 0.0), rel=1e-14)


def test_median_is_the_entry_of_that_name():
    for prior in EXAMPLES:
        if hasattr(prior, "median"):
            assert prior.center == pytest.approx(prior.median, rel=1e-15)


def test_bounded_log_normal_is_log_normal_far_from_its_bounds():
    bounded, free = BoundedLogNormal(60.0, 0.3, 1e-6, 1e12), LogNormal(60.0, 0.3)
    z = np.linspace(-1.0, 1.0, 9)
    # second order in log_sd over the 18 e-folds to the nearer bound
    np.testing.assert_allclose(bounded.from_normal(z), free.from_normal(z), rtol=0.3**2 / 18)
    near = BoundedLogNormal(60.0, 0.8, 2.7, 500.0)
    assert jax.grad(lambda z: jax.numpy.log(near.from_normal(z)))(0.0) == pytest.approx(0.8)
    # log-normal, 8 of these are factors of 600 either way
    assert 2.7 < near.from_normal(-8.0) < 1.1 * 2.7
    assert 500.0 / 1.1 < near.from_normal(8.0) < 500.0


def test_fixed_is_its_value_and_no_density():
    fixed = Fixed(3.5)
    np.testing.assert_array_equal(fixed.from_normal(SCALES), np.full(15, 3.5))
    np.testing.assert_array_equal(fixed.log_density(SCALES), np.zeros(15))
    assert fixed.center == 3.5


spreads = st.floats(0.05, 2.0)


@st.composite
def priors(draw):
    lower = draw(st.floats(-5.0, 5.0))
    width = draw(st.floats(0.1, 100.0))
    middle = lower + width * draw(st.floats(0.05, 0.95))
    positive = draw(st.floats(1e-6, 10.0))
    return draw(
        st.sampled_from(
            [
                Normal(middle, draw(spreads)),
                LogNormal(lower + width, draw(spreads), lower),
                LogitNormal(middle, draw(spreads), lower, lower + width),
                BoundedLogNormal(
                    positive * (1.0 + width) ** draw(st.floats(0.05, 0.95)),
                    draw(spreads) * math.log1p(width) * 0.2,
                    positive,
                    positive * (1.0 + width),
                ),
                Uniform(lower, lower + width),
                LogUniform(positive, positive * (1.0 + width)),
                LogStudentT(
                    positive * (1.0 + width) ** draw(st.floats(0.05, 0.95)),
                    draw(spreads) * math.log1p(width),
                    positive,
                    positive * (1.0 + width),
                ),
                LogitStudentT(middle, draw(spreads), lower, lower + width),
            ]
        )
    )


@settings(max_examples=60)
@given(prior=priors(), z=st.floats(-4.0, 4.0))
def test_to_normal_inverts_from_normal(prior, z):
    value = float(prior.from_normal(z))
    slope = float(jax.grad(lambda x: prior.from_normal(x))(z))
    # The value is rounded, as are the bounds it is measured from: that much in z, and no more.
    edges = [abs(v) for v in prior.to_dict().values() if isinstance(v, float)]
    rounding = 8 * np.finfo(float).eps * max(abs(value), *edges) / slope
    assert float(prior.to_normal(value)) == pytest.approx(z, rel=1e-13, abs=rounding + 1e-13)


@pytest.mark.parametrize("prior", [*EXAMPLES, Fixed(2.0)], ids=str)
def test_plain_data_round_trip(prior):
    assert prior_from_dict("x", prior.to_dict()) == prior


def test_a_number_holds_a_parameter_fixed():
    assert prior_from_dict("x", 3) == Fixed(3.0)


def test_every_family_is_known_by_its_name():
    assert {type(prior) for prior in EXAMPLES} | {Fixed} == set(FAMILIES.values())
    assert all(name == family.family for name, family in FAMILIES.items())


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"family": "gamma", "shape": 1.0}, "family must be one of normal, lognormal"),
        ({"median": 1.0, "log_sd": 1.0}, "family must be one of"),
        ("lognormal", "family must be one of"),
        (True, "family must be one of"),
        ({"family": "lognormal", "median": 60.0}, "takes the numbers median, log_sd, lower"),
        ({"family": "normal", "mean": 1.0, "sd": 1.0, "upper": 2.0}, "takes the numbers mean, sd"),
        ({"family": "normal", "mean": "warm", "sd": 1.0}, "mean: must be a finite number"),
        ({"family": "normal", "mean": None, "sd": 1.0}, "mean: must be a finite number"),
        ({"family": "normal", "mean": 1.0, "sd": 0.0}, "sd: must be positive"),
        ({"family": "lognormal", "median": 1.0, "log_sd": -0.5}, "log_sd: must be positive"),
        ({"family": "uniform", "lower": 2.0, "upper": 2.0}, "upper: must lie above lower, 2"),
        (math.nan, "value: must be a finite number"),
    ],
)
def test_what_is_no_prior_is_refused_in_one_line(data, told):
    with pytest.raises(InputError) as error:
        prior_from_dict("wood_residence_time", data, "run.toml")
    message = str(error.value)
    assert message.startswith("run.toml: wood_residence_time: ")
    assert told in message
    assert "\n" not in message
    assert error.value.found
    assert error.value.remedy


@pytest.mark.parametrize("row", TABLE.values(), ids=list(TABLE))
def test_default_prior_keeps_within_the_bounds_of_its_row(row):
    low, high = (quantile(row.prior, stats.norm.ppf(p)) for p in (0.005, 0.995))
    assert row.lower <= low < row.prior.center < high <= row.upper
