"""Contraction, bits and overlap against closed forms."""

import numpy as np
import pytest
from scipy import stats

from bayes_tbm.constraint.information import INFORMATION, SPREAD, information, marginal
from bayes_tbm.constraint.jackknife import jackknife
from bayes_tbm.constraint.scales import StatedPriors
from bayes_tbm.constraint.targets import LatentDraws
from bayes_tbm.results.groups import group

CASES = range(24)
TARGETS = [("a",), ("b",)]
JOINT = [("a", "b")]
MEASURES = [*SPREAD, *INFORMATION]


def draws_of(tree, stated=None):
    posterior, prior = group(tree, "posterior"), group(tree, "prior")
    return LatentDraws.of(JOINT, [posterior], prior, stated or StatedPriors.of(tree))


def shared_area(mean, sd):
    """Area under both the standard and another normal density: normal between their crossings."""
    # equal densities: (1 - 1/v) x^2 + 2 m/v x - m^2/v - ln v = 0
    roots = np.roots([1 - sd**-2, 2 * mean / sd**2, -((mean / sd) ** 2) - 2 * np.log(sd)])
    inner = [np.diff(d.cdf(np.sort(roots)))[0] for d in (stats.norm, stats.norm(mean, sd))]
    narrow, wide = (inner[1], inner[0]) if sd < 1 else (inner[0], inner[1])
    return wide + 1 - narrow


def closed_forms(truth, mean, covariance):
    """Every measure of each parameter and of both, (target, measure)."""
    rows = []
    for k in range(2):
        variance = covariance[k, k]
        own = truth(mean[[k]], covariance[[k]][:, [k]])
        tension = mean[k] / np.sqrt(max(1 - variance, 0.05))
        area = shared_area(mean[k], np.sqrt(variance))
        rows.append([1 - variance, mean[k], tension, area, *_both_forms(own)])
    return np.array(rows), np.array(_both_forms(truth(mean, covariance)))


def _both_forms(own):
    return [own["bits"], own["bits"], own["entropy_reduction"], own["entropy_reduction"]]


@pytest.fixture(scope="module")
def departures(two_parameters, truth):
    """Errors of all cases over their Monte Carlo standard errors: (case, target, measure)."""
    one, both = [], []
    for case in CASES:
        problem = two_parameters(case)
        draws = draws_of(problem.result(seed=case))
        single = draws.estimate(marginal, len(MEASURES), TARGETS)
        joint = draws.estimate(information, len(INFORMATION), JOINT)
        expected, jointly = closed_forms(truth, *problem.posterior(problem.streams))
        one.append((single.value - expected) / single.mcse)
        both.append((joint.value - jointly) / joint.mcse)
    return np.array(one), np.array(both)


@pytest.mark.parametrize("measure", MEASURES)
def test_one_quantity_is_within_three_standard_errors_in_every_case(departures, measure):
    errors = departures[0][..., MEASURES.index(measure)]
    assert np.abs(errors).max() < 3
    # neither too small nor too large: 48 departures, root mean square 1.06 with 20 blocks
    assert 0.75 < np.sqrt(np.mean(errors**2)) < 1.4


@pytest.mark.parametrize("measure", INFORMATION)
def test_a_pair_is_within_three_standard_errors_in_every_case(departures, measure):
    errors = departures[1][..., list(INFORMATION).index(measure)]
    assert np.abs(errors).max() < 3
    assert 0.65 < np.sqrt(np.mean(errors**2)) < 1.5


def test_parameters_without_stated_priors_are_measured_by_prior_draws(two_parameters, truth):
    """As derived quantities are; one of them is far from normal or log-normal in the prior."""
    errors = []
    for case in range(8):
        problem = two_parameters(case)
        tree = problem.result(seed=case)
        for name in ("posterior", "prior"):
            z = (tree[name]["a"] - 3.0) / 2.0
            tree[name]["a"] = np.sinh(z) + 0.3 * np.exp(z)
        draws = draws_of(tree, StatedPriors({}, {}))
        single = draws.estimate(marginal, len(MEASURES), TARGETS)
        expected, _ = closed_forms(truth, *problem.posterior(problem.streams))
        errors.append((single.value - expected) / single.mcse)
    errors = np.array(errors)
    assert np.abs(errors).max() < 4  # t with 19 degrees of freedom, 128 numbers
    assert 0.6 < np.sqrt(np.mean(errors**2)) < 1.5


def test_prior_draws_cost_accuracy_and_the_error_says_so(two_parameters):
    tree = two_parameters(1).result(seed=1)
    exact, by_draws = (
        draws_of(tree, stated).estimate(marginal, len(MEASURES), TARGETS).mcse[:, 4]
        for stated in (None, StatedPriors({}, {}))
    )
    assert (by_draws > 1.5 * exact).all()


