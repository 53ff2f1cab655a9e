import json

import arviz as az
import numpy as np
import pytest
import xarray as xr

from bayes_tbm.errors import InputError
from bayes_tbm.results import check_convergence, stream_skill

SHAPE = (4, 1000)


def independent(seed=1):
    rng = np.random.default_rng(seed)
    return {
        "posterior": {name: rng.normal(size=SHAPE) for name in ("slow", "fast", "other")},
        "sample_stats": {
            "energy": rng.normal(size=SHAPE),
            "diverging": np.zeros(SHAPE, dtype=bool),
            "reached_max_tree_depth": np.zeros(SHAPE, dtype=bool),
        },
    }


def wander(memory, seed=2):
    noise = np.random.default_rng(seed).normal(size=SHAPE)
    for i in range(1, SHAPE[1]):
        noise[:, i] = memory * noise[:, i - 1] + np.sqrt(1 - memory**2) * noise[:, i]
    return noise


def check(groups, **options):
    return check_convergence(az.from_dict(groups), **options)


def test_good_draws_pass():
    gate = check(independent())
    assert gate.passed
    assert gate.failures == ()
    assert str(gate).startswith("CONVERGED")
    assert gate.divergences == 0
    assert 1.0 <= gate.rhat < 1.01
    assert 3000 < gate.ess_bulk < 5000
    assert gate.bfmi == pytest.approx(2.0, abs=0.2)  # E (e_i - e_{i-1})^2 = 2 Var e


def test_a_sampler_that_grows_no_trees_is_checked_for_the_rest():
    groups = independent()
    del groups["sample_stats"]["reached_max_tree_depth"]
    assert check(groups).passed


def test_a_shifted_chain_fails_on_r_hat():
    groups = independent()
    groups["posterior"]["slow"][2] += 1.0
    gate = check(groups)
    assert not gate.passed
    assert gate.failures[0].startswith("R-hat above 1.01 in 1 of 3: worst slow 1.")
    assert gate.rhat == pytest.approx(float(az.rhat(groups["posterior"]["slow"])))
    assert str(gate).startswith("NOT CONVERGED")
    assert gate.failures[0] in str(gate)


def test_slow_chains_fail_on_effective_sample_size():
    groups = independent()
    groups["posterior"]["slow"] = wander(0.95)  # 4000 * 0.05 / 1.95: 103 draws
    gate = check(groups, rhat_max=1.5)
    assert not gate.passed
    assert gate.failures[0].startswith("bulk ESS below 400 in 1 of 3: worst slow ")
    assert 30 < gate.ess_bulk < 300
    assert all("R-hat" not in line for line in gate.failures)


def test_slow_tails_fail_on_tail_ess():
    groups = independent()
    # Chains that move fast within |x| < 1, but whose scale lingers.
    groups["posterior"]["slow"] *= np.exp(1.0 * wander(0.99))
    gate = check(groups, rhat_max=1.5)
    assert [line.split(" below")[0] for line in gate.failures] == ["tail ESS"]
    assert "slow" in gate.failures[0]


def test_one_divergence_fails():
    groups = independent()
    groups["sample_stats"]["diverging"][1, 7] = True
    gate = check(groups)
    assert gate.failures == ("1 divergent transitions",)
    assert gate.divergences == 1


def test_low_bfmi_fails():
    groups = independent()
    groups["sample_stats"]["energy"] = wander(0.95)  # 2 (1 - 0.95) = 0.1
    gate = check(groups)
    assert [line.split()[0] for line in gate.failures] == ["E-BFMI"]
    assert gate.bfmi == pytest.approx(0.1, abs=0.05)


def test_short_trees_fail():
    groups = independent()
    groups["sample_stats"]["reached_max_tree_depth"][:, :40] = True
    assert check(groups).failures == ("4.0% of trajectories reached the largest tree depth",)


def test_a_stuck_parameter_fails():
    groups = independent()
    groups["posterior"]["slow"][:] = 3.0
    groups["prior"] = {n: x[:1] for n, x in independent(5)["posterior"].items()}
    gate = check(groups)
    assert not gate.passed
    assert gate.failures[0].startswith("R-hat above 1.01 in 1 of 3")


def test_what_the_prior_fixes_does_not_fail():
    groups = independent()
    groups["prior"] = {n: x[:1] for n, x in independent(5)["posterior"].items()}
    for group in ("prior", "posterior"):
        groups[group]["fixed"] = np.full_like(groups[group]["slow"], 0.5)
    assert check(groups).passed


def test_one_chain_has_no_r_hat_and_says_so():
    groups = independent()
    groups = {g: {n: x[:1] for n, x in part.items()} for g, part in groups.items()}
    gate = check(groups)
    assert gate.failures == ("R-hat unknown: one chain; take two or more",)
    assert not gate.passed
    assert not gate.may_pass(3.0)
    assert np.isnan(gate.rhat)
    assert "R-hat unknown, ESS bulk >=" in str(gate)
    assert "nan" not in str(gate)


