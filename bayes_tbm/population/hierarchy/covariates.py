"""Covariates of sites, checked and as arrays."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_tbm.errors import InputError, did_you_mean
from bayes_tbm.population.site_table import source_of
from bayes_tbm.sites.missing import is_missing

Array = NDArray[np.float64]
MOST_DEGC = 80.0
"""Largest size of a temperature."""
LEAST_RANGE = 0.5
"""K that the temperatures must span within which a threshold is looked for."""
SPARE = 3
"""How many sites more than columns there must be."""
_NUMBER = "must be a finite number everywhere, and no mark of a missing one"


@dataclasses.dataclass(frozen=True, eq=False)
class Covariates:
    """What is known of the sites' surroundings.

    Attributes
    ----------
    coldest
        Mean temperature of the coldest month, degC, (site,).
    cell
        Place of each site's climate cell among `cells`, (site,).
    cells
        Names of the climate cells.
    design
        Further drivers, numbers in standard deviations and categories as 0 and 1, all of mean
        zero, (site, column).
    columns
        Names of the columns.
    """

    coldest: Array
    cell: NDArray[np.int_]
    cells: tuple[str, ...]
    design: Array
    columns: tuple[str, ...]

    @property
    def centre(self) -> float:
        """Mean of the coldest month over sites, degC."""
        return float(self.coldest.mean())

    @property
    def scale(self) -> float:
        """Standard deviation of the coldest month over sites, K."""
        return float(self.coldest.std())

    @property
    def range(self) -> tuple[float, float]:
        """Temperatures, degC, between which 90 % of sites lie: where a threshold can be looked for.

        So that there are sites on both sides, as R's mcp does.
        """
        low, high = np.quantile(self.coldest, [0.05, 0.95])
        return float(low), float(high)


def covariates_of(
    table: pd.DataFrame, sites: Sequence[str], drivers: Sequence[str] = ()
) -> Covariates:
    """Covariates of sites from a table.

    Parameters
    ----------
    table
        Indexed by site: ``coldest`` (degC), ``cell`` (any label), and the drivers.
    sites
        Names, in the order wanted.
    drivers
        Further columns: numbers are standardised, text and truth values become 0 and 1.

    Raises
    ------
    InputError
        A site or a column is missing or there twice, a value is missing or no number, a column does
        not vary, or there are as many columns as sites.
    """
    if own := [name for name in drivers if name in ("coldest", "cell")]:
        raise InputError(
            where="population", variable="drivers", found=own[0],
            rule="must be other columns than those that the population has anyway",
        )  # fmt: skip
    rows = rows_of(table, sites, ["coldest", "cell", *drivers])
    for name in ("coldest", *drivers):
        check_varies(rows, name)
    for name in drivers:
        check_driver(rows, name)
    cell, cells = pd.factorize(labels(rows["cell"]))
    design, columns = design_of(rows[list(drivers)])
    if drivers:
        check_width(design, "drivers")
    return Covariates(_temperatures(rows), cell, tuple(map(str, cells)), design, columns)


def check_range(known: Covariates, where: str) -> None:
    """Refuse to look for a threshold among sites that are all as cold, but for a few.

    Raises
    ------
    InputError
        90 % of the sites lie within less than half a kelvin.
    """
    low, high = known.range
    if high - low < LEAST_RANGE:
        raise InputError(
            where=where, variable="coldest", found=f"{low:.1f} to {high:.1f} degC",
            rule=f"must span {LEAST_RANGE:g} K or more where 90 % of the sites lie, for a "
            "threshold to be looked for", remedy="add sites, or fit constant, linear or smooth",
        )  # fmt: skip


def rows_of(table: pd.DataFrame, sites: Sequence[str], names: Sequence[str]) -> pd.DataFrame:
    """Return what a table knows of sites, in their order.

    Parameters
    ----------
    table
        Indexed by site.
    sites
        Names, in the order wanted.
    names
        Columns.

    Raises
    ------
    InputError
        It is no table, a site or a column is missing or there twice, or a value is missing.
    """
    if not isinstance(table, pd.DataFrame):
        raise InputError(
            where="covariates", rule="must be a pandas.DataFrame with a row a site",
            found=type(table).__name__,
        )  # fmt: skip
    for name in names:
        _check_there_once(table, name)
    index = [str(site) for site in table.index]
    if len(set(index)) < len(index) or (lost := [s for s in sites if s not in index]):
        twice = sorted({site for site in index if index.count(site) > 1})
        raise InputError(
            where=source_of(table), rule="must have one row a site, named by the index",
            found=f"twice {', '.join(twice)}" if twice else f"no row of {', '.join(lost[:5])}",
        )  # fmt: skip
    rows = table.set_axis(index).loc[list(sites), list(names)]
    for name in names:
        if empty := [site for site, gap in rows[name].isna().items() if gap]:
            raise InputError(
                where=source_of(table, name), variable=name, rule="must be given for every site",
                found=f"none for {', '.join(map(str, empty[:5]))}",
            )  # fmt: skip
    return rows


def in_order(table: pd.DataFrame, sites: Sequence[str]) -> pd.DataFrame:
    """Rows of a table for these sites, in their order."""
    return table.set_axis([str(site) for site in table.index]).loc[list(sites)]


def check_varies(rows: pd.DataFrame, name: str) -> None:
    """Refuse a column that is the same everywhere.

    Raises
    ------
    InputError
        It is.
    """
    if labels(rows[name]).nunique() < 2:
        raise InputError(
            where=source_of(rows, name), variable=name, rule="must vary among the sites",
            found=f"{rows[name].iloc[0]} everywhere",
        )  # fmt: skip


def check_driver(rows: pd.DataFrame, name: str) -> None:
    """Refuse a column that is neither of numbers nor of categories.

    Raises
    ------
    InputError
        A number is not finite or stands for a missing one, or there is text among numbers.
    """
    if is_number(rows[name]):
        values = rows[name].to_numpy(float)
        _refuse(rows, name, _NUMBER, ~np.isfinite(values) | is_missing(values))
    elif not pd.api.types.is_bool_dtype(rows[name]):
        plain, meant = _read(rows[name])
        if meant.notna().any():  # text is meant as categories where none of it looks like a number
            _refuse(rows, name, "must be numbers throughout, or words throughout", plain.isna())


def check_width(design: Array, what: str) -> None:
    """Refuse as many columns as there are sites: they explain whatever there is.

    Raises
    ------
    InputError
        There are fewer than three sites more.
    """
    sites, columns = design.shape
    if sites < columns + SPARE:
        raise InputError(
            where="population", variable=what, rule="needs more sites than columns",
            found=f"{columns} columns (a category has one for each name but one), {sites} sites",
        )  # fmt: skip


def is_number(column: pd.Series) -> bool:
    """Whether a column is of numbers, which truth values are not.

    A table that was turned over, or made of rows, has columns of any object: their values tell.
    """
    kinds = pd.api.types
    if column.dtype == object:
        return all(isinstance(value, Real) and not isinstance(value, bool) for value in column)
    return bool(kinds.is_numeric_dtype(column) and not kinds.is_bool_dtype(column))


def labels(column: pd.Series) -> pd.Series:
    """Return categories as words, without blanks around them."""
    return column.astype(str).str.strip()


def _check_there_once(table: pd.DataFrame, name: str) -> None:
    count = list(table.columns).count(name)
    if count == 1:
        return
    rule = "must be named once" if count else "no such column"
    raise InputError(
        where=source_of(table, name), variable=name, rule=rule,
        found=f"{count} of that name" if count else None,
        remedy=None if count else did_you_mean(name, map(str, table.columns)),
    )  # fmt: skip


def _temperatures(rows: pd.DataFrame) -> Array:
    """Coldest months, degC."""
    values: Array = _read(rows["coldest"])[0].to_numpy(float)
    with np.errstate(invalid="ignore"):
        bad = ~(np.abs(values) <= MOST_DEGC)
    _refuse(rows, "coldest", "must be a temperature in degC", bad)
    return values


def _read(column: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Numbers as they are written, and as they may be meant: decimal commas, a typographic minus.

    What is none is NaN.
    """
    if is_number(column):
        return column, column
    text = column.astype(str).str.strip()
    meant = text.str.replace("\N{MINUS SIGN}", "-").str.replace(",", ".")
    return pd.to_numeric(text, errors="coerce"), pd.to_numeric(meant, errors="coerce")