SHAPES = {
    "skewed": lambda z: np.exp(0.8 * z),
    "two peaks": lambda z: z + 2.2 * np.tanh(3 * z),
    "bounded": lambda z: np.tanh(z),
}


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("memory", [0.0, 0.9])
def test_bits_of_posteriors_that_are_not_normal(chains, name, memory):
    """Of x(z), z normal: entropy that of z plus E ln x'(z)."""
    change = SHAPES[name]
    grid = np.linspace(-8, 8, 40001)
    slope = np.gradient(change(grid), grid)
    weight = stats.norm.pdf(grid) * (grid[1] - grid[0])
    stretch = np.sum(weight * np.log(slope))
    displacement = 0.5 * (np.sum(weight * change(grid) ** 2) - 1)
    z = chains(np.random.default_rng(5), memory, (4, 1000)).reshape(1, 1, -1)
    found = jackknife(marginal, change(z))
    value = dict(zip(MEASURES, found.value[0], strict=True))
    mcse = dict(zip(MEASURES, found.mcse[0], strict=True))
    expected = {
        "entropy_reduction": -stretch / np.log(2),
        "bits": (displacement - stretch) / np.log(2),
    }
    for measure, true in expected.items():
        assert abs(value[measure] - true) < 3 * mcse[measure] + 0.01
    # more certain than the Gaussian form says, as any shape is
    assert value["entropy_reduction"] > value["entropy_reduction_gaussian"] + 0.02


def test_information_gain_is_reduction_plus_displacement(chains):
    rng = np.random.default_rng(2)
    mix = np.array([[0.5, 0.0, 0.0], [0.3, 0.7, 0.0], [-0.2, 0.1, 1.4]])
    z = (chains(rng, 0.3, (4, 500, 3)) @ mix.T + [1.0, -0.5, 0.2]).reshape(1, -1, 3)
    z = z.swapaxes(1, 2)
    bits, gaussian, reduction, reduction_gaussian = information(z)[0]
    displacement = 0.5 * (np.sum(z**2) / z.shape[-1] - 3) / np.log(2)
    assert bits - reduction == pytest.approx(displacement)
    assert gaussian - reduction_gaussian == pytest.approx(displacement)
    assert reduction_gaussian == pytest.approx(-np.log2(0.5 * 0.7 * 1.4), abs=0.1)


def test_a_correlated_prior_is_what_information_is_measured_from(chains):
    """A posterior that is the prior says nothing, however correlated both are."""
    rng = np.random.default_rng(3)
    mix = np.linalg.cholesky([[1.0, 0.9], [0.9, 1.0]])
    prior, posterior = (
        (chains(rng, 0.0, (4, n, 2)) @ mix.T).reshape(1, -1, 2).swapaxes(1, 2) for n in (2000, 1000)
    )
    found = jackknife(information, posterior, prior, correct_bias=False)
    assert np.all(np.abs(found.value) < 4 * found.mcse)
    assert information(posterior)[0, 0] > 1.0  # from independent priors: 1.2 bit


def test_an_invertible_change_of_axes_leaves_joint_bits_alone(chains):
    z = chains(np.random.default_rng(4), 0.0, (4, 1000, 2)).reshape(1, -1, 2).swapaxes(1, 2)
    ridge = np.array([[1.0, 0.0], [0.97, np.sqrt(1 - 0.97**2)]]) @ z
    own, along = information(z)[0], information(ridge)[0]
    assert along[2] - own[2] == pytest.approx(-0.5 * np.log2(1 - 0.97**2), abs=1e-6)


def test_draws_that_coincide_leave_joint_bits_about_right(chains, truth):
    """A chain that often stays where it was, once for long, repeats its draws."""
    mean, mix = np.array([0.8, -0.4]), np.array([[0.5, 0.0], [0.4, 0.3]])
    rng = np.random.default_rng(1)
    place = np.cumsum(rng.uniform(size=4000) < 0.6)
    place[1500:1540] = place[1500]
    z = (mean + chains(rng, 0.0, (4001, 2)) @ mix.T)[place].T[None]
    expected = truth(mean, mix @ mix.T)["bits"]
    assert information(z)[0, 0] == pytest.approx(expected, abs=0.1)
    found = jackknife(information, z, correct_bias=False)
    assert abs(found.value[0, 0] - expected) < 3 * found.mcse[0, 0] + 0.05


def test_of_a_chain_that_hardly_moved_joint_bits_are_unknown():
    z = np.random.default_rng(1).normal(size=(1, 2, 5)).repeat(100, axis=-1)
    assert np.isnan(information(z)[0, 0])
