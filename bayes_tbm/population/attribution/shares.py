"""Shares of groups of drivers in the variance between sites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.population.attribution.shapley import shapley, subsets
from bayes_tbm.population.hierarchy.covariates import (
    SPARE,
    check_driver,
    check_varies,
    check_width,
    design_of,
    labels,
    rows_of,
)
from bayes_tbm.population.settings import name_list

Array = NDArray[np.float64]
GROUPS = {
    "winter temperature": ("coldest",),
    "growing-season temperature": ("warmest",),
    "moisture": ("precipitation",),
    "soil": ("soil",),
    "stand": ("cover", "managed"),
}
"""Groups of drivers and their columns; those that a table has are used."""
REST = ("shared", "total")
"""Rows of the table that are no groups."""


def groups_in(table: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """Choose the groups whose columns a table has, those left out that will not do."""
    left_out = columns_left_out(table)
    kept = {n: tuple(c for c in _there(table, n) if c not in left_out) for n in GROUPS}
    return {name: columns for name, columns in kept.items() if columns}


def columns_left_out(table: pd.DataFrame) -> dict[str, str]:
    """Columns of `GROUPS` that cannot explain differences between these sites, and why.

    Parameters
    ----------
    table
        A row a site.

    Returns
    -------
    dict of str
        Reason by column: a value is missing, all are alike, or there are too few sites for it
        beside those before it.
    """
    found, width = {}, 0
    for name in (column for group in GROUPS for column in _there(table, group)):
        column = table[name].replace([np.inf, -np.inf], np.nan)
        if gaps := int(column.isna().sum()):
            found[name] = f"missing at {gaps} of {len(table)} sites"
        elif column.nunique() < 2:
            found[name] = "the same at all sites"
        elif len(table) < width + (more := design_of(table[[name]])[0].shape[1]) + SPARE:
            found[name] = "too few sites"
        else:
            width += more
    return found


def _there(table: pd.DataFrame, group: str) -> tuple[str, ...]:
    return tuple(column for column in GROUPS[group] if column in table)


def checked_groups(
    groups: Mapping[str, Sequence[str]] | None, table: pd.DataFrame
) -> dict[str, tuple[str, ...]]:
    """Return groups of drivers, by default those of a table that will do.

    Parameters
    ----------
    groups
        Columns by group.
    table
        A row a site, with these columns.

    Raises
    ------
    InputError
        They are not lists of columns by name, a column is missing, in two groups, or one that no
        driver can be, or there are as many columns as sites.
    """
    if not groups and (groups is None or isinstance(groups, Mapping)):
        chosen = groups_in(table)
    else:
        chosen = named_groups(groups)
    columns = [column for of_it in chosen.values() for column in of_it]
    name_list("groups", columns, "population")  # none in two of them
    rows = rows_of(table, [str(site) for site in table.index], columns)
    for name in columns:
        check_varies(rows, name)
        check_driver(rows, name)
    if len(chosen) > 1:  # shares of one are not told
        check_width(design_of(rows)[0], "groups")
    return chosen


def named_groups(groups: Any, where: str = "population") -> dict[str, tuple[str, ...]]:
    """Return groups as they are given: columns by name, one or more in each.

    Raises
    ------
    InputError
        They are not.
    """
    if not isinstance(groups, Mapping):
        raise InputError(
            where=where, variable="groups", rule="must be lists of columns by group",
            found=repr(groups), remedy='write for example winter = ["coldest"] under [groups]',
        )  # fmt: skip
    inside = f"{where}: groups"
    chosen = {str(name): name_list(str(name), of_it, inside) for name, of_it in groups.items()}
    for name, of_it in chosen.items():
        if not of_it or name in REST:
            raise InputError(
                where=inside, variable=name,
                rule=f"must have a column or more, and no name of the table's ({', '.join(REST)})",
                found=", ".join(of_it) or "no column",
            )  # fmt: skip
    return chosen


def driver_shares(
    phi: Array,
    covariates: pd.DataFrame,
    groups: Mapping[str, Sequence[str]] | None = None,
    *,
    permutations: int = 200,
    seed: int = 0,
) -> pd.DataFrame:
    """Share of the variance between sites that each group of drivers explains.

    R2, adjusted for the number of columns, of every draw of the sites on every set of groups; a
    group's share is what it adds, averaged over the orders of adding (LMG, which is Shapley's
    value: Lindeman, Merenda & Gold 1980). What it adds to all others is its own alone; the rest
    of the total cannot be told apart.

    Parameters
    ----------
    phi
        Joint draws of the first coordinate of these sites, (draw, site), from a population that
        does not itself lean on the drivers: mean constant.
    covariates
        A row a site in the order of ``phi``, with a column ``cell`` and those of the groups.
    groups
        Columns by group; by default those of `GROUPS` that there are.
    permutations
        Of the drivers, for the null: their means among climate cells, and how sites differ from
        them within cells.
    seed
        Of the permutations.

    Returns
    -------
    pandas.DataFrame
        By group, then ``shared`` (explained, but not by one group alone) and ``total``: median,
        ``q05`` and ``q95`` of the ``share``, the median ``unique`` part, ``largest`` (probability
        that the group is), and ``null_q95``, which 5 % of permuted drivers exceed.

    Raises
    ------
    InputError
        A column is missing or no driver, or there are as many columns as sites.
    """
    chosen = checked_groups(groups, covariates)
    told = rows_of(covariates, [str(site) for site in covariates.index], ["cell"])["cell"]
    designs = {name: design_of(covariates[list(of_it)])[0] for name, of_it in chosen.items()}
    shares, unique, total = _shares(phi, designs)
    rng = np.random.default_rng(seed)
    cells = pd.factorize(labels(told))[0]
    null = []
    for number in range(permutations):
        moved = _permuted(designs, cells, rng)
        null.append(_shares(phi[number % len(phi)][None], moved))
    return _table(list(chosen), shares, unique, total, null)


def _table(
    names: list[str],
    shares: Array,
    unique: Array,
    total: Array,
    null: list[tuple[Array, Array, Array]],
) -> pd.DataFrame:
    values = np.concatenate([shares, (total - unique.sum(1))[:, None], total[:, None]], axis=1)
    q05, median, q95 = np.quantile(values, [0.05, 0.5, 0.95], axis=0)
    permuted = np.concatenate(
        [np.concatenate([s, (t - u.sum(1))[:, None], t[:, None]], axis=1) for s, u, t in null]
    )
    winners = np.bincount(shares.argmax(axis=1), minlength=len(names)) / len(shares)
    blank = [np.nan, np.nan]
    return pd.DataFrame(
        {
            "share": median,
            "q05": q05,
            "q95": q95,
            "unique": [*np.median(unique, axis=0), *blank],
            "largest": [*winners, *blank],
            "null_q95": np.quantile(permuted, 0.95, axis=0),
        },
        index=pd.Index([*names, *REST], name="group"),
    )


def _shares(phi: Array, designs: Mapping[str, Array]) -> tuple[Array, Array, Array]:
    """LMG shares and unique parts (draw, group), and adjusted R2 of all (draw,)."""
    names = list(designs)
    explained = {
        subset: _adjusted_r2(phi, [designs[n] for n in names if n in subset])
        for subset in subsets(names)
    }
    everything = frozenset(names)
    unique = [explained[everything] - explained[everything - {name}] for name in names]
    return shapley(explained, names), np.stack(unique, axis=1), explained[everything]


def _adjusted_r2(phi: Array, designs: Sequence[Array]) -> Array:
    """Compute the adjusted R2 (draw,) of every row of phi on columns and an intercept."""
    sites = phi.shape[1]
    if not designs:
        return np.zeros(len(phi))
    columns = np.column_stack([np.ones(sites), *designs])
    basis, values, _ = np.linalg.svd(columns, full_matrices=False)
    basis = basis[:, values > 1e-10 * values[0]]
    centred = phi - phi.mean(axis=1, keepdims=True)
    total = np.sum(centred**2, axis=1)
    left = total - np.sum((centred @ basis) ** 2, axis=1)
    return np.asarray(1.0 - (left / (sites - basis.shape[1])) / (total / (sites - 1)))


def _permuted(
    designs: Mapping[str, Array], cells: NDArray[np.int_], rng: np.random.Generator
) -> dict[str, Array]:
    """Drivers by group once cells have changed their means, and the sites of each their rests.

    So a column that is the same all over a cell stays so, and one that varies within does not
    become a column of cells.
    """
    order = rng.permutation(cells.max() + 1)
    # sites of one cell stay there, in another order
    within = np.empty(len(cells), dtype=int)
    within[np.argsort(cells, kind="stable")] = np.lexsort((rng.random(len(cells)), cells))
    found = {}
    for name, design in designs.items():
        means = np.stack([design[cells == cell].mean(axis=0) for cell in range(len(order))])
        found[name] = means[order][cells] + (design - means[cells])[within]
    return found
