"""Reader of MODIS leaf area in tables that Google Earth Engine exports.

A row is a date, or a column is, where an image collection was turned into bands. Values are the
stored integers as a rule, and nothing in the table says so: the user states the scale.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.formats import modis
from bayes_tbm.formats.reading import Reading
from bayes_tbm.formats.table import Header, read_columns, read_header
from bayes_tbm.sites.contents import Contents

Array = NDArray[np.float64]
Texts = NDArray[np.str_]

TAKES = frozenset({"scale"})
"""Options of `Reading` that are read here."""
_INDEX, _SHAPE = "system:index", ".geo"
_REDUCER = r"(_(mean|median|first))?"
_BANDS = {
    "lai": re.compile(rf"Lai(_500m)?{_REDUCER}", re.IGNORECASE),
    "sd": re.compile(rf"LaiStdDev(_500m)?{_REDUCER}", re.IGNORECASE),
    "quality": re.compile(rf"FparLai_QC{_REDUCER}", re.IGNORECASE),
}
_MODIS = re.compile(r"(Lai|Fpar)(StdDev)?(_500m)?|Fpar(Lai|Extra)_QC", re.IGNORECASE)
_DATE = re.compile(r"(?<!\d)(\d{4})_(\d{2})_(\d{2})(?!\d)")
_DATES, _SITES = ("date", "Date"), ("site", "sitename", "station", "name", "ID", "id")
_PLACE = {"latitude": (("latitude", "lat"), 90.0), "longitude": (("longitude", "lon"), 360.0)}


def is_earth_engine(header: Header) -> bool:
    """Return whether a table is an export of Earth Engine: by its own columns, or MODIS' bands."""
    names = set(header.names)
    return bool({_INDEX, _SHAPE} & names) or (
        {"date", "product"} <= names and any(_MODIS.fullmatch(name) for name in names)
    )


def read_earth_engine(path: str | Path, reading: Reading = modis.AS_IT_IS) -> Contents:
    """Read MODIS leaf area from a table of Earth Engine.

    Parameters
    ----------
    path : str or pathlib.Path
        CSV file with ``system:index``, or ``date`` and ``product``; a band ``Lai`` or ``Lai_500m``
        (a reducer may follow: ``Lai_mean``), with ``FparLai_QC`` and ``LaiStdDev`` where they were
        exported. A column may be a date: ``2010_01_01_Lai``.
    reading : Reading
        ``scale`` turns stored integers into values; ``site`` picks one of several.

    Returns
    -------
    Contents
        With the series ``lai``.

    Raises
    ------
    InputError
        If the table holds no leaf area of MODIS, no dates, or several sites and none is picked, if
        values look as stored and no scale is stated, or what
        `bayes_tbm.formats.modis.leaf_area` refuses.
    """
    header = read_header(path)
    if not is_earth_engine(header):
        found = ", ".join(header.names[:6])
        raise InputError(where=header.where, rule="must be a table of Earth Engine", found=found)
    wide = _wide(header)
    bands = {} if wide else _bands(header)
    texts = [n for n in (_INDEX, _SHAPE, "product", *_DATES, *_SITES) if n in header.names]
    places = {n: next((c for c in cs if c in header.names), "") for n, (cs, _) in _PLACE.items()}
    numbers = [*(wide or bands.values()), *filter(None, places.values())]
    table = read_columns(header, numbers, texts, progress=reading.progress)
    name, mine = _site(table.texts, reading.site, header.where, wide=bool(wide))
    words = {n: column[mine] for n, column in table.texts.items()}
    values = {n: column[mine] for n, column in table.numbers.items()}
    if wide:
        start, series = _melted(wide, values)
    else:
        start = _starts(words, header.where)
        series = {band: values[column] for band, column in bands.items()}
    days, product, noted = _composites(words, start, header.where)
    scale = _scale(series["lai"], reading.scale, header.where)
    nothing = np.full(start.shape, np.nan)
    lai, sd = (modis.scaled(series.get(band, nothing), scale) for band in ("lai", "sd"))
    composites = modis.Composites(header.where, days, start, lai, sd, series.get("quality"))
    place = _place(words, {n: values.get(column) for n, column in places.items()}, reading)
    notes = (*noted, f"leaf area is what the table holds times {scale:g}")
    return modis.contents(composites, f"Earth Engine ({product})", name, place, notes)


def _bands(header: Header) -> dict[str, str]:
    """Return the column of each band."""
    found = {
        band: [name for name in header.names if known.fullmatch(name)]
        for band, known in _BANDS.items()
    }
    if len(found["lai"]) != 1:
        held = [n for n in header.names if n not in (_INDEX, _SHAPE, "")]
        rule = "needs one column of leaf area (Lai or Lai_500m)"
        raise InputError(
            where=header.where, variable="Lai", rule=rule, found=", ".join(held[:8]) or "none",
            remedy="export the band Lai, or name its column so",
        )  # fmt: skip
    return {band: names[0] for band, names in found.items() if len(names) == 1}


def _wide(header: Header) -> dict[str, tuple[str, str]]:
    """Return date and band by column, where columns are dates; else nothing."""
    parts = {name: _DATE.match(name) for name in header.names}
    bands = {
        name: next((b for b, known in _BANDS.items() if known.fullmatch(rest)), "")
        for name, date in parts.items()
        if date and (rest := name[date.end() :].removeprefix("_"))
    }
    found = {
        name: ("-".join(date.groups()), bands[name])
        for name, date in parts.items()
        if date and bands.get(name)
    }
    return found if "lai" in bands.values() else {}


