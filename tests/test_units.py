import pickle

import numpy as np
import pytest

from bayes_tbm import units
from bayes_tbm.errors import InputError


@pytest.mark.parametrize(
    ("found", "name"),
    [
        ("deg C", "t_min"),
        ("C", "t_min"),
        ("degC", "t_max"),
        ("Celsius", "t_max"),
        ("degrees_C", "t_max"),
        ("MJ/m2/d", "shortwave"),
        ("MJ m**-2 day**-1", "shortwave"),
        ("MJ m^-2 d^-1", "shortwave"),
        ("hPA", "vpd"),
        ("VPD [hPa]", "vpd"),
        ("mm/day", "precipitation"),
        ("mm d-1", "precipitation"),
        ("kg m-2 d-1", "precipitation"),
        ("m2/m2", "burned_fraction"),
        ("Burned area [m2/m2]", "burned_fraction"),
        ("CO2 [ppm]", "co2"),
        ("umol mol-1", "co2"),
        ("Days", "day_of_year"),
        ("gC m-2 d-1", "gpp"),
        ("g C m-2 day-1", "nee"),
        ("gC/m2/day", "nbe"),
        ("m2/m2", "lai"),
    ],
)
def test_spellings_of_the_canonical_unit_change_nothing(found, name):
    assert units.check_unit(found, units.UNITS[name])([1.5]).tolist() == [1.5]


@pytest.mark.parametrize(
    ("found", "name", "value", "expected"),
    [
        ("K", "t_min", 273.15, 0.0),
        ("W m-2", "shortwave", 100.0, 8.64),
        ("W/m2", "shortwave", 100.0, 8.64),
        ("kPa", "vpd", 1.2, 12.0),
        ("Pa", "vpd", 1200.0, 12.0),
        ("kg m-2 s-1", "precipitation", 1 / 86400, 1.0),
        ("%", "burned_fraction", 50.0, 0.5),
        ("umol m-2 s-1", "gpp", 1.0, 1.0377504),
        ("kg C m-2", "wood", 6.0, 6000.0),
        ("Mg C ha-1", "wood", 60.0, 6000.0),
        ("Mg ha-1", "live_biomass", 100.0, 4700.0),
    ],
)
def test_other_units_are_converted(found, name, value, expected):
    assert units.check_unit(found, units.UNITS[name])(value) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("found", ["K", "hPa", "mm", "MJ m-2", "furlong", "mJ m-2 d-1"])
def test_wrong_unit_names_all_that_is_needed(found):
    with pytest.raises(InputError) as caught:
        units.check_unit(found, "MJ m-2 d-1", where="a.nc", variable="SSRD")
    assert str(caught.value).startswith("a.nc: SSRD: unit must be 'MJ m-2 d-1'")
    assert f"found {found!r}" in str(caught.value)


def test_every_canonical_unit_is_its_own():
    for unit in units.UNITS.values():
        assert units.check_unit(unit, unit) == units.Conversion()


def test_biomass_conversions_are_inverse_and_match_the_known_factor():
    assert units.dry_matter_per_hectare(1000.0) == pytest.approx(21.3, abs=0.03)
    carbon = np.array([0.0, 4700.0])
    there_and_back = units.carbon_per_square_metre(units.dry_matter_per_hectare(carbon))
    np.testing.assert_allclose(there_and_back, carbon)
    assert units.dry_matter_per_hectare(5000.0, carbon_fraction=0.5) == pytest.approx(100.0)


def test_error_is_one_line_and_survives_pickling():
    error = InputError(
        rule="must be\nwithin", where="a.nc", variable="x", found=3, remedy="mend it"
    )
    assert str(error) == "a.nc: x: must be within; found 3; mend it"
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.where, again.found) == (str(error), "a.nc", 3)
    assert isinstance(error, ValueError)
