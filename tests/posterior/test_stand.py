"""Calibrations with a regrowth run: tied to the stand's age, with growth curves, reported."""

import dataclasses

import jax
import numpy as np
import pytest
from scipy import stats

import bayes_tbm as bt
from bayes_tbm.calibration import Calibration
from bayes_tbm.model.derived import derived_with
from bayes_tbm.model.regrowth import LIVE, at_age
from bayes_tbm.parameters import names_in
from bayes_tbm.sites import Observations

AGE = 44.0
POOLS = {"initial_labile", "initial_lai", "initial_root", "initial_wood"}
WOOD = ["1955-07-01", "1980-07-01", "1995-07-01", "2006-06-17", "2007-06-17"]


@pytest.fixture(scope="module")
def site():
    """Three years of the embedded site; wood seen since before the disturbance."""
    whole = bt.open_site("hyytiala-twin").window("2006", "2008")
    value = np.array([500.0, 2000.0, 4200.0, 5551.0, 5700.0])
    wood = Observations("wood", "g C m-2", np.array(WOOD, "datetime64[ns]"), value, 0.1 * value)
    return dataclasses.replace(whole, observations={**whole.observations, "wood": wood})


@pytest.fixture(scope="module")
def curve():
    parameters = ([150.0, 0.03, 1.6], np.diag([225.0, 1e-5, 0.01]))
    return bt.GrowthCurve.from_chapman_richards(*parameters[0], parameters[1], "Mg ha-1",
                                                ages=[10.0, 30.0, 70.0])  # fmt: skip


@pytest.fixture(scope="module")
def plain(site):
    return Calibration(site, ["lai", "wood"])


@pytest.fixture(scope="module")
def grown(site):
    return Calibration(site, ["lai", "wood"], regrowth=True)


@pytest.fixture(scope="module")
def tied(site, curve):
    """Everything at once: the stand's age, wood before the record, a growth curve."""
    return Calibration(site, ["lai", "wood", curve], stand_age=AGE)


@pytest.fixture(scope="module")
def points(tied):
    """Draws near the middle of the prior, (draw, dimension)."""
    return 0.5 * np.random.default_rng(8).normal(size=(9, tied.density.dimension))


@pytest.fixture(scope="module")
def prior(tied):
    return tied.prior(40, seed=0)


def test_live_pools_start_from_the_regrowth_times_the_departures(tied, points):
    density = tied.density
    values = {name: float(x) for name, x in density.values(points[0]).items()}
    run = jax.jit(lambda given: density.run(given)[1])(values)
    assert run.regrowth.wood.shape == (3601,)
    assert density.regrowth.age == pytest.approx(AGE, abs=1e-3)  # the record begins in January
    for name in LIVE:
        there = float(at_age(getattr(run.regrowth, name), density.regrowth.age))
        expected = there * np.exp(values[f"{name}_departure"])
        assert abs(values[f"{name}_departure"]) > 0.01
        assert float(getattr(run.pools, name)[0]) == pytest.approx(expected, rel=1e-12)
    assert float(run.pools.som[0]) == pytest.approx(values["initial_som"], rel=1e-12)


def test_departures_are_sampled_where_the_age_is_known_else_initial_pools(plain, grown, tied):
    departures = {f"{pool}_departure" for pool in LIVE}
    assert departures <= set(tied.density.sampled)
    assert not POOLS & set(tied.density.sampled)
    assert {"initial_som", "initial_litter"} <= set(tied.density.sampled)
    for calibration in (plain, grown):
        assert set(calibration.density.sampled) >= POOLS
        assert not departures & set(calibration.density.sampled)
    assert tied.experiment["stand_age"] == tied.density.regrowth.age
    assert (grown.experiment["stand_age"], plain.experiment["stand_age"]) == (None, None)
    assert (grown.experiment["regrowth"], plain.experiment["regrowth"]) == ("record", False)


