"""One site of several files: drivers from the first, observations from the others too."""

import re
import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
import xarray as xr

from bayes_tbm.errors import DataWarning, InputError, did_you_mean
from bayes_tbm.formats.common import APART, apart, collect, without_copies
from bayes_tbm.sites.contents import Contents
from bayes_tbm.sites.observations import STOCKS, Observations, join_notes
from bayes_tbm.sites.time_axis import step_bounds

_CODE = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}-[A-Za-z0-9]{3}(?![A-Za-z0-9])")
Period = tuple[np.datetime64, np.datetime64]


def observed_alone(seen: Observations) -> Contents:
    """Return a series that is in memory as what a file holds."""
    name = f"Observations({seen.name})"
    return Contents(kind="series in memory", name="", source=name, observations={seen.name: seen})


def join(
    first: Contents, others: Sequence[Contents], replacing: str | Collection[str] = ()
) -> Contents:
    """Return one site's contents of several files'.

    Parameters
    ----------
    first : Contents
        With the drivers.
    others : sequence of Contents
        Of these the observations count.
    replacing : str or collection of str
        Series of which the last file that holds them counts.

    Returns
    -------
    Contents
        NEE and NBE stand for each other where nothing burned, as in one file.

    Raises
    ------
    InputError
        If two files hold one series and it is not to be replaced, or files are of other places or
        times.

    Warns
    -----
    DataWarning
        If files are of towers of other names.
    """
    replacing = (replacing,) if isinstance(replacing, str) else replacing
    _refuse_other_order(first, others)
    held = {name: (first.source, seen) for name, seen in without_copies(first.observations).items()}
    notes, twice, placed = list(first.notes), set(), first
    for other in others:
        _refuse_other_place(placed, other)
        placed = _placed(placed, other)
        _warn_other_name(first, other)
        seen, told = _within(other, first)
        notes += [f"{other.source}: {note}" for note in (*other.notes, *told)]
        _refuse_twice({n: held[n][0] for n in seen if n in held}, other.source, replacing)
        for name, series in seen.items():
            if name in held:
                notes = [note for note in notes if not _tells_of(note, name, held[name][0])]
                notes.append(f"{name}: that of {other.source} replaces that of {held[name][0]}")
                twice.add(name)
            held[name] = (other.source, _from(series, other.source))
    _refuse_needless(replacing, twice, held)
    observations = {name: seen for name, (_, seen) in held.items()}
    if first.drivers is not None:
        observations = collect(observations.values(), first.drivers["burned_fraction"].values)
    if placed is not first:
        what = "coordinates" if first.latitude is None else "longitude"
        notes.append(f"{what} from {placed.source}")
    return replace(
        first, latitude=placed.latitude, longitude=placed.longitude, observations=observations,
        notes=tuple(notes), source=" + ".join(held.source for held in (first, *others)),
    )  # fmt: skip


def _refuse_other_order(first: Contents, others: Sequence[Contents]) -> None:
    """Refuse drivers that are given second."""
    other = next((one for one in others if one.drivers is not None), None)
    if first.drivers is None and other is not None:
        raise InputError(
            where=first.source, rule="must hold drivers, being given first", found=first.kind,
            remedy=f"give {other.source} first, which does, and this as observations",
        )  # fmt: skip


def _tells_of(note: str, name: str, source: str) -> bool:
    """Return whether a note is of a series of a file, of its values or of their sd."""
    return re.match(f"{name}( sd)?:", note.removeprefix(f"{source}: ")) is not None


def _from(seen: Observations, source: str) -> Observations:
    return replace(seen, note=join_notes([f"from {source}", seen.note]))


def _refuse_twice(here: Mapping[str, str], there: str, replacing: Collection[str]) -> None:
    """Refuse series that earlier files, ``here`` by series, hold too."""
    names = [name for name in here if name not in replacing]
    if names:
        listed = ", ".join(f'"{name}"' for name in names)
        options = " ".join(f"--replace {name}" for name in names)
        raise InputError(
            where=there, variable=", ".join(names), rule="must be in one of the files",
            found=f"in {', '.join(dict.fromkeys(here[name] for name in names))} too",
            remedy=f"replace=[{listed}] ({options}) takes that of {there}",
        )  # fmt: skip


