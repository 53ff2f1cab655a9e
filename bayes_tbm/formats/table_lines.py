"""Files that may be tables: what they are, their encoding, and their rows, of one line or more."""

import contextlib
import csv
import io
import itertools
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from bayes_tbm.errors import InputError

_HEAD = 1 << 16
"""Bytes from which kind and encoding are told."""
_MOST = 100
"""Lines of one row, beyond which a quote was left open by mistake."""
_SEPARATORS = ",;\t"
_PACKED = {
    b"PK\x03\x04": "a zip archive", b"\x1f\x8b": "a gzip archive", b"\x89HDF": "netCDF or HDF5",
    b"CDF\x01": "netCDF", b"CDF\x02": "netCDF", b"CDF\x05": "netCDF", b"%PDF": "a PDF",
    b"\xd0\xcf\x11\xe0": "an Excel sheet",
}  # fmt: skip
Lines = Iterator[tuple[int, str]]
"""Numbers from 1, and texts."""


def encoding_of(path: Path) -> str:
    """Return the encoding of a text, as Python names it.

    Raises
    ------
    InputError
        If the file is empty, an archive or no text.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    _refuse_others(path, head)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # A character cut in two at the end of what was read is not an error.
        if error.start < len(head) - 4:
            return "latin-1"
    return "utf-8-sig"


def _refuse_others(path: Path, head: bytes) -> None:
    if not head:
        raise InputError(where=path.name, rule="must be a table", found="an empty file")
    kind = next((kind for magic, kind in _PACKED.items() if head.startswith(magic)), None)
    if kind is None and b"\x00" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        kind = "binary data"
    if kind is None:
        return
    held: list[str] = []
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            held = archive.namelist()
    if any(name.startswith("xl/") for name in held):
        kind = "an Excel sheet"
    remedy = {"an Excel sheet": "save it as CSV", "binary data": None}.get(
        kind, "give a table as text"
    )
    if "archive" in kind:
        some = f" ({', '.join(held[:3])})" if held else ""
        remedy = f"unpack it, and give the table in it{some}"
    raise InputError(where=path.name, rule="must be a table as text", found=kind, remedy=remedy)


@contextlib.contextmanager
def opened(path: Path, encoding: str, skip: int = 0) -> Iterator[tuple[Lines, Callable[[], int]]]:
    """Open a text: its lines, but for the first, and what tells the bytes read so far.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    encoding : str
        From `encoding_of`.
    skip : int, optional
        Lines to leave out.
    """
    with (
        path.open("rb") as raw,
        io.TextIOWrapper(raw, encoding=encoding, errors="replace") as text,
    ):
        yield itertools.islice(enumerate(text, start=1), skip, None), raw.tell


def read_head(lines: Lines, where: str) -> tuple[int, int, str]:
    """Return the row of names: the first that is neither empty nor a comment.

    Parameters
    ----------
    lines : iterator of tuple
        From the first.
    where : str
        File, for messages.

    Returns
    -------
    skipped, first : int
        Lines above it, and above the first row of values.
    text : str

    Raises
    ------
    InputError
        If there is none.
    """
    named = ((n, line) for n, line in lines if line.strip() and line[0] != "#")
    number, line = next(named, (0, ""))
    if not number:
        raise InputError(where=where, rule="must be a table with a header", found="no line")
    whole, first = line, number
    while _open(whole, _SEPARATORS):
        first, more = next(lines, (0, ""))
        if not first or first - number >= _MOST:
            return number - 1, number, line  # a stray quote
        whole += more
    return number - 1, first, whole


def rows_of(lines: Lines, separator: str, where: str) -> Lines:
    """Yield rows and comments: lines that are not empty, joined where quotes hold their ends.

    Parameters
    ----------
    lines : iterator of tuple
        Below the names.
    separator : str
        Between values.
    where : str
        File, for messages.

    Raises
    ------
    InputError
        If a quote is not closed.
    """
    for number, line in lines:
        if not line.strip():
            continue
        row = line
        # An even number of marks may leave one open too, within another value: 5" x,"...
        while line[0] != "#" and '"' in row and _open(row, separator):
            last, more = next(lines, (0, ""))
            if not last or last - number >= _MOST:
                raise InputError(
                    where=where, rule="a quote must be closed", found=f"one open in line {number}",
                    remedy="close it, or take it away",
                )  # fmt: skip
            row += more
        yield number, row


def _open(text: str, separators: str) -> bool:
    """Return whether a quote is open at the end: one that begins a value, without another."""
    if len(separators) == 1:
        with contextlib.suppress(csv.Error):  # several times faster, but strict with other quotes
            next(csv.reader([text], delimiter=separators, strict=True))
            return False
    quoted = rf'(?:^|[{separators}])"[^"]*(?:""[^"]*)*("|\Z)'
    return any(not found.group(1) for found in re.finditer(quoted, text))


def fields(line: str, separator: str) -> list[str]:
    """Return the values of a row."""
    usual = csv.field_size_limit()
    csv.field_size_limit(max(usual, len(line)))  # outlines of Earth Engine are longer
    try:
        return next(csv.reader([line], delimiter=separator), [])
    finally:
        csv.field_size_limit(usual)


def separator_of(line: str) -> str:
    """Return what stands between the values of a row: a comma, a semicolon or a tab."""
    outside = re.sub(r'"[^"]*"', "", line)
    return max(_SEPARATORS, key=outside.count)
