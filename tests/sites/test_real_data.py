"""The published files themselves; skipped where they do not lie at hand."""

import csv

import numpy as np
import pytest

from bayes_tbm.catalogue import hyytiala_stand_age, hyytiala_wood, open_site
from bayes_tbm.catalogue.registry import DATA_VARIABLE, REGISTRY
from bayes_tbm.errors import DataWarning


@pytest.fixture
def data(shared_data, monkeypatch):
    monkeypatch.setenv(DATA_VARIABLE, str(shared_data))
    return shared_data


QUIET = sorted(set(REGISTRY) - {"cardamom:US-NR1"})


@pytest.mark.parametrize("name", QUIET)
def test_every_published_site_opens(name, data):
    site = open_site(name)
    assert site.steps in (3287, 192)
    assert {"gpp", "nee", "nbe", "et"} <= set(site.observations)
    assert site.longitude is not None
    doy = site.drivers.time.dt.dayofyear - 1 + site.drivers.time.dt.hour / 24
    # Monthly files repeat one mean year, so their day of year drifts by up to a day.
    assert np.abs(site.drivers.day_of_year - doy).max() < 1.5


def test_hyytiala_daily_matches_the_published_climate(data):
    site = open_site("FI-Hyy")
    assert site.mean_temperature == pytest.approx(4.42, abs=0.01)
    assert site.mean_precipitation * 365.25 == pytest.approx(687, abs=1)
    assert (site.step_name, site.latitude) == ("daily", 61.84741)
    assert str(site.drivers.time.values[0]).startswith("2006-01-01T12:00:00")
    counts = {name: len(seen) for name, seen in site.observations.items()}
    assert (counts["gpp"], counts["nee"], counts["et"], counts["wood"]) == (3151, 3195, 3256, 6)
    assert all(np.isfinite(seen.sd).all() for seen in site.observations.values())


def test_hyytiala_by_path_has_no_inventories(data):
    by_path = open_site(data / "daily" / "FI-Hyy.nc")
    assert "wood" not in by_path.observations
    assert by_path.name == "FI-Hyy"


@pytest.mark.parametrize("name", ["FI-Hyy", "BE-Vie", "DE-Hai", "US-Ha1"])
def test_lai_is_the_ten_day_product_behind_the_daily_values(name, data):
    lai = open_site(name).observations["lai"]
    assert 250 < len(lai) < 36 * 9
    dates = lai.time.astype("datetime64[D]")
    month = dates.astype("datetime64[M]")
    last = (dates + np.timedelta64(1, "D")).astype("datetime64[M]") != month
    day = (dates - month) / np.timedelta64(1, "D") + 1
    assert (np.isin(day, (10, 20)) | last).all()


def test_inventories_are_those_of_the_table(shared_data):
    with (shared_data / "hyytiala_wood_stock.csv").open() as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    wood = hyytiala_wood()
    assert wood.time.astype("datetime64[D]").astype(str).tolist() == [row["date"] for row in rows]
    assert wood.value.tolist() == [float(row["wood_g_c_m2"]) for row in rows]
    assert wood.sd.tolist() == [float(row["sd_g_c_m2"]) for row in rows]
    assert hyytiala_stand_age().tolist() == [float(row["stand_age_yr"]) for row in rows]


def test_fluxval_hyytiala(data):
    site = open_site("fluxval:FI-Hyy")
    assert (site.step_name, site.latitude, site.longitude) == ("monthly", 61.75, 24.2948)
    assert site.drivers.step_length.values[0] == 30.4375
    by_path = open_site(data / "fluxval" / "FI-Hyy.cbf")
    assert by_path.observations["live_biomass"].value.tolist() == [6023.2333984375]
    assert "live_biomass" not in site.observations
    assert site.observations["som"].sd == pytest.approx(
        24804.4862 * np.sqrt(np.expm1(np.log(1.5) ** 2))
    )
    assert site.notes[-2:] == (
        "latitude 61.75 is the pixel of the drivers; the tower stands at 61.8474 N",
        "live_biomass: the map's 6023 g C m-2 is left out; the stand has 5390 "
        "(Luyssaert et al. 2007 (ForC)): bt.fluxval_stand",
    )


def test_demo_opens_without_uncertainty_and_takes_one(data):
    site = open_site("cardamom:demo", uncertainty={"gpp": 1.0})
    assert np.isnan(site.observations["et"].sd).all()
    assert (site.observations["gpp"].sd == 1.0).all()
    assert site.drivers.step_length.values[0] == 30.4375


def test_demo_and_us_nr1_agree_on_the_epoch(data):
    """Both hold the same tower's GPP: only one epoch puts it in the same months."""
    demo = open_site("cardamom:demo").observations["gpp"]
    with pytest.warns(DataWarning, match="LAI: opt_filter = 1"):
        nr1 = open_site("cardamom:US-NR1").observations["gpp"]
    months = [seen.time.astype("datetime64[M]") for seen in (demo, nr1)]
    _, first, second = np.intersect1d(*months, return_indices=True)
    assert first.size > 30
    np.testing.assert_allclose(demo.value[first], nr1.value[second], atol=1e-4)


def test_us_nr1_uncertainties(data):
    with pytest.warns(DataWarning):
        seen = open_site("cardamom:US-NR1").observations
    np.testing.assert_allclose(seen["gpp"].sd, np.log(1.25) * np.maximum(seen["gpp"].value, 0.5))
    assert (seen["nbe"].sd == 1.0).all()
    assert seen["som"].sd == pytest.approx(9359.659226735432 * np.sqrt(np.expm1(np.log(1.5) ** 2)))
    assert "live_biomass" not in seen
