import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, special, stats

import bayes_tbm as bt
from bayes_tbm.calibration import Calibration
from bayes_tbm.posterior import EDCS
from bayes_tbm.posterior.evaluate import QUANTILES, Evaluator

DRAWS = 500


def bounded_lognormal(p, x):
    # the place of ln x between the ln of the bounds is logit-normal; log_sd is the slope's inverse
    def place(value):
        return np.log(value / p["lower"]) / np.log(p["upper"] / p["lower"])

    middle = place(p["median"])
    logit_sd = p["log_sd"] / (np.log(p["upper"] / p["lower"]) * middle * (1 - middle))
    return stats.norm.cdf(special.logit(place(x)), special.logit(middle), logit_sd)


def logitnormal(p, x):
    shares = ((value - p["lower"]) / (p["upper"] - p["lower"]) for value in (x, p["median"]))
    here, middle = map(special.logit, shares)
    return stats.norm.cdf(here, middle, p["logit_sd"])


CDF = {
    "normal": lambda p, x: stats.norm.cdf(x, p["mean"], p["sd"]),
    "lognormal": lambda p, x: stats.lognorm.cdf(
        x, p["log_sd"], loc=p["lower"], scale=p["median"] - p["lower"]
    ),
    "uniform": lambda p, x: stats.uniform.cdf(x, p["lower"], p["upper"] - p["lower"]),
    "loguniform": lambda p, x: stats.loguniform.cdf(x, p["lower"], p["upper"]),
    "bounded_lognormal": bounded_lognormal,
    "logitnormal": logitnormal,
}


@pytest.fixture(scope="module")
def loose(calibration):
    """No constraints, and a prior of every family."""
    priors = {
        "initial_wood": bt.Uniform(3000.0, 9000.0),
        "initial_som": bt.LogUniform(2000.0, 50000.0),
        "leaf_onset_day": bt.Normal(135.0, 8.0),
    }
    return Calibration(calibration.site, ["gpp", "wood"], priors=priors, constraints=False)


@pytest.fixture(scope="module")
def evaluator(loose):
    return Evaluator(loose.density)


@pytest.fixture(scope="module")
def drawn(evaluator):
    return evaluator.prior(DRAWS, seed=3)


@pytest.fixture(scope="module")
def z(loose):
    return 0.7 * np.random.default_rng(1).normal(size=(2, 5, loose.density.dimension))


@pytest.fixture(scope="module")
def evaluated(evaluator, z):
    return evaluator.posterior(z, seed=4)


def test_prior_draws_obey_the_priors(loose, drawn):
    assert set(CDF) == {loose.density.priors[name].family for name in loose.density.sampled}
    for name in loose.density.sampled:
        prior = loose.density.priors[name].to_dict()
        sample = drawn.values[name]
        assert sample.shape == (1, DRAWS)
        test = stats.kstest(sample[0], lambda x, p=prior: CDF[p["family"]](p, x))
        assert test.pvalue > 1e-4, name  # of 34 parameters one falls below by chance in 300 seeds


def test_prior_draws_are_independent_between_parameters(loose, drawn):
    table = np.array([drawn.values[name][0] for name in loose.density.sampled])
    ranks = stats.spearmanr(table.T).statistic
    worst = np.abs(ranks - np.eye(len(ranks))).max()
    assert worst < 4.5 / np.sqrt(DRAWS)  # 561 pairs: by chance once in 250 seeds


def test_constrained_prior_is_the_prior_times_its_constraint(calibration):
    """A wide prior on the ratio of canopy to roots, cut softly at a fifth and at five."""
    prior = bt.LogNormal(1.3, 1.5)
    width = 0.5
    cal = Calibration(
        calibration.site, ["wood"], priors={"canopy_to_root_allocation": prior},
        constraints={n: n == "canopy_root_allocation" and width for n in EDCS},
    )  # fmt: skip
    assert [c.name for c in cal.density.constraints] == ["canopy_root_allocation"]
    tree = cal.prior(DRAWS, seed=2)
    assert json.loads(tree.attrs["experiment"])["prior_only"] is True
    x = np.log(tree["posterior/canopy_to_root_allocation"].values.ravel())
    grid = np.linspace(-9, 9, 20001)
    cut = special.expit((np.log(5) + grid) / width) * special.expit((np.log(5) - grid) / width)
    weight = stats.norm.pdf(grid, np.log(1.3), 1.5) * cut
    cumulative = integrate.cumulative_simpson(weight, x=grid, initial=0)
    test = stats.kstest(x, lambda v: np.interp(v, grid, cumulative / cumulative[-1]))
    assert x.shape == (DRAWS,)
    assert test.pvalue > 1e-3
    assert stats.kstest(x, stats.norm(np.log(1.3), 1.5).cdf).pvalue < 1e-4  # it does bite
    term = tree["log_prior/canopy_root_allocation"].values.ravel()
    np.testing.assert_allclose(np.exp(term), np.interp(x, grid, cut), rtol=1e-4)


