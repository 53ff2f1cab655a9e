"""What files hold and what a fit of them would lack, told before anything is fitted."""

import warnings
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_tbm.catalogue.join import join
from bayes_tbm.catalogue.open import Given, read_all
from bayes_tbm.errors import InputError
from bayes_tbm.formats.reading import ReadingOptions, reading_of
from bayes_tbm.sites.contents import Contents
from bayes_tbm.sites.missing import missing_to_nan
from bayes_tbm.sites.observations import STOCKS, Observations
from bayes_tbm.sites.ranges import DRIVER_RANGES
from bayes_tbm.sites.site import Site
from bayes_tbm.units import UNITS

COLUMNS = ("file", "series", "role", "n", "first", "last", "gaps", "mean", "unit", "sd")

_JOINED = ("drivers", "latitude")
"""What of other files, or of the user, may stand in."""


@dataclass(frozen=True, eq=False, repr=False)
class Inspection:
    """What files hold; printed, a page.

    Attributes
    ----------
    files : tuple of Contents
        Of each file: the drivers' first.
    site : Site or None
        What `bayes_tbm.open_site` makes of them, if it can.
    problem : str
        Why it cannot; empty where it can.
    warned : tuple of str
        What was warned of while reading.
    """

    files: tuple[Contents, ...]
    site: Site | None
    problem: str = ""
    warned: tuple[str, ...] = ()

    @property
    def table(self) -> pd.DataFrame:
        """A row for each driver and observed series of each file, before files are joined.

        Number of values ``n``, ``first`` and ``last`` date, share of ``gaps`` between them (NaN
        for stocks), ``mean`` and median measurement ``sd`` in ``unit``.
        """
        rows = [row for held in self.files for row in _rows(held)]
        return pd.DataFrame(rows, columns=list(COLUMNS))

    @property
    def observations(self) -> tuple[Observations, ...]:
        """All observed series, of all files, as `bayes_tbm.open_site` takes them."""
        return tuple(seen for held in self.files for seen in held.observations.values())

    @property
    def lacks(self) -> tuple[str, ...]:
        """What a fit needs and is not there, with remedies; of one that can be made, of more data.

        A file that is joined to drivers lacks none itself.
        """
        first = self.files[0]
        told = []
        for held in self.files:
            mended = self.site is not None or held is not first
            lines = [line for line in held.lacks if not (mended and line.startswith(_JOINED))]
            told += [_placed(held.source, line) for line in lines]
        told += [self.problem] if self.problem and not first.lacks else []
        return tuple(told)

    @property
    def notes(self) -> tuple[str, ...]:
        """What readers decided, and what was warned of."""
        if self.site is not None:
            notes = list(self.site.notes)
        else:
            notes = [_placed(held.source, line) for held in self.files for line in held.notes]
        return tuple(dict.fromkeys([*notes, *self.warned]))

    @property
    def remarks(self) -> tuple[str, ...]:
        """How values and sd of each observed series came about, where that is not plain."""
        joined = [] if self.site is None else list(self.site.observations.values())
        series = joined or self.observations
        return tuple(dict.fromkeys(f"{seen.name}: {seen.note}" for seen in series if seen.note))

    @property
    def title(self) -> str:
        """Site, place and, where there is a site, its steps."""
        if self.site is not None:
            return self.site.summary().splitlines()[0]
        return f"{self.files[0].name}: no site can be made of this yet"

    def __repr__(self) -> str:
        return self.page()

    def page(self) -> str:
        """Return each file and what it holds, what is lacking, and notes.

        Returns
        -------
        str
            Several lines.
        """
        lines = [self.title]
        for held in self.files:
            table = self.table[self.table["file"] == held.source].drop(columns="file")
            lines += ["", f"{held.source}: {held.kind}", _text_of(table)]
        head = "A fit can be made of it" if self.site is not None else "Lacking for a fit"
        lines += ["", head, *(f"  - {line}" for line in self.lacks)]
        remarks = [f"  * {line}" for line in self.remarks] + [f"  - {line}" for line in self.notes]
        return "\n".join([*lines, *["", "Notes"] * bool(remarks), *remarks])


