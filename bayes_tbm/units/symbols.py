"""The words of unit texts: sizes, powers of base units, prefixes, and other spellings."""

from fractions import Fraction

SUBSTANCES = ("CO2", "H2O", "DM", "C")
_DAY = Fraction(86400)
_YEAR = _DAY * Fraction("365.25")
_MASS, _LENGTH, _TIME = {"g": 1}, {"m": 1}, {"s": 1}
_FORCE = {"g": 1, "m": 1, "s": -2}
_PRESSURE = {**_FORCE, "m": -1}
_ENERGY = {**_FORCE, "m": 2}
_POWER = {**_ENERGY, "s": -3}
BASES: dict[str, tuple[Fraction, dict[str, int], str]] = {
    # name: size in g, m, s, K, mol; its powers of those; prefixes that it is used with
    "g": (Fraction(1), _MASS, "numckMGTP"),
    "t": (Fraction(10**6), _MASS, "kMG"),
    "m": (Fraction(1), _LENGTH, "numcdk"),
    "ha": (Fraction(10**4), {"m": 2}, ""),
    "l": (Fraction(1, 1000), {"m": 3}, "m"),
    "s": (Fraction(1), _TIME, "m"),
    "min": (Fraction(60), _TIME, ""),
    "h": (Fraction(3600), _TIME, ""),
    "d": (_DAY, _TIME, ""),
    "week": (7 * _DAY, _TIME, ""),
    "month": (_YEAR / 12, _TIME, ""),
    "yr": (_YEAR, _TIME, ""),
    "Pa": (Fraction(1000), _PRESSURE, "hkM"),
    "bar": (Fraction(10**8), _PRESSURE, "m"),
    "J": (Fraction(1000), _ENERGY, "kMG"),
    "cal": (Fraction(4184), _ENERGY, "k"),
    "W": (Fraction(1000), _POWER, "km"),
    "mol": (Fraction(1), {"mol": 1}, "numk"),
    "K": (Fraction(1), {"K": 1}, ""),
    "degC": (Fraction(1), {"K": 1, "degC": 1}, ""),
    "degF": (Fraction(5, 9), {"K": 1, "degF": 1}, ""),
    "%": (Fraction(1, 100), {}, ""),
    "ppm": (Fraction(1, 10**6), {}, ""),
    "ppb": (Fraction(1, 10**9), {}, ""),
    "degrees_north": (Fraction(1), {"north": 1}, ""),
    "degrees_east": (Fraction(1), {"east": 1}, ""),
    "degree": (Fraction(1), {"degree": 1}, ""),
    "1": (Fraction(1), {}, ""),
}
PREFIXES = {
    "n": -9, "u": -6, "m": -3, "c": -2, "d": -1, "h": 2, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15,
}  # fmt: skip
LONG_PREFIXES = {
    "nano": "n", "micro": "u", "milli": "m", "centi": "c", "hecto": "h", "kilo": "k", "mega": "M",
    "giga": "G",
}  # fmt: skip
WORDS = {  # in lower case; whoever spells a word out means it
    **dict.fromkeys(("gram", "grams", "gramme", "grammes"), "g"),
    **dict.fromkeys(("tonne", "tonnes"), "t"),
    **dict.fromkeys(("meter", "meters", "metre", "metres"), "m"),
    **dict.fromkeys(("hectare", "hectares"), "ha"),
    **dict.fromkeys(("liter", "liters", "litre", "litres"), "l"),
    **dict.fromkeys(("sec", "second", "seconds"), "s"),
    **dict.fromkeys(("minute", "minutes"), "min"),
    **dict.fromkeys(("hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("day", "days"), "d"),
    **dict.fromkeys(("wk", "weeks"), "week"),
    **dict.fromkeys(("mon", "mth", "months"), "month"),
    **dict.fromkeys(("year", "years", "yrs", "annum"), "yr"),
    **dict.fromkeys(("pascal", "pascals"), "Pa"),
    **dict.fromkeys(("joule", "joules"), "J"),
    **dict.fromkeys(("watt", "watts"), "W"),
    **dict.fromkeys(("mole", "moles"), "mol"),
    **dict.fromkeys(("kelvin", "degk", "deg_k"), "K"),
    **dict.fromkeys(("celsius", "degc", "deg_c", "degree_c", "degrees_c", "°c"), "degC"),
    **dict.fromkeys(("degree_celsius", "degrees_celsius", "degcelsius"), "degC"),
    **dict.fromkeys(("fahrenheit", "degf", "deg_f", "degree_f", "degrees_f", "°f"), "degF"),
    **dict.fromkeys(("percent", "percentage", "pct"), "%"),
    **dict.fromkeys(("ppmv",), "ppm"),
    **dict.fromkeys(("ppbv",), "ppb"),
    **dict.fromkeys(("degree_north", "degree_n", "degrees_n", "degreen", "degreesn", "°n"),
                    "degrees_north"),
    **dict.fromkeys(("degree_east", "degree_e", "degrees_e", "degreee", "degreese", "°e"),
                    "degrees_east"),
    **dict.fromkeys(("deg", "degrees", "°"), "degree"),
    **dict.fromkeys(("fraction", "unitless", "dimensionless", "ratio"), "1"),
    **dict.fromkeys(("carbon",), "C"),
    **dict.fromkeys(("water",), "H2O"),
    **dict.fromkeys(("biomass",), "DM"),
    **dict.fromkeys(("hpa", "mb"), "hPa"),
    **dict.fromkeys(("kpa",), "kPa"),
    **dict.fromkeys(("kg",), "kg"),
}  # fmt: skip
SYMBOLS = {"a": "yr", "y": "yr", "L": "l", "D": "d", "S": "s"}
