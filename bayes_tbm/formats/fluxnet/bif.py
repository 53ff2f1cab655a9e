"""Where towers are, from BIF: the product's table of site, group, variable and value."""

import csv
import itertools
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

from bayes_tbm.errors import InputError
from bayes_tbm.formats.table import Header, read_header
from bayes_tbm.plain import as_number

COLUMNS = ("SITE_ID", "GROUP_ID", "VARIABLE_GROUP", "VARIABLE", "DATAVALUE")
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_LARGEST = 400_000_000
"""Bytes of a sheet, unpacked, beyond which it is no BIF."""


@dataclass(frozen=True)
class Place:
    """Where a tower is.

    Attributes
    ----------
    latitude, longitude : float
        Degrees north and east.
    elevation : float or None
        Metres.
    igbp : str
        Class of vegetation, or nothing.
    """

    latitude: float
    longitude: float
    elevation: float | None = None
    igbp: str = ""


def is_bif(header: Header) -> bool:
    """Return whether a table is a BIF, by its columns.

    Parameters
    ----------
    header : Header
        Of the file.
    """
    return set(COLUMNS) <= {name.upper() for name in header.names}


def read_bif(path: str | Path) -> dict[str, Place]:
    """Read where the towers of a BIF are.

    Parameters
    ----------
    path : str or pathlib.Path
        Text, with commas or semicolons, or xlsx.

    Returns
    -------
    dict of str to Place
        By site; of several locations the newest by LOCATION_DATE_START.

    Raises
    ------
    InputError
        If the file is no BIF, or a coordinate no number.
    """
    path = Path(path)
    rows = _sheet_rows(path) if path.suffix.lower() == ".xlsx" else _text_rows(path)
    head = [name.strip().upper() for name in next(rows, [])]
    missing = next((name for name in COLUMNS if name not in head), None)
    if missing is not None:
        found = ", ".join(head[:6]) or "no line"
        raise InputError(where=path.name, variable=missing, rule="column is missing", found=found)
    places = [head.index(name) for name in COLUMNS]
    return _places((tuple(_cell(row, place) for place in places) for row in rows), path.name)


def _cell(row: list[str], place: int) -> str:
    return row[place].strip() if place < len(row) else ""


def _places(rows: Iterable[tuple[str, ...]], where: str) -> dict[str, Place]:
    groups: dict[tuple[str, str], dict[str, str]] = {}
    classes: dict[str, str] = {}
    for site, group, of, variable, value in rows:
        if of.upper() == "GRP_LOCATION":
            groups.setdefault((site, group), {})[variable.upper()] = value
        elif variable.upper() == "IGBP":
            classes[site] = value
    # A year, a day or a minute: digits sort alike once they are as many.
    newest = sorted(
        groups.items(), key=lambda item: item[1].get("LOCATION_DATE_START", "").ljust(12, "0")
    )
    found = {}
    for (site, _), told in newest:
        if {"LOCATION_LAT", "LOCATION_LONG"} <= set(told):
            latitude = _degrees(told["LOCATION_LAT"], 90.0, where, f"{site} LOCATION_LAT")
            longitude = _degrees(told["LOCATION_LONG"], 180.0, where, f"{site} LOCATION_LONG")
            elevation = _number(told.get("LOCATION_ELEV", ""))
            found[site] = Place(latitude, longitude, elevation, classes.get(site, ""))
    return found


def _number(text: str) -> float | None:
    try:
        return as_number(float(text.replace(",", ".")))
    except ValueError:
        return None


def _degrees(text: str, most: float, where: str, variable: str) -> float:
    value = _number(text)
    if value is None or not abs(value) <= most:
        rule = f"must be degrees within -{most:g} to {most:g}"
        raise InputError(where=where, variable=variable, rule=rule, found=repr(text))
    return value


def _text_rows(path: Path) -> Iterator[list[str]]:
    # Comments of towers hold line ends within quotes, so lines are not rows.
    header = read_header(path)
    with path.open(encoding=header.encoding, errors="replace", newline="") as file:
        lines = itertools.islice(file, header.skipped, None)
        try:
            yield from csv.reader(lines, delimiter=header.separator)
        except csv.Error as error:
            raise InputError(
                where=path.name, rule="cannot be read as a table", found=str(error)
            ) from error


def _sheet_rows(path: Path) -> Iterator[list[str]]:
    """Yield the rows of an xlsx's first sheet as text."""
    try:
        with zipfile.ZipFile(path) as book:
            shared = []
            if "xl/sharedStrings.xml" in book.namelist():
                with book.open(_checked(book, "xl/sharedStrings.xml", path)) as file:
                    shared = [_text(item) for item in _elements(file, "si")]
            with book.open(_checked(book, "xl/worksheets/sheet1.xml", path)) as file:
                for row in _elements(file, "row"):
                    yield _row(row, shared)
    except (zipfile.BadZipFile, ElementTree.ParseError, KeyError, ValueError, IndexError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            where=path.name, rule="cannot be read as xlsx", found=str(error) or None,
            remedy="save it as csv",
        ) from error  # fmt: skip


def _checked(book: zipfile.ZipFile, name: str, path: Path) -> zipfile.ZipInfo:
    part = book.getinfo(name)
    if part.file_size > _LARGEST:
        rule, found = "sheet is too large", f"{part.file_size / 1e6:.0f} MB"
        raise InputError(where=path.name, rule=rule, found=found, remedy="save it as csv")
    return part


def _elements(file: IO[bytes], name: str) -> Iterator[ElementTree.Element]:
    for _, element in ElementTree.iterparse(file):
        if element.tag == _MAIN + name:
            yield element
            element.clear()  # a BIF of all sites has a hundred thousand rows


def _text(element: ElementTree.Element) -> str:
    return "".join(part.text or "" for part in element.iter(_MAIN + "t"))


def _row(row: ElementTree.Element, shared: list[str]) -> list[str]:
    cells: list[str] = []
    for cell in row.iter(_MAIN + "c"):
        place = _column(cell.get("r", ""), len(cells))
        cells += [""] * (place - len(cells))
        value = cell.findtext(_MAIN + "v") or ""
        kind = cell.get("t")
        if kind == "s":
            value = shared[int(value)]
        elif kind == "inlineStr":
            value = _text(cell)
        cells.append(value)
    return cells


def _column(reference: str, default: int) -> int:
    """Return the place of a cell such as ``C12``, from 0; empty cells may be left out."""
    place = 0
    for letter in reference.rstrip("0123456789"):
        place = 26 * place + ord(letter.upper()) - ord("A") + 1
    return max(place - 1, default) if 0 < place <= 1000 else default
