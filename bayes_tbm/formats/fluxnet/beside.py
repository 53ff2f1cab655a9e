"""Files of the same tower found beside one of the family: half-hours, and BIF."""

import functools
import re
from collections.abc import Iterable
from pathlib import Path

from bayes_tbm.errors import InputError
from bayes_tbm.formats.fluxnet.bif import Place, is_bif, read_bif
from bayes_tbm.formats.fluxnet.layout import read_layout
from bayes_tbm.formats.table import read_header

_SITE = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}-[A-Za-z0-9]{3}(?![A-Za-z0-9])")
_DAILY = re.compile(r"(?<=[_-])DD(?=[_.-])", re.IGNORECASE)
_FINE = re.compile(r"(?<=[_-])(HH|HR)(?=[_.-])", re.IGNORECASE)
_YEARS = re.compile(r"(\d{4})-(\d{4})")
_MOST = 200
"""Files of a folder whose first line is looked at."""


def site_code(path: Path) -> str | None:
    """Return the site in a file's name, such as ``'FI-Hyy'``.

    Examples
    --------
    >>> site_code(Path("AMF_US-MMS_FLUXNET_FULLSET_DD_1999-2020_3-5.csv"))
    'US-MMS'
    """
    found = _SITE.search(path.name)
    return found.group() if found else None


def half_hourly_beside(path: Path, site: str | None) -> Path | None:
    """Return the half-hourly or hourly file of a daily one: its name but for ``DD``, or its site's.

    Of several, that of the most years, and of those the last by name.
    """
    exact = [path.with_name(_DAILY.sub(fine, path.name)) for fine in ("HH", "HR")]
    for other in exact:
        if other != path and other.is_file():
            return other
    if site is None:
        return None
    others = [
        other
        for other in sorted(path.parent.iterdir())
        if _FINE.search(other.name) and site_code(other) == site and _is_fine(other)
    ]
    return max(others, key=lambda other: (_span(other), other.name), default=None)


def place_beside(path: Path, site: str | None) -> tuple[Place | None, str]:
    """Return where a site is, from the first BIF beside a file that tells it, and a note.

    Where none does the note says what is wrong with one, or of which sites it tells.
    """
    if site is None:
        return None, ""
    trouble = ""
    for other in _bifs(path):
        try:
            places = _places_of(*_state(other))
        except InputError as error:
            trouble = f"{error}"
            continue
        if site in places:
            return places[site], f"coordinates from {other.name}"
        if places and not trouble:
            trouble = f"{other.name} tells that of {_some(places)}, not of {site}"
    return None, trouble


def _some(sites: Iterable[str]) -> str:
    held = sorted(sites)
    return ", ".join(held[:3]) + f" and {len(held) - 3} more" * (len(held) > 3)


def _bifs(path: Path) -> list[Path]:
    """Return what may be a BIF beside a file, those named so first."""
    files = [other for other in sorted(path.parent.iterdir()) if other.is_file() and other != path]
    named = [
        other
        for other in files
        if re.search(r"(^|[_-])BIF([_.-]|$)", other.name, re.IGNORECASE)
        and other.suffix.lower() in (".csv", ".xlsx")
    ]
    tables = [other for other in files if other.suffix.lower() == ".csv" and other not in named]
    return named + [other for other in tables[:_MOST] if _is_other_bif(other)]


def _is_fine(path: Path) -> bool:
    try:
        return read_layout(read_header(path)).resolution == "sub-daily"
    except (InputError, OSError):
        return False


def _state(path: Path) -> tuple[Path, int, int]:
    """Return what a file is known by as long as it stays as it is: many sites have one BIF."""
    state = path.stat()
    return path, state.st_mtime_ns, state.st_size


@functools.cache
def _places_of(path: Path, changed: int, size: int) -> dict[str, Place]:
    return read_bif(path)


def _is_other_bif(path: Path) -> bool:
    return _has_its_columns(*_state(path))


@functools.cache
def _has_its_columns(path: Path, changed: int, size: int) -> bool:
    try:
        return is_bif(read_header(path))
    except (InputError, OSError):
        return False


def _span(path: Path) -> int:
    years = _YEARS.search(path.name)
    return int(years[2]) - int(years[1]) if years else 0
