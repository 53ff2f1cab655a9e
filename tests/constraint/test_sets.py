"""Gains of sets of streams, and their shares, against closed forms."""

import itertools
import math

import numpy as np
import pytest
import xarray as xr

from bayes_tbm import InputError
from bayes_tbm.constraint import constraint, set_gains
from bayes_tbm.errors import DataWarning

PRIORS = {
    "a": {"family": "normal", "mean": 3.0, "sd": 2.0},
    "b": {"family": "lognormal", "median": 60.0, "log_sd": 0.8},
}
STREAMS = ("flux", "stock", "noise")
PAIR = ("a", "b")
TARGETS = {"a": [0], "b": [1], "a & b": [0, 1]}


def subsets(streams):
    return [s for size in range(len(streams) + 1) for s in itertools.combinations(streams, size)]


@pytest.fixture(scope="module")
def problem(linear_gaussian, make_stream):
    streams = {
        "flux": make_stream(
            np.array([[1.0, -0.4], [0.2, 0.1]]), np.array([0.8, 0.3]), np.full(2, 0.5)
        ),
        "stock": make_stream(np.array([[0.9, 0.8]]), np.array([0.4]), np.array([0.3])),
        "noise": make_stream(np.zeros((3, 2)), np.array([0.3, -1.0, 0.8]), np.ones(3)),
    }
    return linear_gaussian(PRIORS, streams)


def fits(problem, sets, seed=20):
    return {key: problem.result(key, seed=seed + place) for place, key in enumerate(sets)}


@pytest.fixture(scope="module")
def gains(problem):
    return set_gains(fits(problem, subsets(STREAMS)), pairs=[PAIR])


@pytest.fixture(scope="module")
def exact(problem):
    """Gain in bits of sets by target."""

    def gain(streams, target):
        covariance = problem.posterior(streams)[1][np.ix_(TARGETS[target], TARGETS[target])]
        return -0.5 * np.linalg.slogdet(covariance)[1] / np.log(2)

    return gain


def shapley(gain, streams, stream):
    """Mean addition over all orders, written out."""
    orders = list(itertools.permutations(streams))
    before = [order[: order.index(stream)] for order in orders]
    return sum(gain((*b, stream)) - gain(b) for b in before) / math.factorial(len(streams))


def check(data, name, expected, **at):
    """Compare one of about a hundred numbers in this file: three of them may pass 3 errors."""
    found, mcse = (data[n].sel(**at).item() for n in (name, f"{name}_mcse"))
    assert abs(found - expected) < 4 * mcse


@pytest.mark.parametrize("target", TARGETS)
def test_gains_and_differences_are_those_of_refits(gains, exact, target):
    def gain(*streams):
        return exact(streams, target)

    for streams in subsets(STREAMS)[1:]:
        label = "+".join(sorted(streams))
        check(gains.gain(), "gain", gain(*streams), stream_set=label, target=target)
    assert gains.gain()["gain"].sel(stream_set="prior", target=target) == 0.0
    for stream in STREAMS:
        others = [s for s in STREAMS if s != stream]
        at = {"stream": stream, "target": target}
        check(gains.add_one_in(), "add_one_in", gain(stream), **at)
        lost = gain(*STREAMS) - gain(*others)
        check(gains.leave_one_out(), "leave_one_out", lost, **at)
    added = gain("flux", "stock") - gain("flux")
    to_flux = gains.add_one_in(to=["flux"])
    assert list(to_flux["stream"].values) == ["noise", "stock"]
    check(to_flux, "add_one_in", added, stream="stock", target=target)
    both = gain("flux", "stock") - gain("flux") - gain("stock")
    check(gains.synergy("flux", "stock"), "synergy", both, pair="flux+stock", target=target)
    given = gains.synergy("flux", "stock", given=["noise"])
    check(given, "synergy", both, pair="flux+stock", target=target)


@pytest.mark.parametrize("target", TARGETS)
def test_shares_are_shapley_values_and_add_up_to_the_joint_gain(gains, exact, target):
    data = gains.shapley().sel(target=target)
    for stream in STREAMS:
        expected = shapley(lambda s: exact(s, target), STREAMS, stream)
        check(data, "shapley", expected, stream=stream)
    joint = gains.gain().sel(stream_set="flux+noise+stock", target=target)
    np.testing.assert_allclose(data["shapley"].sum(), joint["gain"], rtol=1e-12)


