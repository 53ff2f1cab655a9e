"""Power-scaling and its verdicts against refits, which are exact for normal posteriors."""

import arviz as az
import numpy as np
import pytest
from scipy import stats

from bayes_tbm.constraint import constraint, verdict
from bayes_tbm.constraint.sensitivity import THRESHOLD, log_likelihoods, log_prior, power_scaling

POWERS = (0.8, 1.25)
PRIOR = {"x": {"family": "normal", "mean": 10.0, "sd": 4.0}}


def posterior(data, sd, prior_power=1.0, data_power=1.0):
    """Mean and sd of a standard normal prior and a datum, each raised to a power."""
    weight = data_power / sd**2
    return weight * data / (prior_power + weight), (prior_power + weight) ** -0.5


def distance(first, second, reach):
    """Cumulative Jensen-Shannon distance of two normals (Kallioinen et al. 2024), by quadrature.

    Over the range that draws of them reach: the measure depends on it.
    """
    x = np.linspace(*reach, 20_001)

    def directed(tail):
        p, q = (tail(x, *moments) for moments in (first, second))
        middle = np.log2(0.5 * (p + q))
        divergence = p * (np.log2(p) - middle) + q * (np.log2(q) - middle)
        return np.sqrt(np.trapezoid(divergence, x) / np.trapezoid(p + q, x))

    return max(directed(stats.norm.cdf), directed(stats.norm.sf))


def refitted(data, sd, reach):
    """Sensitivity to prior and to data by refits with each raised to powers."""
    here = posterior(data, sd)

    def sensitivity(part):
        refits = [posterior(data, sd, **{part: power}) for power in POWERS]
        steps = np.abs(np.log2(POWERS))
        return np.mean([distance(here, r, reach) / s for r, s in zip(refits, steps, strict=True)])

    return np.array([sensitivity("prior_power"), sensitivity("data_power")])


def latent_range(tree):
    z = (tree["posterior"]["x"].values - 10.0) / 4.0
    return z.min(), z.max()


@pytest.fixture(scope="module")
def result(linear_gaussian, make_stream):
    def build(data, sd, seed=1, shape=(4, 1000)):
        stream = make_stream(np.eye(1), np.array([data]), np.array([sd]))
        problem = linear_gaussian(PRIOR, {"stream": stream})
        return problem.result(seed=seed, memory=0.2, shape=shape)

    return build


# Datum and its sd in prior standard deviations: what a refit does, and what ArviZ calls it.
BUILT = {
    "prior-driven": (0.3, 6.0, "potential strong prior / weak likelihood"),
    "data-driven": (0.5, 0.1, "✓"),
    "in conflict": (6.0, 1.0, "potential prior-data conflict"),
}


@pytest.mark.parametrize("name", BUILT)
def test_verdicts_agree_with_refits(result, name):
    data, sd, diagnosis = BUILT[name]
    tree = result(data, sd)
    by_refit = refitted(data, sd, latent_range(tree))
    mean, spread = posterior(data, sd)
    assert verdict(*by_refit, mean / np.sqrt(1 - spread**2)) == name

    measured = constraint(tree)
    assert measured["verdict"].item() == name
    assert measured["stream_verdict"].item() == name
    table = az.psense_summary(tree)
    assert table.loc["x", "diagnosis"] == diagnosis
    for column, part, expected in zip(
        ("prior", "likelihood"), ("psense_prior", "psense_likelihood"), by_refit, strict=True
    ):
        found = measured[part].item()
        assert table.loc["x", column] == pytest.approx(found, abs=6e-4)  # rounded there
        # three standard errors, and 3 % for the finite powers of a refit
        assert abs(found - expected) < 3 * measured[f"{part}_mcse"].item() + 0.03 * expected


@pytest.mark.parametrize("name", BUILT)
def test_verdicts_agree_with_half_and_twice_the_spread(name):
    """Refits as a user makes them: how far posterior mean and sd go, in posterior sds."""
    data, sd, _ = BUILT[name]
    mean, spread = posterior(data, sd)

    def moved(**powers):
        ends = [posterior(data, sd, **{k: v**p for k, v in powers.items()}) for p in (-1, 1)]
        return max(abs(m - mean) / spread + abs(np.log(s / spread)) for m, s in ends)

    prior, likelihood = moved(prior_power=4.0), moved(data_power=4.0)
    if name == "in conflict":
        assert min(prior, likelihood) > 1.0
    else:
        weak, strong = sorted([prior, likelihood])
        assert strong > 5 * weak
        assert (strong == prior) == (name == "prior-driven")


