import json

import numpy as np
import pytest
import xarray as xr

from bayes_tbm import __version__
from bayes_tbm.catalogue import open_site
from bayes_tbm.model.derived import DERIVED
from bayes_tbm.parameters import TABLE, names_in

GROUPS = {
    "posterior", "sample_stats", "log_likelihood", "log_prior", "posterior_predictive", "prior",
    "prior_predictive", "observed_data", "constant_data", "simulation", "convergence",
}  # fmt: skip
STREAMS = {"gpp", "nee", "et", "lai", "wood", "som"}


def test_groups(short_tree):
    assert set(short_tree.children) == GROUPS
    for group in ("log_likelihood", "posterior_predictive", "prior_predictive", "observed_data"):
        assert set(short_tree[group].data_vars) == STREAMS
    unused = names_in("fire", "regrowth", "departure")  # nothing burns, no stand regrows
    errors = {f"{name}_structural_sd" for name in ("gpp", "nee", "et", "lai")}
    sampled = (set(TABLE) - unused) | errors
    assert set(short_tree["posterior"].data_vars) == sampled | {d.name for d in DERIVED}
    assert set(short_tree["prior"].data_vars) == set(short_tree["posterior"].data_vars)
    assert sampled < set(short_tree["log_prior"].data_vars)


def test_every_variable_has_unit_and_name(short_tree):
    for group, node in short_tree.children.items():
        for name, variable in node.data_vars.items():
            assert variable.attrs["units"], f"{group}/{name}"
            assert len(variable.attrs["long_name"]) > 1, f"{group}/{name}"
    posterior = short_tree["posterior"]
    assert posterior["wood_residence_time"].units == "yr"
    assert posterior["gpp_structural_sd"].units == "g C m-2 d-1"
    assert posterior["biomass_at_150"].units == "Mg ha-1"
    assert short_tree["constant_data/lai_measurement_sd"].units == "m2 m-2"
    assert short_tree["log_likelihood/gpp"].units == "nat"
    assert "litter" in short_tree["log_prior/litter_faster_than_som"].long_name


def test_draws_are_finite_and_differ(short_tree):
    for group in ("posterior", "prior", "log_likelihood", "log_prior", "posterior_predictive"):
        for name, variable in short_tree[group].data_vars.items():
            assert np.isfinite(variable).all(), f"{group}/{name}"
    for chain in short_tree["posterior/wood_residence_time"].values:
        assert len(np.unique(chain)) > 90
    assert short_tree["posterior"].sizes["chain"] == 2
    assert short_tree["posterior"].sizes["draw"] == 100
    assert short_tree["prior"].sizes["draw"] == 1000


def test_sampled_density_is_that_of_the_stored_values(short_tree, calibration, value_and_grad):
    """From files back to the sampler: values, parts and the sampler's own lp agree."""
    density, posterior = calibration.density, short_tree["posterior"]
    for chain, draw in ((0, 0), (0, 57), (1, 99)):
        at = {"chain": chain, "draw": draw}
        z = density.latent({n: posterior[n][at].values for n in density.sampled})
        lp = float(short_tree["sample_stats/lp"][at])
        assert float(value_and_grad(z)[0]) == pytest.approx(lp, rel=1e-8)
        terms = [short_tree["log_likelihood"][name][at].values.sum() for name in STREAMS]
        terms += [short_tree["log_prior"][c.name][at].values for c in density.constraints]
        normal = -0.5 * float(z @ z) - 0.5 * len(z) * np.log(2 * np.pi)
        assert normal + sum(map(float, terms)) == pytest.approx(lp, rel=1e-5)


def test_provenance(short_tree):
    attrs = short_tree.attrs
    assert attrs["bayes_tbm_version"] == __version__
    for name in ("jax_version", "inference_library_version", "arviz_version", "python_version"):
        assert attrs[name][0].isdigit()
    assert attrs["data_sha256"] == open_site("hyytiala-twin").data_hash()
    experiment = json.loads(attrs["experiment"])
    sampling = experiment["sampling"]
    assert (sampling["seed"], sampling["chains"], sampling["draws"]) == (1, 2, 100)
    assert set(experiment["streams"]) == STREAMS
    assert experiment["priors"]["wood_residence_time"] == (
        TABLE["wood_residence_time"].prior.to_dict()
    )  # fmt: skip
    assert sum(mode["starts"] for mode in experiment["modes"]) <= 3
    assert sum(mode["weight"] for mode in experiment["modes"]) == pytest.approx(1.0, abs=1e-3)


def test_observed_data_are_the_site_s(short_tree):
    site = open_site("hyytiala-twin")
    for name in STREAMS:
        seen = site.observations[name]
        np.testing.assert_allclose(short_tree["observed_data"][name], seen.value)
        np.testing.assert_allclose(short_tree[f"constant_data/{name}_measurement_sd"], seen.sd)
        times = short_tree["observed_data"][f"{name}_point"].values
        assert np.abs(times - seen.time).max() < np.timedelta64(16, "D")
        observed = short_tree["simulation"][f"{name}_observed"].values
        np.testing.assert_array_equal(observed[np.isfinite(observed)], seen.value)


def test_simulated_quantiles_increase(short_tree):
    simulation = short_tree["simulation"].to_dataset()
    for name in STREAMS:
        assert (simulation[name].diff("quantile") >= 0).all()
    np.testing.assert_array_equal(
        simulation.time, open_site("hyytiala-twin").drivers["time"].values
    )


def test_a_result_survives_the_file(short_tree, calibration, tmp_path):
    short_tree.to_netcdf(tmp_path / "again.nc", engine="h5netcdf")
    with xr.open_datatree(tmp_path / "again.nc", engine="h5netcdf") as again:
        assert set(again.children) == set(short_tree.children)
        for group in short_tree.children:
            xr.testing.assert_identical(
                again[group].to_dataset().load(), short_tree[group].to_dataset()
            )  # fmt: skip
        assert json.loads(again.attrs["experiment"])["sampling"]["seed"] == 1
        assert again.attrs["data_sha256"] == calibration.site.data_hash()
