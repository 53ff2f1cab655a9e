"""The entries of an experiment file: which there are and what each must be."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from bayes_tbm.errors import InputError, did_you_mean
from bayes_tbm.plain import as_number

TABLES = (
    "uncertainty", "errors", "priors", "constraints", "sampling", "growth_curve", "stock", "sets",
    "reading",
)  # fmt: skip
_LISTS = ("observations", "replace")
_AS_THEY_ARE = ("stand_age", "regrowth", "systematic")


def checked(data: Mapping[str, Any], known: Collection[str], where: str) -> dict[str, Any]:
    """Return the fields of an experiment, each of the right kind.

    Parameters
    ----------
    data
        As an experiment file holds them.
    known
        Names of all fields.
    where
        The file, for messages.

    Raises
    ------
    InputError
        Entries are not known, missing or of the wrong kind.
    """
    data = {**data, **{n: [data[n]] for n in _LISTS if isinstance(data.get(n), str)}}
    unknown = [name for name in data if name not in known]
    if "streams" not in data and isinstance(data.get("sets"), Mapping):
        data = {**data, "streams": union(data["sets"].values())}
    missing = [name for name in ("site", "streams") if name not in data]
    if unknown or missing:
        raise InputError(
            where=where,
            variable=", ".join(unknown + missing),
            rule=f"entries are {', '.join(sorted(known))}; site and streams are needed",
            found=f"unknown {unknown or 'none'}, missing {missing or 'none'}",
            remedy=did_you_mean(unknown[0], known) if unknown else None,
        )
    if wrong := _wrong(data):
        raise InputError(
            where=where,
            variable=", ".join(wrong),
            rule="site is text, streams a list of names, tables are written as [name]",
            found=str({name: data[name] for name in wrong}),
        )
    named = {n: data[n] for n in (*TABLES, *_AS_THEY_ARE) if n in data}
    dates = {n: str(data[n]) for n in ("start", "end") if data.get(n) is not None}
    lists = {n: tuple(data[n]) for n in ("streams", *_LISTS) if n in data}
    return {"site": data["site"], **lists, **dates, **named}


def check_reading(reading: Mapping[str, Any], where: str) -> None:
    """Refuse an option of `bayes_tbm.open_site` that is none of an experiment.

    Raises
    ------
    InputError
        There is one.
    """
    if "progress" in reading:
        raise InputError(
            where=where, variable="reading.progress", rule="is no entry of an experiment",
            remedy="leave it out: a command draws no bars with --quiet",
        )  # fmt: skip


def _wrong(data: Mapping[str, Any]) -> list[str]:
    """Return the entries that are of the wrong kind."""
    wrong = [name for name in TABLES if not isinstance(data.get(name, {}), Mapping)]
    wrong += [] if isinstance(data["site"], str) else ["site"]
    wrong += [name for name in ("streams", *_LISTS) if not _are_names(data.get(name, ()))]
    sets = data.get("sets", {})
    if isinstance(sets, Mapping) and not all(_are_names(names) for names in sets.values()):
        wrong.append("sets")
    wrong += ["stand_age"] if as_number(data.get("stand_age", 1)) is None else []
    wrong += [] if isinstance(data.get("regrowth", False), bool | str) else ["regrowth"]
    wrong += [] if isinstance(data.get("systematic", {}), bool | Mapping) else ["systematic"]
    return wrong


def union(sets: Iterable[Any]) -> list[Any]:
    """Return all streams of some sets, each once, in the order in which they come."""
    return list(dict.fromkeys(name for names in sets for name in names))


def _are_names(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(name, str) for name in value)
