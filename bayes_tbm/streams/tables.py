"""Stocks of biomass in tables of any make: the rows that are meant, their columns, errors, unit."""

from __future__ import annotations

import dataclasses
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_tbm.errors import DataWarning, InputError, nearest
from bayes_tbm.formats.numerals import THOUSANDS
from bayes_tbm.formats.table import Header, read_columns, read_header
from bayes_tbm.model.regrowth import OLDEST
from bayes_tbm.plain import as_number, finite_number
from bayes_tbm.sites.missing import missing_to_nan
from bayes_tbm.units import STOCK, check_unit

Array = NDArray[np.float64]
Texts = NDArray[np.str_]

AGE = ("age", "stand.age", "stand_age", "stdage")
DATE = ("date", "year")
_VALUE = ("biomass", "value", "mean", "mean_ha", "agc_mgha", "agb_mgha", "agb", "agbd")
_SD = ("sd", "std", "stdev", "biomass_sd", "agb_sd")
_UNIT = ("unit", "units")
_KIND = ("variable.name", "variables.name", "variable", "variable_name")
"""Names that columns of long tables have, in any case; the last tells what a row is of."""
_TOLD = {"agc_mgha": "Mg C ha-1", "agb_mgha": "Mg ha-1"}
"""Units that the names of columns say."""
_CODES = ("", "na", "nac", "ni", "nra", "nan", "null", "none", "n/a", "-")
"""What stands where nothing is known; NAC, NI and NRA are ForC's."""
MATURE = 999.0
"""Age of stands that are mature and of unknown age, in ForC."""
_SPAN = 2.0 * 1.6448536269514722
"""Standard deviations of a normal between its 5 and 95 %."""
_SHARE = re.compile(r"\s*(\d+\.?\d*|\.\d+)\s*%\s*")
_NO_SD = re.compile(r"(^|[^a-z])(cv|var|variance|pct|percent)([^a-z]|$)|%")
_NO_YEARS = re.compile(r"month|day|decade")
_WIDE = 3.0
"""Errors of so many times the value are more often of another unit than meant."""
_ABOVE, _BELOW = re.compile(r"above|ag[bc]|_ag(_|$)"), re.compile(r"below|root|bg[bc]|_bg(_|$)")


@dataclasses.dataclass(frozen=True, eq=False)
class Stocks:
    """Stocks that a table holds, by age where it has ages; arrays are of shape (row,).

    Attributes
    ----------
    age, date
        Years since the disturbance, or texts of dates; None where no column tells them.
    value, sd
        In ``unit``.
    unit
        As stated.
    """

    age: Array | None
    date: Texts | None
    value: Array
    sd: Array
    unit: str


def read_stocks(
    path: str | Path,
    place: tuple[str, str | None],
    *,
    where: Mapping[str, Any] | None = None,
    value: str | None = None,
    sd: Any = None,
    unit: str | None = None,
    quantity: str = "live_biomass",
) -> Stocks:
    """Read the stocks of some rows of a table.

    Parameters
    ----------
    path
        The file.
    place
        ``age`` or ``date``, and the column of it: None for one of a usual name, an empty one for
        none at all.
    where, value, sd, unit, quantity
        As of `bayes_tbm.GrowthCurve.from_csv`.

    Returns
    -------
    Stocks
        By increasing age, those of one age in the order of the table.

    Raises
    ------
    InputError
        As of `bayes_tbm.GrowthCurve.from_csv`.
    """
    table = Table(path)
    kind, named = place
    placed = "" if named == "" else table.find(kind, named, {"age": AGE, "date": DATE}[kind])
    if kind == "age" and _NO_YEARS.search(placed.lower()):
        raise table.refuse(placed, "must be ages in years", "its name", "make a column of years")
    column = table.find("biomass", value, _VALUE)
    spread = table.sd_columns(sd)
    units = table.held(_UNIT)
    kinds = [name for name in table.held(_KIND) if name not in (placed, column)]
    rows = table.rows(filter(None, [placed, column, *spread, *units, *kinds]), where or {})
    rows = table.usable(rows, column, placed, is_age=kind == "age")
    table.check_kinds(rows, column, kinds, quantity)
    values = table.numbers(rows, column)
    errors = table.sd(rows, values, sd, spread)
    table.check_sizes(values, errors)
    return Stocks(
        age=table.numbers(rows, placed) if placed and kind == "age" else None,
        date=rows[placed].to_numpy(dtype=str) if placed and kind == "date" else None,
        value=values,
        sd=errors,
        unit=table.unit(rows, column, units, unit),
    )