def test_sensitivities_agree_with_refits_from_weak_to_strong_data(result):
    for case, sd in enumerate(np.geomspace(0.2, 5.0, 6)):
        data = [0.0, 3.0][case % 2]
        tree = result(data, sd, seed=case)
        latent = (tree["posterior"]["x"].values.reshape(1, -1) - 10.0) / 4.0
        terms = np.stack([log_prior(tree), log_likelihoods(tree)["stream"]])
        estimate = power_scaling(latent, terms)
        expected = refitted(data, sd, latent_range(tree))
        error = 4 * estimate.mcse[:, 0] + 0.03 * expected  # t with 9 degrees of freedom, 12 numbers
        assert np.all(np.abs(estimate.value[:, 0] - expected) < error)


@pytest.mark.parametrize("sd", [0.3, 0.7, 1.4, 3.0])
def test_where_prior_and_data_agree_the_larger_sensitivity_names_the_driver(sd):
    """The two add up to 0.08 over the range of some thousand draws: both never reach 0.05."""
    spread = posterior(0.0, sd)[1]
    expected = refitted(0.0, sd, (-3.6 * spread, 3.6 * spread))
    assert expected.sum() == pytest.approx(0.08, abs=0.002)
    np.testing.assert_allclose(expected / expected.sum(), [spread**2, 1 - spread**2], atol=0.01)
    assert verdict(*expected) == ("prior-driven" if sd > 1 else "data-driven")


def test_a_slight_disagreement_takes_both_sensitivities_to_the_threshold():
    """Half a sigma of the prior predictive: hence the condition on tension."""
    data, sd = 0.7, 1.0
    mean, spread = posterior(data, sd)
    expected = refitted(data, sd, (mean - 3.6 * spread, mean + 3.6 * spread))
    assert (expected > THRESHOLD).all()
    tension = mean / np.sqrt(1 - spread**2)
    assert tension == pytest.approx(data / np.hypot(1.0, sd))  # 0.5
    assert verdict(*expected) == "in conflict"
    assert verdict(*expected, tension) != "in conflict"


def test_sensitivities_are_those_of_arviz(two_parameters):
    """Of a quantity whose latent scale is linear; by stream too."""
    tree = two_parameters(3).result(seed=3)
    data = constraint(tree, parameters=["a"])
    likelihood = {"group": "likelihood", "var_names": "a"}
    assert data["psense_prior"].item() == pytest.approx(float(az.psense(tree, var_names="a")["a"]))
    expected = float(az.psense(tree, **likelihood)["a"])
    assert data["psense_likelihood"].item() == pytest.approx(expected)
    for stream in ("flux", "stock"):
        expected = float(az.psense(tree, **likelihood, group_var_names=[stream])["a"])
        found = data["psense_stream"].sel(parameter="a", stream=stream)
        assert found.item() == pytest.approx(expected)


def test_error_of_a_sensitivity_is_its_scatter(result):
    values, errors = [], []
    for seed in range(12):
        tree = result(1.0, 1.0, seed=seed, shape=(4, 250))
        estimate = power_scaling(
            tree["posterior"]["x"].values.reshape(1, -1), log_prior(tree)[None]
        )
        values.append(estimate.value.item())
        errors.append(estimate.mcse.item())
    assert 0.5 < np.std(values, ddof=1) / np.sqrt(np.mean(np.square(errors))) < 1.6


def test_terms_are_summed_over_points_chain_after_chain():
    rng = np.random.default_rng(1)
    points = rng.normal(size=(2, 3, 4))
    tree = az.from_dict({
        "log_likelihood": {"flux": points},
        "log_prior": {"x": points[..., 0], "steady_wood": points[..., 1]},
    })  # fmt: skip
    np.testing.assert_allclose(log_likelihoods(tree)["flux"], points.sum(axis=-1).ravel())
    np.testing.assert_allclose(log_prior(tree), points[..., :2].sum(axis=-1).ravel())


@pytest.mark.parametrize(
    ("prior", "likelihood", "tension", "expected"),
    [
        (THRESHOLD, THRESHOLD, 2.0, "in conflict"),
        (THRESHOLD, THRESHOLD, -2.0, "in conflict"),
        (0.09, 0.06, 1.9, "prior-driven"),  # both matter, but they agree
        (0.06, 0.09, 1.9, "data-driven"),
        (0.09, 0.04, 9.0, "prior-driven"),
        (0.04, 0.09, 9.0, "data-driven"),
        (0.04, 0.01, 9.0, "prior-driven"),
    ],
)
def test_verdict(prior, likelihood, tension, expected):
    assert verdict(prior, likelihood, tension) == expected
