"""MODIS leaf area (MCD15A3H, MOD15A2H, MYD15A2H, MCD15A2H), whoever exported it.

Scale, fills and flags: Myneni & Park (2015), MODIS Collection 6 LAI/FPAR Product User's Guide.
"""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.formats.reading import Reading
from bayes_tbm.sites.contents import Contents
from bayes_tbm.sites.observations import Observations
from bayes_tbm.units import UNITS

Array = NDArray[np.float64]
Times = NDArray[np.datetime64]

STORED = 0.1
"""Leaf area of one stored unit [m2 m-2]."""
GREATEST = 10.0
"""End of the products' valid range [m2 m-2], 100 as stored."""
FILLS = (249.0, 255.0)
"""Stored values from the first to the last of these say why there is none."""
LEAST_SD = 0.3
"""Least standard deviation [m2 m-2]: about how well the product meets plots of low leaf area."""
LEAST_SHARE = 0.2
"""Least standard deviation as a share: the product's LaiStdDev, a spread over look-up solutions of
0.1 or so, leaves out the errors of land cover, clumping, pixel and plot, which are of this size."""
SATURATED = 1
"""Greatest SCF_QC (bits 5 to 7 of FparLai_QC) of the main method; 2 and 3 are the empirical
back-up, 4 is no retrieval."""
AS_IT_IS = Reading()
"""Nothing stated."""
_PRODUCT = re.compile(r"(MCD15A3H?|M[OYC]D15A2H?)(?:[._-]?(\d{2,3}))?", re.IGNORECASE)
_YEAR_FIRST = re.compile(
    r"^\s*(?P<year>\d{4})"
    r"(?:(?P<mark>[-/._])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})|(?P<month2>\d\d)(?P<day2>\d\d))"
    r"(?!\d)"
)
"""As in 2020-01-31, 2020/1/31 and 20200131, whatever follows."""
_UNNAMED = ("", "sitename")
"""What stands for a site that nobody named; the second is the default of MODISTools."""
_ALONE = ("drivers: it holds leaf area alone; give it beside a file that holds weather",)


@dataclass(frozen=True, eq=False)
class Composites:
    """Composites of one pixel or area, as a file holds them; arrays are of shape (row,).

    Attributes
    ----------
    where : str
        File, for messages.
    days : int
        Length of a composite: 4 or 8.
    start : numpy.ndarray
        First day, datetime64[D].
    value, sd : numpy.ndarray
        Leaf area and the product's own standard deviation, scaled [m2 m-2] but for fills; NaN
        where there is none.
    quality : numpy.ndarray or None
        FparLai_QC; None where the file does not hold it.
    """

    where: str
    days: int
    start: Times
    value: Array
    sd: Array
    quality: Array | None


def composite_days(product: str, where: str) -> int:
    """Return the length of a product's composites in days.

    Raises
    ------
    InputError
        If it is no leaf area product of MODIS; those of VIIRS have other flags.
    """
    found = _PRODUCT.fullmatch(product.strip().split("/")[-1])
    if found is None:
        raise InputError(
            where=where, variable="product", found=product or "nothing",
            rule="must be leaf area of MODIS: MCD15A3H, MOD15A2H, MYD15A2H or MCD15A2H",
        )  # fmt: skip
    return 4 if "A3" in found[1].upper() else 8


def middle(start: Times, days: int) -> Times:
    """Return the middle of composites, datetime64[ns]; a year's last one ends with the year."""
    year = start.astype("datetime64[Y]")
    new_year = (year + np.timedelta64(1, "Y")).astype("datetime64[ns]")
    first: Times = start.astype("datetime64[ns]")
    half: NDArray[np.timedelta64] = (
        np.minimum(first + np.timedelta64(days, "D"), new_year) - first
    ) // 2
    return first + half


def is_main_method(quality: Array, where: str) -> NDArray[np.bool_]:
    """Return where FparLai_QC, (row,), tells of the main method; a missing one does not.

    Raises
    ------
    InputError
        If one is no whole number of 0 to 255.
    """
    known = quality[~np.isnan(quality)]
    odd = known[(known != np.round(known)) | (known < 0) | (known > 255)]
    if odd.size:
        raise InputError(
            where=where, variable="FparLai_QC", rule="must be a whole number of 0 to 255",
            found=f"{odd[0]:g}", remedy="a mean of flags says nothing: export one pixel",
        )  # fmt: skip
    bits = np.where(np.isnan(quality), 255, quality).astype(np.int64) >> 5
    return bits <= SATURATED