def test_noise_gets_nothing_within_its_error(problem):
    """Its share, in repetitions of all fits."""
    departures = []
    for repetition in range(10):
        trees = fits(problem, subsets(("flux", "noise")), seed=100 + 10 * repetition)
        share = set_gains(trees, parameters=["a"]).shapley().sel(stream="noise", target="a")
        assert share["shapley_mcse"] < 0.03  # an error that could tell
        departures.append(float(share["shapley"] / share["shapley_mcse"]))
    assert np.abs(departures).max() < 3
    assert 0.4 < np.sqrt(np.mean(np.square(departures))) < 1.6
    assert abs(np.mean(departures)) < 3 / np.sqrt(10)


@pytest.mark.parametrize("measure", ["entropy_reduction", "entropy_reduction_gaussian"])
def test_a_stream_told_twice_does_not_double_its_gain(problem, measure):
    twins = type(problem)(PRIORS, {n: problem.streams["flux"] for n in ("flux", "again")})
    gains = set_gains(
        fits(twins, subsets(("flux", "again"))), parameters=["a"], pairs=[PAIR], measure=measure
    )
    synergy = gains.synergy("flux", "again")
    assert (synergy["synergy"] + 3 * synergy["synergy_mcse"] < 0).all()
    single, shares = gains.add_one_in()["add_one_in"], gains.shapley()
    assert (shares["shapley"] < single).all()
    unlike = shares["shapley"].sel(stream="flux") - shares["shapley"].sel(stream="again")
    assert (abs(unlike) < 4 * np.hypot(*shares["shapley_mcse"].values)).all()


def test_information_gain_may_more_than_double_where_data_surprise(linear_gaussian, make_stream):
    """Why entropy reduction is the default: KL = ... + mean^2 / 2, and the mean nearly doubles."""
    weak = make_stream(np.array([[0.3, 0.0]]), np.array([9.0]), np.ones(1))
    twins = linear_gaussian(PRIORS, {"first": weak, "again": weak})
    gains = set_gains(fits(twins, subsets(("first", "again"))), parameters=["a"], measure="bits")
    synergy = gains.synergy("again", "first").sel(target="a")
    assert synergy["synergy"] - 3 * synergy["synergy_mcse"] > 0


def test_the_error_of_the_prior_is_common_and_cancels(problem):
    """Quantities known by prior draws alone: the same curve is behind every gain."""
    trees = fits(problem, [(), ("flux",), ("flux", "noise")])
    for tree in trees.values():
        del tree.attrs["experiment"]
    gains = set_gains(trees, parameters=["a", "b"])
    error = gains.gain()["gain_mcse"].sel(stream_set=["flux", "flux+noise"])
    added = gains.add_one_in(to=["flux"]).sel(stream="noise")
    assert (added["add_one_in_mcse"] < 0.8 * np.sqrt((error**2).sum("stream_set"))).all()
    assert (abs(added["add_one_in"]) < 3 * added["add_one_in_mcse"]).all()


def test_the_gain_of_one_set_is_what_constraint_says(problem):
    tree = problem.result(["flux", "stock"], seed=5)
    tree["posterior"]["derived"] = np.sinh(tree["posterior"]["a"] / 3)
    tree["prior"]["derived"] = np.sinh(tree["prior"]["a"] / 3)
    prior = xr.DataTree.from_dict({"posterior": tree["prior"].to_dataset()})
    prior.attrs = tree.attrs
    for measure in ("entropy_reduction", "bits"):
        found = set_gains({(): prior, STREAMS[:2]: tree}, pairs=[PAIR], measure=measure).gain()
        data = constraint(tree, pairs=[PAIR])
        for suffix in ("", "_mcse"):
            own = [*data[f"{measure}{suffix}"].values, *data[f"joint_{measure}{suffix}"].values]
            gain = found[f"gain{suffix}"].sel(stream_set="flux+stock")
            np.testing.assert_allclose(gain, own, rtol=1e-9)


def test_a_set_is_not_compared_with_itself(gains):
    with pytest.raises(InputError, match="found flux twice"):
        gains.difference(["flux"], ["flux"])


def test_a_stream_that_is_there_already_has_no_synergy(gains):
    found = gains.synergy("flux", "stock", given=["flux"])
    np.testing.assert_array_equal(found["synergy"], 0.0)


