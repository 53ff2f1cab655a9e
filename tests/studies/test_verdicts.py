"""Verdicts from refits, from power-scaling and from ArviZ, on posteriors known exactly."""

import dataclasses
import json
from types import SimpleNamespace

import arviz as az
import numpy as np
import pytest
from scipy import stats

import bayes_tbm as bt
from bayes_tbm.studies import refits

SHAPE, PRIOR_DRAWS = (4, 1000), 1000
PAIR = ("wider", "narrower")


@dataclasses.dataclass(frozen=True)
class Conjugate:
    """Data linear in parameters with normal priors: stands in for a calibration.

    Draws have the posterior's mean and covariance to rounding, so what the refits say of them is
    exact.
    """

    priors: dict
    jacobian: np.ndarray
    value: np.ndarray
    sd: np.ndarray
    seed: int

    @property
    def density(self):
        return SimpleNamespace(priors=self.priors)

    def with_priors(self, changes):
        return dataclasses.replace(self, priors={**self.priors, **changes})

    def moments(self):
        """Mean and covariance of the parameters."""
        means, sds = (np.array([getattr(p, n) for p in self.priors.values()])
                      for n in ("mean", "sd"))  # fmt: skip
        weighted = self.jacobian / self.sd[:, None] ** 2
        covariance = np.linalg.inv(np.diag(sds**-2.0) + weighted.T @ self.jacobian)
        return covariance @ (means / sds**2 + weighted.T @ self.value), covariance

    def result(self):
        rng = np.random.default_rng(self.seed)
        mean, covariance = self.moments()
        noise = rng.normal(size=(np.prod(SHAPE), len(mean)))
        noise -= noise.mean(axis=0)
        spread = np.linalg.cholesky(noise.T @ noise / len(noise))
        noise = np.linalg.solve(spread, noise.T)  # of unit covariance, to rounding
        x = (mean[:, None] + np.linalg.cholesky(covariance) @ noise).reshape(-1, *SHAPE)
        own = dict(zip(self.priors, x, strict=True))
        prior = {n: rng.normal(p.mean, p.sd, (1, PRIOR_DRAWS)) for n, p in self.priors.items()}
        modelled = np.moveaxis(np.tensordot(self.jacobian, x, 1), 0, -1)
        stated = {n: p.to_dict() for n, p in self.priors.items()}
        return az.from_dict(
            {
                "posterior": own,
                "prior": prior,
                "log_prior": {n: stats.norm.logpdf(own[n], p.mean, p.sd)
                              for n, p in self.priors.items()},
                "log_likelihood": {"stream": stats.norm.logpdf(self.value, modelled, self.sd)},
            },
            attrs={"/": {"experiment": json.dumps({"priors": stated, "constraints": {}})}},
        )  # fmt: skip


def one(data, sd, seed=1):
    """One parameter and one datum, both in prior standard deviations from the prior's mean."""
    prior = bt.Normal(10.0, 4.0)
    x, error = np.array([10.0 + 4.0 * data]), np.array([4.0 * sd])
    return Conjugate({"x": prior}, np.eye(1), x, error, seed)


@pytest.fixture
def refit(monkeypatch):
    """Refit by closed form; returns what `bayes_tbm.studies.sensitivity` makes of it."""
    monkeypatch.setattr(refits, "fit_once", lambda _, problem, *__, **___: problem.result())

    def run(problem, which=PAIR):
        return refits.sensitivity(problem, parameters=tuple(problem.priors), which=which)

    return run


# Ranges of the datum, in sd of its prior predictive, and of its sd, in prior standard deviations
BUILT = {
    "data-driven": ((-0.5, 0.5), (0.05, 0.3), "✓"),
    "prior-driven": ((-0.3, 0.3), (3.0, 8.0), "potential strong prior / weak likelihood"),
    "in conflict": ((3.5, 5.0), (0.7, 1.4), "potential prior-data conflict"),
}


def built(name, case):
    (low, high), (least, most), diagnosis = BUILT[name]
    rng = np.random.default_rng([case, len(name)])
    sd = np.exp(rng.uniform(np.log(least), np.log(most)))
    return one(rng.uniform(low, high) * np.hypot(1.0, sd), sd, seed=case), diagnosis


