"""What readers take beside the file that is named, so that a change there is noticed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bayes_tbm.errors import InputError
from bayes_tbm.formats.edinburgh import files_beside
from bayes_tbm.formats.fluxnet.beside import half_hourly_beside, place_beside, site_code
from bayes_tbm.formats.fluxnet.layout import Layout, is_fluxnet, read_layout
from bayes_tbm.formats.plumber2 import fluxes_beside
from bayes_tbm.formats.table import read_header

type Companions = tuple[list[Path], tuple[float, ...]]


def companions(path: Path, reading: Mapping[str, Any]) -> Companions:
    """Return the files that are read along with a file, and the place that one of them tells.

    A BIF counts by the place of the site alone: it is of many sites.

    Parameters
    ----------
    path : pathlib.Path
        Of any format.
    reading : mapping
        Options of reading, by name.
    """
    found = [other for other in (fluxes_beside(path), *files_beside(path)) if other is not None]
    layout = _fluxnet(path)
    if layout is None:
        return found, ()
    site = site_code(path) or reading.get("site")
    if layout.resolution == "daily" and not reading.get("half_hourly"):
        half_hours = half_hourly_beside(path, site)
        found += [half_hours] if half_hours is not None else []
    if {"latitude", "longitude"} <= set(reading):
        return found, ()
    place, _ = place_beside(path, site)
    return found, () if place is None else (place.latitude, place.longitude)


def _fluxnet(path: Path) -> Layout | None:
    """Return how a table of FLUXNET is laid out; of any other file None."""
    try:
        header = read_header(path)
        return read_layout(header) if is_fluxnet(header) else None
    except (InputError, OSError):
        return None