def test_datasets_are_labelled(gains):
    for data in (gains.gain(), gains.shapley(), gains.leave_one_out(), gains.synergy(*STREAMS[:2])):
        assert list(data["target"].values) == list(TARGETS)
        for variable in data.data_vars.values():
            assert variable.attrs["units"] == "bit"
            assert variable.attrs["long_name"]


def test_keys_may_be_names_or_collections(problem):
    trees = {(): problem.result((), seed=1), "flux": problem.result(["flux"], seed=2)}
    gains = set_gains(trees, parameters=["b"])
    assert gains.streams == ("flux",)
    assert gains.targets == ("b",)
    assert gains.gain().sizes == {"stream_set": 2, "target": 1}


def test_one_name_is_a_set_of_one_stream(gains):
    for one, listed in (
        (gains.add_one_in("flux"), gains.add_one_in(["flux"])),
        (gains.difference("flux"), gains.difference(["flux"])),
        (
            gains.difference(["flux", "stock"], "flux"),
            gains.difference(["flux", "stock"], ["flux"]),
        ),
        (gains.synergy("flux", "stock", "noise"), gains.synergy("flux", "stock", ["noise"])),
    ):
        xr.testing.assert_identical(one, listed)


def test_missing_sets_are_named(problem):
    gains = set_gains(fits(problem, [(), ("flux",), ("flux", "stock")]), parameters=["a"])
    with pytest.raises(InputError, match=r"shapley: needs a fit.*found none to stock; sample"):
        gains.shapley()
    with pytest.raises(InputError, match=r"leave_one_out: .*found none to stock;"):
        gains.leave_one_out()
    with pytest.raises(
        InputError, match=r"add_one_in: .*found none to flux\+gpp, gpp, gpp\+stock; s"
    ):
        gains.add_one_in(to=["gpp"])
    assert gains.add_one_in(to=["flux"]).sizes["stream"] == 1


BAD = {
    "no prior": (lambda t: {k: v for k, v in t.items() if k}, {}, "found only flux; add"),
    "no fit": (lambda t: {(): t[()]}, {}, "found only prior; add"),
    "measure": (lambda t: t, {"measure": "nats"}, "measure: must be one of bits, .*; found nats"),
    "quantity": (lambda t: t, {"parameters": ["c"]}, "constraint: c: .*; choose among a, b"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_told(problem, case):
    change, options, message = BAD[case]
    trees = {(): problem.result((), seed=1), "flux": problem.result(["flux"], seed=2)}
    with pytest.raises(InputError, match=message):
        set_gains(change(trees), **options)


def test_fits_from_other_priors_are_refused(problem):
    trees = {(): problem.result((), seed=1), "flux": problem.result(["flux"], seed=2)}
    trees["flux"].attrs["experiment"] = trees["flux"].attrs["experiment"].replace("60.0", "70.0")
    with pytest.raises(InputError, match="same priors and constraints; found others in flux"):
        set_gains(trees)
    set_gains(trees, parameters=["a"], pairs=[])  # of what both agree on


def derived(values):
    """A result of one quantity that has no prior family, its draws in one chain."""
    group = xr.Dataset({"gpp_annual": (("chain", "draw"), np.asarray(values)[None])})
    return xr.DataTree.from_dict({"posterior": group})


@pytest.mark.parametrize("draws", [300, 4000])
def test_a_prior_of_two_peaks_that_gains_against_itself_is_told(draws):
    """As annual GPP where stands without constraints may die."""
    dead, alive = np.random.default_rng(5).normal(size=(2, 2, draws))
    lives = np.random.default_rng(6).random((2, draws)) < 0.7
    prior, again = np.exp(np.where(lives, 7.0 + 0.4 * alive, -10.0 + 2.0 * dead))
    results = {(): derived(prior), ("gpp",): derived(again)}
    with pytest.warns(DataWarning, match=r"too large by about .*: gpp_annual 0\.\d;"):
        gains = set_gains(results)
    assert 0.1 < float(gains.gain()["gain"].sel(stream_set="gpp").item()) < 1.0


@pytest.mark.parametrize("draws", [40, 300, 4000])
def test_a_prior_that_is_only_skewed_is_not_told(draws):  # warnings are errors here
    prior, again = np.exp(0.8 * np.random.default_rng(7).normal(size=(2, draws))) + 3.0
    set_gains({(): derived(prior), ("gpp",): derived(again)})
