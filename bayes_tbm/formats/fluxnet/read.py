"""Reading a table of the FLUXNET family: drivers where they are whole, and measured fluxes."""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from bayes_tbm.errors import DataWarning, InputError
from bayes_tbm.formats.common import collect
from bayes_tbm.formats.fluxnet.beside import half_hourly_beside, place_beside, site_code
from bayes_tbm.formats.fluxnet.drivers import (
    CANDIDATES,
    DRIVER_COLUMNS,
    NO_EXTREMES,
    DriversRead,
    read_drivers,
    source,
)
from bayes_tbm.formats.fluxnet.fluxes import observed_fluxes
from bayes_tbm.formats.fluxnet.half_hours import (
    HIGHEST,
    LOWEST,
    check_clock,
    lacking_note,
    to_days,
)
from bayes_tbm.formats.fluxnet.layout import Layout, read_layout
from bayes_tbm.formats.fluxnet.potential import POTENTIAL, doubt_potential
from bayes_tbm.formats.fluxnet.spread import Spread, spread_note, spreads
from bayes_tbm.formats.fluxnet.steps import DAY, Steps, on_every_day, read_steps
from bayes_tbm.formats.fluxnet.variants import LATENT_COLUMNS, Variant, variants
from bayes_tbm.formats.reading import Reading
from bayes_tbm.formats.subdaily import ENOUGH
from bayes_tbm.formats.table import read_header
from bayes_tbm.sites.contents import Contents
from bayes_tbm.sites.observations import Observations

TAKES = frozenset({"half_hourly", "quality", "closure", "fill_co2", "co2", "fill_uncertainty"})
"""Options of `Reading` that are read here."""
_YEARLY = "a sum over a year cannot be compared with steps of the model"
_COARSE = (
    "drivers: a {} file holds no daily extremes of temperature; give the daily and the "
    "half-hourly file (DD and HH or HR), or join these observations to other drivers"
)
_PLAIN = Reading()
_SAME_PLACE = 0.5
"""Degrees within which a stated latitude, perhaps rounded, is that of the BIF."""
_APART = 0.5
"""Median difference of daily temperatures [K] from which two files are not of one tower."""


def read_fluxnet(path: str | Path, reading: Reading = _PLAIN) -> Contents:
    """Read a table of the FLUXNET family.

    Daily tables need a half-hourly one for extremes of temperature: that which lies beside it, or
    ``reading.half_hourly``. Half-hourly ones are made days. Longer steps give observations only.

    Parameters
    ----------
    path : str or pathlib.Path
        Text.
    reading : Reading
        Site, place, half-hours, quality, closure, and what may be filled.

    Returns
    -------
    Contents
        Without drivers where any is missing on any day; `lacks` says which.

    Raises
    ------
    InputError
        If the table is not of the product, of years, or its content cannot be true.

    Warns
    -----
    DataWarning
        If fluxes are left out for want of quality flags or uncertainties, or the latitude is not
        that of ``SW_IN_POT``.
    """
    path = Path(path)
    layout = read_layout(read_header(path))
    if not 0 <= reading.quality <= 1:
        rule, found = "must be a share within 0 to 1", reading.quality
        raise InputError(where=path.name, variable="quality", rule=rule, found=found)
    steps, variant = _read(layout, reading)
    site = steps.site or site_code(path) or reading.site
    kind = f"FLUXNET {_step_name(steps)} ({layout.product})"
    daily, notes, missing = _daily(path, site, steps, reading)
    read = DriversRead(None, (), missing) if missing else read_drivers(daily, reading)
    observed, lacks = observed_fluxes(daily, variant, reading)
    if lacks:
        warnings.warn(f"{path.name}: {'; '.join(lacks)}", DataWarning, stacklevel=2)
    place, placed, unplaced = _place(path, site, reading)
    doubt_potential(daily, place[0])
    shared = spreads(daily, variant, closure=reading.closure)
    told = [spread_note(*item) for item in shared.items()]
    return Contents(
        kind=kind,
        name=reading.site or site or path.stem,
        source=path.name,
        latitude=place[0],
        longitude=place[1],
        drivers=read.drivers,
        observations=collect(_with_systematic(observed, shared), 0.0),
        notes=(*daily.notes, *notes, *read.notes, *placed, *told),
        lacks=(*read.lacks, *lacks, *unplaced),
    )


