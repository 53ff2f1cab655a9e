"""Predictions of years after the fit, and of what was held out within it."""

import contextlib
import dataclasses
import json

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from bayes_tbm.calibration import Calibration
from bayes_tbm.cli import main
from bayes_tbm.errors import ConvergenceWarning, InputError
from bayes_tbm.experiment import Experiment
from bayes_tbm.parameters import Fixed
from bayes_tbm.prediction import evaluate, predict
from bayes_tbm.prediction.fitted import fitted
from bayes_tbm.report.folder import save_tree
from bayes_tbm.results import stream_skill
from bayes_tbm.sites import Observations
from bayes_tbm.streams import STREAMS as ALL
from bayes_tbm.streams import Gaussian

from .conftest import STREAMS


@pytest.fixture(scope="module")
def prediction(draws, whole):
    return predict(draws, whole, draws=40, seed=1)


def values_of(calibration, tree, draw=0):
    posterior = tree["posterior"].to_dataset().isel(chain=0, draw=draw)
    fixed = {n: p.value for n, p in calibration.density.priors.items() if isinstance(p, Fixed)}
    return {n: jnp.asarray(posterior[n].values) for n in calibration.density.sampled} | fixed


def test_what_follows_the_fit_is_predicted(prediction, whole):
    assert prediction.attrs["fitted_to"] == "2011-01-01"  # twelve equal months end within a day
    assert prediction.attrs["predicted_from"] == "2011-01-16"
    for name in STREAMS:
        point = prediction["observed_data"][f"{name}_point"].values
        assert point.min() > np.datetime64("2011-01-01")
        seen = whole.observations[name]
        later = seen.time > np.datetime64("2011-01-01")
        np.testing.assert_allclose(prediction["observed_data"][name], seen.value[later])
        assert prediction["predictions"][name].shape == (40, later.sum())
        assert np.isfinite(prediction["log_score"][name]).all()


def test_one_step_is_predicted_too(draws, whole):
    found = predict(draws, whole, start="2011-02", end="2011-02", draws=8)
    assert found["observed_data"]["gpp"].size == found["simulation"].sizes["time"] == 1


def test_run_goes_on_from_the_state_at_the_end_of_the_fit(draws, whole, fitted_part):
    what = fitted(draws, whole, None, ())
    values = values_of(fitted_part, draws)
    _, longer = what.density.run(values)
    _, short = fitted_part.density.run(values)
    steps = len(short.fluxes.gpp)
    assert len(longer.fluxes.gpp) == whole.steps > steps
    np.testing.assert_allclose(longer.fluxes.gpp[:steps], short.fluxes.gpp, rtol=1e-12)
    # Decomposition refers to the climate of the fit, not to that of the longer record.
    respired = longer.fluxes.heterotrophic_respiration[:steps]
    np.testing.assert_allclose(respired, short.fluxes.heterotrophic_respiration, rtol=1e-12)
    other = Calibration(whole, STREAMS).density.run(values)[1].fluxes
    assert not np.allclose(other.heterotrophic_respiration[:steps], respired, rtol=1e-6)


def test_common_error_is_taken_over_from_the_fit(whole):
    """A tower that reads 30 % high in the fitted years reads as high in those to come."""
    seen = whole.observations["gpp"]
    high = dataclasses.replace(seen, value=1.3 * seen.value)
    site = dataclasses.replace(whole, observations={"gpp": high})
    systematic = {"gpp": 0.3}
    cal = Calibration(site.window(end="2010"), ["gpp"], systematic=systematic)
    post = cal.prior(60, seed=5)
    with_fit = predict(post, site, draws=60)["predictions"]["gpp"].values
    alone = predict(post, site, draws=60)["prior_predictions"]["gpp"].values
    level = high.value[seen.time > np.datetime64("2011-01-01")].mean()
    spread = [draws.mean(axis=1) for draws in (with_fit, alone)]
    assert np.std(spread[0]) < 0.6 * np.std(spread[1])
    assert abs(spread[0].mean() - level) < abs(spread[1].mean() - level)