def _refuse(rows: pd.DataFrame, name: str, rule: str, bad: Any) -> None:
    """Refuse a column where any value will not do, and name the first of them."""
    if not (places := np.flatnonzero(bad)).size:
        return
    value, site = rows[name].iloc[places[0]], rows.index[places[0]]
    told = f"{value:.6g}" if isinstance(value, float) else value
    plain, meant = (float(numbers.iloc[places[0]]) for numbers in _read(rows[name]))
    raise InputError(
        where=source_of(rows, name), variable=name, rule=rule, found=f"{told} at {site}",
        remedy=f"write it as {meant:g}" if np.isnan(plain) and np.isfinite(meant) else None,
    )  # fmt: skip


def design_of(table: pd.DataFrame) -> tuple[Array, tuple[str, ...]]:
    """Columns of mean zero (site, column) with their names: numbers scaled, categories as 0, 1."""
    parts: dict[str, Array] = {}
    for name in map(str, table.columns):
        column = table[name]
        if is_number(column):
            values = column.to_numpy(float)
            parts[name] = (values - values.mean()) / values.std()
            continue
        named = labels(column)
        for label in sorted(named.unique())[1:]:
            of_it = (named == label).to_numpy(float)
            parts[f"{name}={label}"] = of_it - of_it.mean()
    columns = tuple(parts)
    design = np.stack(list(parts.values()), axis=1) if parts else np.zeros((len(table), 0))
    return design, columns
