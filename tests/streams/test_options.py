"""Fields of error models: what may be given, and that all else is refused at once."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import bayes_tbm as bt
from bayes_tbm.errors import InputError
from bayes_tbm.experiment import Experiment
from bayes_tbm.experiment.stand import growth_curve
from bayes_tbm.parameters import FAMILIES, Fixed, LogNormal
from bayes_tbm.posterior import resolve_priors
from bayes_tbm.streams import ERROR_MODELS, STREAMS, BlockMeans, bind

PRIOR_FIELDS = [(m, field) for m in ERROR_MODELS.values() for field in m.parameters]
NUMBER_FIELDS = [
    (model, field.name)
    for model in ERROR_MODELS.values()
    for field in dataclasses.fields(model)
    if field.name not in model.parameters
]
EXAMPLES = {
    "normal": bt.Normal(0.5, 0.1),
    "lognormal": bt.LogNormal(0.5, 0.2),
    "bounded_lognormal": bt.BoundedLogNormal(0.5, 0.2, 0.1, 0.9),
    "logitnormal": bt.LogitNormal(0.5, 0.2),
    "uniform": bt.Uniform(0.0, 1.0),
    "loguniform": bt.LogUniform(0.1, 1.0),
    "log_student_t": bt.LogStudentT(0.5, 0.2, 0.1, 1.0),
    "logit_student_t": bt.LogitStudentT(0.5, 0.2),
    "fixed": bt.Fixed(0.5),
}
"""Of these only a normal, and for a share a log-normal, reaches values without a meaning."""
NO_PRIORS = [
    "lognormal", None, True, math.nan, math.inf, [0.5], (0.5, 0.1), {}, {"value": 0.5},
    {"family": "gamma", "shape": 1.0}, {"family": "lognormal", "median": 0.2, "log_sd": -1.0},
    {"family": "uniform", "lower": 3.0, "upper": 1.0}, {"family": "normal", "mean": 0.5, "sd": 1.0},
    {"family": "lognormal", "median": 0.5}, np.array([0.5, 0.6]), b"0.5", bt.LogNormal,
    bt.Normal(0.5, 0.1), bt.Uniform(-1e-9, 1.0), bt.LogNormal(0.5, 0.1, lower=-0.1), -0.1,
    bt.LogitNormal(0.5, 0.1, -1.0, 1.0),
]  # fmt: skip
NO_NUMBERS = ["10", None, True, math.nan, math.inf, -math.inf, [1.0], {}, bt.Fixed(1.0), 3 + 0j]


@pytest.mark.parametrize(("model", "field"), PRIOR_FIELDS, ids=str)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_field_takes_every_family_that_keeps_within_its_range(model, field, family):
    prior, own = EXAMPLES[family], model.parameters[field]
    for given in (prior, prior.to_dict()):
        if family == "normal" or (family == "lognormal" and own.upper == 1.0):
            with pytest.raises(InputError, match=f"^{model.__name__}: {field}: must have a prior"):
                model(**{field: given})
        else:
            assert getattr(model(**{field: given}), field) == prior


@pytest.mark.parametrize(("model", "field"), PRIOR_FIELDS, ids=str)
@pytest.mark.parametrize(
    "number", [1, 0.5, np.float32(0.5), np.int64(1), np.array(0.5), jnp.asarray(0.5)], ids=repr
)
def test_a_number_holds_an_error_parameter_fixed(model, field, number):
    assert getattr(model(**{field: number}), field) == Fixed(float(number))


@pytest.mark.parametrize("given", NO_PRIORS, ids=repr)
@pytest.mark.parametrize(("model", "field"), PRIOR_FIELDS, ids=str)
def test_a_field_refuses_what_is_no_prior_of_it(model, field, given):
    if given is None and getattr(model(), field) is None:
        return  # set from the data
    with pytest.raises(InputError) as error:
        model(**{field: given})
    assert str(error.value).startswith(f"{model.__name__}: {field}: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("model", "field"), PRIOR_FIELDS, ids=str)
def test_a_field_cannot_be_held_where_its_density_ends(model, field):
    own = model.parameters[field]
    if own.is_open:
        with pytest.raises(InputError, match=f"{field}: must have a prior within 0 to inf, 0 left"):
            model(**{field: 0})
    else:
        assert getattr(model(**{field: 0}), field) == Fixed(0.0)
    if own.upper == 1.0:
        assert getattr(model(**{field: 1}), field) == Fixed(1.0)
        with pytest.raises(InputError, match=f"{field}: must have a prior within 0 to 1"):
            model(**{field: 1.1})


@pytest.mark.parametrize("value", NO_NUMBERS, ids=repr)
@pytest.mark.parametrize(("model", "field"), NUMBER_FIELDS, ids=str)
def test_an_option_refuses_what_is_no_number(model, field, value):
    with pytest.raises(InputError, match=f"^{model.__name__}: {field}: must be a finite number"):
        model(**{field: value})


@pytest.mark.parametrize(("model", "field"), NUMBER_FIELDS, ids=str)
def test_an_option_takes_every_kind_of_number(model, field):
    good = 3 if field == "degrees_of_freedom" else 1
    for kind in (int, float, np.float32, np.int64, np.array):
        value = getattr(model(**{field: kind(good)}), field)
        assert value == good
        assert type(value) is float


@pytest.mark.parametrize(
    ("field", "value"), [("balance", -0.1), ("balance", 1.5), ("averaging", -3.0),
                         ("degrees_of_freedom", 2.0)],
)  # fmt: skip
def test_a_senseless_option_is_named(field, value):
    for model, name in NUMBER_FIELDS:
        if name == field:
            told = f"^{model.__name__}: {name}: must be .*found {value}$"
            with pytest.raises(InputError, match=told):
                model(**{name: value})


@pytest.mark.parametrize("model", ERROR_MODELS.values())
def test_fields_go_by_name_alone(model):
    with pytest.raises(TypeError, match="positional"):
        model(bt.Fixed(40.0))


@pytest.mark.parametrize("model", ERROR_MODELS.values())
def test_a_changed_prior_is_held_to_the_same_range(model, points):
    ranges = {f"gpp_{own.suffix}": own for own in model.parameters.values()}
    errors = {name: LogNormal(0.5, 0.2) for name in ranges}
    for name, own in ranges.items():
        with pytest.raises(InputError, match=f"^priors: {name}: must have a prior within 0 to"):
            resolve_priors({name: bt.Normal(0.0, 5.0)}, errors, ranges=ranges)
        kept = resolve_priors({name: bt.Uniform(0.1, 0.9)}, errors, ranges=ranges)
        assert kept[name] == bt.Uniform(0.1, 0.9)
        assert own.suffix in name


def test_a_calibration_refuses_priors_of_errors_that_reach_below_zero(calibration):
    told = "gpp_structural_sd: must have a prior within 0 to inf"
    for prior in (bt.Normal(0.0, 5.0), {"family": "uniform", "lower": -1.0, "upper": 2.0}, -1):
        with pytest.raises(InputError, match=told):
            bt.Calibration(calibration.site, ["gpp"], priors={"gpp_structural_sd": prior})
        with pytest.raises(InputError, match=told):
            calibration.with_priors({"gpp_structural_sd": prior})


@pytest.mark.parametrize("model", ERROR_MODELS.values())
def test_parameters_are_those_that_have_priors(model, points):
    positive = dataclasses.replace(points, value=np.abs(points.value) + 1.0)
    suffixes = {own.suffix for own in model.parameters.values()}
    if model.of_curve:
        curve = bt.GrowthCurve.from_points([20, 60], [50.0, 90.0], 9.0, "Mg ha-1", errors=model())
        found = curve.bind(None)
        assert set(found.priors) == set(curve.error_parameters) == set(found.error_parameters)
        assert {name.removeprefix("growth_curve_") for name in found.priors} == suffixes
    else:
        assert set(model().priors(positive)) == suffixes


def test_an_error_model_is_only_for_the_data_it_knows(make_site):
    days = np.arange(100) + 0.5
    site = make_site(days, {"gpp": (days, np.ones(100), 0.5)})
    point = {"value": 100.0, "sd": 10.0, "unit": "Mg ha-1"}
    curve = [20, 60], [50.0, 90.0], 9.0, "Mg ha-1"
    wrong = [
        lambda: bind(STREAMS["gpp"].with_errors(bt.AlongAge()), site),
        lambda: bt.Stock(**point, age=50, errors=bt.AlongAge()),
        lambda: bt.Stock(**point, age=50).with_errors(bt.AlongAge()),
    ]
    for model in ERROR_MODELS.values():
        if not model.of_curve:
            bt.Stock(**point, date="2001-02-03", errors=model())
            wrong.append(lambda model=model: bt.GrowthCurve.from_points(*curve, errors=model()))
    for bad in ("Gaussian", None, bt.Gaussian, 0.2, bt.Fixed(0.2)):
        wrong.append(lambda bad=bad: STREAMS["gpp"].with_errors(bad))
        wrong.append(lambda bad=bad: bt.Stock(**point, age=50, errors=bad))
        wrong.append(lambda bad=bad: bt.GrowthCurve.from_points(*curve, errors=bad))
    for make in wrong:
        with pytest.raises(InputError, match="errors: must be an error model: "):
            make()


@pytest.mark.parametrize("value", ["forty", {"family": "normal", "mean": 40.0, "sd": 5.0}, -1.0])
@pytest.mark.parametrize("name", ["length", "common", "structural"])
def test_errors_of_a_curve_in_a_file_are_named_by_their_place(tmp_path, name, value):
    points = {"age": [20, 60], "biomass": [50.0, 90.0], "sd": 9.0}
    table = {"points": points, "unit": "Mg ha-1", "errors": {name: value}}
    with pytest.raises(InputError, match=rf"^run.toml: growth_curve: errors.{name}: "):
        growth_curve(table, "run.toml", tmp_path)


def test_options_are_the_numbers_of_a_model():
    assert BlockMeans().options == {"averaging": 10.0, "balance": 0.3}
    held = BlockMeans(averaging=7, structural=0.2)
    assert held.options == {"averaging": 7.0, "balance": 0.3}


@pytest.mark.parametrize(("model", "field"), PRIOR_FIELDS, ids=str)
def test_a_field_is_traced_as_the_number_it_holds(model, field, points):
    """What is accepted also works: density and slope are finite at the prior's values."""
    if model.of_curve:
        data = bt.GrowthCurve.from_points([20, 60], [50.0, 90.0], 9.0, "Mg ha-1").bind(None).data
    else:
        data = dataclasses.replace(points, value=np.abs(points.value) + 1.0)
    held = model(**{field: 0.5})

    def total(shift):
        errors = {n: p.from_normal(shift) for n, p in held.priors(data).items()}
        return held.log_likelihood(jnp.asarray(data.value) * (1.1 + shift), data, errors).sum()

    value, slope = jax.value_and_grad(total)(0.0)
    assert np.isfinite([value, slope]).all()


def test_the_former_name_of_block_means_still_works_and_says_so(tmp_path):
    with pytest.warns(DeprecationWarning, match="Balanced is called bayes_tbm.BlockMeans now"):
        assert bt.Balanced is BlockMeans
    file = tmp_path / "old.toml"
    text = 'site = "hyytiala-twin"\nstreams = ["gpp"]\n[errors.gpp]\nmodel = "{}"\naveraging = 20\n'
    for name in ("Balanced", "BlockMeans"):
        file.write_text(text.format(name))
        (stream,) = Experiment.from_toml(file).calibration().density.streams
        assert stream.stream.errors == BlockMeans(averaging=20)