def test_held_out_within_the_record(fitted_part, whole):
    short = whole.window(end="2010")
    seen = short.observations["gpp"]
    odd = np.random.default_rng(0).random(len(seen)) < 0.4
    halved = {**short.observations, "gpp": seen.select(~odd)}
    site = dataclasses.replace(short, observations=halved)
    post = Calibration(site, STREAMS).prior(40, seed=2)
    held = predict(post, site, observations={"gpp": seen.select(odd)}, draws=20)
    np.testing.assert_allclose(held["observed_data"]["gpp"], seen.value[odd])
    assert list(held["predictions"].data_vars) == ["gpp"]


def test_held_out_values_are_of_any_unit_of_their_quantity(draws, whole):
    seen = whole.observations["gpp"]
    later = seen.select(seen.time > np.datetime64("2011"))
    found = []
    for unit, factor in (("g C m-2 d-1", 1.0), ("kg C m-2 s-1", 1e-3 / 86400.0)):
        held = dataclasses.replace(
            later, unit=unit, value=later.value * factor, sd=later.sd * factor
        )
        found.append(predict(draws, whole, observations={"gpp": held}, draws=20, seed=1))
    for name in ("observed_data", "predictions", "log_score"):
        np.testing.assert_allclose(found[1][name]["gpp"], found[0][name]["gpp"], rtol=1e-9)
    held = dataclasses.replace(later, unit="furlongs")
    with pytest.raises(InputError, match="gpp: unit must be"):
        predict(draws, whole, observations={"gpp": held})


def test_an_end_within_the_fit_changes_nothing_of_what_comes_before(draws, whole):
    """What all points share as an error is known from all that was fitted, not from a part."""
    seen = whole.observations["gpp"]
    inside = (seen.time > np.datetime64("2006")) & (seen.time < np.datetime64("2008"))
    held = {"gpp": seen.select(inside)}
    to_the_end = predict(draws, whole, observations=held, draws=20, seed=3)
    stopped = predict(draws, whole, observations=held, end="2007", draws=20, seed=3)
    for name in ("predictions", "log_score"):
        np.testing.assert_array_equal(stopped[name]["gpp"], to_the_end[name]["gpp"])
    assert str(stopped["simulation"].time.values[-1])[:7] == stopped.attrs["predicted_to"][:7]
    assert stopped.attrs["predicted_to"].startswith("2007-12")


@pytest.fixture(scope="module")
def calendar(whole):
    """Calendar months, with leaf area in the first and the last half day of what is fitted."""
    edges = np.arange("2006-01", "2010-02", dtype="datetime64[M]").astype("datetime64[ns]")
    middles = edges[:-1] + np.diff(edges) // 2
    drivers = whole.drivers.isel(time=slice(48)).assign_coords(time=middles)
    days = ["2006-01-01T12", "2006-07-15", "2007-07-15", "2008-12-31T12", "2009-07-15"]
    lai = Observations("lai", "m2 m-2", np.array(days, "datetime64[ns]"), np.arange(2.0, 7.0), 0.5)
    return dataclasses.replace(whole, drivers=drivers, observations={"lai": lai})


def test_all_that_was_fitted_is_found_again_at_the_edges_of_a_record_of_calendar_months(calendar):
    post = Calibration(calendar.window(end="2008"), ["lai"]).prior(8, seed=1)
    assert post["observed_data"]["lai"].size == 4
    again = predict(post, calendar, draws=8)
    assert again["fitted_data"]["lai"].size == 4
    assert again["observed_data"]["lai"].values == [6.0]


