"""What is given to a study, checked before anything is sampled."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import xarray as xr

from bayes_tbm.calibration import Calibration
from bayes_tbm.errors import InputError, did_you_mean
from bayes_tbm.plain import check_kind, told
from bayes_tbm.results.tree import check_result, other_points

_TAKEN = ("prior",)  # what the tables of a comparison call a row of their own


def names_of(given: Any, variable: str, known: Collection[str], rule: str) -> tuple[str, ...]:
    """Return names, each once; text is one name.

    Parameters
    ----------
    given
        Names, or one.
    variable
        What they are given as, for messages.
    known
        Names that there are.
    rule
        What to say of one that is unknown.

    Raises
    ------
    InputError
        It is no list of names, or one is unknown.
    """
    listed = [given] if isinstance(given, str) else given
    if not isinstance(listed, Iterable) or not all(isinstance(name, str) for name in listed):
        raise InputError(
            where="sensitivity", variable=variable, rule="must be a list of names",
            found=told(given),
        )  # fmt: skip
    names = tuple(dict.fromkeys(name.strip() for name in listed))
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InputError(
            where="sensitivity", variable=", ".join(name or "''" for name in unknown), rule=rule,
            found=f"unknown in {variable}", remedy=did_you_mean(unknown[0], known),
        )  # fmt: skip
    return names


def check_calibration(given: object, where: str, name: str = "calibration") -> None:
    """Refuse what is no `bayes_tbm.Calibration`, nor another posterior that takes priors."""
    if not callable(getattr(given, "with_priors", None)):
        raise InputError(
            where=where, variable=name, rule="must be a bayes_tbm.Calibration", found=told(given),
            remedy="make one: bayes_tbm.Calibration(site, streams)",
        )  # fmt: skip


def check_sets(calibrations: Any) -> None:
    """Refuse sets of streams that are no calibrations by name, or whose names will not do."""
    check_kind(
        calibrations, Mapping, "must be a mapping of names of sets to bayes_tbm.Calibration",
        where="compare", variable="calibrations",
    )  # fmt: skip
    for name, calibration in calibrations.items():
        text = name if isinstance(name, str) else ""
        if not any(c.isalnum() for c in text) or set(text) & {"/", "\\"} or text in _TAKEN:
            raise InputError(
                where="compare", variable="name of a set",
                rule="must be text with a letter or digit, without slashes, and not 'prior'",
                found=repr(name),
            )  # fmt: skip
        check_calibration(calibration, "compare", text)


def unlike(tree: xr.DataTree, calibration: Calibration) -> list[str]:
    """Return in what a result is not that of a calibration.

    Entries of its experiment, the site's data, and points of streams, which need not be the site's.
    """
    stored = json.loads(tree.attrs["experiment"])
    current = json.loads(json.dumps(calibration.experiment))
    different = [name for name, value in current.items() if stored.get(name) != value]
    if tree.attrs.get("data_sha256") != calibration.site.data_hash():
        different.append("data")
    values, errors = other_points(tree, calibration.density.streams)
    different += [f"points of {name}" for name in dict.fromkeys([*values, *errors])]
    return different


def check_stated(tree: Any, calibration: Any) -> None:
    """Refuse a fit that is not that of the calibration."""
    check_result(tree, "sensitivity")
    if not isinstance(calibration, Calibration):
        return
    if different := unlike(tree, calibration):
        raise InputError(
            where="sensitivity", variable="post", rule="must be the fit of this calibration",
            found=f"another {', '.join(different)}", remedy="leave it out to fit anew",
        )  # fmt: skip
