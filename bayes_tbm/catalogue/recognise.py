"""What a file is, told from its content and its header, never from its name alone."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import xarray as xr

from bayes_tbm.errors import InputError
from bayes_tbm.formats import callmip, edinburgh, fluxnet, modistools, plumber2
from bayes_tbm.formats import earth_engine as gee
from bayes_tbm.formats.appeears import is_appeears, read_appeears
from bayes_tbm.formats.cardamom_binary import looks_like_cbf, read_cardamom_binary
from bayes_tbm.formats.cardamom_netcdf import is_cardamom_netcdf, read_cardamom_netcdf
from bayes_tbm.formats.common import doubt_latitude
from bayes_tbm.formats.differland import is_differland, read_differland
from bayes_tbm.formats.netcdf import is_netcdf, read_netcdf
from bayes_tbm.formats.own import is_own, read_own
from bayes_tbm.formats.reading import OF_EVERY, Reading
from bayes_tbm.formats.table import Header, read_header
from bayes_tbm.sites.contents import Contents
from bayes_tbm.sites.site import Site

OTHERWISE = (
    "read it with pandas, and give columns and units to Site.from_dataframe (docs: "
    "bring-your-own-data); biomass by age: GrowthCurve.from_csv"
)
_SHOWN = 8
_NAMES = (".cbf", ".nc", ".nc4")


@dataclass(frozen=True)
class Format:
    """A format: its name, its reader, and the options of `Reading` that it takes.

    Attributes
    ----------
    name : str
        For messages.
    read : callable
        From a file and options to `Contents`.
    takes : frozenset of str
        Options besides those that every format takes.
    """

    name: str
    read: Callable[[Path, Reading], Contents]
    takes: frozenset[str] = frozenset()

    def __call__(self, path: Path, reading: Reading) -> Contents:
        """Read a file, with the options that concern the format."""
        return self.read(path, reading.only({*self.takes, *OF_EVERY}))


def as_stated(held: Contents, reading: Reading) -> Contents:
    """Return contents with the name and the place that the user states."""
    stated = {"name": reading.site, "latitude": reading.latitude, "longitude": reading.longitude}
    given = {name: value for name, value in stated.items() if value is not None}
    if held.latitude is not None and reading.latitude is not None:
        doubt_latitude(held.latitude, reading.latitude, held.source)
    moved = ", ".join(
        f"{name} {given[name]:g} as stated, the file has {getattr(held, name)}"
        for name in ("latitude", "longitude")
        if name in given
    )
    return replace(held, notes=(*held.notes, *[moved] * bool(moved)), **given)  # type: ignore[arg-type]


def _whole(kind: str, read: Callable[[Path], Site]) -> Format:
    """Return a format whose files are whole sites."""
    return Format(kind, lambda path, told: as_stated(Contents.of_site(read(path), kind), told))


OWN = _whole("site file of bayes_tbm", read_own)
DIFFERLAND = _whole("DifferLand site file", read_differland)
CARDAMOM = _whole("CARDAMOM netCDF (.cbf.nc)", read_cardamom_netcdf)
BINARY = _whole("CARDAMOM binary (.cbf)", read_cardamom_binary)
CALLMIP = Format("CalLMIP fluxes", callmip.read_callmip, callmip.TAKES)
PLUMBER2 = Format("PLUMBER2", plumber2.read_plumber2, plumber2.TAKES)
FLUXNET = Format("FLUXNET table", fluxnet.read_fluxnet, fluxnet.TAKES)
EDINBURGH = Format("Edinburgh CARDAMOM table", edinburgh.read_edinburgh, edinburgh.TAKES)
APPEEARS = Format("AppEEARS table", read_appeears)
MODISTOOLS = Format("MODISTools table", modistools.read_modistools, modistools.TAKES)
EARTH_ENGINE = Format("Earth Engine table", gee.read_earth_engine, gee.TAKES)

# The first that fits: DifferLand's files have what CARDAMOM's have, and more.
NETCDF: tuple[tuple[Callable[[xr.Dataset], bool], Format], ...] = (
    (is_own, OWN),
    (is_differland, DIFFERLAND),
    (is_cardamom_netcdf, CARDAMOM),
    (callmip.is_callmip, CALLMIP),
    (plumber2.is_plumber2, PLUMBER2),
)
TABLES: tuple[tuple[Callable[[Header], bool], Format], ...] = (
    (fluxnet.is_fluxnet, FLUXNET),
    (edinburgh.is_edinburgh, EDINBURGH),
    (is_appeears, APPEEARS),
    (modistools.is_modistools, MODISTOOLS),
    (gee.is_earth_engine, EARTH_ENGINE),
)
FORMATS = (*(one for _, one in NETCDF), BINARY, *(one for _, one in TABLES))
"""Every format there is."""


def recognise(path: Path) -> Format:
    """Tell the format of a file.

    Parameters
    ----------
    path : pathlib.Path
        NetCDF of either kind, CARDAMOM's binary, or a table as text.

    Returns
    -------
    Format

    Raises
    ------
    InputError
        If it is of none that is known, or cannot be read.
    """
    if is_netcdf(path):
        return _of_netcdf(path)
    if looks_like_cbf(path):
        return BINARY
    try:
        header = read_header(path)
    except InputError:
        if path.suffix in _NAMES:
            return _as_named(path)
        raise
    for recognises, format_ in TABLES:
        if recognises(header):
            return format_
    if path.suffix in _NAMES:
        return _as_named(path)
    if fluxnet.is_bif(header):
        raise InputError(
            where=path.name, rule="holds where towers stand, and no data", found="a BIF of FLUXNET",
            remedy="leave it beside the daily file (DD) and give that: it is read with it",
        )  # fmt: skip
    raise _unknown(path, "columns", header.names)


def _as_named(path: Path) -> Format:
    """Return the format of a name, whose reader says what is wrong with the content."""
    return BINARY if path.suffix == ".cbf" else _of_netcdf(path)


def _of_netcdf(path: Path) -> Format:
    data = read_netcdf(path, keep=True)
    for recognises, format_ in NETCDF:
        if recognises(data):
            return format_
    raise _unknown(path, "variables", tuple(map(str, data.variables)))


def _unknown(path: Path, what: str, names: tuple[str, ...]) -> InputError:
    shown = ", ".join(names[:_SHOWN]) + ", ..." * (len(names) > _SHOWN)
    rule = "is of no format that is known"
    found = f"{what} {shown}" if names else f"no {what}"
    return InputError(where=path.name, rule=rule, found=found, remedy=OTHERWISE)