def _with_systematic(
    observed: Iterable[Observations], shared: Mapping[str, Spread]
) -> Iterator[Observations]:
    """Yield carbon fluxes with what the product says of the error that all their values share."""
    for seen in observed:
        spread = None if seen.name == "et" else shared.get(seen.name)
        size = None if spread is None else spread.size if seen.name == "nee" else spread.share
        yield replace(seen, systematic=size)


def systematic_spread(path: str | Path, reading: Reading = _PLAIN) -> dict[str, Spread]:
    """Return the errors of a table's fluxes that all its steps share.

    Parameters
    ----------
    path : str or pathlib.Path
        Table of the family.
    reading : Reading
        Closure, and the progress bar.

    Returns
    -------
    dict of str to Spread
        By stream, for those of which the file tells it.

    Raises
    ------
    InputError
        As `read_fluxnet`.
    """
    steps, variant = _read(read_layout(read_header(path)), reading)
    days = to_days(steps, None) if _fine(steps) else steps
    return spreads(days, variant, closure=reading.closure)


def _read(layout: Layout, reading: Reading) -> tuple[Steps, Variant | None]:
    """Read the columns of drivers and of the best variant that has values."""
    if layout.resolution == "yearly":
        raise InputError(
            where=layout.header.where, rule=_YEARLY, found="a yearly file (TIMESTAMP YYYY)",
            remedy="give the daily and the half-hourly file (DD and HH or HR), or the monthly one",
        )  # fmt: skip
    held: list[Variant | None] = [*variants(layout.names)] or [None]
    for variant in held:
        columns = () if variant is None else variant.columns
        wanted = (*DRIVER_COLUMNS, POTENTIAL, *LATENT_COLUMNS, *columns)
        steps = read_steps(layout, wanted, reading)
        if not steps.start.size:
            rule = "must hold values"
            raise InputError(where=layout.header.where, rule=rule, found="a header alone")
        if variant is not None and any(steps.holds(name) for name in variant.main):
            break
    return steps, variant


def _fine(steps: Steps) -> bool:
    return steps.resolution == "sub-daily"


def _step_name(steps: Steps) -> str:
    if not _fine(steps):
        return steps.resolution
    return "half-hourly" if steps.end[0] - steps.start[0] < np.timedelta64(1, "h") else "hourly"


