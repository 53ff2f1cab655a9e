"""Stands at FLUXVAL's towers: age, inventory as a stock, and no map beside an inventory."""

import csv

import numpy as np
import pytest

import bayes_tbm as bt
from bayes_tbm.catalogue.fluxval import towers
from bayes_tbm.catalogue.inventories import HYYTIALA_PLANTED, forest_inventories
from bayes_tbm.catalogue.registry import DATA_VARIABLE
from bayes_tbm.streams.tower_stand import LOG_SD


@pytest.fixture
def data(shared_data, monkeypatch):
    monkeypatch.setenv(DATA_VARIABLE, str(shared_data))
    return shared_data


def log_sd(stock):
    """Sd of the logarithm as log-normal errors make it of value and sd."""
    return float(np.sqrt(np.log1p((stock.sd / stock.value) ** 2)))


def test_an_inventory_in_the_record_is_dated_and_one_before_it_is_of_an_age():
    dated, aged = bt.fluxval_stand("fluxval:CA-NS2+validation"), bt.fluxval_stand("CA-Oas")
    assert (dated.site, dated.origin_year, dated.age) == ("CA-NS2", 1930, 70)
    assert (dated.stock.value, dated.stock.date[:7], dated.stock.age) == (4597.0, "2004-07", None)
    assert (aged.age, aged.stock.date, aged.stock.age) == (81, None, 1994 - 1919)
    assert "1994, sd of the logarithm 0.25 assumed; Gower et al. 1997 (GROA)" in aged.note
    assert dated.stock.quantity == "live_biomass"


@pytest.mark.parametrize(
    ("site", "expected"),
    [("CA-NS1", 0.25), ("RU-Fyo", 0.35), ("DE-Lnf", 0.5), ("CA-NS7", 0.35), ("CA-TP1", 0.5)],
)
def test_errors_follow_quality_and_are_larger_in_young_stands(site, expected):
    assert log_sd(bt.fluxval_stand(site).stock) == pytest.approx(expected)


def test_what_is_not_known_is_none_and_told():
    age_alone, nothing = bt.fluxval_stand("US-Ha1"), bt.fluxval_stand("CH-Dav")
    assert (age_alone.age, age_alone.stock) == (89, None)
    assert (nothing.age, nothing.stock, nothing.note) == (
        None,
        None,
        "no age and no inventory known",
    )
    no_year = bt.fluxval_stand("CN-Cha")
    assert (no_year.age, no_year.stock.date[:4]) == (None, "2001")
    assert "of no stated year, taken as 2001" in no_year.note
    planted = bt.fluxval_stand("CA-TP1")
    assert (planted.origin_year, planted.age) == (2002, None)
    assert "no full year old at the first step" in planted.note
    with pytest.raises(bt.InputError, match=r"XX-Abc: is no tower of FLUXVAL"):
        bt.fluxval_stand("XX-Abc")


def test_the_table_is_of_known_towers_and_can_be_true():
    assert set(forest_inventories()) < set(towers())
    assert forest_inventories()["FI-Hyy"].origin_year == HYYTIALA_PLANTED
    for one in forest_inventories().values():
        assert one.source
        assert (one.live_biomass is None) == (one.quality == "")
        assert one.quality in ("", *LOG_SD)
        if one.live_biomass is not None:
            assert 0.0 < one.live_biomass < 30_000.0
            assert one.year is None or one.year > (one.origin_year or 0)


def test_figures_are_those_of_the_population(shared_data):
    with (shared_data / "population" / "sites.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["origin_year"] or row["total_gC_m2"]]
    assert {row["site"] for row in rows} | {"CA-SF2"} == set(forest_inventories())
    for row in rows:
        one = forest_inventories()[row["site"]]
        given = [one.origin_year, one.year, one.live_biomass, one.quality]
        told = [row[n] for n in ("origin_year", "inventory_year", "total_gC_m2", "quality")]
        assert ["" if x is None else str(x).removesuffix(".0") for x in given] == [
            text.removesuffix(".0") for text in told
        ]  # fmt: skip


def test_the_record_that_is_opened_says_what_lies_in_it(data):
    later = bt.open_site("fluxval:CA-NS2", start="2005")
    stand = bt.fluxval_stand(later)
    assert (stand.age, stand.stock.date, stand.stock.age) == (74, None, 74.0)
    daily = bt.fluxval_stand(bt.open_site("FI-Hyy"))
    assert (daily.age, daily.stock.age) == (43, 39.0)


def test_a_map_stays_where_no_inventory_is_and_only_there(data):
    for site in towers():
        opened = bt.open_site(f"fluxval:{site}")
        has_stock = bt.fluxval_stand(opened).stock is not None
        assert has_stock != ("live_biomass" in opened.observations)
        assert has_stock == any(note.startswith("live_biomass: the map's") for note in opened.notes)
    by_path = bt.open_site(data / "fluxval" / "CA-NS2.cbf")
    assert by_path.observations["live_biomass"].value == pytest.approx(1353.8, abs=0.1)


@pytest.mark.parametrize("site", ["CA-Oas", pytest.param("CN-Cha", marks=pytest.mark.slow)])
def test_a_stand_with_its_tower_makes_a_calibration(site, data):
    """One with an age and a stock before the record, one without an age and with a date."""
    opened = bt.open_site(f"fluxval:{site}+validation")
    stand = bt.fluxval_stand(opened)
    calibration = bt.Calibration(opened, ["gpp", "nee", "et", stand.stock], stand_age=stand.age)
    drawn = calibration.prior(10, seed=1)["prior_predictive"].to_dataset()
    assert set(drawn.data_vars) == {"gpp", "nee", "et", "inventory"}
    assert all(np.isfinite(series).all() for series in drawn.data_vars.values())
    assert drawn.sizes["gpp_point"] == len(opened.observations["gpp"])
