"""What a unit's text says: numbers, prefixes, powers, slashes, and of which substance.

A text is a product of factors, each multiplied or, after a slash or ``per``, divided::

    product = factor ((" " | "*" | "." | "/" | "per") factor)*
    factor  = (number | [number] word | "(" product ")") [power]

A number goes with the word it touches, as people write it: ``8d-1``, ``8-day-1`` and ``/8 days``
are all per eight days, while ``0.1 mm d-1`` is a tenth of a mm d-1. Fractions are exact, so that
another spelling of the same unit changes no bit of the values.
"""

import dataclasses
import re
import unicodedata
from fractions import Fraction

from bayes_tbm.units.symbols import BASES, LONG_PREFIXES, PREFIXES, SUBSTANCES, SYMBOLS, WORDS

_PHRASES = (
    (r"C-CO2|CO2-C|CO2_C", "C"),
    (r"dry[ _-]?(matter|mass|weight|biomass)", "DM"),
    (r"\bdays? of (the )?year\b|\bDOY\b|\bdoy\b", "d"),
    (r"\b(deg|degrees?)[ .]C(elsius)?\b", "degC"),
    (r"\bdeg(rees?)? (north|east)\b", r"degrees_\2"),
    (r"\bper[ -]cent\b", "%"),
    (r"\*\*", "^"),
)
_NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_LETTERS = r"(?!per\b)(?:[A-Za-z°%_]*(?:CO2|H2O)|[A-Za-z°%_]+)"
_EXPONENT = r"(?:\^?[-+]?\d+|\^\([-+]?\d+\)|\s+-\d+)"
_FACTOR = re.compile(
    rf"(?P<ten>10)(?P<tens>\^[-+]?\d+|[-+]\d+)|(?P<number>{_NUMBER})"
    rf"|(?P<word>{_LETTERS})(?P<power>{_EXPONENT})?"
)
_AFTER_BRACKET = re.compile(_EXPONENT)
_BESIDE = re.compile(rf"-?(?={_LETTERS})"), re.compile(rf"[\s-]*(?={_LETTERS})")
_NUMBER_THEN_WORD = re.compile(rf"{_NUMBER}\s+{_LETTERS}")
_NUMBER_ALONE = re.compile(rf"{_NUMBER}\s*$")
_BETWEEN = re.compile(r"\s*(/|per\b)\s*|\s*[*.]\s*|\s+|(?<=[\w)%])(?=[(A-Za-z])")
_SIGNS = str.maketrans("\u2212\u2013\u2010\u2011\u03bc\u00b7\u22c5\u00d7\u2219", "----u****")
"""Minus signs, dashes, hyphens, the letter mu, dots and crosses, after NFKC."""
_DEGREES = str.maketrans("\u00ba\u02da", "\u00b0\u00b0")
"""The ordinal sign of Spanish keyboards, an o to NFKC, and a ring, for the degree sign."""
_MOST = 12
"""Greatest power, and decimal exponent over four, that a unit may hold."""


@dataclasses.dataclass(frozen=True)
class Unit:
    """A unit: ``size`` of a product of base units, of a substance.

    Attributes
    ----------
    size : fractions.Fraction
        In grams, metres, seconds, kelvin and moles.
    powers : frozenset of (str, int)
        Power of each base unit, none of them 0.
    substance : str
        One of `SUBSTANCES`, or nothing.
    words : frozenset of str
        Words that occur, those that cancel too: a mass fraction is no mole fraction.
    """

    size: Fraction = Fraction(1)
    powers: frozenset[tuple[str, int]] = frozenset()
    substance: str = ""
    words: frozenset[str] = frozenset()

    def __mul__(self, other: "Unit") -> "Unit":
        """Return the product.

        Raises
        ------
        ValueError
            If it is of two substances.
        """
        if self.substance and other.substance and self.substance != other.substance:
            raise ValueError(f"two substances, {self.substance} and {other.substance}")
        powers = dict(self.powers)
        for base, power in other.powers:
            powers[base] = powers.get(base, 0) + power
        left = frozenset((base, power) for base, power in powers.items() if power)
        substance = self.substance or other.substance
        return Unit(self.size * other.size, left, substance, self.words | other.words)

    def __pow__(self, power: int) -> "Unit":
        """Return a whole power.

        Raises
        ------
        ValueError
            If it is too great to be meant.
        """
        if abs(power) > _MOST:
            raise ValueError(f"power {power}")
        powers = frozenset((base, one * power) for base, one in self.powers if power)
        return Unit(self.size**power, powers, self.substance, self.words)


def parse_unit(text: str) -> Unit:
    """Return what a unit's text says.

    Parameters
    ----------
    text : str
        As people write it: ``'umolCO2 m-2 s-1'``, ``'MJ m**-2 day**-1'``, ``'W/m²'``,
        ``'g C m-2 8d-1'``, ``'VPD [hPa]'``.

    Raises
    ------
    ValueError
        If any part of it cannot be understood: nothing is skipped.
    """
    plain = _plain(text)
    if plain in ("", "-"):
        return Unit()
    if plain == "C":  # alone it is Celsius, beside a mass carbon
        return word_unit("degC")
    try:
        return _whole(plain)
    except ValueError:
        label = re.fullmatch(r"[A-Za-z][\w -]*\(([^()]+)\)", plain)  # as in 'VPD (hPa)'
        if label is None:
            raise
        return parse_unit(label.group(1))


