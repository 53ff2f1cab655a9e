"""What is of another kind than a calibration takes is refused in one line."""

import numpy as np
import pytest

import bayes_tbm as bt


@pytest.fixture(scope="module")
def site():
    return bt.open_site("hyytiala-twin", start="2006", end="2007")


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("site", None), ("site", "hyytiala-twin"), ("streams", 5), ("streams", [5]),
        ("streams", None), ("priors", [1]), ("priors", "wide"), ("constraints", 5),
        ("constraints", {"steady_som": np.inf}), ("constraints", {"steady_som": np.nan}),
    ],
)  # fmt: skip
def test_another_kind_is_refused(site, name, given):
    with pytest.raises(bt.InputError, match=name):
        bt.Calibration(**{"site": site, "streams": ["gpp"], name: given})


@pytest.mark.parametrize("given", [[1], None, {}, {"leaf_lifespan": 2.0}, "x"])
def test_values_of_a_density_are_all_sampled_parameters_by_name(calibration, given):
    with pytest.raises(bt.InputError, match=r"log_density: values: must be a mapping"):
        calibration.log_density(given)


def test_a_value_that_is_no_number_is_refused(calibration):
    values = dict.fromkeys(calibration.density.sampled, 0.5)
    with pytest.raises(bt.InputError, match="log_density: leaf_lifespan: must be numbers"):
        calibration.log_density({**values, "leaf_lifespan": "long"})


@pytest.mark.parametrize(
    "options",
    [{"path_or_name": 5}, {"path_or_name": None}, {"observations": 5}, {"observations": [5]}],
)
def test_files_are_given_by_name(options):
    with pytest.raises(bt.InputError, match="open_site: must be given files"):
        bt.open_site(**{"path_or_name": "hyytiala-twin", **options})


def test_any_series_of_files_is_taken(tmp_path):
    bt.open_site("hyytiala-twin", observations=(path for path in tmp_path.glob("*.nc")))


def test_uncertainties_are_a_mapping():
    with pytest.raises(bt.InputError, match="uncertainty: must be a mapping"):
        bt.open_site("hyytiala-twin", uncertainty=[0.5])
