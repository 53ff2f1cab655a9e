import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bayes_tbm.errors import InputError
from bayes_tbm.model import simulate
from bayes_tbm.parameters import Parameters
from bayes_tbm.streams import (
    STREAMS,
    Autoregressive,
    BlockMeans,
    Gaussian,
    LogNormalErrors,
    as_streams,
    bind,
    catalogue,
    observed,
)
from bayes_tbm.units import UNITS

DAYS = np.arange(100) + 0.5
GPP = STREAMS["gpp"]


def test_every_value_finds_its_step(make_site):
    when = np.array([2.5, 2.9, 50.0, 99.99])  # the third on an edge, where the next step begins
    site = make_site(DAYS, {"gpp": (when, [1.0, 3.0, 5.0, 7.0], 0.5)})
    bound = bind(GPP.with_errors(Gaussian()), site)
    np.testing.assert_array_equal(bound.step, [2, 2, 50, 99])
    # two values of one step are one point
    np.testing.assert_array_equal(bound.data.value, [2.0, 5.0, 7.0])
    np.testing.assert_array_equal(bound.data.day, [2.5, 50.5, 99.5])
    series = jnp.arange(100.0)
    np.testing.assert_array_equal(bound.expected(series), [2.0, 50.0, 99.0])
    assert bound.left_out.size == 0


@pytest.mark.parametrize("model", [Gaussian(), Autoregressive(), BlockMeans(averaging=10.0)])
def test_the_order_of_observations_does_not_matter(make_site, model):
    rng = np.random.default_rng(2)
    value, sd = rng.normal(size=40), rng.uniform(0.1, 1.0, 40)
    seen = np.sort(rng.choice(100, 40, replace=False))
    shuffled = rng.permutation(40)
    series = jnp.asarray(rng.normal(size=100))
    errors = {"gpp_structural_sd": jnp.asarray(0.4), "gpp_memory": jnp.asarray(2.0)}
    found = [
        bind(
            GPP.with_errors(model), make_site(DAYS, {"gpp": (DAYS[seen[o]], value[o], sd[o])})
        ).log_likelihood(series, errors)
        for o in (np.arange(40), shuffled)
    ]
    np.testing.assert_allclose(found[1], found[0], rtol=1e-12)