def inspect(
    path_or_name: str | Path,
    *,
    observations: Given | Sequence[Given] = (),
    replace: str | Collection[str] = (),
    **reading: Unpack[ReadingOptions],
) -> Inspection:
    """Tell what files hold and what a fit would lack; files that cannot be fitted too.

    Parameters
    ----------
    path_or_name, observations, replace, **reading
        As of `bayes_tbm.open_site`.

    Returns
    -------
    Inspection
        With ``table``, ``lacks``, ``notes``, ``observations`` and ``site``.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    with warnings.catch_warnings(record=True) as met:
        warnings.simplefilter("always")
        first, others = read_all(path_or_name, observations, reading_of(reading))
        site, problem = None, ""
        try:
            whole = join(first, others, replace) if others or replace else first
            site = whole.to_site()
        except InputError as error:
            problem = str(error)
    warned = tuple(dict.fromkeys(" ".join(str(one.message).split()) for one in met))
    return Inspection((first, *others), site, problem, warned)


def _rows(held: Contents) -> list[dict[str, Any]]:
    rows = []
    if held.drivers is not None:
        time = held.drivers["time"].values
        for name in DRIVER_RANGES:
            if name in ("day_of_year", "step_length") or name not in held.drivers:
                continue
            value = held.drivers[name].values
            if name == "burned_fraction" and not value.any():
                continue
            rows.append(_row(held.source, name, "driver", time, value, UNITS[name]))
    for name, seen in held.observations.items():
        row = _row(held.source, name, "observed", seen.time, seen.value, seen.unit)
        known = seen.sd[np.isfinite(seen.sd)]
        rows.append(row | {"sd": float(np.median(known)) if known.size else np.nan})
    return rows


def _row(
    source: str, name: str, role: str, time: NDArray[np.datetime64], value: NDArray[np.float64],
    unit: str,
) -> dict[str, Any]:  # fmt: skip
    value = missing_to_nan(value)
    seen = np.isfinite(value) & ~np.isnat(time)
    when = np.sort(time[seen])
    first, last = (str(when[n])[:10] if when.size else "" for n in (0, -1))
    mean = float(value[seen].mean()) if when.size else np.nan
    gaps = np.nan if name in STOCKS else share_of_gaps(when)
    return dict(zip(COLUMNS, (source, name, role, int(when.size), first, last, gaps, mean, unit,
                              np.nan), strict=True))  # fmt: skip


def share_of_gaps(time: NDArray[np.datetime64]) -> float:
    """Return which share of the steps between the first and the last time has no value.

    Steps are the commonest gap between times, or months; NaN for fewer than three times.
    """
    if time.size < 3:
        return np.nan
    days = np.diff(time) / np.timedelta64(1, "D")
    lengths, counts = np.unique(np.round(days, 2), return_counts=True)
    step = float(lengths[np.argmax(counts)])
    if 27.9 < step < 31.1:
        step = 30.4375
    steps = round((time[-1] - time[0]) / np.timedelta64(1, "D") / max(step, 1 / 48)) + 1
    return float(max(0.0, 1.0 - time.size / steps))


def _placed(source: str, line: str) -> str:
    """Return a line with the file it is about, unless it begins with one."""
    return (
        line
        if line.partition(":")[0].endswith(Path(source).suffix or source)
        else (f"{source}: {line}")
    )


def _text_of(table: pd.DataFrame) -> str:
    if table.empty:
        return "  no series that can be used"
    shown = table.assign(
        gaps=[_blank(share, ".0%") for share in table["gaps"]],
        mean=[_blank(mean, ".4g") for mean in table["mean"]],
        sd=[_blank(sd, ".3g") for sd in table["sd"]],
    )
    return str(shown.to_string(index=False))


def _blank(value: float, form: str) -> str:
    return "" if np.isnan(value) else format(value, form)
