"""Biomass that cannot be, and dates that are none."""

import datetime

import numpy as np
import pandas as pd
import pytest

import bayes_tbm as bt


@pytest.mark.parametrize("unit", ["mg ha-1", "mg C ha-1"])
def test_milligrams_of_a_hectare_are_refused(unit):
    with pytest.raises(bt.InputError, match="Mg is 1000 kg"):
        bt.GrowthCurve.from_points([20, 60], [40, 110], 15.0, unit)


def test_more_than_any_forest_holds_is_refused():
    with pytest.raises(bt.InputError, match="biomass: must be at most 500000 g C m-2"):
        bt.Stock(value=1.2e6, sd=1e5, unit="g C m-2", age=60)


@pytest.mark.parametrize("value", [7.1, 99_999.0])
def test_unusual_biomass_is_doubted(value):
    with pytest.warns(bt.DataWarning, match="is the unit right"):
        bt.Stock(value=value, sd=0.1 * value, unit="g C m-2", age=60)


@pytest.mark.parametrize(
    "date", ["2500-01-01", "0008-07-15", True, np.timedelta64(80, "D"), "now", "", pd.NaT, [2008]]
)
def test_what_is_no_date_is_refused(date):
    with pytest.raises(bt.InputError, match="date"):
        bt.Stock(value=100.0, sd=10.0, unit="Mg ha-1", date=date)


@pytest.mark.parametrize(
    "date", ["2008-07-15", datetime.date(2008, 7, 15), np.datetime64("2008-07-15"),
             pd.Timestamp("2008-07-15")]
)  # fmt: skip
def test_dates_of_any_kind_are_the_same(date):
    stock = bt.Stock(value=100.0, sd=10.0, unit="Mg ha-1", date=date)
    assert stock.date.startswith("2008-07-15")


@pytest.mark.parametrize("kind", [float, int])
def test_masked_values_are_none(kind):
    masked, good = np.ma.array([40, 90], kind, mask=[False, True]), [40, 90]
    for points in ((good, masked, 15.0), (good, good, masked)):
        with pytest.raises(bt.InputError, match="positive number at every point"):
            bt.GrowthCurve.from_points(*points, "Mg ha-1")
    with pytest.raises(bt.InputError, match="age: must be positive numbers"):
        bt.GrowthCurve.from_points(masked, good, 15.0, "Mg ha-1")
    for value, sd in ((np.ma.masked, 10.0), (100.0, np.ma.masked)):
        with pytest.raises(bt.InputError, match=r"(value|sd): must be a number; found masked"):
            bt.Stock(value, sd, "Mg ha-1", age=60)


@pytest.mark.parametrize("year", [2008, "2008", np.datetime64("2008")])
def test_a_year_stands_for_its_middle_however_it_is_given(year):
    assert bt.Stock(100.0, 10.0, "Mg ha-1", date=year).date.startswith("2008-07-02")