def test_groups_are_the_parts_of_the_density(loose, z, evaluated):
    density = loose.density
    parts = jax.jit(density.parts)
    for chain, draw in np.ndindex(2, 5):
        expected = parts(z[chain, draw])
        for name, value in density.values(z[chain, draw]).items():
            if name in density.sampled:
                assert evaluated.values[name][chain, draw] == pytest.approx(float(value), rel=1e-9)
        for name, part in expected.prior.items():
            found = evaluated.log_prior[name][chain, draw]
            assert found == pytest.approx(float(part), rel=1e-9, abs=1e-12)
        for name, part in expected.stream.items():
            found = evaluated.log_likelihood[name][chain, draw]
            np.testing.assert_allclose(found, part, rtol=1e-6, atol=1e-6)
    assert set(evaluated.log_prior) == set(density.sampled)  # no constraints here
    assert set(evaluated.log_likelihood) == {"gpp", "wood"}


def test_shapes_and_types(loose, evaluated):
    points = {s.name: len(s.data.value) for s in loose.density.streams}
    for group in (evaluated.log_likelihood, evaluated.predictive):
        for name, array in group.items():
            assert array.shape == (2, 5, points[name])
            assert array.dtype == np.float32
    for group in (evaluated.values, evaluated.log_prior):
        assert {array.shape for array in group.values()} == {(2, 5)}
        assert {array.dtype for array in group.values()} == {np.dtype(np.float64)}
    assert {s.shape for s in evaluated.series.values()} == {
        (len(QUANTILES), loose.site.steps)
    }  # fmt: skip


def test_series_and_derived_quantities_follow_from_simulations(loose, z, evaluated):
    runs = []
    for row in z.reshape(10, -1):
        values = {n: float(v) for n, v in loose.density.values(row).items() if n in bt.TABLE}
        runs.append(bt.simulate(bt.Parameters.from_mapping(values), loose.site))
    gpp = np.array([run.gpp.values for run in runs])
    annual = gpp.mean(axis=1) * 365.25  # all steps are equally long
    np.testing.assert_allclose(evaluated.values["gpp_annual"].ravel(), annual, rtol=1e-9)
    np.testing.assert_allclose(
        evaluated.series["gpp"][QUANTILES.index(0.5)], np.median(gpp, axis=0), rtol=1e-9
    )


def test_synthetic_points_scatter_around_the_simulation(loose, evaluator):
    draws = 400
    z = np.zeros((1, draws, loose.density.dimension))
    found = evaluator.posterior(z, seed=5)
    values = {n: float(v) for n, v in loose.density.values(z[0, 0]).items() if n in bt.TABLE}
    run = bt.simulate(bt.Parameters.from_mapping(values), loose.site)
    bound = {s.name: s for s in loose.density.streams}
    gpp, pool = found.predictive["gpp"][0], (run.wood.values[1:] + run.wood.values[:-1]) / 2
    expected = run.gpp.values[bound["gpp"].step]
    # the error of scale that all values share is what the observed ones tell of it
    point = loose.density.values(z[0, 0])
    of_gpp, of_wood = (
        [float(x) for x in bound[name].common_given(series, point)]
        for name, series in (("gpp", jnp.asarray(run.gpp.values)), ("wood", jnp.asarray(pool)))
    )
    expected = expected * (1.0 + 0.08 * of_gpp[0])
    score = (gpp.mean(axis=0) - expected) / (gpp.std(axis=0) / np.sqrt(draws))
    assert np.abs(score).max() < 4.5
    assert 0.3 < score.std() < 1.3  # as they share an error, their scores do too
    sd = np.hypot(0.25, float(loose.density.priors["gpp_structural_sd"].center))
    sd = np.median(np.hypot(sd, 0.08 * of_gpp[1] * expected))
    assert np.median(gpp.std(axis=0)) == pytest.approx(sd, rel=0.05)
    wood = np.log(found.predictive["wood"][0])
    expected = np.log(pool[bound["wood"].step]) + 0.1 * of_wood[0]
    score = (wood.mean(axis=0) - expected) * np.sqrt(draws) / wood.std()
    assert np.abs(score).max() < 4.0


def test_seeds(evaluator, z, evaluated, drawn):
    again, other = evaluator.posterior(z, seed=4), evaluator.posterior(z, seed=5)
    np.testing.assert_array_equal(again.predictive["gpp"], evaluated.predictive["gpp"])
    assert (other.predictive["gpp"] != evaluated.predictive["gpp"]).mean() > 0.99
    few = evaluator.prior(DRAWS, seed=4)
    assert not np.isin(few.values["initial_som"], drawn.values["initial_som"]).any()
    # no two draws share their noise, also where a batch has to be filled up
    noise = evaluated.predictive["gpp"].reshape(10, -1)
    assert len(np.unique(noise[:, 0])) == 10


def test_constraints_that_contradict_the_priors_are_refused(calibration):
    """That nothing is sampled or written then, test_refusals.py looks at."""
    cal = Calibration(
        calibration.site, ["wood"],
        priors={"canopy_to_root_allocation": bt.LogNormal(20.0, 0.01)},
        constraints=["canopy_root_allocation"],
    )  # fmt: skip
    with pytest.raises(bt.InputError, match="constraints: must not contradict the priors; found"):
        cal.prior(DRAWS)


def test_a_posterior_gives_points_and_no_places(calibration):
    tree = calibration.prior(8)
    z = jnp.zeros(calibration.density.dimension)
    for bound in calibration.density.streams:
        count = len(bound.data.value)
        assert len(bound.ready.data.value) >= count
        for group in ("log_likelihood", "posterior_predictive"):
            assert tree[group][bound.name].shape == (1, 8, count)
        assert calibration.density.parts(z).stream[bound.name].shape == (count,)
    assert any(len(b.ready.data.value) > len(b.data.value) for b in calibration.density.streams)