@pytest.mark.parametrize(
    ("experiment", "found"),
    [({"prior_only": True}, "draws of the prior, which are independent"), ({}, "no sample_stats")],
)
@pytest.mark.parametrize("stats", [{"diverging": np.zeros((1, 50), bool)}, None])
def test_what_was_not_sampled_is_refused_in_one_line(experiment, found, stats):
    groups = {"posterior": {"a": np.random.default_rng(1).normal(size=(1, 50))}}
    groups |= {"sample_stats": stats} if stats else {}
    tree = az.from_dict(groups, attrs={"/": {"experiment": json.dumps(experiment)}})
    with pytest.raises(InputError, match=rf"check_convergence: tree: must be .* found {found}"):
        check_convergence(tree)


SEEN = np.array([1.0, 2.0, 3.0, 4.0])


def skill_tree(simulated, observed=SEEN, posterior=None, predictive=None):
    """One stream ``x`` at the first steps of a record that is one step longer."""
    n = len(observed)
    none = np.zeros((1, 2, n))
    tree = az.from_dict({
        "posterior": {"a": np.zeros((1, 3))} | (posterior or {}),
        "posterior_predictive": {"x": none if predictive is None else predictive},
        "observed_data": {"x": observed},
    })  # fmt: skip
    middle = np.append(simulated, 99.0)  # not compared with anything
    tree["simulation"] = xr.DataTree(xr.Dataset(
        {"x": (("quantile", "time"), [middle - 1, middle, middle + 1]),
         "x_observed": ("time", np.append(observed, np.nan))},
        coords={"quantile": [0.25, 0.5, 0.75]},
    ))  # fmt: skip
    return tree


def test_skill_by_hand():
    # residuals 1, 0.5, 0, -0.5: mean 0.25, mean square 0.375; data: variance 1.25
    row = stream_skill(skill_tree([2.0, 2.5, 3.0, 3.5])).loc["x"]
    assert row["n"] == 4
    assert row["bias"] == pytest.approx(0.25)
    assert row["bias_over_sd"] == pytest.approx(0.25 / np.sqrt(1.25))
    assert row["rmse"] == pytest.approx(np.sqrt(0.375))
    assert row["r2"] == pytest.approx(1 - 0.375 / 1.25)
    assert row["lag1"] == pytest.approx(1.0)  # falling on a straight line
    assert row["discrepancy"] == 0.0  # no structural error here


def test_alternating_residuals():
    row = stream_skill(skill_tree([2.0, 1.0, 4.0, 3.0])).loc["x"]
    assert row["bias"] == pytest.approx(0.0)
    assert row["r2"] == pytest.approx(1 - 1 / 1.25)
    assert row["lag1"] == pytest.approx(-1.0)


def test_discrepancy_is_the_share_of_variance():
    posterior = {"x_structural_sd": np.array([[0.1, 0.5, 3.0]])}
    row = stream_skill(skill_tree(SEEN, posterior=posterior)).loc["x"]
    assert row["discrepancy"] == pytest.approx(0.5**2 / 1.25)


@pytest.mark.parametrize(("suffix", "scale"), [("sd", np.asarray), ("log_sd", np.log)])
@pytest.mark.parametrize("value", [0.5, 0.0])
def test_discrepancy_of_an_error_that_is_held_fixed_is_that_of_its_value(suffix, scale, value):
    tree = skill_tree(SEEN)
    priors = {f"x_structural_{suffix}": {"family": "fixed", "value": value}}
    tree.attrs["experiment"] = json.dumps({"priors": priors})
    expected = value**2 / np.var(scale(SEEN))
    assert stream_skill(tree).loc["x", "discrepancy"] == pytest.approx(expected)


def test_coverage():
    # draws 0, 1, ..., 100 at every point: 90 % within 5 to 95, 95 % within 2.5 to 97.5
    observed = np.array([1.0, 4.0, 50.0, 96.0, 98.0])
    draws = np.broadcast_to(np.arange(101.0)[None, :, None], (1, 101, 5))
    posterior = {"a": np.zeros((1, 101))}
    tree = skill_tree(observed, observed, posterior=posterior, predictive=draws)
    row = stream_skill(tree).loc["x"]
    assert row["inside_90"] == pytest.approx(1 / 5)
    assert row["inside_95"] == pytest.approx(3 / 5)


@pytest.mark.parametrize("observed", [[3.0], [3.0, 3.0, 3.0, 3.0]])
def test_data_without_variance_have_no_r2(observed):
    posterior = {"x_structural_sd": np.full((1, 3), 0.5)}
    simulated = np.array(observed) + np.linspace(0.5, 1.5, len(observed))
    row = stream_skill(skill_tree(simulated, np.array(observed), posterior=posterior)).loc["x"]
    assert row["bias"] == pytest.approx(np.mean(simulated) - 3.0)
    assert np.isnan(row[["r2", "bias_over_sd", "discrepancy"]].astype(float)).all()


def test_a_real_result(short_tree):
    table = stream_skill(short_tree)
    assert list(table.index) == list(short_tree["observed_data"].data_vars)
    assert table.loc["gpp", "r2"] > 0.95
    assert table.loc["gpp", "inside_90"] == pytest.approx(0.9, abs=0.1)
