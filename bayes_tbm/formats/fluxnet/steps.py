"""Columns of a FLUXNET table over its steps: read, dated, sorted, and put on every day."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.formats.fluxnet.layout import Layout, Resolution
from bayes_tbm.formats.reading import Reading
from bayes_tbm.formats.table import read_columns

Times = NDArray[np.datetime64]
Floats = NDArray[np.float64]
DAY = np.timedelta64(1, "D")
_SITES = ("SITE_ID", "SITE", "SITE_CODE", "SITE_NAME")
"""Columns that tell towers apart, in tables that someone joined."""
_FORMATS = {12: "%Y%m%d%H%M", 8: "%Y%m%d", 6: "%Y%m"}


@dataclass(frozen=True, eq=False)
class Steps:
    """Columns over steps, in the units of the file.

    Attributes
    ----------
    where : str
        File, for messages.
    resolution : str
        Of the steps.
    start, end : numpy.ndarray
        Of each step, datetime64[ns], shape (n,), increasing.
    columns : mapping of str to numpy.ndarray
        By name in capitals, each of shape (n,), NaN where missing.
    notes : tuple of str
        What was done while reading.
    site : str
        The one chosen of several that the file holds, or nothing.
    sparse : frozenset of str
        Columns that have values at some times of day, but at too few of each day to be its mean.
    """

    where: str
    resolution: Resolution
    start: Times
    end: Times
    columns: Mapping[str, Floats]
    notes: tuple[str, ...] = ()
    site: str = ""
    sparse: frozenset[str] = frozenset()

    @property
    def middle(self) -> Times:
        """Middle of each step, shape (n,)."""
        return self.start + (self.end - self.start) // 2

    def __getitem__(self, name: str) -> Floats:
        """Return a column; of nothing but NaN if the file lacks it."""
        return self.columns.get(name, np.full(self.start.shape, np.nan))

    def holds(self, name: str) -> bool:
        """Return whether a column has any value."""
        return bool(np.isfinite(self[name]).any())

    def select(self, keep: NDArray[np.bool_]) -> "Steps":
        """Return some of the steps."""
        columns = {name: values[keep] for name, values in self.columns.items()}
        return replace(self, start=self.start[keep], end=self.end[keep], columns=columns)


def read_steps(layout: Layout, wanted: Collection[str], reading: Reading) -> Steps:
    """Read those of the wanted columns that the file has.

    Parameters
    ----------
    layout : Layout
        Of the file.
    wanted : collection of str
        Names in capitals.
    reading : Reading
        The site, where the file holds several, and the progress bar.

    Raises
    ------
    InputError
        If a value is no number, a stamp no date, a date is there twice, or several sites are there
        and none of them is chosen.
    """
    names, header = layout.names, layout.header
    asked = [names[name] for name in dict.fromkeys(wanted) if name in names]
    bounded = layout.resolution in ("sub-daily", "weekly")
    stamps = ("TIMESTAMP_START", "TIMESTAMP_END") if bounded else ("TIMESTAMP",)
    held = [name for name in stamps if name in names]
    texts = [name for name in (*held, *_SITES) if name in names]
    read = read_columns(header, asked, [names[name] for name in texts], progress=reading.progress)
    site, rows = _of_one_site({n: read.texts[names[n]] for n in texts}, reading.site, header.where)
    dates = {
        name: parse_stamps(read.texts[names[name]][rows], layout.digits, header.where, name)
        for name in held
    }
    start, end = _bounds(dates, layout)
    order = np.argsort(start, kind="stable")
    notes = () if np.all(order[1:] > order[:-1]) else ("lines sorted by date",)
    start, end = start[order], end[order]
    _refuse_twice(start, header.where)
    numbers = {name: read.numbers[names[name]][rows][order] for name in wanted if name in names}
    return Steps(header.where, layout.resolution, start, end, numbers, notes, site)


def _of_one_site(
    texts: Mapping[str, NDArray[np.str_]], wanted: str | None, where: str
) -> tuple[str, NDArray[np.bool_] | slice]:
    """Return the site chosen of several, or nothing, and its rows."""
    for name in _SITES:
        held = list(dict.fromkeys(texts.get(name, ())))
        if len(held) > 1 and wanted in held:
            return str(wanted), texts[name] == wanted
        if len(held) > 1:
            some = ", ".join(map(str, held[:12])) + ", ..." * (len(held) > 12)
            raise InputError(
                where=where, variable=name, rule="holds several sites", found=some,
                remedy=f"choose one: site={str(held[0])!r} (--site-name {held[0]})",
            )  # fmt: skip
    return "", slice(None)


def parse_stamps(texts: NDArray[np.str_], digits: int, where: str, name: str) -> Times:
    """Return the dates that stamps of so many digits are.

    Raises
    ------
    InputError
        Naming the first that is no date.
    """
    plain = pd.Series(texts, dtype=str).str.removesuffix(".0")
    whole = plain.str.fullmatch(rf"(19|20|21)\d{{{digits - 2}}}")
    time = pd.to_datetime(plain.where(whole), format=_FORMATS[digits], errors="coerce")
    bad = np.flatnonzero(time.isna().to_numpy())
    if bad.size:
        rule = f"must be a date of {digits} digits in every line"
        found = f"{str(texts[bad[0]])!r} after {bad[0]} lines of values"
        raise InputError(where=where, variable=name, rule=rule, found=found)
    return np.asarray(time.to_numpy(), dtype="datetime64[ns]")


def _bounds(dates: Mapping[str, Times], layout: Layout) -> tuple[Times, Times]:
    """Return start and end of each step."""
    where = layout.header.where
    if layout.resolution == "daily":
        return dates["TIMESTAMP"], dates["TIMESTAMP"] + DAY
    if layout.resolution == "monthly":
        start = dates["TIMESTAMP"]
        following = start.astype("datetime64[M]") + np.timedelta64(1, "M")
        return start, following.astype("datetime64[ns]")
    if layout.resolution == "weekly":
        layout.header.require(["TIMESTAMP_START", "TIMESTAMP_END"])
        start, last = dates["TIMESTAMP_START"], dates["TIMESTAMP_END"]
        # Seven days from the first to the last are six apart.
        return start, last + DAY * int(np.median((last - start) / DAY) % 7 != 0)
    step = _step(next(iter(dates.values())), where)
    if "TIMESTAMP_END" not in dates:
        _refuse_ends(dates["TIMESTAMP_START"], step, where)
    end = dates["TIMESTAMP_END"] if "TIMESTAMP_END" in dates else dates["TIMESTAMP_START"] + step
    start = dates.get("TIMESTAMP_START", end - step)
    off = np.flatnonzero(end != start + step)
    if off.size:
        minutes = step // np.timedelta64(1, "m")
        raise InputError(
            where=where, variable="TIMESTAMP_END", rule=f"must be {minutes} min after the start",
            found=f"{str(end[off[0]])[:16]} for {str(start[off[0]])[:16]} "
                  f"({off.size} of {start.size} lines)",
        )  # fmt: skip
    return start, start + step


def _refuse_ends(start: Times, step: np.timedelta64, where: str) -> None:
    """Refuse starts that are ends: from one step after a midnight up to a midnight."""
    first, last = start.min(), start.max()
    midnight = first.astype("datetime64[D]"), last.astype("datetime64[D]")
    if first - midnight[0] == step and last == midnight[1] and start.size * step >= DAY:
        raise InputError(
            where=where, variable="TIMESTAMP_START", rule="must be the start of each step",
            found=f"{str(first)[:16]} to {str(last)[:16]}, which are ends",
            remedy="call the column TIMESTAMP_END",
        )  # fmt: skip


def _step(time: Times, where: str) -> np.timedelta64:
    """Return half an hour or an hour."""
    gap = np.diff(np.sort(time))
    step = np.timedelta64(0, "m") if not gap.size else np.sort(gap)[gap.size // 2]
    minutes = int(step / np.timedelta64(1, "m"))
    if minutes not in (30, 60):
        rule, found = "steps must be half an hour or an hour", f"{minutes} min"
        if not gap.size:
            found = "one line"
        raise InputError(where=where, variable="TIMESTAMP_START", rule=rule, found=found)
    return np.timedelta64(minutes, "m")


def _refuse_twice(start: Times, where: str) -> None:
    twice = np.flatnonzero(start[1:] == start[:-1])
    if twice.size:
        found = f"{str(start[twice[0]])[:16]} again ({twice.size} such lines)"
        raise InputError(
            where=where, variable="TIMESTAMP", rule="a date must not be there twice", found=found,
            remedy="drop the lines that repeat",
        )  # fmt: skip


def on_every_day(steps: Steps) -> Steps:
    """Return daily steps with one for each day of the calendar, NaN where there was no line."""
    first = steps.start[0]
    place = ((steps.start - first) // DAY).astype(np.int64)
    start = first + np.arange(place[-1] + 1) * DAY
    columns = {}
    for name, values in steps.columns.items():
        columns[name] = np.full(start.shape, np.nan)
        columns[name][place] = values
    return replace(steps, start=start, end=start + DAY, columns=columns)
