"""One way in: a path in any known format, or the name of a published or embedded site."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

from bayes_tbm.catalogue.inventories import hyytiala_wood
from bayes_tbm.catalogue.registry import REGISTRY, fetch
from bayes_tbm.errors import InputError, did_you_mean, nearest
from bayes_tbm.formats.cardamom_binary import looks_like_cbf, read_cardamom_binary
from bayes_tbm.formats.cardamom_netcdf import is_cardamom_netcdf, read_cardamom_netcdf
from bayes_tbm.formats.differland import is_differland, read_differland
from bayes_tbm.formats.netcdf import is_netcdf, read_netcdf
from bayes_tbm.formats.own import is_own, read_own
from bayes_tbm.sites.site import Site, When

EMBEDDED: dict[str, Literal["monthly", "daily"]] = {
    "hyytiala-twin": "monthly",
    "hyytiala-twin-daily": "daily",
}
READERS = (
    (is_own, read_own),
    (is_differland, read_differland),
    (is_cardamom_netcdf, read_cardamom_netcdf),
)


def site_names() -> tuple[str, ...]:
    """List the names that `open_site` knows.

    Returns
    -------
    tuple of str
        The two embedded sites first, then those that are fetched.
    """
    return (*EMBEDDED, *REGISTRY)


def open_site(
    path_or_name: str | Path,
    *,
    start: When | None = None,
    end: When | None = None,
    uncertainty: Mapping[str, float] | None = None,
) -> Site:
    """Open a site, checked, with units known.

    Parameters
    ----------
    path_or_name : str or pathlib.Path
        A file (our netCDF, DifferLand, CARDAMOM ``.cbf.nc`` or ``.cbf``; known by its content), or
        one of `site_names`. ``"FI-Hyy"`` by name comes with its six wood inventories.
    start, end : str, datetime.date or numpy.datetime64, optional
        First and last date to keep, both included.
    uncertainty : mapping of str to float, optional
        Absolute standard deviations that replace those of the named series, in their units.

    Returns
    -------
    Site
        Drivers without gaps, observations with missing values dropped, all in the package's units.

    Raises
    ------
    InputError
        In one line: the file, the variable, what must hold, what was found, what to do.

    Warns
    -----
    DataWarning
        If the data can be used, but not quite as their provider meant.
    """
    name = str(path_or_name)
    path = Path(path_or_name)
    if name in EMBEDDED:
        from bayes_tbm.synthetic.twin import embedded_site

        site = embedded_site(step=EMBEDDED[name])
    elif name in REGISTRY:
        site = _published(name)
    elif path.is_file():
        site = read_site(path)
    else:
        raise _unknown(name, path)
    if start is not None or end is not None:
        site = site.window(start, end)
    return site.with_uncertainty(uncertainty) if uncertainty else site


def read_site(path: str | Path) -> Site:
    """Read a site file, known by its content.

    Raises
    ------
    InputError
        If the file is of no known format or fails a check.
    """
    path = Path(path)
    if not is_netcdf(path):
        if path.suffix == ".cbf" or looks_like_cbf(path):
            return read_cardamom_binary(path)
        read_netcdf(path)  # says what it is instead
    data = read_netcdf(path)
    for recognises, read in READERS:
        if recognises(data):
            return read(path)
    rule = "is not a site file of ours, DifferLand or CARDAMOM"
    found = f"variables {', '.join(map(str, list(data.variables)[:8])) or 'none'}"
    raise InputError(where=path.name, rule=rule, found=found)


def _published(name: str) -> Site:
    entry = REGISTRY[name]
    site = read_site(fetch(name))
    notes, observations = site.notes, site.observations
    if abs(site.latitude - entry.latitude) > 0.01:
        tower = f"the tower stands at {entry.latitude:.4f} N"
        notes = (*notes, f"latitude {site.latitude:g} is the pixel of the drivers; {tower}")
    if name == "FI-Hyy":
        observations = {**observations, "wood": hyytiala_wood()}
    longitude = entry.longitude if site.longitude is None else site.longitude
    short = name.split(":")[-1]
    label = short if short != "demo" else site.name
    return replace(site, name=label, longitude=longitude, notes=notes, observations=observations)


def _unknown(name: str, path: Path) -> InputError:
    if path.is_dir():
        return InputError(where=name, rule="is a folder, not a site file")
    names = site_names()
    if path.suffix or "/" in name:
        remedy = f"names that need no file: {', '.join(names)}"
        return InputError(where=name, rule="no such file", remedy=remedy)
    rule = "neither a file nor a known site"
    hint = f"{did_you_mean(name, names)} " if nearest(name, names) else ""
    return InputError(where=name, rule=rule, remedy=f"{hint}known: {', '.join(names)}")
