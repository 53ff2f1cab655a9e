"""Posteriors of one form share what is compiled, and keep their own numbers."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import bayes_tbm as bt
from bayes_tbm.runtime.shared import shared

Z = 0.2 * np.random.default_rng(5).normal(size=60)
CURVE = bt.GrowthCurve.from_points([20.0, 60.0, 120.0], [3e3, 7e3, 9e3], [6e2, 7e2, 9e2], "g C m-2")


def calibration(site="hyytiala-twin", streams=("gpp", "nee", "lai", "wood"), **changes):
    return bt.Calibration(bt.open_site(site), streams, **changes)


def noisier(site, factor):
    seen = {
        name: dataclasses.replace(obs, value=factor * obs.value, sd=1.5 * obs.sd)
        for name, obs in site.observations.items()
    }
    drivers = site.drivers.assign(t_max=site.drivers.t_max + 0.5)
    return dataclasses.replace(site, observations=seen, drivers=drivers)


FIRST = {"stand_age": 47.0, "priors": {"leaf_onset_day": bt.Normal(110.0, 12.0)}}
CHANGED = {
    "leaf_onset_day": bt.Normal(125.0, 5.0),
    "wood_residence_time": bt.BoundedLogNormal(80.0, 0.4, 5.0, 400.0),
}
LIKE_IT = {"priors": FIRST | {"priors": CHANGED}, "nothing": FIRST}


def with_gaps(site, every):
    """Site that lacks one in so many of the values observed."""
    seen = {n: o.select(np.arange(len(o)) % every > 0) for n, o in site.observations.items()}
    return dataclasses.replace(site, observations=seen)


@pytest.mark.parametrize("name", [*LIKE_IT, "data and weather", "gaps", "age", "curve"])
def test_posteriors_of_one_form_share_what_is_compiled_and_keep_their_numbers(compiled, name):
    streams = ("gpp", "lai", "wood", *([CURVE] if name == "curve" else []))
    first = calibration(streams=streams, **FIRST)
    if name == "curve":
        shifted = bt.GrowthCurve.from_points(
            [25.0, 61.0, 120.0], [2e3, 5e3, 8e3], [6e2, 9e2, 9e2], "g C m-2"
        )
        other = calibration(streams=("gpp", "lai", "wood", shifted), **FIRST)
    elif name == "gaps":
        first = bt.Calibration(with_gaps(bt.open_site("hyytiala-twin"), 7), streams, **FIRST)
        other = bt.Calibration(with_gaps(bt.open_site("hyytiala-twin"), 3), streams, **FIRST)
    elif name == "age":
        other = calibration(streams=streams, **FIRST | {"stand_age": 38.0})
    elif name in LIKE_IT:
        other = calibration(streams=streams, **LIKE_IT[name])
    else:
        other = bt.Calibration(noisier(bt.open_site("hyytiala-twin"), 1.1), streams, **FIRST)
    z = jnp.asarray(Z[: first.density.dimension])
    one = first.density.value_and_gradient(z)
    values = first.density.values_at(z)
    ready = other.density.traced
    compiled.clear()
    two, others = other.density.value_and_gradient(z), other.density.values_at(z)
    assert not compiled
    assert ready is other.density.traced
    # The same with all numbers compiled in.
    alone = jax.jit(jax.value_and_grad(lambda z: other.density(z)))(z)
    assert float(two[0]) == pytest.approx(float(alone[0]), rel=1e-12)
    np.testing.assert_allclose(two[1], alone[1], rtol=1e-9, atol=1e-9)
    same = float(one[0]) == pytest.approx(float(two[0]), rel=1e-9)
    assert same == (name == "nothing")
    assert (values["leaf_onset_day"] == others["leaf_onset_day"]) == (name != "priors")


OTHER_FORMS = {
    "family": {"priors": {"leaf_onset_day": bt.Uniform(80.0, 150.0)}},
    "fixed": {"priors": {"leaf_onset_day": 120.0}},
    "constraints": {"constraints": False},
    "width": {"constraints": {"steady_wood": 1.5}},
}


@pytest.mark.parametrize("name", ["family", "fixed", "constraints", "width"])
def test_what_is_compiled_in_tells_forms_apart(name):
    plain, other = calibration(), calibration(**OTHER_FORMS[name])
    forms = [jax.tree.structure(c.density.traced) for c in (plain, other)]
    assert forms[0] != forms[1]


@pytest.mark.parametrize("balance", [0.3, 0.8])
def test_options_of_error_models_tell_forms_apart(balance):
    from bayes_tbm.streams.catalogue import STREAMS

    gpp = STREAMS["gpp"].with_errors(bt.BlockMeans(balance=balance))
    forms = [jax.tree.structure(calibration(streams=(s,)).density.traced) for s in ("gpp", gpp)]
    assert (forms[0] == forms[1]) == (balance == 0.3)


def _scaled(data, x):
    return data["factor"] * x


def test_a_shared_function_takes_the_data_it_was_given(compiled):
    double = shared(_scaled, {"factor": 2.0})
    assert float(double(jnp.asarray(3.0))) == 6.0
    compiled.clear()
    triple = shared(_scaled, {"factor": 3.0})
    assert (float(triple(jnp.asarray(3.0))), float(double(jnp.asarray(3.0)))) == (9.0, 6.0)
    assert not [name for name in compiled if "_scaled" in name]


def test_a_second_fit_of_one_form_compiles_no_density(compiled):
    short = {"chains": 2, "warmup": 20, "draws": 10, "starts": 1, "max_tree_depth": 3}
    short |= {"extensions": 0, "progress": False}
    site = bt.open_site("hyytiala-twin", end="2008")
    with pytest.warns(bt.ConvergenceWarning, match=r"^chains have not.*R-hat above 1\.01") as told:
        bt.Calibration(site, ["gpp", "lai"]).sample(**short)
    assert {w.filename for w in told} == {__file__}  # who called sample
    compiled.clear()
    priors = {"leaf_onset_day": bt.Normal(118.0, 4.0)}
    narrower = bt.Calibration(site, ["gpp", "lai"], priors=priors)
    with pytest.warns(bt.ConvergenceWarning):
        tree = narrower.sample(**short)
    assert not {"value_and_gradient", "transition", "_rows", "to_latent"} & {
        name.removeprefix("jit(").removesuffix(")") for name in compiled
    }
    assert tree.posterior["leaf_onset_day"].std() < 8.0