def test_values_of_one_step_count_by_their_mean_beside_the_model(calendar):
    seen = calendar.observations["lai"]
    more = seen.time + np.timedelta64(3, "D")
    twice = Observations("lai", "m2 m-2", np.concatenate([seen.time[1:3], more[1:3]]),
                         [3.0, 4.0, 4.0, 6.0], 0.5)  # fmt: skip
    site = dataclasses.replace(calendar, observations={"lai": twice})
    post = Calibration(site, ["lai"]).prior(8, seed=1)
    shown = post["simulation"]["lai_observed"].values
    np.testing.assert_array_equal(shown[np.isfinite(shown)], [3.5, 5.0])
    assert stream_skill(post).loc["lai", "n"] == 2


def test_other_uncertainties_than_those_fitted_are_refused(draws, whole):
    with pytest.raises(InputError, match=r"gpp: must be, .*other uncertainties in .*as it was for"):
        predict(draws, whole.with_uncertainty({"gpp": 1.0}))


def test_scores_of_every_stream_and_forecaster(prediction):
    found = evaluate(prediction)
    assert set(found.scores.index.get_level_values("stream")) == set(STREAMS)
    names = set(found.scores.index.get_level_values("forecaster"))
    assert names == {"posterior", "seasonal cycle", "last year", "prior"}
    gpp = found.scores.loc["gpp"]
    assert gpp.loc["seasonal cycle", "skill"] == 0.0
    # Draws of the prior in place of a posterior's are wide: hardly anything falls outside.
    assert gpp.loc["prior", "inside_90"] > 0.9
    assert (found.by_month.loc["gpp"]["n"].sum()) == gpp.loc["posterior", "n"]
    assert list(found.by_year.loc["gpp"].index) == [2011, 2012, 2013, 2014, 2015]
    assert "fitted 2006-01-01 to 2011-01-01" in repr(found)


def test_error_model_and_systematic_error_of_the_fit_are_those_of_the_prediction(whole):
    short = whole.window(end="2010")
    gpp = ALL["gpp"].with_errors(Gaussian(averaging=0.0, structural=0.4))
    post = Calibration(short, [gpp, "lai"], systematic={"gpp": 0.0}).prior(40)
    what = fitted(post, whole, None, ())
    assert isinstance(what.streams[0].stream.errors, Gaussian)
    assert what.systematic["gpp"] == 0.0
    assert what.systematic["lai"] == 0.1
    assert float(what.priors["gpp_structural_sd"].value) == 0.4


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({"start": "2009"}, ("start", "must follow the fitted period", "2009")),
        ({"start": "2040"}, ("2040",)),
        ({"end": "2010-12-20"}, ("must be observed in the period",)),
        ({"draws": 1}, ("draws", "2")),
    ],
)
def test_refusals(options, parts, draws, whole):
    with pytest.raises(InputError) as caught:
        predict(draws, whole, **options)
    for part in parts:
        assert part in str(caught.value)


def test_record_that_ends_with_the_fit_is_refused(draws, whole):
    with pytest.raises(InputError, match="must go on after the fitted period"):
        predict(draws, whole.window(end="2010"))


def test_other_data_than_those_fitted_are_refused(draws, whole):
    seen = whole.observations["gpp"]
    other = dataclasses.replace(seen, value=seen.value * 1.01)
    site = dataclasses.replace(whole, observations={**whole.observations, "gpp": other})
    with pytest.raises(InputError, match="gpp: must be, over the fitted period, what was fitted"):
        predict(draws, site)


def test_another_latitude_than_the_fitted_one_is_refused(draws, whole):
    there = dataclasses.replace(whole, latitude=whole.latitude - 0.5)
    with pytest.raises(InputError, match=f"latitude: must be .* {whole.latitude:g}; found"):
        predict(draws, there)
    near = dataclasses.replace(whole, latitude=whole.latitude + 0.005)
    assert fitted(draws, near, None, ()).site.latitude == near.latitude


def test_other_drivers_than_those_fitted_are_refused(draws, whole):
    warmer = whole.drivers.assign(t_max=whole.drivers["t_max"] + 0.5)
    site = dataclasses.replace(whole, drivers=warmer)
    with pytest.raises(InputError, match="drivers: must be, over the fitted period"):
        predict(draws, site)
    old = draws.copy()
    del old.attrs["drivers_sha256"]
    assert fitted(old, site, None, ()).site.steps == 60