def dates(texts: NDArray[np.str_], where: str, variable: str, *, instead: str = "") -> Times:
    """Return days, datetime64[D], of texts that begin like 2020-01-31, (row,).

    Parameters
    ----------
    texts : numpy.ndarray
        The year first, as `year_first` reads it.
    where, variable : str
        For messages.
    instead : str
        What else may be done where one cannot be read.

    Raises
    ------
    InputError
        If one does not: 1/2/2020 can be read in two ways.
    """
    found = year_first(texts)
    bad = np.flatnonzero(np.isnat(found))
    if bad.size:
        raise InputError(
            where=where, variable=variable, rule="must be a date as in 2020-01-31",
            found=repr(str(texts[bad[0]])), remedy="did a spreadsheet rewrite the dates? Export "
            f"the table again{instead}, or write the year first: of 1/9/2010 nothing tells day and "
            "month",
        )  # fmt: skip
    return found


def year_first(texts: NDArray[np.str_]) -> Times:
    """Return days, datetime64[D], of texts that begin with year, month and day; NaT of others.

    Examples
    --------
    >>> year_first(np.array(["2010-01-09T00:00", "2010/1/9", "20100109", "1/9/2010", "40187"]))
    array(['2010-01-09', '2010-01-09', '2010-01-09', 'NaT', 'NaT'],
          dtype='datetime64[D]')
    """
    parts = pd.Series(texts, dtype=str).str.extract(_YEAR_FIRST)
    month, day = (parts[n].fillna(parts[f"{n}2"]) for n in ("month", "day"))
    found = pd.to_datetime(parts["year"] + "-" + month + "-" + day, format="%Y-%m-%d",
                           errors="coerce")  # fmt: skip
    return np.asarray(found, dtype="datetime64[D]")


def choose(
    names: NDArray[np.str_], wanted: str | None, where: str, variable: str
) -> tuple[str, NDArray[np.bool_]]:
    """Return the site that is meant and its rows, (row,).

    Raises
    ------
    InputError
        If there is no row, the name is not among the sites, or none is said and there are several.
    """
    held = list(dict.fromkeys(str(name) for name in names))
    if not held:
        raise InputError(where=where, rule="must hold a row", found="a header alone")
    if len(held) == 1 and (wanted is None or held[0] in _UNNAMED):
        return wanted or held[0], np.ones(names.shape, dtype=bool)
    if wanted in held:
        return str(wanted), names == wanted
    some = ", ".join(held[:12]) + ", ..." * (len(held) > 12)
    rule = "must be a site of the table" if wanted else "holds several sites"
    raise InputError(
        where=where, variable=variable, rule=rule, found=repr(wanted) if wanted else None,
        remedy=f"choose by site= (or --site-name): {some}",
    )  # fmt: skip


def scaled(stored: Array, scale: Array | float) -> Array:
    """Return stored values times a scale, (row,); fills stay as they are.

    Rounded, for what binary fractions add: 0.3, not 0.30000000000000004.
    """
    return np.where(stored >= FILLS[0], stored, np.round(stored * scale, 9))


