"""Whether NUTS on the population has converged is told, and warned of by the mean function."""

import numpy as np
import pytest

import bayes_tbm as bt
from bayes_tbm.population.hierarchy import fit as fitting
from bayes_tbm.population.hierarchy.diagnostics import checked_chains
from bayes_tbm.population.result import _chains
from tests.population.toy import PLAIN, toy

NO_ERRORS = {**PLAIN, "cells": False}


def drawn(chains=4, draws=500, cells=6):
    """Draws of a population of 6 sites, as `sample` gives them, that are independent."""
    normal = {"intercept": (), "sd": (1,), "beyond": (1,), "location": (cells,),
              "site": (cells,), "cell_z": (cells,), "factors": (2, 1, 1)}  # fmt: skip
    rng = np.random.default_rng(3)
    posterior = {n: rng.normal(size=(chains, draws, *shape)) for n, shape in normal.items()}
    posterior["factors"] = 0.3 + 0.01 * np.abs(posterior["factors"])
    posterior["sd"] = np.abs(posterior["sd"]) + 0.1
    names = ("diverging", "n_steps", "energy", "lp", "acceptance_rate")
    statistics = {name: np.zeros((chains, draws)) for name in names}
    return posterior, {**statistics, "diverging": np.zeros((chains, draws), bool)}


def apart(posterior, statistics):
    posterior["intercept"][0] += 2.0


def frozen(posterior, statistics):
    posterior["sd"][:] = posterior["sd"][:, :1]


def diverging(posterior, statistics):
    statistics["diverging"][0, 7] = True


def drifting(posterior, statistics):
    posterior["intercept"] += np.linspace(0.0, 4.0, posterior["intercept"].shape[1])


def of_cells_alone(posterior, statistics):
    posterior["cell_z"][0] += 9.0


FAULTS = {
    apart: "R-hat 1",
    frozen: "R-hat",
    drifting: "R-hat",
    diverging: "% of transitions diverge",
}


@pytest.mark.parametrize("chains", [1, 4])
@pytest.mark.parametrize("fault", FAULTS)
def test_chains_that_have_not_converged_are_warned_of_by_the_mean(fault, chains):
    posterior, statistics = drawn(chains)
    fault(posterior, statistics)
    if chains == 1 and fault in (apart, drifting):  # a chain alone is not doubted for that
        checked_chains("hinge", posterior, statistics)
        return
    with pytest.warns(bt.ConvergenceWarning, match=f"mean hinge: .*{FAULTS[fault]}") as met:
        checked_chains("hinge", posterior, statistics)
    assert "\n" not in str(met[0].message)


@pytest.mark.parametrize("shape", [(4, 500), (1, 200), (2, 400), (1, 101)])
@pytest.mark.parametrize("change", [lambda *_: None, of_cells_alone])
def test_chains_that_have_converged_are_not_doubted(shape, change):
    posterior, statistics = drawn(*shape)
    change(posterior, statistics)
    found = {
        name: value for name, (_, value) in checked_chains("hinge", posterior, statistics).items()
    }
    assert found["rhat"] < 1.05
    assert 0.3 < found["ess"] / np.prod(shape) < 1.1


def test_a_fit_says_how_its_chains_moved_and_its_population_all_of_them(monkeypatch):
    sites = toy(6, 60)
    bad = drawn()
    apart(*bad)
    monkeypatch.setattr(fitting, "sample", lambda *_, **__: bad)
    with pytest.warns(bt.ConvergenceWarning, match="mean linear: NUTS has not converged") as met:
        worse = bt.fit_population(sites.draws, sites.covariates, "linear", **NO_ERRORS)
    assert met[0].filename == __file__
    monkeypatch.setattr(fitting, "sample", lambda *_, **__: drawn())
    fine = bt.fit_population(sites.draws, sites.covariates, "constant", **NO_ERRORS)
    told = fine.tree["diagnostics"]
    assert float(told["rhat"]) < 1.05 < float(worse.tree["diagnostics"]["rhat"])
    first, *others = _chains({"constant": fine, "linear": worse})
    assert first.startswith("chains of the population: R-hat 1.")
    assert first.endswith("effective draws at least, 0.0% of transitions diverge at most")
    [said] = others
    assert said.startswith("mean linear has not converged: R-hat 1.")