def _refuse_needless(
    replacing: Collection[str], twice: Collection[str], held: Collection[str]
) -> None:
    for name in replacing:
        if name not in twice:
            known = name in held
            raise InputError(
                where="replace", variable=name, rule="must be a series that two files hold",
                found="one file that does" if known else "none that does",
                remedy=None if known else did_you_mean(name, held),
            )  # fmt: skip


def _refuse_other_place(placed: Contents, other: Contents) -> None:
    """Refuse files whose coordinates are further apart than a pixel or a footprint."""
    if apart((placed.latitude, placed.longitude), (other.latitude, other.longitude)) > APART:
        raise InputError(
            where=other.source, rule=f"must be of the place of {placed.source}",
            found=f"{_degrees(other)}, and {_degrees(placed)} there",
            remedy="give files of one site; or, where the drivers are of a pixel around it, state "
            "where it stands: latitude=, longitude= (--latitude, --longitude)",
        )  # fmt: skip


def _placed(placed: Contents, other: Contents) -> Contents:
    """Return the one of two files of a place that tells more of it, the earlier one if alike."""
    if placed.latitude is None and other.latitude is not None:
        return other
    if placed.longitude is None and other.latitude is not None and other.longitude is not None:
        return replace(other, latitude=placed.latitude)
    return placed


def _degrees(held: Contents) -> str:
    east = "" if held.longitude is None else f", {held.longitude:.4g} E"
    return f"{held.latitude:.4g} N{east}"


def _warn_other_name(first: Contents, other: Contents) -> None:
    codes = [_CODE.search(held.name) for held in (first, other)]
    here, there = (code.group() if code else "" for code in codes)
    if here and there and here != there:
        told = f"{there}, while {first.source} is of {here}: are they one site?"
        warnings.warn(f"{other.source}: is of {told}", DataWarning, stacklevel=4)


def _within(other: Contents, first: Contents) -> tuple[dict[str, Observations], list[str]]:
    """Return what a file observed in the time of the drivers, stocks whenever, and notes.

    Raises
    ------
    InputError
        If there is nothing, at any time, or fluxes and leaf area at other times alone.
    """
    seen = without_copies(other.observations)
    if not seen:
        raise InputError(
            where=other.source, rule="holds no observations that can be used", found=other.kind,
            remedy="; ".join(other.lacks) or None,
        )  # fmt: skip
    notes = ["its drivers are not used"] if other.drivers is not None else []
    if first.drivers is None:
        return seen, notes
    start, end = period(first.drivers)
    inside = {name: (one.time >= start) & (one.time < end) for name, one in seen.items()}
    if not any(inside[name].any() or name in STOCKS for name in seen):
        times = np.concatenate([one.time for one in seen.values()])
        raise InputError(
            where=other.source, rule="must observe something in the time of the drivers",
            found=f"{_days(times.min(), times.max())}, while the drivers of {first.source} are of "
            f"{_days(start, end - np.timedelta64(1, 'h'))}",
        )  # fmt: skip
    kept = {}
    for name, one in seen.items():
        out = int((~inside[name]).sum())
        if out:
            told = f"{name}: {out} of {len(one)} values lie outside the drivers' time, "
            notes.append(told + ("kept" if name in STOCKS else "left out"))
        kept[name] = one if name in STOCKS else one.select(inside[name])
    return {name: one for name, one in kept.items() if len(one)}, notes


def period(drivers: xr.Dataset) -> Period:
    """Return when the first step begins and the last ends."""
    bounds = step_bounds(drivers)
    return bounds[0, 0], bounds[-1, 1]


def _days(first: np.datetime64, last: np.datetime64) -> str:
    return f"{str(first)[:10]} to {str(last)[:10]}"
