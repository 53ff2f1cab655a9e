"""Whether an overlay shows one prior or several, told by what is stated and by draws."""

import json

import numpy as np
import pytest

from bayes_tbm.parameters import LogNormal
from bayes_tbm.plots import plot_overlays

from .conftest import make_tree

WIDE, NARROW = LogNormal(30.0, 1.0), LogNormal(30.0, 0.5)
LEAF, NEE = "leaf_lifespan", "nee_annual"
RULES = {"steady_pools": 0.5}


def fit(seed, constraints=(), scale=1.0, **priors):
    """Result whose prior was drawn with a seed of its own; derived quantities may be scaled."""
    tree, rng = make_tree(1, 30), np.random.default_rng(seed)
    prior = tree["prior"].to_dataset()
    for name, stated in priors.items():
        z = rng.normal(size=prior[name].shape)
        prior[name] = prior[name].copy(data=np.asarray(stated.from_normal(z)))
    prior[NEE] = prior[NEE].copy(data=scale * rng.normal(-20.0, 100.0, prior[NEE].shape))
    tree["prior"] = prior
    told = {name: stated.to_dict() for name, stated in priors.items()}
    tree.attrs["experiment"] = json.dumps({"priors": told, "constraints": dict(constraints)})
    return tree


def shown(name, *trees):
    """Priors in the panel of a quantity: one in grey, or a dotted line for each fit."""
    axes = plot_overlays({f"set {i}": tree for i, tree in enumerate(trees)}, [name]).axes[0]
    dotted = sum(line.get_linestyle() == ":" for line in axes.lines)
    grey = sum(line.get_label() == "prior" for line in axes.lines)
    assert (dotted > 0) != (grey > 0)
    return dotted or grey


@pytest.mark.parametrize("name", ["wood_residence_time", "gpp_structural_sd", NEE])
@pytest.mark.parametrize("constraints", [{}, RULES])
def test_sets_of_streams_share_one_prior(name, constraints):
    priors = dict.fromkeys(["wood_residence_time", "gpp_structural_sd"], WIDE)
    trees = [fit(seed, constraints, **priors) for seed in range(4)]
    assert shown(name, *trees) == 1


@pytest.mark.parametrize("name", ["wood_residence_time", "gpp_structural_sd"])
def test_priors_that_are_stated_otherwise_are_shown_each(name):
    assert shown(name, fit(1, **{name: WIDE}), fit(2, **{name: NARROW})) == 2


def test_a_prior_of_other_width_and_equal_draws_is_another():
    # medians alone would not tell them apart
    assert shown(LEAF, fit(1, **{LEAF: WIDE}), fit(1, **{LEAF: NARROW})) == 2


def test_a_derived_quantity_is_told_by_its_draws():
    assert shown(NEE, fit(1), fit(2, scale=2.0)) == 2
    assert shown(NEE, fit(1), fit(2), fit(3)) == 1


def test_a_prior_that_constraints_bend_is_told_by_its_draws_where_others_differ():
    one = fit(1, RULES, wood_residence_time=WIDE, leaf_lifespan=WIDE)
    other = fit(2, RULES, wood_residence_time=WIDE, leaf_lifespan=NARROW)
    assert shown("wood_residence_time", one, other) == 1
    prior = other["prior"].to_dataset()
    prior["wood_residence_time"] = prior["wood_residence_time"] * 1.8  # bent
    other["prior"] = prior
    assert shown("wood_residence_time", one, other) == 2


def test_a_result_without_its_experiment_is_told_by_its_draws():
    tree = make_tree(1, 30)
    assert shown(NEE, tree, tree) == 1