def _daily(
    path: Path, site: str | None, steps: Steps, reading: Reading
) -> tuple[Steps, list[str], tuple[str, ...]]:
    """Return daily steps with extremes, notes, and why there are no extremes."""
    if steps.resolution != "daily" and reading.half_hourly is not None:
        raise InputError(
            where=path.name, variable="half_hourly", rule="goes with a daily file",
            found=f"a {_step_name(steps)} one", remedy="leave it out",
        )  # fmt: skip
    if _fine(steps):
        per_day = int(DAY // (steps.end[0] - steps.start[0]))
        check_clock(steps, source(steps, "shortwave"))
        name = source(steps, "temperature")
        note = f"days are made of {_step_name(steps)} values, of which {ENOUGH:.0%} must be there"
        notes = [note, _extremes_note(name, path.name, per_day)]
        lacking = lacking_note(steps, [source(steps, driver) for driver in CANDIDATES])
        return to_days(steps, name), notes + [lacking] * bool(lacking), ()
    if steps.resolution != "daily":
        return steps, [], (_COARSE.format(steps.resolution),)
    steps = on_every_day(steps)
    other = reading.half_hourly or half_hourly_beside(path, site)
    if other is None:
        return steps, [], (NO_EXTREMES,)
    return _with_extremes(steps, Path(other), reading)


def _with_extremes(
    steps: Steps, other: Path, reading: Reading
) -> tuple[Steps, list[str], tuple[str, ...]]:
    """Add extremes from half-hours to daily steps, on the days that both have."""
    layout = read_layout(read_header(other))
    if layout.resolution != "sub-daily":
        raise InputError(
            where=other.name, variable="half_hourly", rule="must be a half-hourly or hourly file",
            found=f"a {layout.resolution} one",
        )  # fmt: skip
    fine = read_steps(layout, (*CANDIDATES["temperature"], *CANDIDATES["shortwave"]), reading)
    if not fine.start.size:
        raise InputError(where=other.name, rule="must hold values", found="a header alone")
    check_clock(fine, source(fine, "shortwave"))
    per_day = int(DAY // (fine.end[0] - fine.start[0]))
    name = source(fine, "temperature")
    days = to_days(fine, name)
    whole = [f"{_day(part.start[0])} to {_day(part.start[-1])}" for part in (steps, days)]
    both = (steps.start >= days.start[0]) & (steps.start <= days.start[-1])
    if not both.any():
        lack = f"t_min, t_max: {other.name} holds {whole[1]}, the daily file {whole[0]}: no day "
        return steps, [], (lack + "is in both; give the half-hours of the same years",)
    part = steps.select(both)
    same = days.select((days.start >= part.start[0]) & (days.start <= part.start[-1]))
    _refuse_other_tower(part, same, other.name, steps.where)
    notes = [_extremes_note(name, other.name, per_day)]
    lacking = lacking_note(fine, [name])
    notes += [f"{other.name}: {lacking}"] * bool(lacking)
    if not both.all():
        notes.append(
            f"the daily file holds {whole[0]}, {other.name} {whole[1]}: read are the days of both"
        )
    extremes = {end: same[end] for end in (LOWEST, HIGHEST)}
    return replace(part, columns={**part.columns, **extremes}), notes, ()


def _refuse_other_tower(days: Steps, fine: Steps, other: str, where: str) -> None:
    """Refuse half-hours whose daily means are not the daily file's."""
    apart = np.abs(days[source(days, "temperature")] - fine[source(fine, "temperature")])
    if np.isfinite(apart).any() and np.nanmedian(apart) > _APART:
        raise InputError(
            where=other, variable="half_hourly", rule="must be of the same tower as the daily file",
            found=f"daily temperatures {np.nanmedian(apart):.1f} K from those of {where}",
        )  # fmt: skip


def _extremes_note(name: str, where: str, per_day: int) -> str:
    least = int(np.ceil(ENOUGH * per_day))
    return (
        f"t_min, t_max: lowest and highest {name} in {where} by the day of TIMESTAMP_START, "
        f"of at least {least} of {per_day} values"
    )


def _day(time: np.datetime64) -> str:
    return str(time)[:10]


def _place(
    path: Path, site: str | None, reading: Reading
) -> tuple[tuple[float | None, float | None], list[str], list[str]]:
    """Return latitude and longitude, a note, and what is lacking."""
    if reading.latitude is not None and reading.longitude is not None:
        return (reading.latitude, reading.longitude), ["coordinates as stated by the user"], []
    found, note = place_beside(path, site)
    if reading.latitude is not None:
        longitude, told = None, "coordinates as stated by the user"
        if found is not None and abs(found.latitude - reading.latitude) <= _SAME_PLACE:
            longitude, told = found.longitude, f"{note}, but latitude as stated by the user"
        elif found is not None:
            told += f"; not used, as its latitude is {found.latitude:g}: {note}"
        return (reading.latitude, longitude), [told], []
    if found is not None:
        longitude = found.longitude if reading.longitude is None else reading.longitude
        return (found.latitude, longitude), [note], []
    remedy = "state it, latitude=... (--latitude), or put the product's BIF beside the file"
    whose = ""
    if not site:
        whose = " and state whose, site=... (--site-name), as the file's name tells no site"
    told = f" ({note})" if note else ""
    return (None, reading.longitude), [], [f"latitude: not in the file{told}: {remedy}{whose}"]
