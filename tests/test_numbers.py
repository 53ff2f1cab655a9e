"""Numbers are taken as Python's, NumPy's or JAX's; text and truth values are refused by name."""

import jax.numpy as jnp
import numpy as np
import pytest

import bayes_tbm as bt
from bayes_tbm.experiment import Experiment
from bayes_tbm.posterior import resolve_priors
from bayes_tbm.posterior.edcs import as_edcs

SITE = bt.open_site("hyytiala-twin", start="2006", end="2007")
POINTS = [20, 60], [40, 110]
KINDS = (np.int64, np.int32, np.uint8, np.float32, np.float64, np.array, jnp.asarray)


def stock(**changes):
    given = {"value": 120, "sd": 20, "unit": "Mg ha-1", "age": 80} | changes
    return bt.Stock(**given)


def curve(**changes):
    return bt.GrowthCurve.from_points(*POINTS, **{"sd": 15, "unit": "Mg ha-1"} | changes)


def above(share):
    return stock(quantity="above_ground", root_share=share).root_share


# What takes a number: a value that it takes, how it is given, and what is made of it.
REAL = {
    "target_accept": (0.5, lambda x: bt.Settings(target_accept=x).target_accept),
    "leaf_onset_day": (120, lambda x: resolve_priors({"leaf_onset_day": x}, {})["leaf_onset_day"]),
    "median": (60, lambda x: resolve_priors({"wood_residence_time": {
        "family": "lognormal", "median": x, "log_sd": 0.5}}, {})["wood_residence_time"]),
    "LogNormal: median": (60, lambda x: resolve_priors(
        {"wood_residence_time": bt.LogNormal(x, 0.5)}, {})["wood_residence_time"]),
    "steady_wood": (2, lambda x: [c.width for c in as_edcs({"steady_wood": x})]),
    "stand_age": (44, lambda x: bt.Calibration(SITE, ["gpp"], stand_age=x).experiment),
    "gpp": (1, lambda x: set(SITE.with_uncertainty({"gpp": x}).observations["gpp"].sd)),
    "averaging": (10, lambda x: bt.Gaussian(averaging=x).options),
    "balance": (1, lambda x: bt.BlockMeans(balance=x).options),
    "degrees_of_freedom": (5, lambda x: bt.StudentT(degrees_of_freedom=x).options),
    "value": (120, lambda x: stock(value=x).value),
    "sd": (20, lambda x: stock(sd=x).sd),
    "age": (80, lambda x: stock(age=x).age),
    "carbon_fraction": (0.5, lambda x: stock(carbon_fraction=x).carbon_fraction),
    "root_share": (0.25, above),
    "age_sd": (2, lambda x: curve(age_sd=x).age_sd),
    "biomass": (40, lambda x: bt.GrowthCurve.from_points([9], [x], 15, "Mg ha-1").value.tolist()),
    "sd ": (15, lambda x: curve(sd=x).sd.tolist()),
    "rate": (1, lambda x: bt.GrowthCurve.from_chapman_richards(
        150, x, 1.5, np.diag([100, 1e-5, 0.01]), "Mg ha-1", ages=[1, 2]).value.tolist()),
}  # fmt: skip
WHOLE = {
    name: (30, lambda x, name=name: getattr(bt.Settings(**{name: x}), name))
    for name in ("seed", "chains", "warmup", "draws", "max_tree_depth", "starts", "extensions")
}


@pytest.mark.parametrize("name", [*REAL, *WHOLE])
def test_numbers_of_every_library_are_taken_and_kept_as_pythons(name):
    value, make = (REAL | WHOLE)[name]
    kinds = [k for k in KINDS if k(value).dtype.kind != "f" or name not in WHOLE]
    kinds = [k for k in kinds if float(k(value)) == value]  # a fraction is no integer
    assert len(kinds) >= 3
    for kind in kinds:
        assert repr(make(kind(value))) == repr(make(value))


@pytest.mark.parametrize("name", [*REAL, *WHOLE])
def test_text_and_truth_values_are_refused_by_name(name):
    value, make = (REAL | WHOLE)[name]
    for wrong in (str(value), np.str_(value), True, np.True_):
        if name == "steady_wood" and not isinstance(wrong, str):
            continue  # there, it switches
        with pytest.raises(bt.InputError) as caught:
            make(wrong)
        assert name.strip() in str(caught.value)


def test_an_experiment_of_numpy_numbers_is_written_and_read(tmp_path):
    given = Experiment(
        "hyytiala-twin", ("gpp",), uncertainty={"gpp": np.float32(0.5)}, stand_age=np.int64(44),
        sampling={"draws": np.int64(30), "target_accept": np.float64(0.9)},
        priors={"leaf_onset_day": np.float32(120)}, constraints={"steady_wood": np.float32(2)},
    )  # fmt: skip
    path = tmp_path / "experiment.toml"
    path.write_text(given.to_toml())
    again = Experiment.from_toml(path)
    assert again.settings() == bt.Settings(draws=30, target_accept=0.9)
    assert again.calibration().experiment == given.calibration().experiment


# names of settings


@pytest.mark.parametrize("call", ["sample", "compare", "sensitivity", "experiment"])
def test_an_unknown_setting_is_told_with_the_nearest(call, tmp_path):
    calibration = bt.Calibration(SITE, ["gpp"])
    calls = {
        "sample": lambda: calibration.sample(drawz=3),
        "compare": lambda: bt.compare(
            {"a": calibration, "b": bt.Calibration(SITE, ["lai"])}, drawz=3
        ),
        "sensitivity": lambda: bt.sensitivity(calibration, drawz=3),
        "experiment": lambda: Experiment("x", ("gpp",), sampling={"drawz": 3}).settings(),
    }
    with pytest.raises(bt.InputError, match="drawz: is no setting; did you mean draws"):
        calls[call]()


def test_settings_that_are_none_are_refused():
    with pytest.raises(bt.InputError, match=r"must be bayes_tbm\.Settings; found 500"):
        bt.Calibration(SITE, ["gpp"]).sample(500)
