"""Reader of leaf area in the long tables of MODISTools and of ORNL's web service.

A row is one pixel of one band on one date, as stored: leaf area, its standard deviation and its
quality are bands, and leaf area is to be scaled by what the table says.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.formats import modis
from bayes_tbm.formats.reading import Reading
from bayes_tbm.formats.table import Header, read_columns, read_header
from bayes_tbm.sites.contents import Contents

TAKES = frozenset({"scale"})
"""Options of `Reading` that are read here."""
_NUMBERS = ("nrows", "ncols", "latitude", "longitude", "pixel", "value")
_TEXTS = ("band", "scale", "site", "product", "calendar_date")
_LEAF_AREA, _SPREAD, _FLAGS = (
    ("Lai_500m", "Lai_1km", "Lai"),
    ("LaiStdDev_500m", "LaiStdDev_1km", "LaiStdDev"),
    ("FparLai_QC",),
)


def is_modistools(header: Header) -> bool:
    """Return whether a table has the columns of MODISTools, whatever bands it holds."""
    return {"modis_date", *_NUMBERS, *_TEXTS} <= set(header.names)


def read_modistools(path: str | Path, reading: Reading = modis.AS_IT_IS) -> Contents:
    """Read leaf area of the centre pixel from a table of MODISTools.

    The centre pixel is the one the tower stands in, as a point that AppEEARS gives; neighbours are
    other stands as often as not.

    Parameters
    ----------
    path : str or pathlib.Path
        CSV file.
    reading : Reading
        ``site`` picks one of several; ``scale`` is taken where the table says none.

    Returns
    -------
    Contents
        With the series ``lai``.

    Raises
    ------
    InputError
        If the table holds no leaf area of MODIS, no centre pixel or no scale, several sites and
        none is picked, several products, or what `bayes_tbm.formats.modis.leaf_area` refuses.
    """
    header = read_header(path)
    if not is_modistools(header):
        found = ", ".join(header.names[:6])
        raise InputError(where=header.where, rule="must be a table of MODISTools", found=found)
    columns = read_columns(header, _NUMBERS, _TEXTS, progress=reading.progress)
    frame = pd.DataFrame({**columns.numbers, **columns.texts})
    name, mine = modis.choose(columns.texts["site"], reading.site, header.where, "site")
    frame = frame[mine]
    product = _one_product(frame, header.where)
    frame, noted = _centre(frame, header.where)
    lai = frame[frame["band"].isin(_LEAF_AREA)]
    said = header.marks.pointed(lai["scale"])
    scale = _scale(said, reading.scale, header.where)
    start = modis.dates(lai["calendar_date"].to_numpy(dtype=str), header.where, "calendar_date")
    composites = modis.Composites(
        header.where,
        modis.composite_days(product, header.where),
        start,
        _scaled(lai["value"].to_numpy(dtype=np.float64), scale, header.where),
        _beside(lai, frame, _SPREAD, header.where) * scale,
        _beside(lai, frame, _FLAGS, header.where) if frame["band"].isin(_FLAGS).any() else None,
    )
    place = (
        modis.one_place(frame["latitude"].to_numpy(), reading.latitude, 90.0),
        modis.one_place(frame["longitude"].to_numpy(), reading.longitude, 360.0),
    )
    scales = ", ".join(f"{number:g}" for number in np.unique(scale))
    notes = (f"leaf area is the stored value times {scales}", noted)
    return modis.contents(composites, f"MODISTools ({product})", name, place, notes)


def _one_product(frame: pd.DataFrame, where: str) -> str:
    """Return the product that leaf area is of."""
    lai = frame[frame["band"].isin(_LEAF_AREA)]
    if lai.empty:
        bands = ", ".join(sorted(set(frame["band"]))[:8])
        raise InputError(
            where=where, variable="band", rule="holds no leaf area (Lai_500m)", found=bands,
            remedy="ask for the bands Lai_500m and FparLai_QC",
        )  # fmt: skip
    for variable in ("product", "band"):
        held = sorted(set(lai[variable]))
        if len(held) > 1:
            rule = "leaf area must be of one " + variable
            raise InputError(
                where=where, variable=variable, rule=rule, found=", ".join(held),
                remedy="give a table of each",
            )  # fmt: skip
    return str(lai["product"].iloc[0])


def _centre(frame: pd.DataFrame, where: str) -> tuple[pd.DataFrame, str]:
    """Return the rows of the centre pixel; pixels count from 1, line by line."""
    pixels, size = np.unique(frame["pixel"]), frame["nrows"] * frame["ncols"]
    centre = np.unique((size + 1) / 2)
    if len(centre) == 1 and centre[0] in pixels:
        note = f"leaf area is that of the centre pixel ({centre[0]:g} of {size.iloc[0]:g})"
        return frame[frame["pixel"] == centre[0]], note
    if len(pixels) == 1:
        return frame, f"leaf area is that of the one pixel in the table ({pixels[0]:g})"
    raise InputError(
        where=where, variable="pixel", rule="the centre pixel must be in the table",
        found=", ".join(f"{pixel:g}" for pixel in pixels[:8]),
        remedy="leave the rows of one pixel in it",
    )  # fmt: skip


def _scale(column: "pd.Series[str]", stated: float | None, where: str) -> NDArray[np.float64]:
    """Return what each stored value is to be multiplied with."""
    scale = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64)
    own = scale[np.isfinite(scale)]
    if stated is not None and own.size and not np.allclose(own, stated):
        raise InputError(
            where=where, variable="scale", rule=f"must be the table's own, {own[0]:g}",
            found=stated, remedy="leave it out",
        )  # fmt: skip
    scale = np.where(np.isnan(scale) & (stated is not None), stated or np.nan, scale)
    bad = np.flatnonzero(~(scale > 0.0))
    if bad.size:
        raise InputError(
            where=where, variable="scale", rule="must be a positive number with leaf area",
            found=repr(column.iloc[bad[0]]), remedy="give it: scale=0.1 (or --scale 0.1)",
        )  # fmt: skip
    return scale


def _scaled(
    stored: NDArray[np.float64], scale: NDArray[np.float64], where: str
) -> NDArray[np.float64]:
    """Return leaf area of what is stored; refuse what is not as stored."""
    odd = np.flatnonzero(~np.isnan(stored) & (stored != np.round(stored)) & (scale != 1.0))
    if odd.size:
        raise InputError(
            where=where, variable="value", rule="must be a whole number, as stored",
            found=f"{stored[odd[0]]:g}", remedy="were the values scaled already? set scale to 1",
        )  # fmt: skip
    return modis.scaled(stored, scale)


def _beside(
    lai: pd.DataFrame, frame: pd.DataFrame, bands: tuple[str, ...], where: str
) -> NDArray[np.float64]:
    """Return another band on the dates of leaf area, (row,); NaN where it has none."""
    other = frame.loc[frame["band"].isin(bands), ["calendar_date", "value"]].drop_duplicates()
    twice = other["calendar_date"][other["calendar_date"].duplicated()]
    if len(twice):
        rule, found = "must have one value a date", f"two on {twice.iloc[0]}"
        raise InputError(where=where, variable=bands[0], rule=rule, found=found)
    values = other.set_index("calendar_date")["value"].reindex(lai["calendar_date"])
    return np.asarray(values, dtype=np.float64)
