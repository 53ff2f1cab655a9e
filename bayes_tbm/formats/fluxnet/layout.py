"""What a table of the FLUXNET family is, told from its columns and its first stamp."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bayes_tbm.errors import InputError
from bayes_tbm.formats.table import Header, read_rows
from bayes_tbm.formats.table_lines import fields

Resolution = Literal["sub-daily", "daily", "weekly", "monthly", "yearly"]
STAMPS = ("TIMESTAMP_START", "TIMESTAMP_END", "TIMESTAMP")
_OURS = re.compile(
    r"(TA|SW_IN|LW_IN|VPD|PA|P|WS|CO2|LE|H|G)_F(_MDS)?|(NEE|(GPP|RECO)_(NT|DT))_[CV]UT_\w+"
)
_UNFILLED = re.compile(r"(FC|NEE|LE|H|TA|CO2|SW_IN|USTAR)(_PI)?(_F)?(_\d+_\d+_(\d+|A))?")
_PLAIN: dict[int, Resolution] = {8: "daily", 6: "monthly", 4: "yearly"}
_BOUNDED: dict[int, Resolution] = {12: "sub-daily", 8: "weekly"}
_PRODUCT = "give the daily and the half-hourly file (DD and HH or HR) of the FLUXNET product"


@dataclass(frozen=True)
class Layout:
    """A table of the family: how it is written and how long its steps are.

    Attributes
    ----------
    header : Header
        Of the file.
    names : mapping of str to str
        Columns as written, by their names in capitals.
    resolution : str
        Of its steps; half-hours and hours are told apart by their stamps.
    digits : int
        Of a stamp.
    """

    header: Header
    names: Mapping[str, str]
    resolution: Resolution
    digits: int

    @property
    def product(self) -> str:
        """``'FULLSET'`` where there are percentiles of the u* threshold, else ``'SUBSET'``."""
        full = any(re.fullmatch(r"NEE_[CV]UT_(05|16|84|95)", name) for name in self.names)
        return "FULLSET" if full else "SUBSET"


def is_fluxnet(header: Header) -> bool:
    """Tell a table of the FLUXNET family, or of unfilled half-hours, which the reader refuses.

    Parameters
    ----------
    header : Header
        Of the file, from `bayes_tbm.formats.table.read_header`.

    Returns
    -------
    bool
    """
    names = [name.upper() for name in header.names]
    if not set(names) & set(STAMPS):
        return False
    return any(_OURS.fullmatch(name) for name in names) or _unlike(header, names) is not None


def read_layout(header: Header) -> Layout:
    """Tell columns and resolution.

    Raises
    ------
    InputError
        If the table is of another family, is unfilled, or its stamps are of no known form.
    """
    capitals = [name.upper() for name in header.names]
    where = header.where
    unlike = _unlike(header, capitals)
    if unlike is not None:
        raise InputError(
            where=where, rule="must be of the FLUXNET product", found=unlike, remedy=_PRODUCT
        )
    twice = next((name for name in capitals if name and capitals.count(name) > 1), None)
    if twice is not None:
        rule, found = "must be a column of its own", "two that differ in capitals only"
        raise InputError(where=where, variable=twice, rule=rule, found=found)
    names = dict(zip(capitals, header.names, strict=True))
    if not any(_OURS.fullmatch(name) for name in capitals):
        found, rule = ", ".join(header.names[:6]), "holds no column of the FLUXNET product"
        raise InputError(where=where, rule=rule, found=found, remedy=_PRODUCT)
    stamp = next((name for name in STAMPS if name in names), None)
    if stamp is None:
        header.require(["TIMESTAMP"])
        raise AssertionError("unreachable")
    first = _first_value(header, names[stamp]).removesuffix(".0")
    known = _PLAIN if stamp == "TIMESTAMP" else _BOUNDED
    if not (first.isdecimal() and len(first) in known):
        raise _bad_stamp(where, stamp, first)
    return Layout(header, names, known[len(first)], len(first))


def _bad_stamp(where: str, stamp: str, first: str) -> InputError:
    digits = "YYYYMMDD, YYYYMM or YYYY" if stamp == "TIMESTAMP" else "YYYYMMDDHHMM or YYYYMMDD"
    remedy = None
    if not first:
        remedy = "is the file cut short?"
    elif re.fullmatch(r"\d+(\.\d*)?[eE]\+?\d+", first):
        remedy = "a spreadsheet rounded it: give the file as downloaded"
    elif len(first) == 12 and first.isdecimal():
        remedy = "call the column TIMESTAMP_START or TIMESTAMP_END, as the stamps are meant"
    elif re.fullmatch(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.*", first):
        remedy = "a spreadsheet rewrote the dates: give the file as downloaded"
    return InputError(
        where=where, variable=stamp, rule=f"must be written as {digits}",
        found=repr(first) if first else "no value in the first line", remedy=remedy,
    )  # fmt: skip


def _unlike(header: Header, names: list[str]) -> str | None:
    """Say what looks like the product and is not."""
    if not set(names) & set(STAMPS):
        return None
    ours = any(_OURS.fullmatch(name) for name in names)
    if header.skipped and re.match(r"#\s*Site\s*:", _first_line(header)):
        return "AmeriFlux BASE, half-hours as measured, not filled and not partitioned"
    if not ours and any(_UNFILLED.fullmatch(name) for name in names):
        return "half-hours as measured (as of AmeriFlux BASE or ICOS FLUXES), not filled"
    if not ours and any(name.endswith("_ERA") for name in names):
        return "ERA5 weather alone, no tower"
    return None


def _first_line(header: Header) -> str:
    with header.path.open(encoding=header.encoding, errors="replace") as file:
        return file.readline(200)


def _first_value(header: Header, name: str) -> str:
    """Return the first value of a column; nothing if there is none."""
    place = header.names.index(name)
    row = next((row for _, row in read_rows(header)), "")
    values = fields(row, header.separator)
    return values[place].strip() if place < len(values) else ""