GIVEN = {
    "the wrong series": ({"observations": {"gpp": "lai"}}, "gpp: must be", "those of lai"),
    "no observations": ({"observations": {"gpp": [1.0]}}, "gpp: must be", "list"),
    "no mapping": ({"observations": "gpp"}, "observations: must be", "str"),
    "a path for a site": ({"site": "mine.nc"}, "site: must be a bayes_tbm.Site", "mine.nc"),
    "a path for a result": ({"tree": "run/"}, "tree: must be a result", "run/"),
    "nothing": ({"tree": None}, "tree: must be a result", "None"),
    "an empty tree": ({"tree": xr.DataTree()}, "tree: must be a result", "without posterior"),
    "the end first": ({"start": "2014", "end": "2013"}, "start: must not be after the end", "2014"),
    "a negative seed": ({"seed": -1}, "seed: must be a whole number", "-1"),
}  # fmt: skip


@pytest.mark.parametrize("case", GIVEN)
def test_what_is_given_by_mistake_is_refused(case, draws, whole):
    options, *parts = GIVEN[case]
    if case == "the wrong series":
        options = {"observations": {"gpp": whole.observations["lai"]}}
    with pytest.raises(InputError) as caught:
        predict(**{"tree": draws, "site": whole, **options})
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize("wrong", ["predictions.nc", None, "tree"])
def test_only_predictions_are_evaluated(wrong, draws):
    with pytest.raises(InputError, match="prediction: must be a result of"):
        evaluate(draws if wrong == "tree" else wrong)


def kept_gate(*failures):
    """What a run keeps of its convergence checks."""
    return xr.DataTree(xr.Dataset(attrs={"failures": json.dumps(failures)}))


@pytest.mark.parametrize("failures", [(), ("R-hat above 1.01 in 3 of 40",)])
def test_a_posterior_that_did_not_converge_is_predicted_from_with_a_warning(failures, draws, whole):
    tree = draws.copy()
    tree["convergence"] = kept_gate(*failures)
    expected = (
        pytest.warns(ConvergenceWarning, match=rf"have not converged.*: {failures[0]}")
        if failures
        else contextlib.nullcontext()
    )
    with expected as told:
        predict(tree, whole, start="2011-02", end="2011-02", draws=8)
    if told:
        assert [warning.filename for warning in told] == [__file__]


def test_evaluate_command(tmp_path, capsys, draws, fitted_part):
    experiment = Experiment("hyytiala-twin", STREAMS, end="2010")
    folder = tmp_path / "run"
    folder.mkdir()
    stats = draws["sample_stats"].to_dataset()  # what a run of NUTS has besides:
    energy = np.random.default_rng(0).normal(size=stats["diverging"].shape)
    groups = {name: node.to_dataset() for name, node in draws.children.items()}
    groups["sample_stats"] = stats.assign(energy=(("chain", "draw"), energy))
    run = xr.DataTree.from_dict(groups)
    run.attrs = draws.attrs
    run["convergence"] = kept_gate("R-hat above 1.01 in 3 of 40")
    save_tree(run, folder / "posterior.nc")
    (folder / "experiment.toml").write_text(experiment.to_toml())
    assert main(["evaluate", str(folder), "--end", "2012", "--draws", "20"]) == 0
    printed = capsys.readouterr()
    assert "predicted 2011-01-16 to 2012-12-16" in printed.out
    assert printed.out.count("NOT CONVERGED") == 1  # the report says it; no warning besides
    assert "converged" not in printed.err
    written = {path.name for path in (folder / "evaluation").iterdir()}
    assert written == {
        "scores.csv", "by_month.csv", "by_year.csv", "predictions.nc", "predictions.png",
    }  # fmt: skip
    assert main(["evaluate", str(folder), "--start", "2007"]) == 2
    assert "must follow the fitted period" in capsys.readouterr().err