def leaf_area(c: Composites) -> tuple[Observations, tuple[str, ...]]:
    """Return leaf area at the middle of each composite, and what was decided.

    Raises
    ------
    InputError
        If a date starts no composite or has two values, a value is beyond the valid range, or none
        of good quality is left.
    """
    c, repeated = _in_order(c)
    fill = _is_fill(c.value)
    gone = fill | np.isnan(c.value)
    _check_range(c, gone)
    good = ~gone
    notes = [*repeated, f"{int(gone.sum())} of {gone.size} composites hold no leaf area"]
    if c.quality is None:
        notes.append("the file holds no FparLai_QC: composites of any quality are kept")
    else:
        good &= is_main_method(c.quality, c.where)
        notes.append(f"{int(good.sum())} of {good.size} are of the main method (SCF_QC 0 or 1)")
    if not good.any():
        rule = "must hold a composite of the main method" if c.quality is not None else "is missing"
        raise InputError(where=c.where, variable="lai", rule=rule, found=f"none of {good.size}")
    own = np.where((c.sd >= 0.0) & (c.sd <= GREATEST), c.sd, 0.0)
    sd = np.maximum(np.maximum(own, LEAST_SD), LEAST_SHARE * c.value)
    notes += [
        f"sd is the product's, but at least {LEAST_SD:g} m2 m-2 and {LEAST_SHARE:.0%}: LaiStdDev "
        "is a spread over look-up solutions, far below the error",
        f"each value stands at the middle of its {c.days} days",
    ]
    time = middle(c.start, c.days)[good]
    note = f"MODIS composites of {c.days} d, sd at least {LEAST_SD:g} and {LEAST_SHARE:.0%}"
    return Observations("lai", UNITS["lai"], time, c.value[good], sd[good], note), tuple(notes)


def contents(
    c: Composites,
    kind: str,
    name: str,
    place: tuple[float | None, float | None],
    notes: tuple[str, ...],
) -> Contents:
    """Return what a file of composites holds; ``place`` is latitude and longitude."""
    seen, decided = leaf_area(c)
    return Contents(
        kind=kind, name=name, source=c.where, latitude=place[0], longitude=place[1],
        observations={"lai": seen}, notes=(*notes, *decided), lacks=_ALONE,
    )  # fmt: skip


def one_place(values: Array, stated: float | None, limit: float) -> float | None:
    """Return the one latitude or longitude of some rows, or that stated; None if they differ."""
    if stated is not None or not values.size:
        return stated
    is_place = bool((np.abs(values) <= limit).all())  # NaN is none
    return float(values[0]) if is_place and np.ptp(values) < 0.01 else None


def _is_fill(value: Array) -> NDArray[np.bool_]:
    """Return where a value is a fill, whether it was scaled or left as stored."""
    stored = (value >= FILLS[0]) & (value <= FILLS[1])
    scaled = np.round(value / STORED, 3)
    return stored | (scaled >= FILLS[0]) & (scaled <= FILLS[1])


def _check_range(c: Composites, gone: NDArray[np.bool_]) -> None:
    bad = np.flatnonzero(~gone & ~((c.value >= 0.0) & (c.value <= GREATEST)))
    if bad.size:
        raise InputError(
            where=c.where, variable="lai", rule=f"must be within 0 to {GREATEST:g} m2 m-2",
            found=f"{c.value[bad[0]]:g} on {c.start[bad[0]]} ({bad.size} of {gone.size} values)",
            remedy="are they stored integers, to be scaled by 0.1, or another column?",
        )  # fmt: skip


def _in_order(c: Composites) -> tuple[Composites, list[str]]:
    """Sort by date, drop rows that are there twice; refuse two values of one date."""
    day = (c.start - c.start.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64)
    off = np.flatnonzero(day % c.days)
    if off.size:
        raise InputError(
            where=c.where, variable="date", found=str(c.start[off[0]]),
            rule=f"must be the first day of a composite of {c.days} days, from 1 January on",
            remedy="is it of another product, or a mean over other days?",
        )  # fmt: skip
    columns = [c.value, c.sd, *([] if c.quality is None else [c.quality])]
    frame = pd.DataFrame({"start": c.start, **{str(n): x for n, x in enumerate(columns)}})
    once = frame.drop_duplicates().sort_values("start")
    twice = once["start"][once["start"].duplicated()]
    if len(twice):
        raise InputError(
            where=c.where, variable="date", rule="must have one value", found=f"two on "
            f"{twice.iloc[0]:%Y-%m-%d}", remedy="choose one pixel or site, and one processing",
        )  # fmt: skip
    rest = [once[str(n)].to_numpy(dtype=np.float64) for n in range(len(columns))]
    quality = rest[2] if len(rest) > 2 else None
    start = once["start"].to_numpy(dtype="datetime64[D]")
    dropped = len(frame) - len(once)
    notes = [f"{dropped} rows that are there twice count once"] if dropped else []
    return Composites(c.where, c.days, start, rest[0], rest[1], quality), notes
