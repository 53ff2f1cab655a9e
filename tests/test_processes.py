"""Calibrations in other processes: sent by pickle, spawned; a fork is refused."""

import dataclasses
import multiprocessing
import os
import pickle

import jax.numpy as jnp
import pytest

import bayes_tbm as bt
from bayes_tbm.streams import STREAMS

CURVE = bt.GrowthCurve.from_points([20, 60, 120], [40, 110, 150], 15.0, "Mg ha-1")


def own_operator(run, parameters):
    return 0.9 * run.fluxes.gpp


def density_of(calibration):
    return float(calibration.density.value(jnp.zeros(calibration.density.dimension)))


def prior_draws(calibration):
    return calibration.prior(2).posterior.sizes["draw"]


@pytest.fixture(scope="module")
def site():
    return bt.open_site("hyytiala-twin", start="2006", end="2007")


@pytest.mark.parametrize(
    "options",
    [
        {"streams": ["gpp", "lai"]},
        {"streams": "gpp,lai"},
        {"streams": [STREAMS["gpp"].with_errors(bt.StudentT())], "constraints": False},
        {"streams": [CURVE, bt.Stock(120, 20, "Mg ha-1", age=80)], "stand_age": 44.0},
        {"streams": [dataclasses.replace(STREAMS["gpp"], operator=own_operator)]},
    ],
)
def test_a_calibration_that_was_sent_is_the_same(options, site):
    calibration = bt.Calibration(site, **options).with_priors({"leaf_lifespan": 2.0})
    again = pickle.loads(pickle.dumps(calibration))
    assert again.experiment == calibration.experiment
    assert again.site.data_hash() == site.data_hash()
    assert density_of(again) == density_of(calibration)


def test_an_operator_without_a_name_is_refused_in_one_line(site):
    stream = dataclasses.replace(STREAMS["gpp"], operator=lambda run, _: run.fluxes.gpp)
    with pytest.raises(bt.InputError, match="stream gpp: operator: must be a function at the top"):
        pickle.dumps(bt.Calibration(site, [stream]))


def test_a_spawned_pool_works_beside_a_process_in_which_jax_has_run(site):
    calibration = bt.Calibration(site, ["gpp"])
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(prior_draws, (calibration,)) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")  # JAX says so too
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # and Python
def test_a_fork_after_jax_has_run_is_refused_and_does_not_hang(site):
    calibration, parameters = bt.Calibration(site, ["gpp"]), bt.Parameters.default()
    uses = {
        "calibration": lambda: bt.Calibration(site, ["gpp"]),
        "sample": lambda: calibration.sample(draws=10),
        "prior": lambda: calibration.prior(2),
        "modes": calibration.modes,
        "log_density": lambda: calibration.log_density({}),
        "simulate": lambda: bt.simulate(parameters, site),
        "open_site": lambda: bt.open_site("hyytiala-twin"),
    }
    read, write = os.pipe()
    child = os.fork()
    if child == 0:  # in the child: no test framework, whatever happens
        told = [f"{name}: {refusal(use)}" for name, use in uses.items()]
        os.write(write, "\n".join(told).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        told = pipe.read().splitlines()
    os.waitpid(child, 0)
    assert len(told) == len(uses)
    for line in told:
        assert 'get_context("spawn")' in line


def refusal(use):
    try:
        use()
    except Exception as error:
        return str(error)
    return "not refused"
