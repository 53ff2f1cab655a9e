"""The truth of the embedded site is found again: see `bayes_tbm.synthetic.twin`."""

import numpy as np
import pytest
from scipy import stats

import bayes_tbm as bt
from bayes_tbm.synthetic.twin import embedded_truth


@pytest.fixture(scope="module")
def truth(short_tree):
    values = {name: float(value) for name, value in embedded_truth().to_dict().items()}
    return {name: value for name, value in values.items() if name in short_tree["posterior"]}


@pytest.fixture(scope="module")
def run():
    return bt.simulate(embedded_truth(), bt.open_site("hyytiala-twin"))


def score(short_tree, name, value):
    draws = short_tree["posterior"][name].values
    return (draws.mean() - value) / draws.std()


def test_truth_is_inside_nearly_every_95_percent_interval(short_tree, truth):
    inside = 0
    for name, value in truth.items():
        low, high = np.quantile(short_tree["posterior"][name].values, [0.025, 0.975])
        inside += low <= value <= high
    # Binomial(31, 0.95): fewer than 90 % inside happens to 7 % of data sets; not to this one.
    assert len(truth) == 31
    assert inside >= 0.9 * len(truth)
    assert stats.binom.cdf(inside, len(truth), 0.95) > 0.01


def test_intervals_are_not_too_wide_either(short_tree, truth):
    """Scores of right posteriors have variance one: here 31 of them, correlated."""
    scores = [score(short_tree, name, value) for name, value in truth.items()]
    assert 0.4 < np.sqrt(np.mean(np.square(scores))) < 1.6


def test_key_quantities_are_near_the_truth_and_well_known(short_tree, run):
    gpp = float(run.gpp.mean()) * 365.25
    increment = float(run.wood[-1] - run.wood[0]) / 10
    known = {
        "gpp_annual": (gpp, 0.08),  # what all values share is never known better than stated
        "wood_increment": (increment, 1.0),
        "initial_wood": (5600.0, 0.15),  # three inventories of 10 %, and 10 % that they share
        "initial_som": (15000.0, 0.25),  # one of 15 %, and 10 % besides
    }
    for name, (value, width) in known.items():
        assert abs(score(short_tree, name, value)) < 3, name
        assert short_tree["posterior"][name].values.std() < width * abs(value), name
    assert short_tree["posterior"]["gpp_annual"].values.std() > 0.02 * gpp


def test_wood_at_the_inventories(short_tree, run):
    simulation = short_tree["simulation"].to_dataset()
    pool = (run.wood.values[1:] + run.wood.values[:-1]) / 2
    low, high = (simulation["wood"].sel(quantile=q) for q in (0.025, 0.975))
    seen = np.isfinite(simulation["wood_observed"].values)
    assert seen.sum() == 3
    assert ((low <= pool) & (pool <= high))[seen].all()


def test_structural_errors_are_found_to_be_small(short_tree):
    """The data hold measurement errors alone."""
    sds = {"gpp": 0.25, "nee": 0.2, "et": 0.1, "lai": 0.25}
    for name, sd in sds.items():
        assert np.median(short_tree["posterior"][f"{name}_structural_sd"].values) < sd
