import contextlib
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayes_tbm import units
from bayes_tbm.errors import InputError
from bayes_tbm.units.grammar import parse_unit


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


@pytest.mark.parametrize(
    ("found", "name", "factor"),
    [
        ("umolCO2 m-2 s-1", "gpp", 1.0377504),
        ("µmol m-2 s-1", "nee", 1.0377504),
        ("\u03bcmol CO\u2082 m\u207b\u00b2 s\u207b\u00b9", "reco", 1.0377504),
        ("gC/m2/8day", "gpp", 1 / 8),
        ("g C m-2 8d-1", "gpp", 1 / 8),
        ("g C m-2 8-day-1", "gpp", 1 / 8),
        ("kgC/m^2/8 days", "gpp", 125.0),
        ("g C m-2 (8 d)-1", "gpp", 1 / 8),
        ("gC/(m2*day)", "gpp", 1.0),
        ("g C m\u22122 d\u22121", "gpp", 1.0),
        ("$g C m^{-2} d^{-1}$", "gpp", 1.0),
        ("kgC.m-2.s-1", "gpp", 8.64e7),
        ("10^-3 kg C m-2 per day", "gpp", 1.0),
        ("g CO2 m-2 d-1", "gpp", 12.011 / 44.009),
        ("g CO2-C m-2 d-1", "gpp", 1.0),
        ("W/m\u00b2", "shortwave", 0.0864),
        ("W m-2", "et", 0.0864 / 2.45),
        ("mmol m-2 s-1", "et", 86.4 * 18.015e-3),
        ("0.1 mm d-1", "et", 0.1),
        ("0.1mm d-1", "precipitation", 0.1),
        ("mm month-1", "precipitation", 1 / 30.4375),
        ("mol mol-1", "co2", 1e6),
        ("1e-6", "co2", 1.0),
        ("ppb", "co2", 1e-3),
        ("tC/ha", "wood", 100.0),
        ("0.1 Mg ha-1", "wood", 4.7),
        ("0.1 m2 m-2", "lai", 0.1),
        ("0.1", "lai", 0.1),
        ("0.1 kPa", "vpd", 1.0),
        ("0.01", "burned_fraction", 0.01),
        ("h", "step_length", 1 / 24),
        ("0.1 degC", "t_min", 0.1),
        ("1", "day_of_year", 1.0),
        ("degrees north", "latitude", 1.0),
    ],
)
def test_units_that_people_write_are_converted(found, name, factor):
    convert = units.check_unit(found, units.UNITS[name], quantity=name)
    assert (convert.factor, convert.offset) == (pytest.approx(factor, rel=1e-12), 0.0)


@pytest.mark.parametrize(
    ("found", "name"),
    [
        ("gC m-2 8 d-1", "gpp"),  # 8 g, or per 8 d?
        ("0.5d-1", "gpp"),
        ("g C m-2 0d-1", "gpp"),
        ("kg m-2 s-1", "gpp"),  # of what?
        ("g C m-2 step-1", "gpp"),
        ("g C m-2 d-1 per", "gpp"),
        ("g C (m2 d", "gpp"),
        ("g C CO2 m-2 d-1", "gpp"),
        ("t ha-1", "som"),  # dry soil?
        ("W m-2", "precipitation"),
        ("kg kg-1", "co2"),
        ("%", "lai"),
        ("mJ m-2 d-1", "shortwave"),
        ("1e400 m2 m-2", "lai"),
        ("m2 m-2 quux", "lai"),
        ("rad", "latitude"),
        ("m999", "lai"),
    ],
)
def test_units_of_two_meanings_or_of_something_else_are_refused(found, name):
    with pytest.raises(InputError, match=f"unit must be '{units.UNITS[name]}'") as caught:
        units.check_unit(found, units.UNITS[name], quantity=name)
    assert repr(found) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("sign", ["\u00b0", "\u00ba", "\u02da"])
@pytest.mark.parametrize("text", ["{}C", "0.1 {}C", "T [{}C]", "TA ({}C)"])
def test_signs_that_look_like_a_degree_are_one(text, sign):
    convert = units.check_unit(text.format(sign), "degC", quantity="t_min")
    assert (convert.factor, convert.offset) == (0.1 if "0.1" in text else 1.0, 0.0)


def test_what_a_conversion_takes_for_granted_is_said():
    said = {
        ("W m-2", "et"): "from latent heat, 2.45 MJ kg-1",
        ("Mg ha-1", "wood"): "taken for dry matter, 0.47 of it carbon",
        ("umol m-2 s-1", "gpp"): "moles taken for those of CO2",
        ("g C m-2 d-1", "gpp"): "",
    }
    for (found, name), note in said.items():
        assert units.check_unit(found, units.UNITS[name], quantity=name).note == note


def test_carbon_fraction_is_that_of_dry_matter_only():
    def factor(unit):
        return units.check_unit(unit, "g C m-2", carbon_fraction=0.5).factor

    assert (factor("Mg ha-1"), factor("Mg C ha-1")) == (50.0, 100.0)


# Words that mean one thing, each with a power that people use.
WORDS = st.sampled_from(["g", "kg", "Mg", "m", "mm", "s", "d", "hour", "mol", "umol", "Pa", "K"])
POWERS = st.integers(-3, 3).filter(bool)
FACTORS = st.lists(st.tuples(WORDS, POWERS), min_size=1, max_size=4)
SPELLINGS = st.sampled_from(["{}{}", "{}^{}", "{}**{}"])
SUPERSCRIPT = str.maketrans("-123", "\u207b\u00b9\u00b2\u00b3")


def written(factors, spelling="{}{}", between=" "):
    return between.join(w if p == 1 else spelling.format(w, p) for w, p in factors)


@given(FACTORS, SPELLINGS, st.sampled_from([" ", " * ", ".", " · "]))
def test_every_spelling_of_a_unit_is_the_same(factors, spelling, between):
    plain = parse_unit(written(factors))
    assert parse_unit(written(factors, spelling, between)) == plain
    assert parse_unit(written(factors).translate(SUPERSCRIPT)) == plain


@given(FACTORS, FACTORS, st.integers(2, 9))
def test_units_compose(first, second, number):
    a, b = written(first), written(second)
    one, two = parse_unit(a), parse_unit(b)
    assert parse_unit(f"{a} {b}") == one * two
    assert parse_unit(f"({a})/({b})") == one * two**-1
    assert parse_unit(f"({a})-1") == one**-1
    assert parse_unit(f"{number} {a}").size == number * one.size
    assert parse_unit(f"{a} ({number} d)-1") == parse_unit(f"{a} {number}d-1")
    assert (one * two**-1 * two).size == one.size


@given(st.text(max_size=30) | st.text("gC m2-18d/().*^eµ°%", max_size=20))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(ValueError):
        assert parse_unit(text).size > 0
