"""Tables as text, read by column, whatever their separator, encoding and line ends."""

import csv
import io
import itertools
import re
import zipfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_tbm.errors import InputError, did_you_mean, nearest
from bayes_tbm.sites.missing import missing_to_nan

_HEAD = 1 << 16
"""Bytes from which separator, encoding and names are told."""
_ROWS = 20_000
"""Rows read at a time, so that memory does not grow with the file."""
_GAPS = ("", "na", "nan", "null", "none", "n/a", "-")
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(e[+-]?\d+)?", re.IGNORECASE)
_PACKED = {
    b"PK\x03\x04": "a zip archive", b"\x1f\x8b": "a gzip archive", b"\x89HDF": "netCDF or HDF5",
    b"CDF\x01": "netCDF", b"CDF\x02": "netCDF", b"%PDF": "a PDF",
    b"\xd0\xcf\x11\xe0": "an xls sheet",
}  # fmt: skip


@dataclass(frozen=True)
class Header:
    """How a table is written, from its beginning.

    Attributes
    ----------
    path : pathlib.Path
        The file.
    names : tuple of str
        Columns, stripped of blanks and quotes.
    separator : str
        Comma, semicolon, tab.
    decimal_comma : bool
        Whether 1,5 is one and a half.
    encoding : str
        As Python names it.
    skipped : int
        Lines before the header: comments that begin with ``#``, and empty ones.
    """

    path: Path
    names: tuple[str, ...]
    separator: str
    decimal_comma: bool
    encoding: str
    skipped: int

    @property
    def where(self) -> str:
        """Name of the file, for messages."""
        return self.path.name

    def require(self, names: Collection[str]) -> None:
        """Refuse a table that lacks a column.

        Raises
        ------
        InputError
            Naming the first that is absent, and what looks like it.
        """
        for name in names:
            if name not in self.names:
                alike = nearest(name, self.names)
                remedy = did_you_mean(name, self.names) if alike else None
                found = ", ".join(self.names[:8]) + ", ..." * (len(self.names) > 8)
                rule = "column is missing"
                raise InputError(
                    where=self.where, variable=name, rule=rule, found=found, remedy=remedy
                )


@dataclass(frozen=True, eq=False)
class Columns:
    """Columns of a table, each of shape (rows,).

    Attributes
    ----------
    numbers : dict of str to numpy.ndarray
        float64, NaN where missing.
    texts : dict of str to numpy.ndarray
        Without blanks at their ends.
    """

    numbers: dict[str, NDArray[np.float64]]
    texts: dict[str, NDArray[np.str_]]


def read_header(path: str | Path) -> Header:
    """Tell how a table is written.

    Raises
    ------
    InputError
        If the file is empty, an archive or no text, or if two columns have one name.
    """
    path = Path(path)
    with path.open("rb") as file:
        head = file.read(_HEAD)
    _refuse_others(path, head)
    encoding = _encoding(head)
    lines = head.decode(encoding, errors="replace").splitlines()
    skipped = next((n for n, line in enumerate(lines) if line.strip() and line[0] != "#"), None)
    if skipped is None:
        raise InputError(where=path.name, rule="must be a table with a header", found="no line")
    separator = max(",;\t", key=lambda mark: _outside_quotes(lines[skipped]).count(mark))
    names = tuple(name.strip().strip('"') for name in _fields(lines[skipped], separator))
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice is not None:
        found = f"{names.count(twice)} of that name"
        rule = "must be a column of its own"
        raise InputError(where=path.name, variable=twice, rule=rule, found=found)
    # The last line of the head may be cut in two, unless it is the file's.
    whole = lines[skipped + 1 : -1 if len(head) == _HEAD else None]
    values = [field for line in whole[:50] for field in _fields(line, separator)]
    comma = any(_DECIMAL_COMMA.fullmatch(field.strip()) for field in values) and separator != ","
    return Header(path, names, separator, comma, encoding, skipped)


def read_columns(
    header: Header,
    numbers: Collection[str],
    texts: Collection[str] = (),
    *,
    progress: bool = False,
) -> Columns:
    """Read some columns of a table, in memory that does not grow with the others.

    Parameters
    ----------
    header : Header
        Of the file.
    numbers, texts : collection of str
        Columns to read as either.
    progress : bool
        Whether to show a bar, by the bytes read.

    Returns
    -------
    Columns

    Raises
    ------
    InputError
        If a column is absent, a value is no number, or a line has more or fewer values than there
        are columns.
    """
    header.require((*numbers, *texts))
    values: dict[str, list[NDArray[np.float64]]] = {name: [np.zeros(0)] for name in numbers}
    words: dict[str, list[NDArray[np.str_]]] = {name: [np.zeros(0, dtype=str)] for name in texts}
    for chunk in _chunks(header, list(dict.fromkeys((*numbers, *texts))), progress=progress):
        for name, numeric in values.items():
            numeric.append(_as_numbers(chunk[name], header, name))
        for name, plain in words.items():
            plain.append(chunk[name].str.strip().to_numpy(dtype=str))
    return Columns(
        {name: np.concatenate(parts) for name, parts in values.items()},
        {name: np.concatenate(parts) for name, parts in words.items()},
    )


