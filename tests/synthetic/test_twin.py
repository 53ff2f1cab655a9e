import jax
import numpy as np
import pytest

from bayes_tbm.catalogue import open_site
from bayes_tbm.errors import InputError
from bayes_tbm.model import simulate
from bayes_tbm.parameters import TABLE, Parameters
from bayes_tbm.sites.to_model import drivers_of
from bayes_tbm.synthetic.measurement import MEASUREMENTS, STOCK_SD, measure
from bayes_tbm.synthetic.twin import TRUTH, embedded_site, embedded_truth
from bayes_tbm.units import DAYS_PER_MONTH, DAYS_PER_YEAR

STEPS = ("monthly", "daily")


@pytest.fixture(scope="module", params=STEPS)
def site(request):
    return embedded_site(request.param)


@pytest.fixture(scope="module")
def run(site):
    return jax.device_get(jax.jit(simulate)(embedded_truth(), drivers_of(site)))


def test_truth_is_likely_under_the_default_priors_and_not_their_median():
    z = {name: float(TABLE[name].prior.to_normal(v)) for name, v in TRUTH.to_dict().items()}
    assert max(map(abs, z.values())) < 1.5
    assert np.mean([0.2 <= abs(value) <= 1.2 for value in z.values()]) > 0.7


def test_truth_is_a_plausible_hyytiala(site, run):
    length = site.drivers["step_length"].values
    fluxes, pools = run.fluxes, run.pools
    years = length.sum() / DAYS_PER_YEAR

    def yearly(flux):
        return float((flux * length).sum() / years)

    assert 1100 < yearly(fluxes.gpp) < 1250
    assert 900 < yearly(fluxes.ecosystem_respiration) < 1000
    assert 330 < yearly(fluxes.evapotranspiration) < 380
    assert 180 < (pools.wood[-1] - pools.wood[0]) / years < 260
    lai = pools.foliage / TRUTH.leaf_carbon_per_area
    assert 1.5 < lai.min() < lai.max() < 4.8
    for pool in (pools.labile, pools.foliage, pools.root, pools.litter, pools.som):
        assert pool[-1] == pytest.approx(pool[0], rel=0.15)


def test_observations_are_the_truth_with_the_stated_errors(site, run):
    how = MEASUREMENTS[site.step_name]
    known = {
        "gpp": run.fluxes.gpp,
        "nee": run.fluxes.nee,
        "et": run.fluxes.evapotranspiration,
        "lai": _over_step(run.pools.foliage) / TRUTH.leaf_carbon_per_area,
    }
    assert set(site.observations) == {*known, *STOCK_SD}
    for name, series in known.items():
        seen = site.observations[name]
        at = np.searchsorted(site.drivers["time"].values, seen.time)
        error = (seen.value - series[at]) / how.sd[name]
        expected = site.steps / (how.lai_every if name == "lai" else 1)
        assert 0.85 * expected < len(seen) < expected
        assert set(seen.sd) == {how.sd[name]}
        assert error.std() == pytest.approx(1.0, rel=0.15)
        assert abs(error.mean()) < 0.3


def test_stocks_are_few_positive_and_near_the_truth(site, run):
    time = site.drivers["time"].values
    for name, visits in {"wood": [2006, 2011, 2015], "som": [2006]}.items():
        seen = site.observations[name]
        assert (seen.time.astype("datetime64[Y]").astype(int) + 1970).tolist() == visits
        assert set(seen.time.astype("datetime64[M]").astype(int) % 12) == {5}
        np.testing.assert_allclose(seen.sd, STOCK_SD[name] * seen.value)
        known = _over_step(getattr(run.pools, name))[np.searchsorted(time, seen.time)]
        assert np.abs(np.log(seen.value / known)).max() < 3 * STOCK_SD[name]


def _over_step(pool):
    return 0.5 * (pool[1:] + pool[:-1])


def test_seed_decides_every_number(site):
    again = embedded_site(site.step_name)
    other = embedded_site(site.step_name, seed=2)
    assert again.data_hash() == site.data_hash() != other.data_hash()
    assert not np.array_equal(other.drivers["t_min"], site.drivers["t_min"])


def test_numbers_do_not_depend_on_the_precision_of_the_user(site):
    with jax.enable_x64(False):
        assert embedded_site(site.step_name).data_hash() == site.data_hash()


def test_another_truth_keeps_weather_and_errors(site):
    truth = Parameters(**{**TRUTH.to_dict(), "underlying_water_use_efficiency": 12.0})
    other = embedded_site(site.step_name, truth=truth)
    assert other.drivers.identical(site.drivers)
    assert "given by the caller" in other.notes[0]
    et, wetter = other.observations["et"], site.observations["et"]
    np.testing.assert_array_equal(et.time, wetter.time)
    assert et.value.mean() < wetter.value.mean()
    np.testing.assert_allclose(
        other.observations["som"].value, site.observations["som"].value, rtol=0.01
    )


def test_months_are_means_of_the_days():
    monthly, daily = (embedded_site(step, years=2) for step in STEPS)
    assert (monthly.steps, daily.steps) == (24, 730)
    assert set(monthly.drivers["step_length"].values) == {DAYS_PER_MONTH}
    assert str(monthly.drivers["time"].values[0]) == "2006-01-16T05:15:00.000000000"
    january = [s.drivers["t_min"].values[:n].mean() for s, n in ((monthly, 1), (daily, 30))]
    assert january[0] == pytest.approx(january[1], abs=1e-3)
    assert len(monthly.observations["wood"]) == 2


@pytest.mark.parametrize("name", ["hyytiala-twin", "hyytiala-twin-daily"])
def test_opens_by_name(name):
    site = open_site(name, end="2007")
    assert site.name == name
    assert site.drivers["time"].values[-1] < np.datetime64("2008-01-01")
    assert "simulated from the embedded truth, seed 1" in site.notes[0]


@pytest.mark.parametrize(
    ("step", "years", "changes", "rule"),
    [
        ("weekly", 10, {}, "'monthly' or 'daily'"),
        ("daily", 0, {}, "years at least 1"),
        ("daily", 1, {"wood_residence_time": -1.0}, "must lie within"),
    ],
)
def test_bad_requests_are_refused(step, years, changes, rule):
    with pytest.raises(InputError, match=rule):
        embedded_site(step, years=years, truth=Parameters(**{**TRUTH.to_dict(), **changes}))


@pytest.mark.parametrize("step", ["daily", "monthly"])
def test_no_leaf_area_below_nothing_is_measured(step):
    bare = dict.fromkeys(("gpp", "nee", "et", "lai", "wood", "som"), np.zeros(400))
    time = np.datetime64("2001-01-01") + np.arange(400).astype("timedelta64[D]")
    seen = measure(np.random.default_rng(0), MEASUREMENTS[step], time, bare)
    lai = seen["lai"].value
    assert np.nanmin(lai) == 0.0 < np.nanmax(lai)
    assert np.nanmin(seen["nee"].value) < 0.0
