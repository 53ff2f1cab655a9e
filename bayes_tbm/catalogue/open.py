"""One way in: files in any known format, or the name of a published or embedded site."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Unpack

from bayes_tbm.catalogue.fluxval import PREFIX
from bayes_tbm.catalogue.join import join, observed_alone
from bayes_tbm.catalogue.published import is_published, published
from bayes_tbm.catalogue.recognise import FORMATS, Format, as_stated, recognise
from bayes_tbm.catalogue.registry import REGISTRY, fetch
from bayes_tbm.catalogue.second_halves import SUFFIX
from bayes_tbm.errors import InputError, did_you_mean, nearest
from bayes_tbm.formats.reading import OF_DRIVERS, OF_EVERY, Reading, ReadingOptions, reading_of
from bayes_tbm.plain import check_kind
from bayes_tbm.sites.contents import Contents
from bayes_tbm.sites.observations import Observations
from bayes_tbm.sites.site import Site, When

EMBEDDED: dict[str, Literal["monthly", "daily"]] = {
    "hyytiala-twin": "monthly",
    "hyytiala-twin-daily": "daily",
}
Given = str | Path | Observations
"""What observations may come from."""


def site_names() -> tuple[str, ...]:
    """List the names that `open_site` knows.

    Returns
    -------
    tuple of str
        The two embedded sites first, then those that are fetched. A FLUXVAL tower opens with both
        halves of its record where ``+validation`` is added to its name.
    """
    return (*EMBEDDED, *REGISTRY)


def open_site(
    path_or_name: str | Path,
    *,
    observations: Given | Sequence[Given] = (),
    replace: str | Collection[str] = (),
    start: When | None = None,
    end: When | None = None,
    uncertainty: Mapping[str, float] | None = None,
    **reading: Unpack[ReadingOptions],
) -> Site:
    """Open a site, checked, with units known.

    Parameters
    ----------
    path_or_name : str or pathlib.Path
        The drivers: a file, whose format is told from its content (the package's own netCDF,
        DifferLand, CARDAMOM ``.cbf.nc`` and ``.cbf``, FLUXNET, PLUMBER2, Edinburgh's tables), or
        one of `site_names`. ``"FI-Hyy"`` by name comes with its six wood inventories,
        ``"fluxval:FI-Hyy+validation"`` with both halves of the tower's record, the second of which
        `fluxval_validation` gives by itself.
    observations : str, pathlib.Path or Observations, or a sequence of them, optional
        More of what was observed there: files of any format, CalLMIP's and tables of MODIS leaf
        area among them.
    replace : str or collection of str, optional
        Series that several files hold, of which the last one counts.
    start, end : str, datetime.date or numpy.datetime64, optional
        First and last date to keep, both included.
    uncertainty : mapping of str to float, optional
        Absolute standard deviations that replace those of the named series, in their units.
    **reading
        What a file does not tell: ``site`` (its name, or which of several), ``latitude``,
        ``longitude``, ``first_year``, ``half_hourly`` (a file), ``co2`` [ppm], ``scale``; and how
        to read it: ``quality`` (least share measured, 0.75), ``closure``, ``fill_co2``,
        ``fill_uncertainty``, ``progress``. See `bayes_tbm.formats.reading.Reading`.

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
    first, others = read_all(path_or_name, observations, reading_of(reading))
    whole = join(first, others, replace) if others or replace else first
    site = whole.to_site()
    if start is not None or end is not None:
        site = site.window(start, end)
    return site.with_uncertainty(uncertainty) if uncertainty else site


def read_all(
    path_or_name: str | Path, observations: Given | Sequence[Given], reading: Reading
) -> tuple[Contents, list[Contents]]:
    """Read what holds the drivers, and what else was observed.

    Raises
    ------
    InputError
        If something cannot be read, or an option concerns none of the files, or several.
    """
    given = _each(observations)
    for one in (path_or_name, *given):
        check_kind(one, Given, "must be given files or names of sites", where="open_site")
    first = _found(path_or_name)
    files = {n: _found(one) for n, one in enumerate(given) if not isinstance(one, Observations)}
    check_options(reading, [first, *files.values()])
    own = reading.without(OF_DRIVERS)
    others = [
        observed_alone(one) if isinstance(one, Observations) else files[n].read(own)
        for n, one in enumerate(given)
    ]
    return first.read(reading), others


@dataclass(frozen=True)
class Found:
    """A file or a known site, of a format that is known."""

    name: str
    format: Format
    path: Path
    finish: Callable[[Contents], Contents] | None = None

    def read(self, reading: Reading) -> Contents:
        """Return what it holds."""
        held = self.format(self.path, reading)
        return held if self.finish is None else as_stated(self.finish(held), reading)


def check_options(reading: Reading, files: Sequence[Found]) -> None:
    """Refuse options that concern none of the files, and a scale where it may be that of two.

    Raises
    ------
    InputError
        Naming the option and the formats that it is for.
    """
    for name in reading.given():
        asked = files[:1] if name in OF_DRIVERS else files
        takers = [one for one in asked if name in (*one.format.takes, *OF_EVERY)]
        if not takers:
            formats = ", ".join(one.name for one in FORMATS if name in one.takes)
            raise InputError(
                where=", ".join(one.name for one in asked), variable=name,
                rule=f"is an option of other formats ({formats})",
                found=", ".join(one.format.name for one in asked), remedy="leave it out",
            )  # fmt: skip
        if name == "scale" and len(takers) > 1:
            raise InputError(
                where=" and ".join(one.name for one in takers), variable=name,
                rule="must be for one of the files", remedy="in Python, read one apart: "
                "observations=bt.inspect(FILE, scale=...).observations",
            )  # fmt: skip


def _each(given: Any) -> list[Any]:
    one = isinstance(given, Given) or not isinstance(given, Iterable)
    return [given] if one else list(given)


def _found(path_or_name: str | Path) -> Found:
    name, path = str(path_or_name), Path(path_or_name)
    if name in EMBEDDED:
        return Found(name, Format("embedded site", _embedded), path)
    if is_published(name):
        path = fetch(name.removesuffix(SUFFIX))
        return Found(name, recognise(path), path, lambda held: published(name, held))
    if path.is_file():
        return Found(path.name, recognise(path), path)
    raise _unknown(name, path)


def _embedded(path: Path, reading: Reading) -> Contents:
    from bayes_tbm.synthetic.twin import embedded_site

    site = embedded_site(step=EMBEDDED[str(path)])
    return as_stated(Contents.of_site(site, "embedded site, made by code"), reading)


def _unknown(name: str, path: Path) -> InputError:
    if not name.strip():
        return InputError(where="site", rule="must be a name or a file", found=repr(name))
    if path.is_dir():
        return InputError(where=name, rule="is a folder, not a site file")
    names = site_names()
    towers = [one for one in names if one.startswith(PREFIX)]
    known = ", ".join(one for one in names if one not in towers)
    known += f", and {len(towers)} from {towers[0]} to {towers[-1]} (bayes-tbm sites lists them)"
    if path.suffix or "/" in name:
        remedy = f"names that need no file: {known}"
        return InputError(where=name, rule="no such file", remedy=remedy)
    rule = "neither a file nor a known site"
    hint = f"{did_you_mean(name, names)} " if nearest(name, names) else ""
    return InputError(where=name, rule=rule, remedy=f"{hint}known: {known}")
