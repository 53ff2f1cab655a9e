"""The dataset of constraint."""

import numpy as np
import pytest

from bayes_tbm import InputError
from bayes_tbm.constraint import constraint
from bayes_tbm.constraint.information import INFORMATION, SPREAD, marginal
from bayes_tbm.constraint.jackknife import jackknife

TEXTS = {"scale", "verdict", "stream_verdict"}


@pytest.fixture(scope="module")
def tree(two_parameters):
    """A result with a derived quantity, one that is fixed, and a series."""
    tree = two_parameters(1).result(seed=1, shape=(2, 400))
    for name in ("posterior", "prior"):
        node = tree[name]
        node["derived"] = np.sinh(node["a"] / 3)
        node["fixed"] = 0.0 * node["a"] + 0.5
        node["series"] = node["a"].expand_dims(age=3, axis=-1)
    tree["posterior"]["b"].attrs["units"] = "yr"
    return tree


@pytest.fixture(scope="module")
def data(tree):
    return constraint(tree, pairs=[("a", "b"), ("b", "derived")])


def test_everything_free_is_measured(data):
    assert list(data["parameter"].values) == ["a", "b", "derived"]
    assert list(data["pair"].values) == ["a & b", "b & derived"]
    assert list(data["stream"].values) == ["flux", "stock"]
    assert list(data["unit"].values) == ["", "yr", ""]
    assert list(data["scale"].values) == ["latent", "latent", "normal scores"]
    assert data.attrs == {"psense_threshold": 0.05, "tension_threshold": 2.0}


def test_every_variable_has_units_a_long_name_and_an_error(data):
    numbers = [n for n in data.data_vars if n not in TEXTS and not n.endswith("_mcse")]
    expected = {*SPREAD, *INFORMATION, *(f"joint_{name}" for name in INFORMATION)}
    assert set(numbers) == expected | {"psense_prior", "psense_likelihood", "psense_stream"}
    for name, variable in data.data_vars.items():
        assert variable.attrs["long_name"]
        bits = any(word in name for word in INFORMATION)
        assert variable.attrs["units"] == ("bit" if bits else "1")
    for name in numbers:
        assert data[f"{name}_mcse"].dims == data[name].dims
        assert (data[f"{name}_mcse"] > 0).all()
        assert np.isfinite(data[name]).all()
    gaussian = [n for n in numbers if "Gaussian" in data[n].attrs["long_name"]]
    assert set(gaussian) == {n for n in numbers if n.endswith("_gaussian")}


def test_numbers_are_those_of_the_latent_draws(tree, data):
    z = (tree["posterior"]["a"].values.reshape(1, 1, -1) - 3.0) / 2.0
    expected = jackknife(marginal, z)
    for place, name in enumerate([*SPREAD, *INFORMATION]):
        own = data.sel(parameter="a")
        assert own[name].item() == pytest.approx(expected.value[0, place], abs=1e-6)
        assert own[f"{name}_mcse"].item() == pytest.approx(expected.mcse[0, place], abs=1e-6)


def test_a_monotone_function_of_a_parameter_tells_the_same(data):
    """By draws of the prior only, hence with a larger error."""
    for name in ("contraction", "shift", "bits", "entropy_reduction"):
        own, derived = data[name].sel(parameter=["a", "derived"]).values
        error = np.hypot(*data[f"{name}_mcse"].sel(parameter=["a", "derived"]).values)
        assert abs(own - derived) < 3 * error
    jointly = data["joint_bits"].values
    assert abs(jointly[0] - jointly[1]) < 3 * np.hypot(*data["joint_bits_mcse"].values)


def test_bits_need_no_stated_prior(tree):
    """Without the experiment everything is measured by draws of the prior."""
    bare = tree.copy()
    bare.attrs = {}
    data = constraint(bare, parameters=["a"])
    assert data["scale"].item() == "normal scores"
    assert data.sizes["pair"] == 0


def test_pairs_alone_can_be_measured(tree, data):
    alone = constraint(tree, parameters=[], pairs=[("a", "b")])
    assert alone.sizes == {"parameter": 0, "pair": 1, "stream": data.sizes["stream"]}
    expected = data["joint_bits"].sel(pair="a & b").item()
    assert alone["joint_bits"].item() == pytest.approx(expected, rel=1e-12)


def test_one_name_is_one_quantity(tree):
    assert list(constraint(tree, parameters="derived", pairs=[])["parameter"].values) == ["derived"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"parameters": [], "pairs": []}, "constraint: needs a quantity or a pair"),
        ({"pairs": ("a", "b")}, r"constraint: pairs: must be a list of pairs of names; found"),
        ({"pairs": "ab"}, r"constraint: pairs: must be a list of pairs of names; found 'ab'"),
    ],
)
def test_nothing_to_measure_and_pairs_that_are_names_are_refused(tree, options, told):
    with pytest.raises(InputError, match=told):
        constraint(tree, **options)


@pytest.mark.parametrize("seed", range(3))
def test_overlap_is_an_area_of_at_most_one(linear_gaussian, make_stream, seed):
    """Of a parameter that nothing was learnt of, correction for bias went beyond."""
    one = {"a": {"family": "normal", "mean": 0.0, "sd": 1.0}}
    problem = linear_gaussian(
        one, {"flux": make_stream(np.full((1, 1), 0.01), np.zeros(1), np.ones(1))}
    )
    tree = problem.result(seed=seed, memory=0.0, shape=(2, 350))
    overlap = constraint(tree, pairs=[])["overlap"]
    assert 0.9 < overlap.item() <= 1.0


def test_wood_is_the_default_pair(tree):
    renamed = tree.copy()
    names = {"a": "allocation_wood", "b": "wood_residence_time"}
    for group in ("posterior", "prior"):
        renamed[group].dataset = renamed[group].to_dataset().rename(names)
    data = constraint(renamed, parameters=["derived"])
    assert list(data["pair"].values) == ["allocation_wood & wood_residence_time"]
    assert np.isfinite(data["joint_bits"]).all()


@pytest.mark.parametrize("name", ["fixed", "series", "nothing"])
def test_only_free_scalars_can_be_measured(tree, name):
    for options in ({"parameters": [name]}, {"pairs": [("a", name)]}):
        with pytest.raises(InputError, match=f"{name}: .*; choose among a, b, derived"):
            constraint(tree, **options)


@pytest.mark.parametrize("group", ["prior", "log_prior", "log_likelihood"])
def test_a_missing_group_is_told(tree, group):
    without = tree.copy()
    del without[group]
    with pytest.raises(InputError, match=rf"result: must have .*; found no {group}; give"):
        constraint(without)


def test_the_result_can_be_written_and_read(tmp_path, data):
    data.to_netcdf(tmp_path / "constraint.nc", engine="h5netcdf")
    assert (tmp_path / "constraint.nc").stat().st_size > 0
