import numpy as np
import pytest

from bayes_tbm.errors import InputError
from bayes_tbm.parameters import TABLE, Parameters, names_in
from bayes_tbm.report import median_parameters, read_parameters, truth_lines
from bayes_tbm.synthetic.twin import embedded_truth


def test_medians_of_a_run(short_tree):
    found = median_parameters(short_tree)
    found.check_bounds()
    for name in ("wood_residence_time", "initial_wood", "canopy_efficiency"):
        expected = np.median(short_tree["posterior"][name].values)
        assert getattr(found, name) == pytest.approx(expected)
    # nothing burns at this site: held at prior medians
    assert found.fire_resilience == pytest.approx(TABLE["fire_resilience"].prior.center)


def test_own_names_over_prior_medians(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("wood_residence_time = 80\nleaf_lifespan = 2.5\n")
    default = Parameters.default().to_dict()
    expected = default | {"wood_residence_time": 80.0, "leaf_lifespan": 2.5}
    assert read_parameters(path) == pytest.approx(expected)


def test_dalec_names_are_passed_on_alone(tmp_path):
    path = tmp_path / "dalec.toml"
    path.write_text("f_fol = 0.1\nLCMA = 80\n")
    assert read_parameters(path) == {"f_fol": 0.1, "LCMA": 80.0}


@pytest.mark.parametrize("text", ["a = ", "a = [1, 2]", 'a = "much"', "[a]\nb = 1", None])
def test_bad_files(text, tmp_path):
    path = tmp_path / "mine.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=r"mine\.toml: must be a TOML file of name = number"):
        read_parameters(path)


def test_truth_lines(short_tree):
    draws = short_tree["posterior/initial_wood"].values
    truth = {"initial_wood": np.median(draws), "initial_som": 1.0, "no such parameter": 3.0}
    first, second, last = truth_lines(short_tree, truth)
    assert first.split()[0] == "initial_wood"
    assert "OUTSIDE" not in first
    assert f"{np.quantile(draws, 0.975):.4g}]" in first
    assert second.endswith("OUTSIDE")
    assert last.strip() == "truth inside the 95 % interval for 1 of 2 parameters (50%)"


def test_truth_lines_of_the_embedded_truth(short_tree):
    lines = truth_lines(short_tree, embedded_truth().to_dict())
    unused = names_in("fire", "regrowth", "departure")  # nothing burns, no stand regrows
    assert len(lines) == len(TABLE) - len(unused) + 1