def _chunks(header: Header, names: list[str], *, progress: bool) -> Iterator[pd.DataFrame]:
    """Yield some columns of some rows at a time as text, indexed by their line in the file."""
    from tqdm.auto import tqdm

    size = header.path.stat().st_size
    places = [header.names.index(name) for name in names]
    bar = tqdm(total=size, unit="B", unit_scale=True, desc=header.where, disable=not progress,
               delay=1.0)  # fmt: skip
    # Bytes are told by the handle below the text layer, which reads ahead by some kilobytes.
    with header.path.open("rb") as raw, bar:
        text = io.TextIOWrapper(raw, encoding=header.encoding, errors="replace")
        lines = enumerate(text, start=1)
        for _ in range(header.skipped + 1):
            next(lines)
        # Comments may stand between rows too.
        kept = ((n, line) for n, line in lines if line.strip() and line[0] != "#")
        while some := list(itertools.islice(kept, _ROWS)):
            _refuse_ragged(some, header)
            bar.update(raw.tell() - bar.n)
            frame = _parsed("".join(line for _, line in some), places, header)
            frame.index = pd.Index([n for n, _ in some])
            yield frame.rename(columns=dict(zip(places, names, strict=True)))


def _parsed(text: str, places: list[int], header: Header) -> pd.DataFrame:
    try:
        return pd.read_csv(
            io.StringIO(text), sep=header.separator, header=None, usecols=places, dtype=str,
            keep_default_na=False, na_filter=False,
        )  # fmt: skip
    except pd.errors.ParserError as error:
        rule, found = "cannot be read as a table", str(error).strip()
        raise InputError(
            where=header.where, rule=rule, found=found, remedy="is a quote open?"
        ) from error


def _refuse_ragged(lines: list[tuple[int, str]], header: Header) -> None:
    """Refuse lines with more or fewer values than columns, as where a download broke off."""
    for number, line in lines:
        plain = '"' not in line
        count = line.count(header.separator) + 1 if plain else len(_fields(line, header.separator))
        if count != len(header.names):
            raise InputError(
                where=header.where,
                rule="every line must have as many values as there are columns",
                found=f"{count} for {len(header.names)} columns in line {number}",
                remedy="is the file cut short?" if count < len(header.names) else None,
            )


def _as_numbers(column: "pd.Series[str]", header: Header, name: str) -> NDArray[np.float64]:
    text = column.str.strip()
    gap = text.str.lower().isin(_GAPS)
    if header.decimal_comma:
        text = text.str.replace(",", ".", regex=False)
    values = pd.to_numeric(text.mask(gap), errors="coerce").to_numpy(dtype=np.float64)
    bad = np.flatnonzero(np.isnan(values) & ~gap.to_numpy())
    if bad.size:
        raise InputError(
            where=header.where, variable=name, rule="must be a number in every line",
            found=f"{column.iloc[bad[0]]!r} in line {column.index[bad[0]]}",
            remedy="leave the place empty, or write NA or -9999, where there is none",
        )  # fmt: skip
    return missing_to_nan(values)


def _refuse_others(path: Path, head: bytes) -> None:
    if not head:
        raise InputError(where=path.name, rule="must be a table", found="an empty file")
    kind = next((kind for magic, kind in _PACKED.items() if head.startswith(magic)), None)
    if kind is not None:
        held = ""
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                held = ", ".join(archive.namelist()[:3])
        remedy = f"unpack it, and give the table in it{f' ({held})' if held else ''}"
        remedy = remedy if "archive" in kind else "give a table as text"
        raise InputError(where=path.name, rule="must be a table as text", found=kind, remedy=remedy)
    if b"\x00" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(where=path.name, rule="must be a table as text", found="binary data")


def _encoding(head: bytes) -> str:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # A character cut in two at the end of what was read is not an error.
        if error.start < len(head) - 4:
            return "latin-1"
    return "utf-8-sig"


def _fields(line: str, separator: str) -> list[str]:
    return next(csv.reader([line], delimiter=separator), [])


def _outside_quotes(line: str) -> str:
    return re.sub(r'"[^"]*"', "", line)
