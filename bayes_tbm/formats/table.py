"""Tables as text, read by column, whatever their separator, encoding and line ends."""

import io
import itertools
import re
import warnings
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_tbm.errors import DataWarning, InputError, did_you_mean, nearest
from bayes_tbm.formats.numerals import (
    MARKED,
    THOUSANDS,
    Marks,
    Written,
    is_marked,
    marks_of,
)
from bayes_tbm.formats.table_lines import (
    Lines,
    encoding_of,
    fields,
    opened,
    read_head,
    rows_of,
    separator_of,
)
from bayes_tbm.sites.missing import missing_to_nan

_ROWS = 20_000
"""Rows read at a time, so that memory does not grow with the file."""
_GAPS = ("", "na", "nan", "null", "none", "n/a", "-")


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
    marks : Marks
        What comma and dot mean in numbers.
    encoding : str
        As Python names it.
    skipped : int
        Lines before the header: comments that begin with ``#``, and empty ones.
    first : int
        Lines before the first row of values: these, and those of the header itself.
    """

    path: Path
    names: tuple[str, ...]
    separator: str
    marks: Marks
    encoding: str
    skipped: int
    first: int

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
    encoding = encoding_of(path)
    with opened(path, encoding) as (lines, _):
        skipped, first, line = read_head(lines, path.name)
    separator = separator_of(line)
    words = (name.strip().strip('"') for name in fields(line.rstrip("\n"), separator))
    names = tuple(re.sub(r"\s*\n\s*", " ", name) for name in words)
    counts = Counter(names)
    twice = next((name for name in names if name and counts[name] > 1), None)
    if twice is not None:
        found = f"{counts[twice]} of that name"
        rule = "must be a column of its own"
        raise InputError(where=path.name, variable=twice, rule=rule, found=found)
    with opened(path, encoding, first) as (lines, _):
        marks = marks_of(separator, (line for _, line in lines))
    return Header(path, names, separator, marks, encoding, skipped, first)


def read_rows(header: Header) -> Lines:
    """Yield the rows of a table as text with the number of their first line, without comments.

    Parameters
    ----------
    header : Header
        Of the file.

    Warns
    -----
    DataWarning
        Comments have as many values as rows.
    """
    with opened(header.path, header.encoding, header.first) as (lines, _):
        yield from _rows(header, lines)


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
    held = {name: Written() for name in numbers}
    for chunk in _chunks(header, list(dict.fromkeys((*numbers, *texts))), progress=progress):
        for name, numeric in values.items():
            of_chunk, held[name] = _as_numbers(chunk[name], header, name, held[name])
            numeric.append(of_chunk)
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
    with opened(header.path, header.encoding, header.first) as (lines, tell), bar:
        rows = _rows(header, lines)
        while some := list(itertools.islice(rows, _ROWS)):
            _refuse_ragged(some, header)
            bar.update(tell() - bar.n)
            frame = _parsed("".join(line for _, line in some), places, header)
            frame.index = pd.Index([n for n, _ in some])
            yield frame.rename(columns=dict(zip(places, names, strict=True)))


def _rows(header: Header, lines: Lines) -> Lines:
    alike = []
    for number, row in rows_of(lines, header.separator, header.where):
        if row[0] != "#":
            yield number, row
        elif len(header.names) > 1 and _width(row, header) == len(header.names):
            alike.append(number)
    if alike:
        told = (
            f"{header.where}: lines that begin with # are left out as comments: {len(alike)} have "
            f"as many values as columns, the first is line {alike[0]}: if they are rows, put what "
            "begins with # in quotes"
        )
        warnings.warn(told, DataWarning, stacklevel=5)


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


def _width(row: str, header: Header) -> int:
    if '"' in row:
        return len(fields(row, header.separator))
    return row.count(header.separator) + 1


def _refuse_ragged(lines: list[tuple[int, str]], header: Header) -> None:
    """Refuse lines with more or fewer values than columns, as where a download broke off."""
    for number, line in lines:
        count = _width(line, header)
        if count != len(header.names):
            raise InputError(
                where=header.where,
                rule="every line must have as many values as there are columns",
                found=f"{count} for {len(header.names)} columns in line {number}",
                remedy="is the file cut short?" if count < len(header.names) else None,
            )


def _as_numbers(
    column: "pd.Series[str]", header: Header, name: str, above: Written
) -> tuple[NDArray[np.float64], Written]:
    """Return numbers of some rows, and how those of the column are written down to these."""
    text = column.str.strip()
    gap = text.str.lower().isin(_GAPS)
    held = header.marks.written(text[~gap], above)
    if doubt := header.marks.doubtful(held):
        line, found, remedy = doubt
        found = f"{found}, in line {line}"
        raise InputError(
            where=header.where, variable=name, rule=THOUSANDS, found=found, remedy=remedy
        )
    text = header.marks.pointed(text)
    values = pd.to_numeric(text.mask(gap), errors="coerce").to_numpy(dtype=np.float64)
    bad = np.flatnonzero(~np.isfinite(values) & ~gap.to_numpy())
    if bad.size:
        wrong = str(column.iloc[bad[0]])
        remedy = "leave the place empty, or write NA or -9999, where there is none"
        raise InputError(
            where=header.where, variable=name, rule="must be a number in every line",
            found=f"{wrong!r} in line {column.index[bad[0]]}",
            remedy=MARKED if is_marked(wrong) else remedy,
        )  # fmt: skip
    return missing_to_nan(values), held