@pytest.mark.parametrize("length", [7.0, 10.0])
@pytest.mark.parametrize("model", [BlockMeans, Autoregressive])
def test_a_block_is_the_mean_over_its_observed_days(make_site, length, model):
    rng = np.random.default_rng(1)
    seen = np.sort(rng.choice(100, 55, replace=False))
    seen = seen[(seen < 30) | (seen >= 50)]  # whole blocks missing
    value, sd = rng.normal(size=(2, seen.size))
    sd = np.abs(sd) + 0.1
    bound = bind(
        GPP.with_errors(model(averaging=length)),
        make_site(DAYS, {"gpp": (DAYS[seen], value, sd)}),
    )
    blocks = [np.flatnonzero(seen // length == b) for b in np.unique(seen // length)]
    series = rng.normal(size=100)
    for found, expected in (
        (bound.data.value, [value[b].mean() for b in blocks]),
        (bound.data.measurement_sd, [np.sqrt((sd[b] ** 2).mean()) for b in blocks]),
        (bound.data.day, [DAYS[seen[b]].mean() for b in blocks]),
        (bound.expected(jnp.asarray(series)), [series[seen[b]].mean() for b in blocks]),
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)
    assert (np.bincount(bound.block) > 0).all()
    assert bound.time[0] == np.datetime64("2001-01-01") + np.timedelta64(
        round(bound.data.day[0] * 86400), "s"
    )


@pytest.mark.parametrize(
    "model", [BlockMeans(averaging=1.0), BlockMeans(averaging=10.0), Gaussian()]
)
def test_values_of_parts_of_a_step_are_not_divided_by_their_number(make_site, model):
    hours = np.arange(24 * 100) / 24.0 + 1.0 / 48.0
    kept = hours[(hours < 40.0) | (hours > 43.3)]
    bound = bind(GPP.with_errors(model), make_site(DAYS, {"gpp": (kept, 6.0 + 0.1 * kept, 0.5)}))
    np.testing.assert_allclose(bound.expected(jnp.ones(100)), 1.0, rtol=1e-12)
    expected = bound.expected(jnp.asarray(6.0 + 0.1 * DAYS))
    whole = np.abs(bound.data.day - 43.5) > 10.0  # where no part of a day is missing
    np.testing.assert_allclose(expected[whole], bound.data.value[whole], rtol=1e-12)


@pytest.mark.parametrize("months", [1, 3, 6, 12])
def test_means_over_calendar_months_are_of_the_same_months_in_model_and_data(make_site, months):
    start = np.arange("2001-01", "2009-02", dtype="datetime64[M]").astype("datetime64[D]")
    edge = (start - start[0]) / np.timedelta64(1, "D")
    days = 0.5 * (edge[1:] + edge[:-1])
    series = 5.0 + 4.0 * np.sin(2.0 * np.pi * days / 365.25)
    site = make_site(days, {"gpp": (days, series, 0.5)}, step_length=30.4375)
    bound = bind(GPP.with_errors(BlockMeans(averaging=months * 30.4375)), site)
    np.testing.assert_allclose(bound.expected(jnp.asarray(series)), bound.data.value, rtol=1e-12)


def test_values_outside_the_drivers_are_left_out_and_listed(make_site):
    when = [-0.1, 0.0, 42.5, 99.9, 100.1, 700.0]
    site = make_site(DAYS, {"wood": (when, 100.0 * np.arange(1.0, 7.0), 50.0)})
    bound = bind(STREAMS["wood"], site)
    np.testing.assert_array_equal(bound.value, [200.0, 300.0, 400.0])
    np.testing.assert_array_equal(bound.left_out, site.observations["wood"].time[[0, 4, 5]])


@pytest.mark.parametrize("rounded", [np.asarray, np.floor, np.ceil, lambda x: np.round(x, 1)])
def test_months_of_a_year_are_twelve_however_rounded(make_site, rounded):
    days = rounded((np.arange(48) + 0.5) * 30.4375)
    site = make_site(days, {"gpp": (days, np.ones(48), 0.5)}, step_length=30.4375)
    bound = bind(GPP, site)
    np.testing.assert_array_equal(bound.data.year, np.repeat(np.arange(4), 12))
    assert bound.data.points_per_year == 12.0


@pytest.mark.parametrize("balance", [0.3, 0.1, 0.01])
def test_a_year_of_one_block_more_keeps_a_density(make_site, balance):
    # 36.525 blocks of ten days a year: some years hold 37
    days = np.arange(1461) + 0.5
    site = make_site(days, {"gpp": (days, np.sin(days), 1e-6)})
    bound = bind(GPP.with_errors(BlockMeans(balance=balance)), site)
    assert np.bincount(bound.data.year).max() == bound.data.points_per_year == 37
    series = jnp.zeros(1461)
    terms = bound.log_likelihood(series, {"gpp_structural_sd": 1.0})
    assert np.isfinite(terms).all()
    draw = bound.sample(jax.random.key(0), series, {"gpp_structural_sd": 1.0})
    assert np.isfinite(draw).all()


def test_error_parameters_go_by_full_names(make_site):
    site = make_site(DAYS, {"gpp": (DAYS, np.sin(DAYS), 0.2), "et": (DAYS, DAYS / 20, 0.2)})
    bound = bind(GPP.with_errors(Autoregressive()), site)
    assert set(bound.priors) == {"gpp_structural_sd", "gpp_memory"}
    series = jnp.zeros(100)
    errors = {"gpp_structural_sd": 0.3, "gpp_memory": 2.0}
    alone = bound.log_likelihood(series, errors)
    others = {**errors, "et_structural_sd": 9.0, "wood_residence_time": 3.0}
    np.testing.assert_array_equal(bound.log_likelihood(series, others), alone)
    own = {"structural_sd": 0.3, "memory": 2.0}
    np.testing.assert_array_equal(
        bound.stream.errors.log_likelihood(series, bound.data, own), alone
    )


@pytest.mark.parametrize(
    ("name", "series", "model", "variable", "told", "remedy"),
    [
        ("et", ([1.5], [1.0], 0.5), None, "gpp", "observed here: et", "add its observations"),
        ("gpp", ([400.5, 401.5], [1.0, 2.0], 0.5), None, "gpp",
         "2 values from 2002-02-05 to 2002-02-06, drivers from 2001-01-01 to 2001-04-10",
         "widen the window"),
        ("gpp", ([1.5, 2.5, 3.5], [1.0, 2.0, 3.0], [0.5, np.nan, 0.0]), None,
         "gpp uncertainty", "1 of 3 missing or not positive", "--uncertainty gpp=1.0"),
        ("gpp", ([1.5, 2.5], [1.0, -2.0], 0.5), LogNormalErrors(), "gpp", "1 of 2 not above zero",
         "choose Gaussian errors"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused_in_one_line(
    make_site, name, series, model, variable, told, remedy
):
    stream = GPP if model is None else GPP.with_errors(model)
    with pytest.raises(InputError) as error:
        bind(stream, make_site(DAYS, {name: series}))
    message = str(error.value)
    assert message.startswith(f"made-up.nc: {variable}: ")
    assert told in message
    assert remedy in message
    assert "\n" not in message


def test_a_missing_sd_outside_the_period_does_no_harm(make_site):
    site = make_site(DAYS, {"gpp": ([1.5, 500.0], [1.0, 2.0], [0.5, np.nan])})
    assert len(bind(GPP, site).value) == 1


def test_the_streams_there_are():
    expected = {"gpp", "nee", "nbe", "reco", "et", "lai", "live_biomass", "wood", "som"}
    assert set(STREAMS) == expected
    for name, stream in STREAMS.items():
        assert stream.name == name
        assert stream.unit == UNITS[name]
        assert stream.long_name


def test_operators_are_what_they_say(make_weather):
    drivers = make_weather(60, daily=False, fire=True)
    p = Parameters.default()
    run = jax.jit(simulate)(p, drivers)
    f, pools = run.fluxes, run.pools

    def mean(pool):
        return 0.5 * (pool[1:] + pool[:-1])

    respired = f.autotrophic_respiration + f.litter_respiration + f.som_respiration
    burnt = sum(getattr(f, f"{pool}_combustion") for pool in
                ("labile", "foliage", "root", "wood", "litter", "som"))  # fmt: skip
    live = pools.labile + pools.foliage + pools.root + pools.wood
    expected = {
        "gpp": f.gpp,
        "reco": respired,
        "nee": respired - f.gpp,
        "nbe": respired - f.gpp + burnt,
        "et": f.evapotranspiration,
        "lai": mean(pools.foliage) / p.leaf_carbon_per_area,
        "live_biomass": mean(live),
        "wood": mean(pools.wood),
        "som": mean(pools.som),
    }
    assert set(expected) == set(STREAMS)
    assert float(jnp.abs(burnt).max()) > 0
    for name, series in expected.items():
        found = STREAMS[name].operator(run, p)
        np.testing.assert_allclose(found, series, rtol=1e-12, atol=1e-12, err_msg=name)


def test_streams_are_chosen_by_name_or_outright():
    own = GPP.with_errors(Gaussian())
    assert as_streams([own, " NEE "]) == (own, STREAMS["nee"])
    assert as_streams("gpp,nee") == (GPP, STREAMS["nee"])


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], "at least one stream must be given, each once; found none"),
        ("", "at least one stream must be given, each once; found none"),
        (["gpp", "gpp"], "found gpp, gpp"),
        (["gpp", GPP.with_errors(Gaussian())], "found gpp, gpp"),
        (["gppp"], "did you mean gpp?"),
        (["zzz"], "must be one of"),
    ],
)
def test_a_bad_choice_of_streams_is_told_in_one_line(given, told):
    with pytest.raises(InputError) as error:
        as_streams(given)
    assert str(error.value).startswith("streams: ")
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_a_stream_in_a_file_of_its_own_is_found(tmp_path, monkeypatch):
    (tmp_path / "snow.py").write_text(
        "from bayes_tbm.streams.definition import Stream\n"
        "from bayes_tbm.streams.errors import Gaussian\n"
        'STREAM = Stream("snow", "snow", "mm", lambda run, p: run.fluxes.gpp, Gaussian())\n'
    )
    monkeypatch.setattr(observed, "__path__", [*observed.__path__, str(tmp_path)])
    try:
        assert set(catalogue._find()) == {*STREAMS, "snow"}
    finally:
        sys.modules.pop(f"{observed.__name__}.snow", None)
        vars(observed).pop("snow", None)
    monkeypatch.undo()
    assert set(catalogue._find()) == set(STREAMS)
