"""Covariates of sites, checked and as arrays."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_tbm.errors import InputError, did_you_mean

Array = NDArray[np.float64]


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
        A site or a column is missing, a value is missing, or a column does not vary.
    """
    names = ["coldest", "cell", *drivers]
    if missing := [name for name in names if name not in table.columns]:
        raise InputError(
            where="covariates", variable=missing[0], rule="no such column",
            remedy=did_you_mean(missing[0], map(str, table.columns)),
        )  # fmt: skip
    index = [str(site) for site in table.index]
    if len(set(index)) < len(index) or (lost := [s for s in sites if s not in index]):
        twice = sorted({site for site in index if index.count(site) > 1})
        raise InputError(
            where="covariates", rule="must have one row a site, named by the index",
            found=f"twice {', '.join(twice)}" if twice else f"no row of {', '.join(lost[:5])}",
        )  # fmt: skip
    rows = table.set_axis(index).loc[list(sites), names]
    for name in names:
        if empty := [site for site, gap in rows[name].isna().items() if gap]:
            raise InputError(
                where="covariates", variable=name, rule="must be given for every site",
                found=f"none for {', '.join(map(str, empty[:5]))}",
            )  # fmt: skip
        if name != "cell" and rows[name].nunique() < 2:
            raise InputError(
                where="covariates", variable=name, rule="must vary among the sites",
                found=f"{rows[name].iloc[0]} everywhere",
            )  # fmt: skip
    coldest = pd.to_numeric(rows["coldest"], errors="coerce").to_numpy(float)
    if not np.isfinite(coldest).all() or np.abs(coldest).max() > 80.0:
        raise InputError(
            where="covariates", variable="coldest", rule="must be a temperature in degC",
            found=rows["coldest"].iloc[int(np.nanargmax(np.abs(coldest)))],
        )  # fmt: skip
    cell, cells = pd.factorize(rows["cell"].astype(str))
    design, columns = design_of(rows[list(drivers)])
    return Covariates(coldest, cell, tuple(map(str, cells)), design, columns)


def design_of(table: pd.DataFrame) -> tuple[Array, tuple[str, ...]]:
    """Columns of mean zero (site, column) with their names: numbers scaled, categories as 0, 1."""
    parts: dict[str, Array] = {}
    for name in map(str, table.columns):
        column = table[name]
        if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
            values = column.to_numpy(float)
            parts[name] = (values - values.mean()) / values.std()
            continue
        labels = column.astype(str)
        for label in sorted(labels.unique())[1:]:
            of_it = (labels == label).to_numpy(float)
            parts[f"{name}={label}"] = of_it - of_it.mean()
    columns = tuple(parts)
    design = np.stack(list(parts.values()), axis=1) if parts else np.zeros((len(table), 0))
    return design, columns
