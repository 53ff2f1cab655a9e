"""Reader of leaf area that AppEEARS exports as CSV: points, and statistics over areas.

Values are scaled already. Standard deviations keep their fill (248 and more), and quality stands in
a column of numbers beside its bits.
"""

import re
from pathlib import Path

import numpy as np

from bayes_tbm.errors import InputError
from bayes_tbm.formats import modis
from bayes_tbm.formats.reading import Reading
from bayes_tbm.formats.table import Header, read_columns, read_header
from bayes_tbm.sites.contents import Contents

_POINT = {"ID", "Latitude", "Longitude", "Date", "MODIS_Tile"}
_AREA = {"File Name", "Dataset", "aid", "Date", "Count", "Mean", "Standard Deviation"}
_BAND = re.compile(r"([A-Z0-9]+_\d{3})_Lai(_500m|_1km)?")
_LEAF_AREA = re.compile(r"Lai(_500m|_1km)?")
_FILE = re.compile(r"([A-Z0-9]+[._]\d{3})[._]Lai")


def is_appeears(header: Header) -> bool:
    """Return whether a table is one that AppEEARS wrote: of points, or statistics over areas."""
    names = set(header.names)
    return names >= _POINT or names >= _AREA


def read_appeears(path: str | Path, reading: Reading = modis.AS_IT_IS) -> Contents:
    """Read leaf area from an AppEEARS table, of points or of statistics over areas.

    Composites of the main method alone are kept where the table tells it; statistics do not.

    Parameters
    ----------
    path : str or pathlib.Path
        ``*-results.csv`` or ``*-Statistics.csv``.
    reading : Reading
        ``site`` picks one of several IDs (of areas: ``aid``).

    Returns
    -------
    Contents
        With the series ``lai``.

    Raises
    ------
    InputError
        If the table holds no leaf area of MODIS, or of several sites and none is picked, or what
        `bayes_tbm.formats.modis.leaf_area` refuses.
    """
    header = read_header(path)
    if not is_appeears(header):
        found = ", ".join(header.names[:6])
        raise InputError(where=header.where, rule="must be a table of AppEEARS", found=found)
    is_point = set(header.names) >= _POINT
    return _points(header, reading) if is_point else _areas(header, reading)


def _points(header: Header, reading: Reading) -> Contents:
    bands = [found for name in header.names if (found := _BAND.fullmatch(name))]
    if len(bands) != 1:
        held = [name for name in header.names if re.fullmatch(r"[A-Z0-9]+_\d{3}_\w+", name)]
        raise InputError(
            where=header.where, variable="Lai", found=", ".join(b[0] for b in bands) or
            ", ".join(held[:6]) or "no band", rule="needs one band of leaf area, as in "
            "MCD15A3H_061_Lai_500m", remedy="ask AppEEARS for Lai_500m and FparLai_QC",
        )  # fmt: skip
    band, product = bands[0][0], bands[0][1]
    spread = band.replace("_Lai", "_LaiStdDev")
    flags = f"{product}_FparLai_QC"
    held = [name for name in (spread, flags) if name in header.names]
    numbers = [band, *held, "Latitude", "Longitude"]
    table = read_columns(header, numbers, ["ID", "Date"], progress=reading.progress)
    name, mine = modis.choose(table.texts["ID"], reading.site, header.where, "ID")
    column = {n: values[mine] for n, values in table.numbers.items()}
    composites = modis.Composites(
        header.where,
        modis.composite_days(product.replace("_", "."), header.where),
        modis.dates(table.texts["Date"][mine], header.where, "Date"),
        column[band],
        column.get(spread, np.full(mine.sum(), np.nan)),
        column.get(flags),
    )
    place = (
        modis.one_place(column["Latitude"], reading.latitude, 90.0),
        modis.one_place(column["Longitude"], reading.longitude, 360.0),
    )
    kind = f"AppEEARS points ({product.replace('_', '.')})"
    return modis.contents(composites, kind, name, place, ("leaf area is scaled in the file",))


def _areas(header: Header, reading: Reading) -> Contents:
    texts = ["File Name", "Dataset", "aid", "Date"]
    table = read_columns(header, ["Mean"], texts, progress=reading.progress)
    of_leaves = np.array([bool(_LEAF_AREA.fullmatch(n)) for n in table.texts["Dataset"]], bool)
    if not of_leaves.any():
        held = ", ".join(sorted(set(table.texts["Dataset"]))[:8]) or "no row"
        rule = "holds no leaf area (Lai_500m)"
        raise InputError(where=header.where, variable="Dataset", rule=rule, found=held)
    columns = {n: values[of_leaves] for n, values in table.texts.items()}
    name, mine = modis.choose(columns["aid"], reading.site, header.where, "aid")
    products = {found[1] if (found := _FILE.match(n)) else n for n in columns["File Name"][mine]}
    if len(products) > 1:
        found_ = ", ".join(sorted(products)[:4])
        rule = "must be of one product"
        raise InputError(where=header.where, variable="File Name", rule=rule, found=found_)
    product = products.pop().replace("_", ".")
    mean = table.numbers["Mean"][of_leaves][mine]
    composites = modis.Composites(
        header.where,
        modis.composite_days(product, header.where),
        modis.dates(columns["Date"][mine], header.where, "Date"),
        mean,
        np.full(mean.shape, np.nan),
        None,
    )
    notes = (
        "leaf area is the mean over the area, scaled in the file",
        "Standard Deviation is the spread over pixels, not an error: not used",
    )
    kind, place = f"AppEEARS statistics ({product})", (reading.latitude, reading.longitude)
    return modis.contents(composites, kind, name, place, notes)