def word_unit(word: str) -> Unit:
    """Return the unit of one word, such as ``'umolCO2'`` or ``'kilograms'``.

    Raises
    ------
    ValueError
        If it is not known.
    """
    name = (
        WORDS.get(word.lower(), SYMBOLS.get(word, word))
        if len(word) > 1
        else SYMBOLS.get(word, word)
    )
    if name in SUBSTANCES:
        return Unit(substance=name)
    if name in BASES:
        size, powers, _ = BASES[name]
        return Unit(size, frozenset(powers.items()), "", frozenset({name} - {"1"}))
    for long, short in LONG_PREFIXES.items():
        if name.lower().startswith(long) and len(name) > len(long):
            rest = name[len(long) :].lower()
            return word_unit(short + WORDS.get(rest, rest))
    prefix, base = name[:1], name[1:]
    if base in BASES and prefix in BASES[base][2]:
        return Unit(Fraction(10) ** PREFIXES[prefix]) * word_unit(base)
    for substance in SUBSTANCES:
        if name.endswith(substance):
            return word_unit(name.removesuffix(substance).rstrip("_")) * Unit(substance=substance)
    raise ValueError(f"{word!r} is not known")


def _plain(text: str) -> str:
    """One spelling of superscripts, micro and minus signs, dots, LaTeX and a few phrases."""
    bracket = re.search(r"\[([^]]*)\]\s*$", text)  # as in 'VPD [hPa]'
    degrees = (bracket.group(1) if bracket else text).translate(_DEGREES)
    plain = unicodedata.normalize("NFKC", degrees)
    plain = plain.translate(_SIGNS)
    plain = re.sub(r"[][{}$\\]", "", plain)
    for phrase, short in _PHRASES:
        plain = re.sub(phrase, short, plain)
    return plain.strip().removeprefix("*").strip()


def _whole(text: str) -> Unit:
    unit, place = _product(text, 0)
    if place < len(text):
        raise ValueError(f"{text[place:]!r} cannot be read")
    return unit


def _product(text: str, place: int) -> tuple[Unit, int]:
    """Return the unit of a product and where it ends: the text's end or a closing bracket."""
    over = re.compile(r"\s*(1\s*)?(/|per\b)\s*").match(text, place)
    unit, sign = Unit(), -1 if over else 1
    place = over.end() if over else place
    while True:
        factor, place = _factor(text, place, under_slash=sign < 0)
        unit = unit * factor**sign
        between = _BETWEEN.match(text, place)
        if between is None:
            return unit, place
        sign, place = (-1 if between.group(1) else 1), between.end()
        stars = between.group().strip() in ("*", ".") and sign > 0
        if stars and _NUMBER_ALONE.match(text, place):  # of 10 * degC some store tenfold values
            raise ValueError("a number at the end: write it first, as in 0.1 degC")
        if between.group().isspace() and _NUMBER_THEN_WORD.match(text, place):
            raise ValueError("a number in the middle: write it first, or in brackets as in (8 d)-1")


def _factor(text: str, place: int, *, under_slash: bool) -> tuple[Unit, int]:
    if text[place : place + 1] == "(":
        unit, place = _product(text, place + 1)
        if text[place : place + 1] != ")":
            raise ValueError("a bracket is left open")
        power = _AFTER_BRACKET.match(text, place + 1)
        return unit ** _whole_number(power), power.end() if power else place + 1
    factor = _FACTOR.match(text, place)
    if factor is None:
        raise ValueError(f"{text[place:]!r} cannot be read" if text[place:] else "it ends early")
    place = factor.end()
    if factor["ten"]:
        return Unit(Fraction(10)) ** int(factor["tens"].removeprefix("^")), place
    if factor["word"]:
        return word_unit(factor["word"]) ** _whole_number(factor["power"]), place
    number = _number(factor["number"])
    beside = _BESIDE[under_slash].match(text, place)
    if beside is None:
        return Unit(number), place
    of = _FACTOR.match(text, beside.end())
    assert of is not None  # `_BESIDE` saw a word
    return _with_number(number, word_unit(of["word"]), _whole_number(of["power"])), of.end()


def _with_number(number: Fraction, unit: Unit, power: int) -> Unit:
    """Return 8 d for ``8d`` and (8 d)-1 for ``8d-1``; refuse what can be read in two ways."""
    if power > 0:
        return Unit(number) * unit**power
    if power != -1 or number.denominator != 1:
        raise ValueError(f"{float(number):g} touches a word with a power: put a space between them")
    return (Unit(number) * unit) ** -1


def _number(digits: str) -> Fraction:
    exponent = re.search(r"[eE](.*)", digits)
    if len(digits) > 24 or (exponent and abs(int(exponent.group(1))) > 4 * _MOST):
        raise ValueError(f"number {digits}")
    number = Fraction(digits.rstrip("."))
    if number == 0:
        raise ValueError("it holds a zero")
    return number


def _whole_number(power: "re.Match[str] | str | None") -> int:
    text = power if isinstance(power, str) else power.group() if power else "1"
    return int(text.strip().strip("^()"))