@pytest.mark.parametrize("case", range(4))
@pytest.mark.parametrize("name", BUILT)
def test_refits_power_scaling_and_arviz_say_what_was_built(refit, name, case):
    problem, diagnosis = built(name, case)
    found = refit(problem)
    assert found.table.loc["x", "verdict_refits"] == name
    assert found.table.loc["x", "verdict_power_scaling"] == name
    stated = found.posteriors[refits.STATED]
    assert az.psense_summary(stated).loc["x", "diagnosis"] == diagnosis
    assert bt.constraint(stated)["verdict"].item() == name


@pytest.mark.parametrize("name", BUILT)
def test_shifts_are_those_of_the_exact_posteriors(refit, name):
    problem, _ = built(name, 0)
    row = refit(problem).table.loc["x"]
    mean, variance = problem.moments()
    for which, factor in zip(PAIR, (2.0, 0.5), strict=True):
        other, _ = problem.with_priors({"x": bt.Normal(10.0, 4.0 * factor)}).moments()
        shift = (other - mean).item() / np.sqrt(variance.item())
        assert row[f"shift_{which}"] == pytest.approx(shift, abs=1e-9)


def closed_form(remaining):
    """Elasticity from half and twice the prior's sd, by what remains of the prior's variance.

    With data of precision w and a prior of sd f the variance is 1 / (f^-2 + w); what remains at
    f = 1 is r = 1 / (1 + w). The ratio of variances at f = 2 and 1/2, (4 + w) / (1/4 + w), is then
    (1 + 3 r) / (1 - 3/4 r), and the elasticity its logarithm over that of 16.
    """
    return np.log((1.0 + 3.0 * remaining) / (1.0 - 0.75 * remaining)) / np.log(16.0)


def test_closed_form_of_elasticity_is_one_minus_contraction_to_three_hundredths():
    r = np.linspace(0.0, 1.0, 1001)
    departure = np.abs(closed_form(r) - r)
    assert departure.max() == pytest.approx(0.0285, abs=5e-4)
    np.testing.assert_allclose(departure[[0, 500, 1000]], 0.0, atol=1e-12)


@pytest.mark.parametrize("sd", [0.1, 0.5, 1.0, 2.0, 6.0])
def test_elasticity_of_refits_is_its_closed_form_and_one_minus_contraction(refit, sd):
    found = refit(one(0.3, sd))
    elastic = found.table.loc["x", "elasticity"]
    remaining = sd**2 / (1.0 + sd**2)
    assert elastic == pytest.approx(closed_form(remaining), abs=1e-9)
    contraction = bt.constraint(found.posteriors[refits.STATED])["contraction"].item()
    # 0.0285 for the factor of two, and the sample variance of 4000 draws, 1 / 4000 too large
    assert elastic == pytest.approx(1.0 - contraction, abs=0.029)


def test_along_a_ridge_the_prior_drives_more_than_one_minus_contraction(refit):
    """Data that know the sum alone halve both variances, yet each prior sets both widths."""
    priors = {"a": bt.Normal(0.0, 1.0), "b": bt.Normal(0.0, 1.0)}
    ridge = Conjugate(priors, np.array([[1.0, 1.0]]), np.array([0.2]), np.array([1e-3]), 3)
    found = refit(ridge)
    contraction = bt.constraint(found.posteriors[refits.STATED])["contraction"]
    np.testing.assert_allclose(contraction, 0.5, atol=1e-3)
    np.testing.assert_allclose(found.table["elasticity"], 1.0, atol=1e-5)
    assert set(found.table["verdict_refits"]) == {"prior-driven"}


@dataclasses.dataclass(frozen=True)
class Flat(Conjugate):
    """The same draws under a uniform prior, which has no spread to change."""

    def result(self):
        tree = one(0.3, 6.0).result()
        stated = {name: prior.to_dict() for name, prior in self.priors.items()}
        tree.attrs["experiment"] = json.dumps({"priors": stated})
        return tree


def test_a_prior_that_no_refit_scaled_has_no_elasticity_and_no_verdict(refit):
    flat = Flat({"x": bt.Uniform(-60.0, 80.0)}, np.eye(1), np.ones(1), np.ones(1), 1)
    row = refit(flat).table.loc["x"]
    assert np.isnan(row["elasticity"])
    assert row["verdict_refits"] == ""


@pytest.mark.parametrize("which", [(), ("wider",), ("narrower",)])
def test_without_both_refits_there_is_power_scaling_alone(refit, which):
    found = refit(built("in conflict", 1)[0], which)
    row = found.table.loc["x"]
    assert list(found.posteriors) == [refits.STATED, *which]
    assert np.isnan(row["elasticity"])
    assert row["verdict_refits"] == ""
    assert row["verdict_power_scaling"] == "in conflict"
