"""Read a table of sites, and tell its columns: options of a site, or what else is known of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from bayes_tbm.errors import InputError, nearest
from bayes_tbm.formats.folder import site_files
from bayes_tbm.population.site_table import read_rows

OPTIONS = ("start", "end", "stand_age", "streams", "observations", "replace")
PLACE = {"latitude": 90.0, "longitude": 180.0}
"""Largest size of each, in degrees."""
TABLES = (
    "uncertainty", "errors", "priors", "constraints", "sampling", "reading", "systematic", "stock",
    "growth_curve",
)  # fmt: skip
"""Tables of an experiment, whose entries are columns as in ``priors.wood_residence_time``."""
STATE_COLUMNS = ("state", "reason", "attempt", "seconds", "rhat", "ess", "divergences", "memory",
                 "folder")  # fmt: skip
"""What a batch tells of each site; no covariate is called so."""
_FILES = ("path", "growth_curve.file", "stock.file", "reading.half_hourly")
_NO_SITES = (".md", ".txt", ".toml")
_NAMED = ("site", "path", *OPTIONS, *PLACE, *TABLES)
_OF_READING = ("first_year", "half_hourly", "fill_co2", "fill_uncertainty")
"""Options of reading that no covariate is called like; of quality, scale and co2 one may be."""
_SHORT = {"lat": "latitude", "lon": "longitude", "long": "longitude", "lng": "longitude"}
_MANGLED = re.compile(r"(.*)\.\d+")


def read_table(sites: str | Path | pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Return a table with a row for each site, and what to call it in messages.

    Raises
    ------
    InputError
        It cannot be read, has no column ``site``, or columns that are neither options nor
        covariates.
    """
    if isinstance(sites, pd.DataFrame):
        return _checked(sites, "sites"), "sites"
    path = Path(sites)
    if path.is_dir():
        return _of_folder(path), str(path)
    table = _checked(_read(path), str(path))
    for column in _FILES:  # they lie beside the table
        if column in table:
            table[column] = [_beside(path.parent, cell) for cell in table[column]]
    if "observations" in table:
        cells = [names_in(cell, path.parent) for cell in table["observations"]]
        table["observations"] = pd.Series(cells, table.index, dtype=object)
    return table, str(path)


def _of_folder(path: Path) -> pd.DataFrame:
    files = sorted(f for f in path.iterdir() if f.is_file() and not f.name.startswith("."))
    found = site_files(f for f in files if f.suffix.lower() not in _NO_SITES)
    if not found:
        raise InputError(where=str(path), rule="must hold files of sites", found="none")
    return pd.DataFrame([(name, str(file)) for name, file in found], columns=["site", "path"])


def _read(path: Path) -> pd.DataFrame:
    try:
        return read_rows(path, comment="#", skipinitialspace=True, dtype={"site": str})
    except pd.errors.ParserWarning as error:
        raise InputError(
            where=str(path), rule="rows must have as many cells as the first line has columns",
            found="more cells", remedy=_remedy(path),
        ) from error  # fmt: skip
    except (OSError, ValueError) as error:
        raise InputError(
            where=str(path), rule="must be a readable CSV with a row for each site", found=error,
            remedy="or name a folder of site files",
        ) from error  # fmt: skip


def _remedy(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as file:
        if ";" in next((line for line in file if not line.startswith("#")), ""):
            return "separate cells by commas, and write numbers with points: these are semicolons"
    return "remove commas at the ends of rows, or quote cells with one"


def _checked(table: pd.DataFrame, where: str) -> pd.DataFrame:
    table = table.rename(columns=lambda name: str(name).strip())
    if "site" not in table or not len(table):
        raise InputError(
            where=where, variable="site", rule="must be a column, with a row for each site",
            found=f"{len(table)} rows, columns {', '.join(table.columns)}",
            remedy="the first line names the columns in lower case, with commas between them",
        )  # fmt: skip
    for column in table.columns:
        if fault := _fault(column, list(table.columns)):
            raise InputError(where=where, variable=column, rule=fault)
    return table


def _fault(column: str, columns: list[str]) -> str | None:
    """Return what is wrong with the name of a column, if anything is."""
    if not column or column.startswith("Unnamed:"):
        return "a column must have a name"
    mangled = _MANGLED.fullmatch(column)  # as pandas calls the second of a name
    if columns.count(column) > 1 or (mangled and mangled[1].strip() in columns):
        return "a column must be named once"
    if column in STATE_COLUMNS:
        return "is what a batch tells of its sites: give the covariate another name"
    if column in TABLES:
        return f"needs an entry, as in {column}.NAME"
    table, dot, _ = column.partition(".")
    if column in _NAMED or (dot and table in TABLES):
        return None
    if column in _OF_READING:
        return f"is an option of reading: call it reading.{column}"
    if column.lower() in _SHORT:
        return f"is no option: did you mean {_SHORT[column.lower()]}? Else give it another name"
    meant = _meant(table, TABLES) if dot else _meant(column, _NAMED)
    return f"is no option: did you mean {meant}{'.NAME' * bool(dot)}?" if meant else None


def _meant(name: str, known: Iterable[str]) -> str | None:
    """Return the option that a name is nearly, if there is one."""
    plain = re.sub(r"[^a-z]+", "_", name.lower())
    begun = [each for each in TABLES[:5] if plain.startswith(f"{each}_")]
    alike = [each for each in nearest(plain, known) if _alike(plain, each)]
    return next(iter([*alike, *begun]), None)


def _alike(name: str, option: str) -> bool:
    """Whether names differ by a letter at the end, or in nothing but how they are written."""
    return name == option or name in (f"{option}s", option.rstrip("s"), f"{option}_")


def names_in(cell: Any, folder: Path = Path()) -> Any:
    """Return the names that a cell lists, with ; or , between them, or as a list; else the cell.

    Parameters
    ----------
    cell
        Of a table. A file whose name has a comma is one name.
    folder
        Where files may lie.
    """
    if isinstance(cell, str):
        whole = (folder / cell.strip()).is_file()
        cell = [cell] if whole else cell.replace(",", ";").split(";")
    elif not pd.api.types.is_list_like(cell):
        return cell
    found = (_beside(folder, str(part)) for part in cell)
    return tuple(name for name in found if name)


def _beside(folder: Path, cell: Any) -> Any:
    """Return the file of this name in a folder, if there is one, else the name."""
    if not isinstance(cell, str):
        return cell
    name = cell.strip()
    return str(folder / name) if name and (folder / name).is_file() else name
