"""Which files of a folder are sites, and which are read beside them."""

import re
from collections.abc import Iterable
from pathlib import Path

from bayes_tbm.formats.fluxnet.beside import site_code

_READ_WITH = {
    "_Flux.nc": "_Met.nc",
    "_timeseries_obs.csv": "_timeseries_met.csv",
    "_initial_obs.csv": "_timeseries_met.csv",
}
"""Endings of files that are read with another of the same name (PLUMBER2, Edinburgh)."""
_STEPS = ("DD", "HH", "HR", "WW", "MM", "YY")  # which is opened of several, of one tower
_FLUXNET = re.compile(
    rf"(?<=[_-])({'|'.join(_STEPS)}|BIF|BIFVARINFO|ERA5|ERAI|AUXMETEO|AUXNEE)(?=[_.-])",
    re.IGNORECASE,
)


def tower_of(path: Path) -> str | None:
    """Return the code of the tower whose table of FLUXNET this is, by its name."""
    return site_code(path) if _FLUXNET.search(path.name) else None


def site_files(files: Iterable[Path]) -> list[tuple[str, Path]]:
    """Return the file to open for each site, and what to call the site.

    A tower's tables of FLUXNET are one site under its code; half-hours and BIF are found beside
    the daily table. Files whose reader takes them along with another are no sites.

    Examples
    --------
    >>> names = "FLX_FI-Hyy_FLUXNET2015_FULLSET_DD_1996-2014_1-4.csv", "DE-Tha_1998-2014_Met.nc"
    >>> others = "FLX_FI-Hyy_FLUXNET2015_FULLSET_HH_1996-2014_1-4.csv", "DE-Tha_1998-2014_Flux.nc"
    >>> [name for name, _ in site_files(map(Path, names + others))]
    ['DE-Tha_1998-2014_Met', 'FI-Hyy']
    """
    left = sorted(files)
    towers: dict[str, list[Path]] = {}
    found: list[tuple[str, Path]] = []
    for path in left:
        if code := tower_of(path):
            towers.setdefault(code, []).append(path)
        elif not any(beside in left for beside in _read_with(path)):
            found.append((path.stem, path))
    for code, tables in towers.items():
        found += [(code, path) for path in _opened(tables)]
    return found


def _read_with(path: Path) -> list[Path]:
    """Return the files with which a file is read, if they are there."""
    return [
        path.with_name(path.name.removesuffix(end) + other)
        for end, other in _READ_WITH.items()
        if path.name.endswith(end)
    ]


def _opened(tables: list[Path]) -> list[Path]:
    """Return those of a tower's tables to open: of two products, both."""
    kinds = {path: {kind.upper() for kind in _FLUXNET.findall(path.name)} for path in tables}
    for step in _STEPS:
        if of_step := [path for path in tables if kinds[path] == {step}]:
            return of_step
    return []
