"""Conversion of what a file states to the canonical unit, with what it takes for granted."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.units.constants import (
    CARBON_FRACTION,
    CARBON_MOLAR_MASS,
    FLUX,
    HYDROGEN_MOLAR_MASS,
    LATENT_HEAT,
    OXYGEN_MOLAR_MASS,
    STOCK,
)
from bayes_tbm.units.grammar import Unit, parse_unit

_CO2 = Fraction(str(CARBON_MOLAR_MASS)) + 2 * Fraction(str(OXYGEN_MOLAR_MASS))
_WATER = 2 * Fraction(str(HYDROGEN_MOLAR_MASS)) + Fraction(str(OXYGEN_MOLAR_MASS))
_KELVIN = {"degC": Fraction("273.15"), "degF": Fraction("459.67") * Fraction(5, 9)}
_KNOWN = {
    "degC": "K, degF",
    "MJ m-2 d-1": "W m-2, J m-2 d-1",
    "ppm": "mol mol-1, umol mol-1, ppb",
    "hPa": "kPa, Pa, mbar",
    "mm d-1": "kg m-2 s-1, m d-1, mm month-1",
    "1": "%, m2 m-2",
    FLUX: "umol CO2 m-2 s-1, kg C m-2 s-1, g CO2 m-2 d-1",
    STOCK: "kg C m-2, t C ha-1, Mg ha-1 of dry matter",
    "d": "h, s",
}
_SMALLEST_STOCK = Fraction(1, 10_000)
_ONLY = {"ppm": {"mol", "ppm", "ppb"}, "1": {"m", "ha", "%"}, "m2 m-2": {"m", "ha"}}
"""Words that a number without dimension may be made of: 1 kg kg-1 is no 1 mol mol-1."""


@dataclass(frozen=True)
class Conversion:
    """Linear map to the canonical unit: ``factor * value + offset``.

    Attributes
    ----------
    factor, offset : float
        Of the map.
    note : str
        What the conversion takes for granted; usually nothing.
    """

    factor: float = 1.0
    offset: float = 0.0
    note: str = ""

    def __call__(self, value: ArrayLike) -> NDArray[np.float64]:
        """Convert values; identity conversions leave every bit as it was."""
        array = np.asarray(value, dtype=np.float64)
        if (self.factor, self.offset) == (1.0, 0.0):
            return array
        return array * self.factor + self.offset


def check_unit(
    found: Any,
    expected: str,
    *,
    where: str | None = None,
    variable: str | None = None,
    quantity: str | None = None,
    carbon_fraction: float = CARBON_FRACTION,
) -> Conversion:
    """Return the conversion from a unit as found in a file to the expected one.

    Parameters
    ----------
    found : str
        Unit as people write it, see `bayes_tbm.units.grammar`.
    expected : str
        Canonical unit, see `UNITS`.
    where, variable : str, optional
        File and variable, for the message.
    quantity : str, optional
        Key of `UNITS`: latent heat is a unit of ``et`` alone, and ``som`` has no dry matter.
    carbon_fraction : float
        Of dry matter, for biomass stated as that (as Mg ha-1 is, unless it says of carbon).

    Returns
    -------
    Conversion

    Raises
    ------
    InputError
        If the unit cannot be understood or is of another quantity.
    """
    target = parse_unit(expected)
    try:
        source = parse_unit(str(found))
        return _conversion(source, target, expected, quantity, carbon_fraction)
    except ValueError as error:
        known = _KNOWN.get(expected, "")
        raise InputError(
            where=where,
            variable=variable,
            rule=f"unit must be {expected!r}"
            + (f" or convertible ({known}, ...)" if known else ""),
            found=f"{str(found)!r}: {error}",
            remedy="convert the values or mend the units attribute",
        ) from error


def _conversion(
    source: Unit, target: Unit, expected: str, quantity: str | None, carbon_fraction: float
) -> Conversion:
    if expected == "degC":
        return _temperature(source)
    note = ""
    if target.substance == "C":
        source, note = _of_carbon(source, quantity, carbon_fraction)
    elif expected == "mm d-1":
        source, note = _of_water(source, quantity)
    if expected in ("degrees_north", "degrees_east") and source.words == {"degree"}:
        source = Unit(source.size, target.powers)
    if quantity == "day_of_year" and source == Unit():
        source = target
    if source.powers != target.powers:
        raise ValueError("of another dimension")
    _check_substance(source, target, expected)
    if expected == STOCK and source.size < _SMALLEST_STOCK * target.size:
        raise ValueError("too small for a stock: Mg is 1000 kg, mg a thousandth of a gram")
    if "month" in source.words and "month" not in target.words:
        month = "a month taken for 30.4375 d: divide sums of calendar months by their own days"
        note = "; ".join(text for text in (note, month) if text)
    return Conversion(float(source.size / target.size), 0.0, note)


def _check_substance(source: Unit, target: Unit, expected: str) -> None:
    """Refuse what has the right dimension and is of something else."""
    allowed = {"ppm": ("", "CO2"), "mm d-1": ("", "H2O")}.get(expected, (target.substance,))
    if source.substance not in allowed:
        raise ValueError(f"of {source.substance}" if source.substance else "does not say of what")
    if expected in _ONLY and not source.words <= _ONLY[expected]:
        raise ValueError("a ratio of something else")


def _temperature(source: Unit) -> Conversion:
    scale = next((name for name in ("degC", "degF") if (name, 1) in source.powers), "K")
    plain = {("K", 1)} if scale == "K" else {("K", 1), (scale, 1)}
    if source.powers != plain or source.substance:
        raise ValueError("of another dimension")
    offset = _KELVIN.get(scale, Fraction(0)) - _KELVIN["degC"]
    return Conversion(float(source.size), float(offset))


def _of_carbon(source: Unit, quantity: str | None, fraction: float) -> tuple[Unit, str]:
    """Return the unit of mass of carbon that amounts of CO2 or masses of something hold."""
    powers = dict(source.powers)
    moles = powers.pop("mol", 0)
    carbon = Unit(Fraction(str(CARBON_MOLAR_MASS)))
    if moles == 1 and source.substance in ("", "CO2", "C"):
        powers["g"] = powers.get("g", 0) + 1
        left = frozenset(powers.items())
        note = "" if source.substance else "moles taken for those of CO2"
        return Unit(source.size * carbon.size, left, "C", source.words), note
    if source.substance == "CO2":
        return Unit(source.size * carbon.size / _CO2, source.powers, "C", source.words), ""
    # Foresters state dry matter per hectare; a flux or a soil in it is of what it says.
    dry = source.substance == "DM" or (not source.substance and "ha" in source.words)
    if dry and powers == {"g": 1, "m": -2} and quantity != "som":
        note = f"taken for dry matter, {fraction:g} of it carbon"
        size = source.size * Fraction(str(fraction))
        return Unit(size, source.powers, "C", source.words), note
    return source, ""


def _of_water(source: Unit, quantity: str | None) -> tuple[Unit, str]:
    """Return the depth rate that a mass, an amount or a latent heat of water makes."""
    powers = dict(source.powers)
    depth = frozenset({("m", 1), ("s", -1)})
    if powers == {"g": 1, "m": -2, "s": -1}:
        return Unit(source.size / 10**6, depth, source.substance, source.words), ""
    if quantity == "et" and powers == {"mol": 1, "m": -2, "s": -1}:
        note = "" if source.substance else "moles taken for those of water"
        size = source.size * _WATER / 10**6
        return Unit(size, depth, source.substance, source.words), note
    if quantity == "et" and powers == {"g": 1, "s": -3}:
        joules_per_gram = Fraction(str(LATENT_HEAT)) * 1000
        size = source.size / (joules_per_gram * 1000) / 10**6
        note = f"from latent heat, {LATENT_HEAT:g} MJ kg-1"
        return Unit(size, depth, source.substance, source.words), note
    return source, ""
