"""The model run forward, as labelled data."""

import numpy as np
import pytest

import bayes_tbm as bt


@pytest.fixture(scope="module")
def site():
    return bt.open_site("hyytiala-twin")


def test_every_variable_has_a_unit_and_the_budget_closes(site):
    run = bt.simulate(bt.Parameters.default(), site)
    assert all(variable.attrs["units"] for variable in run.data_vars.values())
    pools = run[["labile", "foliage", "root", "wood", "litter", "som"]].to_array().sum("variable")
    gained = -run.nbe.values * site.drivers.step_length.values
    np.testing.assert_allclose(np.diff(pools), gained, atol=1e-11 * float(pools[0]))


def test_drivers_alone_do_if_they_say_where(site):
    parameters = bt.Parameters.default()
    drivers = site.drivers.assign_attrs(latitude=site.latitude)
    np.testing.assert_array_equal(
        bt.simulate(parameters, drivers).gpp, bt.simulate(parameters, site).gpp
    )
    with pytest.raises(bt.InputError, match="latitude: must be an attribute"):
        bt.simulate(parameters, site.drivers.drop_attrs())


def test_dalec_names_give_the_same_run(site):
    parameters = bt.Parameters.default()
    dalec = bt.to_dalec(parameters, step_length=30.4375)
    np.testing.assert_allclose(
        bt.simulate(dalec, site).nee, bt.simulate(parameters, site).nee, rtol=1e-9, atol=1e-12
    )


def test_values_outside_their_bounds_are_refused(site):
    with pytest.raises(bt.InputError, match="wood_residence_time: must lie within"):
        bt.simulate(bt.Parameters.default(wood_residence_time=-1.0), site)


@pytest.mark.parametrize("wrong", ["mine.nc", None, [1.0]])
def test_other_things_than_parameters_and_sites_are_refused(wrong, site):
    with pytest.raises(bt.InputError, match=r"parameters: must be bayes_tbm.Parameters"):
        bt.simulate(wrong, site)
    with pytest.raises(bt.InputError, match=r"drivers: must be a bayes_tbm.Site .*; found"):
        bt.simulate(bt.Parameters.default(), wrong)