def placed(path: str | Path, age: Any, date: Any) -> tuple[str, str | None, Any]:
    """Tell where the place of a single stock stands.

    Parameters
    ----------
    path
        The file.
    age, date
        A column, the age or the date itself, or None.

    Returns
    -------
    kind : str
        ``age`` or ``date``.
    column : str or None
        As `read_stocks` takes it.
    stated : object
        The age or the date itself; None where a column tells it.

    Raises
    ------
    InputError
        Both age and date are given, or neither is, and no column has a usual name.
    """
    if age is not None and date is not None:
        found = f"age {age}, date {date}"
        raise InputError(where=str(path), rule="needs an age or a date, not both", found=found)
    if age is not None:
        return ("age", age, None) if isinstance(age, str) else ("age", "", age)
    table = Table(path)
    if date is not None:
        is_column = isinstance(date, str) and bool(table.held([date]))
        return ("date", date, None) if is_column else ("date", "", date)
    return ("date" if table.held(DATE) and not table.held(AGE) else "age"), None, None


class Table:
    """A table and what is looked for in it; ``file`` names it in messages."""

    def __init__(self, path: str | Path) -> None:
        self.file = str(path)
        try:
            self.header: Header = read_header(path)
        except OSError as error:
            rule = "must be a readable CSV file"
            raise InputError(where=self.file, rule=rule, found=error) from error

    def refuse(self, variable: str, rule: str, found: Any, remedy: str | None = None) -> InputError:
        """Return the error that something of the table is."""
        return InputError(where=self.file, variable=variable, rule=rule, found=found, remedy=remedy)

    def held(self, names: Iterable[str]) -> list[str]:
        """Columns of some names, in whatever case."""
        wanted = {name.lower() for name in names}
        return [name for name in self.header.names if name.lower() in wanted]

    def find(self, what: str, named: str | None, usual: Sequence[str]) -> str:
        """Return the column that the user named, or the one of a usual name."""
        found = self.held(usual if named is None else [named])
        exact = [name for name in found if name == named]
        if len(exact or found) == 1:
            return (exact or found)[0]
        option = "value" if what == "biomass" else what
        names = ", ".join(self.header.names[:12]) + ", ..." * (len(self.header.names) > 12)
        if found:
            rule, names, usual = "must be one column", ", ".join(found), found
        elif named is None:
            rule = "needs a column"
        else:
            what, rule = str(named), "column is missing"
        alike = nearest(str(named), self.header.names) if named else []
        remedy = f"did you mean {alike[0]}?" if alike else f"name it, as in {option}='{usual[-1]}'"
        raise self.refuse(what, rule, f"columns {names}", remedy)

    def rows(self, names: Iterable[str], where: Any) -> pd.DataFrame:
        """Return columns as text, of the rows where others hold what is wanted."""
        if not isinstance(where, Mapping):
            rule = "must say by column what rows hold, as in {'variable.name': 'biomass_ag'}"
            raise self.refuse("where", rule, repr(where))
        wanted = {self.find(str(name), str(name), (str(name),)): v for name, v in where.items()}
        texts = list(dict.fromkeys((*names, *wanted)))
        frame = pd.DataFrame(read_columns(self.header, (), texts).texts, dtype=object)
        for name, values in wanted.items():
            each = values if isinstance(values, list | tuple | set) else [values]
            keep = np.zeros(len(frame), dtype=bool)
            for one in each:
                keep |= self._holds(frame[name], one)
            frame = frame[keep]
        return frame

    def _holds(self, column: pd.Series[Any], wanted: Any) -> NDArray[np.bool_]:
        number = as_number(wanted)
        text = str(wanted).strip()
        if number is None:
            holds = column == text
        else:
            holds = (column == text) | (pd.to_numeric(column, errors="coerce") == number)
        if not holds.any():
            held = list(dict.fromkeys(column))
            some = ", ".join(nearest(text, held) or held[:8]) + ", ..." * (len(held) > 8)
            raise self.refuse(str(column.name), f"no row holds {wanted!r}", some or "no row")
        return np.asarray(holds, dtype=bool)

    def numbers(self, rows: pd.DataFrame, name: str) -> Array:
        """Return a column as numbers, NaN where a code says that nothing is known."""
        column = rows[name]
        gap = column.str.lower().isin(_CODES).to_numpy(dtype=bool)
        marks = self.header.marks
        if doubt := marks.doubtful(marks.written(column[~gap])):
            row, found, remedy = doubt
            raise self.refuse(name, THOUSANDS, f"{found}, in row {row + 1}", remedy)
        text = marks.pointed(column)
        numbers = pd.to_numeric(text.mask(gap), errors="coerce").to_numpy(dtype=np.float64)
        bad = np.flatnonzero(~np.isfinite(numbers) & ~gap)
        if bad.size:
            rule, found = "must be a number in every row", f"{column.iloc[bad[0]]!r}"
            raise self.refuse(name, rule, f"{found} in row {column.index[bad[0]] + 1}")
        return missing_to_nan(numbers)

    def usable(self, rows: pd.DataFrame, column: str, placed: str, *, is_age: bool) -> pd.DataFrame:
        """Return the rows of known, positive biomass at a known age or date; count the others."""
        value = self.numbers(rows, column)
        left = {"without biomass": np.isnan(value), "of no biomass (0)": value == 0.0}
        order = np.arange(len(rows))
        if placed and is_age:
            age = self.numbers(rows, placed)
            order = np.argsort(age, kind="stable")
            left |= {
                "without an age": np.isnan(age),
                "of age 999 (mature, age unknown)": age == MATURE,
                "of age 0": age == 0.0,
                f"beyond {OLDEST:g} yr": (age > OLDEST) & (age != MATURE),
            }
        elif placed:
            left["without a date"] = rows[placed].str.lower().isin(_CODES).to_numpy(dtype=bool)
        out = np.zeros(len(rows), dtype=bool)
        told = []
        for reason, bad in left.items():
            if (bad & ~out).any():
                told.append(f"{(bad & ~out).sum()} {reason}")
            out |= bad
        if out.all():
            raise self.refuse(column, "must hold a row that can be used", ", ".join(told) or "none")
        if told:
            line = f"{self.file}: rows left out: {', '.join(told)}; {(~out).sum()} are used"
            warnings.warn(line, DataWarning, stacklevel=4)
        return rows.iloc[order[~out[order]]]

    def check_kinds(
        self, rows: pd.DataFrame, column: str, kinds: Sequence[str], quantity: str
    ) -> None:
        """Refuse rows of several variables or of roots; warn of those above ground."""
        names = [column]
        for kind in kinds:
            held = rows[kind].value_counts()
            if len(held) > 1:
                some = ", ".join(f"{name} ({count})" for name, count in list(held.items())[:8])
                remedy = f"choose one: where={{'{kind}': '{held.index[0]}'}}"
                raise self.refuse(kind, "must be of one variable", some, remedy)
            names += list(held.index)
        above = next((n for n in names if _ABOVE.search(n.lower())), None)
        below = next((n for n in names if _BELOW.search(n.lower())), None)
        if below and not above:
            raise self.refuse(column, "must hold more than what is below ground", below)
        if above and not below and quantity == "live_biomass":
            line = (
                f"{self.file}: {above} looks as if it left out what is below ground, and is "
                "compared with all live biomass; give quantity='above_ground' and root_share"
            )
            warnings.warn(line, DataWarning, stacklevel=4)

    def check_sizes(self, value: Array, sd: Array) -> None:
        """Warn of errors that are many times the value."""
        wide = np.flatnonzero((sd > _WIDE * value) & (value > 0.0))
        if wide.size:
            line = (
                f"{self.file}: sd: is more than {_WIDE:g} times the biomass in {wide.size} of "
                f"{len(value)} rows ({sd[wide[0]]:g} of {value[wide[0]]:g}); are both of one unit, "
                "and thousands written without a dot?"
            )
            warnings.warn(line, DataWarning, stacklevel=4)

    def sd_columns(self, sd: Any) -> list[str]:
        """Return the columns that standard deviations come from: none, one or two."""
        if isinstance(sd, list | tuple) and len(sd) == 2:
            return [self.find("sd", str(name), _SD) for name in sd]
        if isinstance(sd, str):
            return [] if _SHARE.fullmatch(sd) else [self.of_sd(self.find("sd", sd, _SD))]
        if sd is not None:
            if finite_number(sd) is None:
                rule = "must be a number, a share such as '10 %', a column, or two of 5 and 95 %"
                raise self.refuse("sd", rule, repr(sd))
            return []
        if not self.held(_SD):
            names = ", ".join(self.header.names[:12])
            remedy = "give it: a column, sd='10 %', a number, or the columns of 5 and 95 %"
            raise self.refuse("sd", "needs a column", f"columns {names}", remedy)
        return [self.find("sd", None, _SD)]

    def of_sd(self, column: str) -> str:
        """Return a column, unless its name says that it holds no standard deviations."""
        if _NO_SD.search(column.lower()) and "sd" not in column.lower():
            raise self.refuse(
                column, "must hold standard deviations, in the unit of the biomass", "its name",
                "make a column sd: the root of a variance, or a share times the biomass",
            )  # fmt: skip
        return column

    def sd(self, rows: pd.DataFrame, value: Array, sd: Any, columns: Sequence[str]) -> Array:
        """Return standard deviations: stated, a share of the value, a column's, an interval's."""
        if len(columns) == 2:
            low, high = (self.numbers(rows, name) for name in columns)
            bad = np.flatnonzero(~(low < high))
            if bad.size:
                found = f"{low[bad[0]]:g} to {high[bad[0]]:g} in row {rows.index[bad[0]] + 1}"
                raise self.refuse("sd", "the 5 % must lie below the 95 %", found)
            return (high - low) / _SPAN
        if columns:
            return self.numbers(rows, columns[0])
        if share := _SHARE.fullmatch(str(sd)):
            return value * (float(share[1]) / 100.0)
        return np.full(value.shape, finite_number(sd))

    def unit(
        self, rows: pd.DataFrame, column: str, units: Sequence[str], stated: str | None
    ) -> str:
        """Return the one unit of all rows: as stated, of a column, or of the biomass's own name."""
        held = set(rows[units[0]]) if len(units) == 1 else set()
        told = _TOLD.get(column.lower())
        if stated:
            self._check_unit(stated, held or {told} - {None})
            return stated
        if len(held) == 1 or (told and not held):
            return str(held.pop() if held else told)
        raise self.refuse(
            "unit", "one unit for all points is needed", ", ".join(sorted(held)) or "none",
            "choose rows of one (where=...), or convert the others" if held else
            "add a column unit, or give it, as in unit='Mg ha-1' (dry matter) or 'Mg C ha-1'",
        )  # fmt: skip

    def _check_unit(self, stated: str, held: Iterable[str | None]) -> None:
        """Refuse a unit that is not the table's own, where that tells one."""
        own = check_unit(stated, STOCK, where=self.file, variable="unit", quantity="live_biomass")
        for one in map(str, held):
            try:
                other = check_unit(one, STOCK, quantity="live_biomass")
            except InputError:
                continue  # what the table says is no unit: the stated one counts
            if not np.isclose(other.factor, own.factor):
                remedy = "leave it out, or mend the table"
                raise self.refuse("unit", f"must be that of the table, {one}", stated, remedy)