def _melted(wide: Mapping[str, tuple[str, str]], values: Mapping[str, Array]) -> tuple[
    modis.Times, dict[str, Array]
]:  # fmt: skip
    """Return dates, and bands on them, of the one row of a wide table."""
    held = sorted({date for date, band in wide.values() if band == "lai"})
    series = {band: np.full(len(held), np.nan) for band in {band for _, band in wide.values()}}
    for column, (date, band) in wide.items():
        if date in held:
            series[band][held.index(date)] = values[column][0]
    return np.array(held, dtype="datetime64[D]"), series


def _starts(words: Mapping[str, Texts], where: str) -> modis.Times:
    """Return the date of each row, datetime64[D]."""
    column = next((name for name in _DATES if name in words), None)
    found = _of_index(words.get(_INDEX, np.zeros(0, dtype=str)))
    if column is not None:
        dated = found.size and not np.isnat(found).any()
        instead = f", or take {column} away, as {_INDEX} tells the dates too" * bool(dated)
        return modis.dates(words[column], where, column, instead=instead)
    if not found.size or np.isnat(found).any():
        raise InputError(
            where=where, variable=_INDEX, rule="must hold a date, as in 2010_01_01",
            found=repr(str(words[_INDEX][np.isnat(found)][0])) if found.size else "no such column",
            remedy="export a column date, as in f.set('date', image.date().format('YYYY-MM-dd'))",
        )  # fmt: skip
    return found


def _of_index(texts: Texts) -> modis.Times:
    """Return the date within each entry of the index, datetime64[D]; NaT where there is none."""
    dates = [_DATE.search(text) for text in texts]
    plain = ["-".join(date.groups()) if date else text
             for date, text in zip(dates, texts, strict=True)]  # fmt: skip
    return modis.year_first(np.array(plain, dtype=str))


def _site(
    words: Mapping[str, Texts], wanted: str | None, where: str, *, wide: bool
) -> tuple[str, NDArray[np.bool_]]:
    """Return the site that is meant and its rows; columns of dates or row numbers name none."""
    rows = next(iter(words.values())).size
    for column in (name for name in _SITES if name in words):
        held = set(words[column])
        dated = any(_DATE.search(text) or text[:4].isdigit() for text in held)
        if not dated and (wide or len(held) < rows or rows == 1):
            return modis.choose(words[column], wanted, where, column)
    if len(set(words.get(_SHAPE, ("",)))) > 1:
        raise InputError(
            where=where, variable=_SHAPE, rule="holds several places without names",
            remedy="export a column site, or one place to a table",
        )  # fmt: skip
    return modis.choose(np.full(rows, ""), wanted, where, "site")


def _composites(
    words: Mapping[str, Texts], start: modis.Times, where: str
) -> tuple[int, str, tuple[str, ...]]:
    """Return the length of composites, the product, and what was taken for granted."""
    products = sorted(set(words.get("product", ())))
    if len(products) > 1:
        rule, found = "must be of one product", ", ".join(products[:4])
        raise InputError(where=where, variable="product", rule=rule, found=found)
    if products:
        return modis.composite_days(products[0], where), products[0], ()
    step = np.diff(np.unique(start)).astype(np.int64)
    usual = int(np.median(step)) if step.size else 0
    if usual not in (4, 8):
        raise InputError(
            where=where, variable="product", rule="must be told by a column, or by dates of every "
            "4 or 8 days", found=f"dates {usual} days apart",
            remedy="add a column product, as in MCD15A3H",
        )  # fmt: skip
    product = "MCD15A3H" if usual == 4 else "MODIS of 8 days"
    note = f"taken for {product}, by its dates: the table names no product"
    warn = "; the flags of VIIRS are others" * (usual == 8)
    return usual, product, (note + warn,)


def _scale(stored: Array, stated: float | None, where: str) -> float:
    """Return the scale, which the user must state unless values can be nothing but scaled ones."""
    if stated is not None and not (np.isfinite(stated) and stated > 0.0):
        rule = "must be a positive number"
        raise InputError(where=where, variable="scale", rule=rule, found=stated)
    known = stored[np.isfinite(stored)]
    tenths = np.abs(known / modis.STORED - np.round(known / modis.STORED)) < 1e-6
    whole = known % 1 == 0
    if stated is not None:
        if stated < 1.0 and tenths.all() and not whole.all():
            found = f"tenths, up to {known.max():g}, and scale={stated:g}"
            rule, remedy = "must be whole numbers, as stored", "scaled already? leave scale out"
            raise InputError(where=where, variable="Lai", rule=rule, found=found, remedy=remedy)
        return stated
    if not known.size or (tenths.all() and not whole.all()):
        return 1.0
    look = "whole numbers, as stored" if whole.all() else "means of several pixels"
    raise InputError(
        where=where, variable="Lai", rule="is scaled or not, which the table does not say",
        found=f"{look}, up to {known.max():g}", remedy="state it: scale=0.1 (or --scale 0.1) for "
        "what MODIS stores, scale=1 for m2 m-2",
    )  # fmt: skip


def _place(
    words: Mapping[str, Texts], values: Mapping[str, Array | None], reading: Reading
) -> tuple[float | None, float | None]:
    """Return latitude and longitude: as stated, of columns, or of a point in the shape."""
    shape = _point(words[_SHAPE][0]) if _SHAPE in words else {}
    found = {}
    for name, (_, limit) in _PLACE.items():
        given = values[name]
        column = np.array([shape[name]] if name in shape else []) if given is None else given
        found[name] = modis.one_place(column, getattr(reading, name), limit)
    return found["latitude"], found["longitude"]


def _point(shape: str) -> dict[str, float]:
    """Return the place of a GeoJSON point; nothing of anything else."""
    try:
        longitude, latitude = json.loads(shape)["coordinates"]
        return {"latitude": float(latitude), "longitude": float(longitude)}
    except (ValueError, TypeError, KeyError, RecursionError):
        return {}
