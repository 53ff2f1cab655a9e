"""The tables of an experiment file that tell of the stand: growth curve and single stock."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bayes_tbm.errors import InputError
from bayes_tbm.streams import AlongAge, GrowthCurve, Stock

_SOURCES = ("file", "points", "chapman_richards")
_PARAMETERS = ("asymptote", "rate", "shape", "B")
_ENTRIES = {
    "points": ("age", "biomass", "sd"),
    "chapman_richards": (*_PARAMETERS, *(f"{n}_error" for n in _PARAMETERS), "covariance", "ages"),
}
_OPTIONS = ("quantity", "root_share", "age_sd")
_COLUMNS = ("where", "age", "value", "sd")
_ERRORS = ("length", "common", "structural")


def growth_curve(table: Mapping[str, Any], where: str, folder: Path) -> GrowthCurve:
    """Growth curve from its table.

    Parameters
    ----------
    table
        One of ``file`` (a CSV, relative to the experiment), ``points`` (age, biomass, sd) or
        ``chapman_richards`` (asymptote, rate, shape, B; covariance, or asymptote_error, rate_error,
        shape_error and B_error; ages); with a file,
        ``where``, ``age``, ``value`` and ``sd``, as of `bayes_tbm.GrowthCurve.from_csv`; ``unit``,
        ``carbon_fraction``, ``quantity``, ``root_share``, ``age_sd``; ``errors`` with the priors,
        or numbers, of length, common and structural.
    where
        The experiment file, for messages.
    folder
        That it lies in.

    Raises
    ------
    InputError
        Unknown or missing entries, or what `bayes_tbm.GrowthCurve` refuses.
    """
    place = ": ".join(part for part in (where, "growth_curve") if part)
    given = [name for name in _SOURCES if name in table]
    known = {*_SOURCES, *_OPTIONS, "unit", "carbon_fraction", "errors"}
    known |= set(_COLUMNS) if "file" in given else set()
    if len(given) != 1 or not set(table) <= known:
        raise InputError(
            where=place, rule=f"needs one of {', '.join(_SOURCES)}; other entries are "
            f"{', '.join(sorted(known - set(_SOURCES)))}",
            found=", ".join(table),
        )  # fmt: skip
    _check_entries(given[0], table[given[0]], place)
    options: dict[str, Any] = {name: table[name] for name in _OPTIONS if name in table}
    options["errors"] = _errors(table.get("errors", {}), place)
    if "carbon_fraction" in table:
        options["carbon_fraction"] = table["carbon_fraction"]
    unit, source = table.get("unit"), table[given[0]]
    try:
        if given[0] == "file":
            columns = {name: table[name] for name in _COLUMNS if name in table}
            return GrowthCurve.from_csv(beside(folder, source), unit=unit, **columns, **options)
        make = GrowthCurve.from_points if given[0] == "points" else _chapman_richards
        return make(**source, unit=str(unit), source=place, **options)
    except (TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise _within(place, error, table) from error
        raise InputError(where=place, rule="must describe a curve", found=error) from error


def _check_entries(name: str, source: Any, place: str) -> None:
    """Refuse what is no entry of points, or of a curve's parameters."""
    known = _ENTRIES.get(name, ())
    if isinstance(source, Mapping) and not set(source) <= set(known):
        raise InputError(
            where=place, variable=name, rule=f"entries are {', '.join(known)}",
            found=", ".join(source), remedy=f"unit, errors and others stand beside {name}",
        )  # fmt: skip


def stock(table: Mapping[str, Any], where: str, folder: Path) -> Stock:
    """Return the single stock of a table.

    Parameters
    ----------
    table
        The fields of `bayes_tbm.Stock`, without error model; or ``file`` (a CSV, relative to the
        experiment) with the options of `bayes_tbm.Stock.from_csv`.
    where
        The experiment file, for messages.
    folder
        That it lies in.

    Raises
    ------
    InputError
        Unknown or missing entries, or what `bayes_tbm.Stock` refuses.
    """
    place = ": ".join(part for part in (where, "stock") if part)
    known = {field.name for field in dataclasses.fields(Stock)} - {"errors", "name"}
    is_read = "file" in table
    missing = set() if is_read else {"value", "sd", "unit"} - set(table)
    if missing or not set(table) <= known | ({"file", "where"} if is_read else set()):
        raise InputError(
            where=place, rule=f"entries are {', '.join(sorted(known))}; value, sd and unit are "
            "needed, and an age or a date; or a file, with where and columns",
            found=", ".join(table),
        )  # fmt: skip
    try:
        if not is_read:
            return Stock(**table)
        options = {name: value for name, value in table.items() if name != "file"}
        return Stock.from_csv(beside(folder, table["file"]), **options)
    except (TypeError, ValueError) as error:
        if isinstance(error, InputError):
            if not is_read:
                raise
            raise _within(place, error, table) from error
        raise InputError(where=place, rule="must describe a stock", found=error) from error


def _within(place: str, error: InputError, table: Mapping[str, Any]) -> InputError:
    """Return an error as one of an experiment's table, or of the file that the table names."""
    where = error.where or ""
    if error.variable in table:
        where = place
    elif not where.startswith(place):
        where = f"{place}: {where}"
    return InputError(
        where=where, variable=error.variable, rule=error.rule, found=error.found,
        remedy=error.remedy,
    )  # fmt: skip


def _chapman_richards(**given: Any) -> GrowthCurve:
    return GrowthCurve.from_chapman_richards(**given)


def _errors(table: Any, place: str) -> AlongAge:
    if not isinstance(table, Mapping) or not set(table) <= set(_ERRORS):
        raise InputError(
            where=place, variable="errors", rule=f"entries are {', '.join(_ERRORS)}", found=table
        )
    try:
        return AlongAge(**table)
    except InputError as error:
        raise InputError(
            where=place, variable=f"errors.{error.variable}", rule=error.rule, found=error.found,
            remedy=error.remedy,
        ) from error  # fmt: skip


def beside(folder: Path, file: str) -> Path:
    """Return the file in the folder, or else the one that the user names."""
    own = folder / file
    return own if own.is_file() else Path(file)
