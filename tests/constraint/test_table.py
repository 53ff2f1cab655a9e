import arviz as az
import numpy as np
import pytest
from scipy import stats

from bayes_tbm.constraint import constraint, constraint_table
from bayes_tbm.constraint.information import INFORMATION, SPREAD

PRIOR, POSTERIOR = 8000, (4, 2000)
# name: prior mean and sd, posterior mean and sd, of the logarithm where it is positive
MOMENTS = {
    "shifted": (0.0, 2.0, 1.0, 0.5),
    "positive": (1.0, 0.8, 0.5, 0.4),
    "untouched": (3.0, 1.5, 3.0, 1.5),
    "wider": (0.0, 1.0, 0.0, 1.5),
}
DATA = np.array([1.1, 0.7])


def make_tree():
    rng = np.random.default_rng(4)
    groups = {g: {} for g in ("prior", "posterior", "log_prior")}
    for name, (prior_mean, prior_sd, mean, sd) in MOMENTS.items():
        own = np.exp if name == "positive" else np.asarray
        z = rng.normal(mean, sd, POSTERIOR)
        groups["posterior"][name] = own(z)
        groups["prior"][name] = own(rng.normal(prior_mean, prior_sd, (1, PRIOR)))
        groups["log_prior"][name] = stats.norm.logpdf(z, prior_mean, prior_sd)
    for group in ("prior", "posterior"):
        groups[group]["fixed"] = np.full_like(groups[group]["shifted"], 0.5)
    # of the parameters only one bears on the data
    seen = groups["posterior"]["shifted"][..., None]
    groups["log_likelihood"] = {
        "flux": stats.norm.logpdf(DATA, seen, 0.7),
        "other": rng.normal(size=(*POSTERIOR, 3)) * 1e-3,
    }
    tree = az.from_dict(groups)
    tree["posterior"]["shifted"].attrs["units"] = "yr"
    return tree


@pytest.fixture(scope="module")
def table():
    return constraint_table(make_tree())


@pytest.mark.parametrize("name", MOMENTS)
def test_contraction_and_bits_are_those_of_gaussians(table, name):
    """Priors are known by draws only; scales are found from them."""
    prior_mean, prior_sd, mean, sd = MOMENTS[name]
    ratio, shift = sd**2 / prior_sd**2, (mean - prior_mean) / prior_sd
    bits = 0.5 * (ratio - 1 + shift**2 - np.log(ratio)) / np.log(2)
    for column, true in {"contraction": 1 - ratio, "shift": shift, "bits": bits}.items():
        assert abs(table.loc[name, column] - true) < 3 * table.loc[name, f"{column}_mcse"]


def test_prior_and_posterior_alike_say_nothing(table):
    row = table.loc["untouched"]
    assert abs(row["bits"]) < 0.01
    assert abs(row["contraction"]) < 0.1
    assert row["overlap"] > 0.97
    assert table.loc["wider", "contraction"] < 0


def test_overlap_is_the_shared_area(table):
    assert table["overlap"].between(0, 1).all()
    for name, (prior_mean, prior_sd, mean, sd) in MOMENTS.items():
        x = np.linspace(-12, 12, 200001)
        shared = np.minimum(stats.norm.pdf(x, prior_mean, prior_sd), stats.norm.pdf(x, mean, sd))
        assert table.loc[name, "overlap"] == pytest.approx(np.trapezoid(shared, x), abs=0.02)


def test_power_scaling_points_at_what_each_stream_bears_on(table):
    assert table.loc["shifted", "psense_flux"] > 0.05
    assert (table["psense_flux"].drop("shifted") < 0.05).all()
    assert (table["psense_other"] < 0.01).all()
    # the wider the posterior on the prior's scale, the more the prior bears on it
    order = table["psense_prior"].sort_values().index
    assert list(order) == ["shifted", "positive", "untouched", "wider"]
    assert table.loc["untouched", "psense_prior"] > 0.05


def test_units_are_told_and_fixed_quantities_left_out(table):
    assert table.loc["shifted", "unit"] == "yr"
    assert list(table.index) == list(MOMENTS)


def test_the_table_is_the_dataset_flattened(table):
    data = constraint(make_tree())
    assert list(table.columns[:3]) == ["unit", "scale", "verdict"]
    for name in (*SPREAD, *INFORMATION, "psense_prior", "psense_likelihood", "verdict"):
        np.testing.assert_array_equal(table[name], data[name])
    own = data.sel(stream="other")
    np.testing.assert_array_equal(table["psense_other"], own["psense_stream"])
    np.testing.assert_array_equal(table["psense_other_mcse"], own["psense_stream_mcse"])
    np.testing.assert_array_equal(table["verdict_other"], own["stream_verdict"])


def test_a_real_result(short_tree):
    table = constraint_table(short_tree)
    pair = "allocation_wood & wood_residence_time"
    assert list(table.index) == [*short_tree["posterior"].data_vars, pair]
    single = table.drop(index=pair)
    texts = [c for c in single if c in ("unit", "scale") or c.startswith("verdict")]
    assert np.isfinite(single.drop(columns=texts).astype(float)).all(axis=None)
    assert table.loc["gpp_annual", "contraction"] > 0.9
    assert table.loc[pair, "bits"] > 0
    assert {f"psense_{s}" for s in ("gpp", "nee", "et", "lai", "wood", "som")} < set(table)
    assert table.loc["wood_residence_time", "unit"] == "yr"
    # constraints bend priors of the model's parameters, not those of errors
    assert table.loc["wood_residence_time", "scale"] == "normal scores"
    assert table.loc["gpp_structural_sd", "scale"] == "latent"
