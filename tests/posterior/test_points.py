"""Calibrations to other points than those observed."""

import pickle

import jax.numpy as jnp
import numpy as np
import pytest

import bayes_tbm as bt

STREAMS = ("gpp", "lai", "wood")


@pytest.fixture(scope="module")
def calibration():
    return bt.Calibration(bt.open_site("hyytiala-twin"), STREAMS)


@pytest.fixture(scope="module")
def drawn(calibration):
    predictive = calibration.prior(3, seed=2)["prior_predictive"]
    return {name: predictive[name].values[0, 1] for name in STREAMS}


def test_density_is_that_of_the_points_and_of_the_observed_errors(calibration, drawn):
    other = calibration.with_points({"gpp": drawn["gpp"], "wood": drawn["wood"]})
    z = jnp.asarray(0.2 * np.random.default_rng(0).normal(size=calibration.density.dimension))
    values = calibration.density.values(z)
    p, run = calibration.density.run(values)
    found = other.density.parts(z).stream
    before = calibration.density.parts(z).stream
    np.testing.assert_array_equal(found["lai"], before["lai"])
    for stream in calibration.density.streams[::2]:
        known = stream.log_likelihood(
            stream.series(run, p), values, jnp.asarray(drawn[stream.name], float)
        )
        np.testing.assert_allclose(found[stream.name], known, rtol=1e-9)
        assert np.abs(found[stream.name] - before[stream.name]).max() > 0.1
    total = float(other.density.value_and_gradient(z)[0])
    parts = sum(float(jnp.sum(x)) for part in (found, other.density.parts(z).constraint)
                for x in part.values())  # fmt: skip
    normal = -0.5 * float(z @ z + len(z) * np.log(2.0 * np.pi))
    assert total == pytest.approx(parts + normal, rel=1e-9)


def test_points_are_kept_by_what_is_made_of_the_calibration(calibration, drawn):
    other = calibration.with_points({"gpp": drawn["gpp"]})
    changed = {"leaf_onset_day": bt.Normal(118.0, 6.0)}
    copies = [
        pickle.loads(pickle.dumps(other)), other.with_priors(changed),
        calibration.with_priors(changed).with_points({"gpp": drawn["gpp"]}),
        other.with_points({"lai": drawn["lai"]}),
    ]  # fmt: skip
    for copy in copies:
        np.testing.assert_array_equal(copy.density.streams[0].data.value, drawn["gpp"])
    assert copies[3].density.streams[1].data.value[0] == drawn["lai"][0]
    gpp = calibration.density.streams[0]
    assert (gpp.data.value != drawn["gpp"]).all()  # the first is left as it was


def test_the_result_holds_the_points(calibration, drawn):
    tree = calibration.with_points({"gpp": drawn["gpp"]}).prior(5)
    np.testing.assert_array_equal(tree["observed_data"]["gpp"], drawn["gpp"])


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ({"nee": [1.0]}, "points: nee: must be one of gpp, lai, wood; found nee"),
        ({"gpp": [1.0, 2.0]}, r"points: gpp: must be \d+ numbers; found shape \(2,\)"),
        (
            {"wood": np.array([5e3, -1.0, 5e3])},
            "points: wood: must be 3 positive numbers; found -1",
        ),
    ],
)
def test_points_that_cannot_be_are_refused(calibration, points, message):
    with pytest.raises(bt.InputError, match=message):
        calibration.with_points(points)
