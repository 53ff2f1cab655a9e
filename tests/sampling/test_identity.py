"""Whatever changes the density changes what a run is, and nothing else does."""

import dataclasses
import json

import jax.numpy as jnp
import numpy as np
import pytest

import bayes_tbm as bt
from bayes_tbm.sampling.identity import facts, identity
from bayes_tbm.streams import STREAMS
from bayes_tbm.studies.fits import content

POINTS = [20.0, 60.0, 120.0], [40.0, 110.0, 150.0], 15.0, "Mg ha-1"
ABOVE = {"quantity": "above_ground", "root_share": 0.2}
COVARIANCE = np.diag([100.0, 1e-5, 0.01])
SETTINGS = bt.Settings()


@pytest.fixture(scope="module")
def site():
    return bt.open_site("hyytiala-twin", start="2006", end="2007")


def curve(**options):
    return {"streams": [bt.GrowthCurve.from_points(*POINTS, **options)]}


def richards(**changes):
    given = {"asymptote": 150.0, "rate": 0.03, "shape": 1.5, "covariance": COVARIANCE} | changes
    return {"streams": [bt.GrowthCurve.from_chapman_richards(**given, unit="Mg ha-1")]}


def stock(**options):
    given = {"value": 120.0, "sd": 20.0, "unit": "Mg ha-1", "age": 80.0} | options
    return {"streams": [bt.Stock(**given)]}


def operator(function):
    return {"streams": [dataclasses.replace(STREAMS["gpp"], operator=function)]}


def errors(model):
    return {"streams": [STREAMS["gpp"].with_errors(model)]}


# Within a group all have the same names, data or both, and no two have the same density.
GROUPS = {
    "curve": [
        curve(), curve(quantity="wood"), curve(**ABOVE), curve(**ABOVE | {"root_share": 0.2001}),
        curve(age_sd=2.0), curve(carbon_fraction=0.5),
        curve(errors=bt.AlongAge(length=bt.Fixed(20.0))),
        curve(errors=bt.AlongAge(common=bt.Fixed(0.3))),
        curve(errors=bt.AlongAge(structural=bt.Fixed(0.1))),
        curve(errors=bt.AlongAge(structural=bt.LogNormal(0.05, 0.5))),
    ],
    "richards": [
        richards(), richards(asymptote=151.0), richards(rate=0.031), richards(shape=1.51),
        richards(covariance=2.0 * COVARIANCE),
    ],
    "stock": [
        stock(), stock(quantity="wood"), stock(**ABOVE), stock(**ABOVE | {"root_share": 0.3}),
        stock(age=81.0), stock(sd=21.0), stock(value=121.0), stock(carbon_fraction=0.5),
        stock(age=None, date="2006-07-01"), stock(age=None, date="2006-07-01", quantity="wood"),
        stock(errors=bt.LogNormalErrors(structural=bt.Fixed(0.1))),
    ],
    "operator": [
        operator(lambda run, _: run.fluxes.gpp), operator(lambda run, _: 0.99 * run.fluxes.gpp),
        operator(lambda run, _: jnp.roll(run.fluxes.gpp, 1, axis=0)),
        operator(lambda run, p: run.fluxes.gpp * (1.0 - 1e-3 * p.autotrophic_fraction)),
    ],
    "errors": [
        errors(bt.BlockMeans()), errors(bt.BlockMeans(balance=0.4)), errors(bt.Gaussian()),
        errors(bt.BlockMeans(averaging=60.0)), errors(bt.StudentT()), errors(bt.Autoregressive()),
        errors(bt.StudentT(degrees_of_freedom=5.0)),
        errors(bt.Gaussian(structural=bt.Fixed(1.0))),
        errors(bt.Autoregressive(memory=bt.Fixed(2.0))),
    ],
    "calibration": [
        {}, {"stand_age": 44.0}, {"stand_age": 45.0}, {"regrowth": True}, {"constraints": False},
        {"constraints": {"steady_wood": 2.0}}, {"constraints": {"steady_wood": 3.0}},
        {"priors": {"leaf_lifespan": 2.0}},
        {"priors": {"wood_residence_time": bt.LogNormal(60.0, 0.6)}},
        {"priors": {"wood_residence_time": bt.LogNormal(60.0, 0.6, 1.0)}},
        {"priors": {"gpp_structural_sd": 0.5}},
    ],
}  # fmt: skip


def of_group(group, site):
    return [bt.Calibration(site, **{"streams": ["gpp"], **options}) for options in GROUPS[group]]


@pytest.mark.parametrize("group", [group for group in GROUPS if group != "calibration"])
def test_every_option_that_changes_the_density_changes_the_identity(group, site):
    calibrations = of_group(group, site)
    made = [identity(cal.density, cal.experiment, SETTINGS) for cal in calibrations]
    assert len({content(cal, SETTINGS) for cal in calibrations}) == len(made)
    assert len({json.dumps(one["density"]) for one in made}) == len(made)


def test_what_is_run_and_believed_has_names_and_needs_no_density(site):
    made = [facts(c.density, c.experiment, SETTINGS) for c in of_group("calibration", site)]
    assert len({json.dumps(one) for one in made}) == len(made)


def test_the_density_is_told_at_points_where_it_is_finite(site):
    told = identity_of(operator(lambda run, p: run.fluxes.gpp), site)["density"]
    assert list(told) == [f"at point {number}" for number in range(4)]
    assert all(np.isfinite(float(value)) for value in told.values())
    half = operator(lambda run, p: jnp.where(p.leaf_lifespan > 1.9, jnp.nan, run.fluxes.gpp))
    some = identity_of(half, site)["density"]
    assert list(some) != list(told)
    assert all(np.isfinite(float(value)) for value in some.values())
    assert identity_of(operator(lambda run, _: jnp.nan * run.fluxes.gpp), site)["density"] == {}


def identity_of(options, site):
    cal = bt.Calibration(site, **options)
    return identity(cal.density, cal.experiment, SETTINGS)
