"""Comma and dot in numbers as text: decimal marks, or marks between thousands."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
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
_FIRST = 50
"""Lines that are looked at whether they hold a comma or not."""


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
        if self.decimal == ",":
            dotted = text[text.str.contains(".", regex=False)]
            if dotted.str.fullmatch(_DOTS_ALONE).all():
                text = text.str.replace(".", "", regex=False)
        return text.str.replace(",", ".", regex=False) if self.decimal_comma else text

    def doubtful(self, text: "pd.Series[str]") -> tuple[Any, str, str] | None:
        """Return a number that is either of thousands or has three decimals, and nothing tells.

        A column of numbers of three decimals is one: `0,250` and `12,5` tell it, and whole numbers
        of hundreds are not in it.

        Parameters
        ----------
        text : pandas.Series of str
            Values of a column, without blanks at their ends and without gaps.

        Returns
        -------
        tuple or None
            Its label, what was found and the remedy.
        """
        if self.separates:
            return None
        for mark, other in _OTHER.items():
            marked = text[text.str.contains(mark, regex=False)]
            if marked.empty or not marked.str.fullmatch(_GROUPED[mark]).all():
                continue
            if mark == "." and self.decimal == ",":
                continue  # thousands for certain
            whole = text[text.str.fullmatch(_HUNDREDS)]
            whole = whole[~pd.to_numeric(whole).isin(MISSING_MARKS)]
            if whole.empty and self.decimal != other:
                continue
            one = marked.iloc[0]
            beside = (
                repr(whole.iloc[0]) if whole.size else f"numbers with a decimal {_NAMES[other]}"
            )
            decimals = f", or {one}0 if it has decimals" * (one.count(mark) == 1)
            remedy = f"write {one.replace(mark, '')}{decimals}"
            return marked.index[0], f"{one!r} beside {beside}", remedy
        return None


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
        for field in map(str.strip, fields(line, separator)):
            for mark, form in _DECIMAL.items():
                certain = mark in field and form.fullmatch(field)
                if certain and mark not in found and not re.fullmatch(_GROUPED[mark], field):
                    found += mark
    return Marks(separates=False, decimal=found)
