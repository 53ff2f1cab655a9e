"""Canonical units, the spellings met in real files, conversions, and physical constants."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayes_tbm.errors import InputError

DAYS_PER_YEAR = 365.25
"""Mean Julian year [d]; the period of the DALEC phenology."""
DAYS_PER_MONTH = DAYS_PER_YEAR / 12
"""Mean month [d]: 30.4375, the step of CARDAMOM's monthly files."""
SECONDS_PER_DAY = 86400.0
CARBON_FRACTION = 0.47
"""Carbon in dry wood [g C per g dry matter]; IPCC 2006 Guidelines, vol. 4, table 4.3."""
CARBON_MOLAR_MASS = 12.011
"""Standard atomic weight of carbon [g mol-1]; IUPAC 2021."""
GRAMS_PER_M2_IN_MEGAGRAMS_PER_HA = 100.0
"""1 Mg ha-1 = 1e6 g / 1e4 m2."""

FLUX, STOCK = "g C m-2 d-1", "g C m-2"
UNITS: dict[str, str] = {
    "t_min": "degC",
    "t_max": "degC",
    "shortwave": "MJ m-2 d-1",
    "co2": "ppm",
    "day_of_year": "d",
    "burned_fraction": "1",
    "vpd": "hPa",
    "precipitation": "mm d-1",
    "step_length": "d",
    "days": "d",
    "latitude": "degrees_north",
    "longitude": "degrees_east",
    **dict.fromkeys(("gpp", "nee", "nbe", "reco"), FLUX),
    "et": "mm d-1",
    "lai": "m2 m-2",
    **dict.fromkeys(("live_biomass", "wood", "som"), STOCK),
}
"""Canonical unit of every driver and observed variable."""

_TOKENS = {"day": "d", "days": "d", "Days": "d", "hPA": "hPa", "hpa": "hPa", "mbar": "hPa"}
_TOKENS |= {"gC": "g C", "kgC": "kg C", "MgC": "Mg C", "sec": "s", "umol CO2": "umol"}
_SYNONYMS = {
    **dict.fromkeys(("C", "deg C", "degC", "Celsius", "celsius", "degree_Celsius"), "degC"),
    **dict.fromkeys(("degrees_C", "degree_C", "degrees_Celsius", "°C"), "degC"),
    **dict.fromkeys(("K", "Kelvin", "kelvin"), "K"),
    **dict.fromkeys(("", "-", "1", "fraction", "m2 m-2", "unitless", "dimensionless"), "1"),
    **dict.fromkeys(("%", "percent"), "%"),
    **dict.fromkeys(("ppm", "ppmv", "umol mol-1"), "ppm"),
    **dict.fromkeys(("t ha-1", "Mg ha-1"), "Mg ha-1"),
    **dict.fromkeys(("t C ha-1", "Mg C ha-1"), "Mg C ha-1"),
    "umol CO2 m-2 s-1": "umol m-2 s-1",
    "degree_north": "degrees_north",
    "degree_east": "degrees_east",
}
_MEGAGRAM = GRAMS_PER_M2_IN_MEGAGRAMS_PER_HA
_FACTORS: dict[tuple[str, str], tuple[float, float]] = {
    ("K", "degC"): (1.0, -273.15),
    ("W m-2", "MJ m-2 d-1"): (SECONDS_PER_DAY * 1e-6, 0.0),
    ("J m-2 d-1", "MJ m-2 d-1"): (1e-6, 0.0),
    ("kPa", "hPa"): (10.0, 0.0),
    ("Pa", "hPa"): (0.01, 0.0),
    ("kg m-2 s-1", "mm d-1"): (SECONDS_PER_DAY, 0.0),
    ("kg m-2 d-1", "mm d-1"): (1.0, 0.0),
    ("mm s-1", "mm d-1"): (SECONDS_PER_DAY, 0.0),
    ("m d-1", "mm d-1"): (1000.0, 0.0),
    ("%", "1"): (0.01, 0.0),
    ("kg C m-2 s-1", FLUX): (SECONDS_PER_DAY * 1e3, 0.0),
    ("g C m-2 s-1", FLUX): (SECONDS_PER_DAY, 0.0),
    ("umol m-2 s-1", FLUX): (SECONDS_PER_DAY * 1e-6 * CARBON_MOLAR_MASS, 0.0),
    ("kg C m-2", STOCK): (1e3, 0.0),
    ("Mg C ha-1", STOCK): (_MEGAGRAM, 0.0),
    ("Mg ha-1", STOCK): (_MEGAGRAM * CARBON_FRACTION, 0.0),
}


@dataclass(frozen=True)
class Conversion:
    """Linear map to the canonical unit: ``factor * value + offset``."""

    factor: float = 1.0
    offset: float = 0.0

    def __call__(self, value: ArrayLike) -> NDArray[np.float64]:
        """Convert values; identity conversions leave every bit as it was."""
        array = np.asarray(value, dtype=np.float64)
        if self == Conversion():
            return array
        return array * self.factor + self.offset


def normalise_unit(text: str) -> str:
    """Return one spelling of a unit: ``'MJ m**-2 day**-1'`` becomes ``'MJ m-2 d-1'``.

    A bracket, as in ``'VPD [hPa]'``, is taken for the unit.
    """
    bracket = re.search(r"\[([^]]*)\]", text)
    plain = (bracket.group(1) if bracket else text).strip()
    plain = re.sub(r"\*\*|\^", "", plain)
    if plain in _SYNONYMS:
        return _SYNONYMS[plain]
    parts = []
    for slash, symbol, exponent in re.findall(r"(/?)\s*([A-Za-z%°_]+)(-?\d+)?", plain):
        power = int(exponent or 1) * (-1 if slash else 1)
        parts.append(_TOKENS.get(symbol, symbol) + ("" if power == 1 else str(power)))
    unit = " ".join(parts)
    return _SYNONYMS.get(unit, unit)


def check_unit(
    found: Any, expected: str, *, where: str | None = None, variable: str | None = None
) -> Conversion:
    """Return the conversion from a unit as found in a file to the expected one.

    Parameters
    ----------
    found : str
        Unit string of the file.
    expected : str
        Canonical unit, see `UNITS`.
    where, variable : str, optional
        File and variable, for the message.

    Returns
    -------
    Conversion

    Raises
    ------
    InputError
        If the unit is unknown or of another quantity.
    """
    source, target = normalise_unit(str(found)), normalise_unit(expected)
    if source == target:
        return Conversion()
    if (source, target) in _FACTORS:
        return Conversion(*_FACTORS[source, target])
    known = sorted(unit for unit, to in _FACTORS if to == target)
    raise InputError(
        where=where,
        variable=variable,
        rule=f"unit must be {expected!r}" + (f" or convertible ({', '.join(known)})" * bool(known)),
        found=repr(found),
        remedy="convert the values or mend the units attribute",
    )


def dry_matter_per_hectare(
    carbon: ArrayLike, carbon_fraction: float = CARBON_FRACTION
) -> NDArray[np.float64]:
    """Convert carbon stocks [g C m-2] to dry matter [Mg ha-1]."""
    return np.asarray(carbon, dtype=np.float64) / (carbon_fraction * _MEGAGRAM)


def carbon_per_square_metre(
    dry_matter: ArrayLike, carbon_fraction: float = CARBON_FRACTION
) -> NDArray[np.float64]:
    """Convert dry matter [Mg ha-1] to carbon stocks [g C m-2]."""
    return np.asarray(dry_matter, dtype=np.float64) * (carbon_fraction * _MEGAGRAM)
