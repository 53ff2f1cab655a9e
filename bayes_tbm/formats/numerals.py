"""Comma and dot in numbers as text: decimal marks, or marks between thousands."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from bayes_tbm.formats.table_lines import fields
from bayes_tbm.sites.missing import MARKS as MISSING_MARKS

_OTHER = {",": ".", ".": ","}
_GROUPED = {mark: rf"[+-]?[1-9]\d{{0,2}}(\{mark}\d{{3}})+" for mark in _OTHER}
"""As 1,234 or 12.345.678: a number of thousands, or one with three decimals."""
_DECIMAL = {
    mark: re.compile(rf"[+-]?(\d*|[1-9]\d{{0,2}}(\{other}\d{{3}})+)\{mark}\d+(e[+-]?\d+)?", re.I)
    for mark, other in _OTHER.items()
}
_DOTS_ALONE = re.compile(_GROUPED["."] + r"(,\d+)?")
_HUNDREDS = re.compile(r"[+-]?[1-9]\d{2,}")
"""Whole numbers that stand beside thousands, and hardly beside numbers of three decimals."""
_NAMES = {",": "comma", ".": "point"}
THOUSANDS = "thousands must be written plainly, without a mark"
"""The rule that `Marks.doubtful` numbers break."""
MARKED = "write it with a decimal point, and without a mark between thousands"
"""The remedy for numbers that `is_marked`."""
_MARKED = re.compile(r"[+-]?\d+([.,'\u2019\s]\d+)+")
_FIRST = 50
"""Lines that are looked at whether they hold a comma or not."""
Found = tuple[Any, str]
"""Label of a number, and the number as text."""


@dataclass(frozen=True)
class Written:
    """How the numbers of a column are written, as far as it was read.

    Attributes
    ----------
    grouped : dict of str to tuple
        By mark the first number that is of thousands or has three decimals, as in 1,234.
    otherwise : dict of str to tuple
        By mark the first number in which it does not stand so, as in 12.5.
    whole : tuple or None
        The first whole number of hundreds without a mark.
    dots : dict of bool to tuple
        The first number whose dots were taken for those of thousands, or were not.
    """

    grouped: dict[str, Found] = field(default_factory=dict)
    otherwise: dict[str, Found] = field(default_factory=dict)
    whole: Found | None = None
    dots: dict[bool, Found] = field(default_factory=dict)


_NOTHING = Written()


@dataclass(frozen=True)
class Marks:
    """What comma and dot mean in the numbers of a table.

    Attributes
    ----------
    separates : bool
        Whether a comma ends a value, so that a dot can be nothing but a decimal point.
    decimal : str
        Those of the two that are decimal marks for certain, as in 0,5 or 12.75.
    """

    separates: bool = True
    decimal: str = "."

    @property
    def decimal_comma(self) -> bool:
        """Whether 1,5 is one and a half."""
        return not self.separates and ("," in self.decimal or "." not in self.decimal)

    def pointed(self, text: "pd.Series[str]") -> "pd.Series[str]":
        """Return numbers of a column as text with a decimal point, and none between thousands.

        Parameters
        ----------
        text : pandas.Series of str
            Without blanks at their ends.
        """
        if self.decimal == "," and False not in _dots(text):
            text = text.str.replace(".", "", regex=False)
        return text.str.replace(",", ".", regex=False) if self.decimal_comma else text

    def written(self, text: "pd.Series[str]", before: Written = _NOTHING) -> Written:
        """Return how the numbers of a column are written, with what was read of it before.

        Parameters
        ----------
        text : pandas.Series of str
            Values of a column, without blanks at their ends and without gaps.
        before : Written, optional
            Of the rows above.
        """
        if self.separates:
            return before
        grouped: dict[str, Found] = {}
        otherwise: dict[str, Found] = {}
        for mark in _OTHER:
            marked = text[text.str.contains(mark, regex=False)]
            alike = marked.str.fullmatch(_GROUPED[mark])
            grouped |= _first(mark, marked[alike])
            otherwise |= _first(mark, marked[~alike])
        whole = before.whole or _first("", _hundreds(text)).get("")
        dots = _dots(text) if self.decimal == "," else {}
        return Written(
            grouped | before.grouped, otherwise | before.otherwise, whole, dots | before.dots
        )

    def doubtful(self, held: Written) -> tuple[Any, str, str] | None:
        """Return a number that is either of thousands or has three decimals, and nothing tells.

        A column of numbers of three decimals is one: `0,250` and `12,5` tell it, and whole numbers
        of hundreds are not in it, nor numbers with the other mark.

        Parameters
        ----------
        held : Written
            Of a column, from `written`.

        Returns
        -------
        tuple or None
            Its label, what was found and the remedy.
        """
        if len(held.dots) == 2:
            return _told(".", held.dots[True], repr(held.dots[False][1]))
        for mark, other in _OTHER.items():
            if mark not in held.grouped or mark in held.otherwise:
                continue
            if mark == "." and self.decimal == ",":
                continue  # thousands for certain
            beside = held.whole
            if beside is None and self.decimal != ",":  # else dots stand between thousands
                beside = held.grouped.get(other) or held.otherwise.get(other)
            if beside is None and self.decimal != other:
                continue
            decimals = f"numbers with a decimal {_NAMES[other]}"
            return _told(mark, held.grouped[mark], repr(beside[1]) if beside else decimals)
        return None


def is_marked(text: str) -> bool:
    """Return whether a text that is no number is one but for commas, blanks or other marks.

    Examples
    --------
    >>> is_marked("17,347"), is_marked("1 234"), is_marked("none")
    (True, True, False)
    """
    return bool(_MARKED.fullmatch(text.strip()))


def _told(mark: str, found: Found, beside: str) -> tuple[Any, str, str]:
    label, one = found
    decimals = f", or {one}0 if it has decimals" * (one.count(mark) == 1)
    return label, f"{one!r} beside {beside}", f"write {one.replace(mark, '')}{decimals}"


def _first[Key](key: Key, text: "pd.Series[str]") -> dict[Key, Found]:
    return {} if text.empty else {key: (text.index[0], text.iloc[0])}


def _dots(text: "pd.Series[str]") -> dict[bool, Found]:
    """Return a number whose dots can stand between thousands, if all can, else one of the others.

    Nothing where there are no dots.
    """
    dotted = text[text.str.contains(".", regex=False)]
    alone = dotted.str.fullmatch(_DOTS_ALONE)
    return _first(True, dotted) if alone.all() else _first(False, dotted[~alone])


def _hundreds(text: "pd.Series[str]") -> "pd.Series[str]":
    whole = text[text.str.fullmatch(_HUNDREDS)]
    return whole[~pd.to_numeric(whole).isin(MISSING_MARKS)]


def marks_of(separator: str, lines: Iterable[str]) -> Marks:
    """Tell what comma and dot mean in a table.

    Parameters
    ----------
    separator : str
        Between values.
    lines : iterable of str
        Below the header: the first ones, then those with a comma, until one has decimals.
    """
    if separator == ",":
        return Marks()
    found = ""
    for number, line in enumerate(lines):
        if number >= _FIRST and "," in found:
            break
        if number >= _FIRST and "," not in line:
            continue
        for text in map(str.strip, fields(line, separator)):
            for mark, form in _DECIMAL.items():
                certain = mark in text and form.fullmatch(text)
                if certain and mark not in found and not re.fullmatch(_GROUPED[mark], text):
                    found += mark
    return Marks(separates=False, decimal=found)
