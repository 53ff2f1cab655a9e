"""Tables whose columns are named after quantity and unit, as Edinburgh's: ``NEE_unc_gCm2day``."""

import re
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_tbm.errors import InputError, did_you_mean, nearest
from bayes_tbm.formats.day_of_year import steps_by_day_of_year
from bayes_tbm.formats.table import Columns, Header
from bayes_tbm.sites.missing import missing_to_nan
from bayes_tbm.units import UNITS, Conversion, check_unit

UNIT_OF = {
    "C": "degC", "K": "K", "MJm2day": "MJ m-2 d-1", "Wm2": "W m-2", "ppm": "ppm", "kPa": "kPa",
    "hPa": "hPa", "Pa": "Pa", "kgm2s": "kg m-2 s-1", "kgH2Om2s": "kg m-2 s-1", "mmday": "mm d-1",
    "kgH2Om2day": "kg m-2 d-1", "gCm2day": "g C m-2 d-1", "gCm2": "g C m-2", "m2m2": "m2 m-2",
    "fraction": "1", "percent": "%",
}  # fmt: skip
"""What a column's last word means."""
_NAME = re.compile(r"(?P<stem>.+?)(?P<unc>_unc)?_(?P<unit>[^_]+)")


@dataclass(frozen=True, eq=False)
class UnitTable:
    """A table, and which of its columns were taken."""

    header: Header
    columns: Columns
    taken: set[str] = field(default_factory=lambda: {"doy"})

    def times(self, first_year: int) -> tuple[NDArray[np.datetime64], str]:
        """Return the middle of each step, and a note."""
        return steps_by_day_of_year(
            self.columns.numbers["doy"], first_year, where=self.header.where
        )

    def quantity(self, stem: str, name: str, *, unc: bool = False) -> NDArray[np.float64] | None:
        """Return a quantity in the canonical unit of `name`; None where no column holds values."""
        for column in self.header.names:
            if split_name(column)[:2] == (stem, unc):
                values = missing_to_nan(self.columns.numbers[column])
                if np.isfinite(values).any():
                    self.taken.add(column)
                    convert = self._conversion(column, name)
                    return Conversion(convert.factor)(values) if unc else convert(values)
        return None

    def _conversion(self, column: str, name: str) -> Conversion:
        word, where = split_name(column)[2], self.header.where
        if word not in UNIT_OF:
            raise InputError(
                where=where, variable=column, rule="the unit in its name is not known",
                found=word, remedy=did_you_mean(word, UNIT_OF),
            )  # fmt: skip
        unit = UNITS.get(name, "1")
        return check_unit(UNIT_OF[word], unit, where=where, variable=column, quantity=name)

    def require(self, stem: str, name: str) -> NDArray[np.float64]:
        """Return a quantity; NaN where its column holds nothing, and refuse none."""
        values = self.quantity(stem, name)
        if values is not None:
            return values
        if not any(split_name(column)[:2] == (stem, False) for column in self.header.names):
            usual = f"{stem}_{next(word for word, unit in UNIT_OF.items() if unit == UNITS[name])}"
            alike = nearest(usual, self.header.names)
            raise InputError(
                where=self.header.where, variable=name, rule=f"no column of it, such as {usual}",
                found=", ".join(self.header.names),
                remedy=did_you_mean(usual, self.header.names) if alike else None,
            )  # fmt: skip
        return np.full(self.columns.numbers["doy"].shape, np.nan)

    def median(self, stem: str, seen: NDArray[np.bool_]) -> float | None:
        """Return the median of an uncertainty over some rows, in its own unit, if it is there."""
        for column, text in self.columns.texts.items():
            if split_name(column)[:2] == (stem, True):
                self.taken.add(column)
                values = _loose(text)[seen]
                if np.isfinite(values).any():
                    return float(np.nanmedian(values))
        return None

    def unused(self) -> list[str]:
        """Return a note of the columns that hold values and were not taken."""
        values = {n: _loose(text) for n, text in self.columns.texts.items()} | self.columns.numbers
        held = {name: int(np.isfinite(one).sum()) for name, one in values.items()}
        left = [f"{n} ({held[n]})" for n in self.header.names if n not in self.taken and held[n]]
        return [f"{self.header.where}: not used: {', '.join(left)}"] * bool(left)


def split_name(column: str) -> tuple[str, bool, str]:
    """Return quantity, whether it is its uncertainty, and unit, from a column's name."""
    parts = _NAME.fullmatch(column)
    if parts is None:
        return column, False, ""
    return parts["stem"], parts["unc"] is not None, parts["unit"]


def _loose(text: NDArray[np.str_]) -> NDArray[np.float64]:
    return missing_to_nan(pd.to_numeric(pd.Series(text), errors="coerce"))
