"""Tables of what is known of sites: the manifest of a batch, and columns beside it."""

from __future__ import annotations

import csv
import io
import itertools
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.io.common import get_handle

from bayes_tbm.errors import DataWarning, InputError

SOURCES = "files"
"""Entry of a table's ``attrs``: the file of each column, and of the table under an empty name."""
NEEDED = ("coldest", "cell")


def read_table(
    path: str | Path, sites: Sequence[str], *, comment: str | None = None, remedy: str | None = None
) -> pd.DataFrame:
    """Read what a table knows of sites.

    Parameters
    ----------
    path
        CSV with a column ``site`` and a row for each of them.
    sites
        Names, in the order wanted.
    comment
        What begins a comment; nothing by default.
    remedy
        What to do where there is no such table.

    Returns
    -------
    pandas.DataFrame
        By site; ``attrs`` tell messages where it came from.

    Raises
    ------
    InputError
        It cannot be read, a site or a column is there twice, or a site is missing.
    """
    table = read_all(path, comment=comment, remedy=remedy)
    if lost := [site for site in sites if site not in table.index]:
        raise InputError(
            where=str(path), variable="site", rule="must have a row for every site",
            found=f"none for {', '.join(lost[:5])}", remedy=remedy,
        )  # fmt: skip
    return table.loc[list(sites)]


def read_all(
    path: str | Path, *, comment: str | None = None, remedy: str | None = None
) -> pd.DataFrame:
    """Read all rows of a table of sites, as `read_table` reads some."""
    table = _read(path, comment, remedy)
    if "site" not in table:
        raise InputError(
            where=str(path), variable="site", rule="must be a column, with a row for each site",
            found=", ".join(map(str, table.columns)), remedy=remedy,
        )  # fmt: skip
    _refuse_twice(path, table)
    table = table.set_index("site")
    table.attrs[SOURCES] = {"": str(path)}
    return table


def source_of(table: pd.DataFrame, name: str = "") -> str:
    """Return the file that a column came from, where its reader has noted it in ``attrs``."""
    files = table.attrs.get(SOURCES, {})
    return str(files.get(name, files.get("", "covariates")))


def with_columns_of(known: pd.DataFrame, path: str) -> pd.DataFrame:
    """Put columns of another table beside those that are known, or in their place.

    Parameters
    ----------
    known
        By site.
    path
        CSV; lines may be comments, after #.

    Raises
    ------
    InputError
        It cannot be read, a site is missing, or a column has almost the name of one that is known.
    """
    more = read_table(path, [str(site) for site in known.index], comment="#")
    usual = {name.lower(): name for name in (*map(str, known.columns), *NEEDED)}
    for name in map(str, more.columns):
        meant = usual.get(name.strip().lower(), name)
        if meant != name and meant not in more:
            raise InputError(
                where=path, variable=repr(name), rule="is almost the name of a column that is used",
                remedy=f"did you mean {meant}? call it so, or something else",
            )  # fmt: skip
    joined = known.drop(columns=more.columns, errors="ignore").join(more)
    before = source_of(known)
    joined.attrs[SOURCES] = {**dict.fromkeys(known.columns.difference(more.columns), before),
                             **dict.fromkeys(more.columns, path), "": path}  # fmt: skip
    return joined


def read_rows(path: str | Path, *, comment: str | None = None, **how: Any) -> pd.DataFrame:
    """Read a CSV whose rows are no longer than its first line.

    Parameters
    ----------
    path
        The file.
    comment
        What lines begin with that are not read; within a line, or in a line of a quoted cell, it is
        a letter as any other.
    **how
        Of `pandas.read_csv`.

    Raises
    ------
    pandas.errors.ParserWarning
        A row is longer: pandas would leave out what is beyond, and warn.

    Warns
    -----
    DataWarning
        Comments have as many cells as the first line has columns.
    """
    alike: list[int] = []
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        if comment is None:
            return pd.read_csv(path, index_col=False, encoding="utf-8-sig", **how)
        with get_handle(path, "r", encoding="utf-8-sig", compression="infer") as file:
            blank = bool(how.get("skipinitialspace"))
            kept = list(_without_comments(file.handle, comment, alike, blank=blank))
        table = pd.read_csv(io.StringIO("".join(kept)), index_col=False, **how)
    if alike:
        told = (
            f"{path}: lines that begin with {comment} are left out as comments: {len(alike)} have "
            f"as many cells as columns, the first is line {alike[0]}: if they are rows, put what "
            f"begins with {comment} in quotes"
        )
        warnings.warn(told, DataWarning, stacklevel=2)
    return table


def _without_comments(
    lines: Iterable[str], comment: str, alike: list[int], *, blank: bool
) -> Iterator[str]:
    """Yield lines but those that begin with a comment, none of which is in a quoted cell.

    Comments below the first row that have as many cells are put in ``alike``, by their numbers.
    """
    row: list[str] = []
    number = width = 0

    def recorded() -> Iterator[str]:
        nonlocal number
        for line in lines:
            number += 1
            row.append(line)
            yield line

    def cells(of: Iterable[str]) -> int:
        try:
            return len(next(csv.reader(of, skipinitialspace=blank), ()))
        except csv.Error as error:
            raise ValueError(str(error)) from error

    left = recorded()
    for line in left:
        if not line.lstrip().startswith(comment):
            count = cells(itertools.chain([line], left))
            width = width or count
            yield from row
        elif width > 1 and line.count(",") >= width - 1 and cells([line]) == width:
            alike.append(number)
        row.clear()


def _read(path: str | Path, comment: str | None, remedy: str | None) -> pd.DataFrame:
    """Return a table as it is, without columns that are nothing but commas."""
    try:
        table = read_rows(path, converters={"site": str.strip}, comment=comment)
    except (OSError, ValueError, TypeError, pd.errors.ParserWarning) as error:
        raise InputError(
            where=str(path), rule="must be a readable CSV with a column site", found=error,
            remedy=remedy,
        ) from error  # fmt: skip
    empty = [
        name for name in table if str(name).startswith("Unnamed:") and table[name].isna().all()
    ]
    return table.drop(columns=empty)


def _refuse_twice(path: str | Path, table: pd.DataFrame) -> None:
    """Refuse a column or a site that is there twice; pandas calls such a column name.1."""
    columns = [str(name) for name in table if str(name).removesuffix(".1") != name]
    again = [name.removesuffix(".1") for name in columns if name.removesuffix(".1") in table]
    sites = sorted(set(table["site"][table["site"].duplicated()]) - {""})
    for variable, twice in (("columns", again), ("site", sites)):
        if twice:
            raise InputError(
                where=str(path), variable=variable, rule="must be named once each",
                found=f"{', '.join(twice[:5])} more than once",
            )  # fmt: skip
