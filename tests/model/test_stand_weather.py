"""Months as productive as their days: what is kept, against the days themselves."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import bayes_tbm as bt
from bayes_tbm.model import prepare, simulate_stacked
from bayes_tbm.model.derived import regrowth_productivity
from bayes_tbm.model.stand_weather import LAI, with_equivalent_light
from bayes_tbm.native import Stacked
from bayes_tbm.parameters import Parameters
from bayes_tbm.processes.photosynthesis import gross_primary_production
from bayes_tbm.sites.record_months import place_in_cycle
from bayes_tbm.sites.to_model import drivers_of, stand_weather_of


def canopy_gpp(forcing, lai=LAI, efficiency=None):
    efficiency = efficiency or bt.TABLE["canopy_efficiency"].prior.center
    carboxylation = efficiency * forcing.canopy.carboxylation
    return np.asarray(
        gross_primary_production(jnp.full_like(carboxylation, lai), carboxylation, forcing.canopy)
    )


@pytest.fixture(scope="module")
def weather():
    site = bt.open_site("hyytiala-twin-daily")
    record, plain = prepare(drivers_of(site)), prepare(stand_weather_of(site, "record"))
    place = place_in_cycle(site.drivers, "x")
    return record, plain, with_equivalent_light(plain, record, place), place


def by_month(series, place):
    return np.bincount(place[place >= 0], np.asarray(series)[place >= 0]) / np.bincount(
        place[place >= 0]
    )


def test_gpp_of_the_canopy_is_the_mean_over_the_days(weather):
    record, plain, months, place = weather
    days = by_month(canopy_gpp(record), place)
    np.testing.assert_allclose(canopy_gpp(months), days, rtol=1e-9)
    assert canopy_gpp(plain).mean() > 1.03 * days.mean()  # what it is there for


def test_other_canopies_come_closer_than_under_mean_light(weather):
    """Sparse and dense ones, of half and twice the efficiency."""
    record, plain, months, place = weather
    errors = []
    for lai in (0.5, 1.5, 3.0, 6.0):
        for efficiency in (8.0, 15.0, 40.0):
            days = by_month(canopy_gpp(record, lai, efficiency), place).mean()
            errors.append(
                [canopy_gpp(f, lai, efficiency).mean() / days - 1 for f in (months, plain)]
            )
    found, before = np.sqrt(np.mean(np.square(errors), axis=0))
    assert found < 0.5 * before
    assert np.abs(errors)[:, 0].max() < 0.05


def test_root_of_the_deficit_is_the_mean_and_the_rest_is_left_alone(weather):
    record, plain, months, place = weather
    np.testing.assert_allclose(months.root_vpd, by_month(record.root_vpd, place), rtol=1e-12)
    same = dataclasses.replace(
        months, root_vpd=plain.root_vpd,
        canopy=dataclasses.replace(months.canopy, light=plain.canopy.light),
    )  # fmt: skip
    jax.tree.map(np.testing.assert_array_equal, same, plain)


def test_months_of_a_monthly_record_are_as_productive_as_they_were():
    site = bt.open_site("hyytiala-twin")
    record, plain = prepare(drivers_of(site)), prepare(stand_weather_of(site, "record"))
    months = with_equivalent_light(plain, record, place_in_cycle(site.drivers, "x"))
    np.testing.assert_allclose(canopy_gpp(months), canopy_gpp(record), rtol=1e-9)
    np.testing.assert_allclose(months.canopy.light, plain.canopy.light, rtol=0.03)


def test_months_without_light_stay_dark(weather):
    record, plain, _, place = weather
    night = place % 12 == 11
    dark = dataclasses.replace(
        record, canopy=dataclasses.replace(
            record.canopy, light=jnp.where(jnp.asarray(night), 0.0, record.canopy.light)
        ),
    )  # fmt: skip
    months = with_equivalent_light(plain, dark, place)
    assert (np.asarray(months.canopy.light)[11::12] == 0.0).all()
    assert np.isfinite(months.canopy.light).all()


# In calibrations


@pytest.mark.parametrize(("weather", "error"), [("record", 0.04), ("mean year", 0.09)])
def test_a_curve_errs_in_common_by_what_its_weather_leaves(weather, error):
    site = bt.open_site("hyytiala-twin")
    curve = bt.GrowthCurve.from_points([30.0, 90.0], [4e3, 8e3], [4e2, 6e2], "g C m-2")
    stock = bt.Stock(6e3, 6e2, "g C m-2", age=60)
    calibration = bt.Calibration(site, ["gpp", curve, stock], regrowth=weather)
    gpp, curve, stock = calibration.density.streams
    assert (gpp.data.scale_sd, curve.data.scale_sd, stock.data.scale_sd) == (0.08, error, error)
    widened = bt.Calibration(site, ["gpp", bt.Stock(6e3, 6e2, "g C m-2", age=60)],
                             systematic={"stock": 0.3}, regrowth=weather)  # fmt: skip
    assert widened.density.streams[1].data.scale_sd == pytest.approx(np.hypot(0.3, error))
    assert widened.experiment["systematic"]["stock"] == 0.3


@pytest.mark.parametrize("given", ["mean", 1.0, "records"])
def test_other_weather_is_refused(given):
    site = bt.open_site("hyytiala-twin")
    with pytest.raises(bt.InputError, match="regrowth: must be true, false or one of record, mean"):
        bt.Calibration(site, ["lai"], regrowth=given)


def test_productivity_under_the_records_own_months_is_that_of_the_record():
    site = bt.open_site("hyytiala-twin")
    ratio = {}
    for weather in ("record", "mean year"):
        density = bt.Calibration(site, ["lai"], regrowth=weather).density
        rng = np.random.default_rng(0)

        def of(z, density=density):
            _, run = density.run(density.values(z))
            lost = sum(map(jnp.sum, density.parts(z).constraint.values()))
            return regrowth_productivity(run, density.forcing), lost

        found, lost = jax.jit(jax.vmap(of))(rng.normal(size=(60, density.dimension)))
        kept = rng.random(60) < np.exp(lost)  # draws of the prior, which obey the constraints
        assert kept.sum() > 20
        ratio[weather] = np.asarray(found)[kept]
    np.testing.assert_allclose(ratio["record"], 1.0, atol=2e-3)
    assert (ratio["mean year"] > 1.01).mean() > 0.8


@pytest.mark.parametrize(("start", "end"), [("2006-04", "2010-09"), ("2006-10", "2011-03")])
def test_productivity_of_a_record_with_a_season_more_is_of_the_same_months(start, end):
    """Months of the year count alike on both sides, or a summer more would pass for weather."""
    site = bt.open_site("hyytiala-twin").window(start, end)
    density = bt.Calibration(site, ["lai"], regrowth=True).density

    @jax.jit
    def ratio(z):
        _, run = density.run(density.values(z))
        other = simulate_stacked(*_instead(density, z), start=run.first).trajectory.fluxes.gpp
        own = run.fluxes.gpp
        return regrowth_productivity(run, density.forcing), jnp.mean(other) / jnp.mean(own)

    found, plain = ratio(jnp.zeros(density.dimension))
    assert float(found) == pytest.approx(float(plain), abs=0.005)


def _instead(density, z):
    """Parameters and the stand's weather in place of the record's, stacked."""
    values = density.values(z)
    p = Parameters.from_mapping({name: values[name] for name in bt.TABLE})
    return Stacked.of(p), density.traced.instead