def test_a_regrowth_that_is_only_reported_tells_nothing(site, plain):
    switched = {"canopy_closure": False}
    grown = Calibration(site, ["lai", "wood"], regrowth=True, constraints=switched)
    own = names_in("regrowth")
    assert set(grown.density.sampled) - set(plain.density.sampled) == own
    assert len(own) == 4
    z = np.random.default_rng(4).normal(size=grown.density.dimension)
    place = {name: i for i, name in enumerate(grown.density.sampled)}
    shared, extra = [place[n] for n in plain.density.sampled], [place[n] for n in own]
    value, slope = grown.density.value_and_gradient(z)
    less, slope_less = plain.density.value_and_gradient(z[shared])
    assert float(value) == pytest.approx(float(less) + stats.norm.logpdf(z[extra]).sum(), rel=1e-12)
    slope = np.asarray(slope)
    np.testing.assert_allclose(slope[shared], slope_less, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(slope[extra], -z[extra], rtol=1e-14)


def test_mature_biomass_and_initial_pools_are_reported_where_they_follow(plain, grown, tied, prior):
    usual = {quantity.name for quantity in derived_with(regrowth=False, tied=False)}
    assert not usual & {"mature_biomass", *POOLS}
    with_run = {quantity.name for quantity in derived_with(regrowth=True, tied=False)}
    assert with_run == usual | {"mature_biomass", "regrowth_productivity"}
    found = prior["prior"]
    assert set(found.data_vars) == {*tied.density.sampled, *with_run, *POOLS}
    assert found["mature_biomass"].attrs["units"] == "Mg ha-1"
    assert found["initial_wood"].attrs["units"] == "g C m-2"


@pytest.mark.parametrize("age", [0, 0.0, -3.0, 300.5, np.nan, np.inf, True])
def test_an_age_that_is_none_is_refused(site, age):
    with pytest.raises(bt.InputError, match=r"stand_age: must be a number of years, above 0 and"):
        Calibration(site, ["lai"], stand_age=age)


@pytest.mark.parametrize(("start", "age"), [("2006-05", 300.0), ("2006-02", 300.0), ("2006", 0.01)])
def test_the_age_stays_within_the_regrowth_that_is_run(site, start, age):
    later = site.window(start, "2008")
    found = Calibration(later, ["lai"], stand_age=age).density.regrowth.age
    assert 0.0 < found <= 300.0
    assert abs(found - age) <= 1.0


def test_a_pool_that_follows_from_the_stand_takes_no_prior(site):
    changes = {"initial_wood": bt.LogNormal(5000.0, 0.1)}
    with pytest.raises(bt.InputError, match=r"initial_wood: .*change wood_departure instead"):
        Calibration(site, ["lai"], stand_age=AGE, priors=changes)
    free = Calibration(site, ["lai"], priors=changes)
    assert free.density.priors["initial_wood"] == changes["initial_wood"]


def test_wood_before_the_record_is_used_where_the_age_is_known(site, tied, plain, points):
    assert plain.left_out["wood"] == tuple(WOOD[:3])
    assert tied.left_out["wood"] == ("1955-07-01",)  # before the disturbance
    bound = next(s for s in tied.density.streams if s.name == "wood")
    np.testing.assert_array_equal(bound.value, site.observations["wood"].value[1:])
    first = np.datetime64("2006-01-01", "D")  # days from 1980-07-01: 9315, from 1995-07-01: 3837
    days = (first - np.array(WOOD[1:3], "datetime64[D]")) / np.timedelta64(1, "D")
    np.testing.assert_array_equal(days, [9315.0, 3837.0])
    np.testing.assert_allclose(bound.ages, tied.density.regrowth.age - days / 365.25, atol=1e-9)

    values = tied.density.values(points[1])
    p, run = jax.jit(tied.density.run)(values)
    series = bound.series(run, p)
    assert len(series) == 2 + 36
    past = at_age(run.regrowth.wood, bound.ages) * np.exp(float(values["wood_departure"]))
    np.testing.assert_allclose(series[:2], past, rtol=1e-12)
    wood = np.asarray(run.pools.wood)
    own = 0.5 * (wood[[5, 17]] + wood[[6, 18]])  # both Junes
    np.testing.assert_allclose(bound.expected(series), [*past, *own], rtol=1e-12)


def test_value_is_the_sum_of_parts_though_it_grows_only_as_long_as_needed(tied, points):
    assert tied.density._needed_years == 75  # the curve ends at 70; few lengths, few forms
    found = jax.device_get(jax.jit(tied.density.parts)(points[2]))
    assert {n: len(part) for n, part in found.stream.items()} == {
        "lai": len(tied.site.observations["lai"]), "wood": 4, "growth_curve": 3,
    }  # fmt: skip
    terms = [stats.norm.logpdf(points[2]).sum(), *found.constraint.values()]
    terms += [part.sum() for part in found.stream.values()]
    value = float(tied.density.value_and_gradient(points[2])[0])
    assert value == pytest.approx(sum(terms), rel=1e-11)


def test_a_batch_is_one_by_one(tied, points):
    together = jax.jit(tied.density)(points)  # more than a tile
    one = [float(tied.density.value_and_gradient(z)[0]) for z in points]
    np.testing.assert_allclose(together, one, rtol=1e-11)


def test_gradient_is_the_slope(tied, points):
    rng = np.random.default_rng(6)
    for z in points[:3]:
        value, slope = tied.density.value_and_gradient(z)
        assert np.isfinite(value)
        assert np.isfinite(slope).all()
        way = rng.normal(size=len(z))
        ahead, behind = (tied.density.value_and_gradient(z + h * way)[0] for h in (1e-5, -1e-5))
        assert float(slope @ way) == pytest.approx(float(ahead - behind) / 2e-5, rel=1e-5)


def test_a_growth_curve_alone_calls_for_the_regrowth(site, curve):
    density = Calibration(site, ["lai", curve], constraints=False).density
    assert density.regrowth.age is None
    assert names_in("regrowth") | POOLS <= set(density.sampled)
    z = np.zeros(density.dimension)
    _, slope = density.value_and_gradient(z)
    for name in ("regrowth_wood", "regrowth_lai"):
        assert abs(float(slope[density.sampled.index(name)])) > 1e-3


def test_the_canopy_is_asked_to_close_where_the_stand_regrows(plain, grown):
    names = [{c.name for c in cal.density.constraints} for cal in (plain, grown)]
    assert names[1] - names[0] == {"canopy_closure"}
    density = grown.density
    z, parts = np.zeros(density.dimension), jax.jit(density.parts)
    closing = float(parts(z).constraint["canopy_closure"])  # now: JAX shares the memory of z
    z[density.sampled.index("regrowth_lai")] = z[density.sampled.index("regrowth_labile")] = -15.0
    stagnant = jax.device_get(parts(z))
    assert stagnant.constraint["canopy_closure"] < -5.0 < -0.1 < closing
    # the density runs the stand for twenty years, the parts for three hundred
    named = (*stagnant.constraint.values(), *(s.sum() for s in stagnant.stream.values()))
    normal = stats.norm.logpdf(z).sum()
    assert float(density(z)) == pytest.approx(float(sum(named)) + normal, rel=1e-9)


def test_the_result_has_the_regrowth_by_age(prior):
    group = prior["regrowth"]
    assert group.sizes == {"quantile": 7, "age": 301}
    np.testing.assert_array_equal(group["age"], np.arange(301))
    assert group["age"].attrs["units"] == "yr"
    units = {name: group[name].attrs["units"] for name in group.data_vars}
    carbon = ("live_biomass", "wood", "live_biomass_prior", "wood_prior")
    assert units == {**dict.fromkeys(carbon, "g C m-2"), "live_biomass_dry": "Mg ha-1"}
    for name in units:
        assert group[name].dims == ("quantile", "age")
        assert (np.diff(group[name], axis=0) >= 0.0).all()  # along quantiles
        assert np.isfinite(group[name]).all()
    np.testing.assert_allclose(group["live_biomass_dry"], group["live_biomass"] / 47.0, rtol=1e-12)


def test_mature_biomass_is_that_of_the_regrowth_at_150_years(prior):
    draws = prior["prior"]["mature_biomass"].values
    assert draws.shape == (1, 40)
    np.testing.assert_allclose(
        np.quantile(draws, prior["regrowth"]["quantile"]),
        prior["regrowth"]["live_biomass_dry"].sel(age=150), rtol=1e-12,
    )  # fmt: skip


def test_stocks_before_the_record_stand_apart_in_the_result(prior):
    simulation = prior["simulation"]
    assert simulation["wood"].sizes == {"quantile": 7, "time": 36}
    assert np.isfinite(simulation["wood_observed"]).sum() == 2
    np.testing.assert_array_equal(simulation["wood_earlier_observed"], [2000.0, 4200.0])
    np.testing.assert_allclose(simulation["wood_earlier_age"], [18.5, 33.5], atol=0.01)
    assert simulation["wood_earlier"].dims == ("quantile", "wood_earlier_point")
    np.testing.assert_array_equal(simulation["growth_curve_point"], [10.0, 30.0, 70.0])


def test_other_priors_change_nothing_else(tied, points):
    narrow = bt.LogNormal(60.0, 0.05)
    other = tied.with_priors({"wood_residence_time": narrow})
    before, after = tied.density.priors, other.density.priors
    assert {n for n in before if before[n] != after[n]} == {"wood_residence_time"}
    assert list(before) == list(after)
    assert after["wood_residence_time"] == narrow
    assert tied.density.priors["wood_residence_time"] != narrow
    assert (other.density.regrowth, other.density.streams) == (
        tied.density.regrowth, tied.density.streams
    )  # fmt: skip
    # the same values of parameters have the same likelihood
    values = tied.density.values(points[3])
    found = [jax.jit(d.parts)(d.latent(values)).stream for d in (tied.density, other.density)]
    for name, part in found[0].items():
        np.testing.assert_allclose(found[1][name], part, rtol=1e-9, err_msg=name)
    with pytest.raises(bt.InputError, match=r"change wood_departure instead"):
        tied.with_priors({"initial_wood": 5000.0})


def test_a_record_without_some_months_has_no_mean_year(site):
    short = site.window("2006-01", "2006-09")
    message = r"time: the record must cover every month .* months without a step: 10, 11, 12;"
    with pytest.raises(bt.InputError, match=message):
        Calibration(short, ["lai"], stand_age=AGE)
    with pytest.warns(bt.DataWarning, match=r"no Oct, Nov, Dec: .*left out: steady_labile"):
        found = Calibration(short, ["lai"]).density
    assert found.regrowth is None
    steady = {c.name for c in found.constraints if c.name.startswith("steady_")}
    assert not steady
