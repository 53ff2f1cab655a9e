"""Default priors of days of the year follow the hemisphere, and a note says so."""

from dataclasses import replace

import numpy as np
import pytest

from bayes_tbm.calibration import Calibration
from bayes_tbm.catalogue import open_site
from bayes_tbm.parameters import TABLE, Fixed, Normal
from bayes_tbm.posterior import resolve_priors
from bayes_tbm.posterior.season import DAYS_OF_YEAR, seasonal_note, seasonal_priors

HALF = 365.25 / 2


@pytest.mark.parametrize("latitude", [90.0, 61.8, 23.5])
def test_north_of_the_tropics_nothing_changes(latitude):
    priors = resolve_priors(None, {}, latitude=latitude)
    assert priors == resolve_priors(None, {})
    assert seasonal_note(priors, latitude) == ""


@pytest.mark.parametrize("latitude", [-23.5, -35.75, -61.8])
def test_in_the_south_days_are_half_a_year_on(latitude):
    priors = resolve_priors(None, {}, latitude=latitude)
    for name, row in TABLE.items():
        if name in DAYS_OF_YEAR:
            assert priors[name].mean == pytest.approx((row.prior.mean + HALF) % 365.25)
            assert priors[name].sd == row.prior.sd
        else:
            assert priors[name] == row.prior
    assert "half a year on" in seasonal_note(priors, latitude)


@pytest.mark.parametrize("latitude", [-10.0, -0.06, 0.0, 0.06, 15.0])
def test_in_the_tropics_days_are_wide(latitude):
    priors = resolve_priors(None, {}, latitude=latitude)
    assert {priors[name].sd for name in DAYS_OF_YEAR} == {60.0}
    assert "60 d wide within the tropics" in seasonal_note(priors, latitude)


def test_days_of_the_year_are_all_there_are():
    assert set(DAYS_OF_YEAR) == {n for n, row in TABLE.items() if row.unit == "day of year"}


def test_a_users_own_prior_stands_and_is_not_noted():
    own = {name: Normal(100.0, 5.0) for name in DAYS_OF_YEAR}
    priors = resolve_priors(own, {}, latitude=-35.0)
    assert {name: priors[name] for name in own} == own
    assert seasonal_note(priors, -35.0) == ""
    one = resolve_priors({"leaf_onset_day": 300.0}, {}, latitude=-35.0)
    assert one["leaf_onset_day"] == Fixed(300.0)
    note = seasonal_note(one, -35.0)
    assert ("leaf_fall_day" in note, "leaf_onset_day" in note) == (True, False)


@pytest.mark.filterwarnings("ignore:.*more than the sun gives")  # northern weather in the south
def test_calibrations_use_them_say_so_and_keep_them_when_others_change():
    twin = open_site("hyytiala-twin")
    south = replace(twin, latitude=-twin.latitude)
    cal = Calibration(south, ["gpp"])
    assert cal.density.priors["leaf_onset_day"] == seasonal_priors(-61.8)["leaf_onset_day"]
    assert sum("half a year on" in note for note in cal.site.notes) == 1
    changed = cal.with_priors({"initial_som": 9000.0})
    assert changed.density.priors["leaf_fall_day"] == cal.density.priors["leaf_fall_day"]
    assert sum("half a year on" in note for note in changed.site.notes) == 1
    assert cal.experiment["priors"]["leaf_onset_day"]["mean"] == pytest.approx(120.0 + HALF)
    assert not any("half a year" in note for note in Calibration(twin, ["gpp"]).site.notes)


def test_mirrored_weather_under_mirrored_priors_is_the_same_forest():
    """Half a year on in the south, the model at its default parameters grows the same leaves."""
    from bayes_tbm.forward import simulate
    from bayes_tbm.parameters import Parameters

    twin = open_site("hyytiala-twin")
    half = np.timedelta64(int(HALF * 86_400_000), "ms")
    time = twin.drivers.time.values + half
    days = twin.drivers.days.values + HALF
    mirrored = twin.drivers.assign_coords(time=time).assign(
        days=("time", days),
        day_of_year=("time", (twin.drivers.day_of_year.values + HALF) % 365.25),
    )
    south = replace(twin, latitude=-twin.latitude, drivers=mirrored, observations={})
    days_of = {n: p.mean for n, p in seasonal_priors(south.latitude).items()}
    north = simulate(Parameters.default(), twin)["lai"].values
    found = simulate(Parameters.default(**days_of), south)["lai"].values
    np.testing.assert_allclose(found, north, rtol=2e-3)
