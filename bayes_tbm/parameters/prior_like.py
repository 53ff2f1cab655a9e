"""What a user may give for a prior: a prior, its plain data, or a number to hold a value fixed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from bayes_tbm.errors import InputError
from bayes_tbm.parameters.families import (
    AbstractPrior,
    BoundedLogNormal,
    Fixed,
    LogitNormal,
    LogNormal,
    LogUniform,
    Normal,
    Uniform,
)
from bayes_tbm.parameters.heavy_tailed import LogitStudentT, LogStudentT
from bayes_tbm.plain import finite_number

FAMILIES: dict[str, type[AbstractPrior]] = {
    family.family: family
    for family in (
        Normal, LogNormal, BoundedLogNormal, LogitNormal, Uniform, LogUniform, LogStudentT,
        LogitStudentT, Fixed,
    )
}  # fmt: skip
PriorLike = AbstractPrior | Mapping[str, Any] | float


def as_prior(name: str, given: PriorLike, where: str = "priors") -> AbstractPrior:
    """Return the prior that a user gave.

    Parameters
    ----------
    name
        The parameter that the prior is for; only used in messages.
    given
        A prior; its plain data, such as ``{"family": "lognormal", "median": 60.0, "log_sd": 0.8}``;
        or a number to hold the parameter fixed.
    where
        What it was read from; only used in messages.

    Raises
    ------
    InputError
        It is none of these, the family is unknown, or the entries make no distribution.
    """
    return given if isinstance(given, AbstractPrior) else prior_from_dict(name, given, where)


def prior_from_dict(
    name: str, data: Mapping[str, Any] | float, where: str = "priors"
) -> AbstractPrior:
    """Build a prior from plain data such as a TOML table, or from a number; see `as_prior`.

    Raises
    ------
    InputError
        Unknown family, missing or surplus or non-numeric entries, or a spread that is not positive.
    """
    entries = dict(data) if isinstance(data, Mapping) else {}
    if finite_number(data) is not None or isinstance(data, float):
        entries = {"family": Fixed.family, "value": data}
    family = FAMILIES.get(str(entries.pop("family", None)).lower())
    if family is None:
        raise InputError(
            where=where,
            variable=name,
            rule=f"family must be one of {', '.join(FAMILIES)}",
            found=repr(data),
            remedy='write for example {family = "lognormal", median = 60.0, log_sd = 0.8}',
        )
    try:
        return family(**entries)
    except InputError as error:
        raise InputError(
            where=where,
            variable=f"{name}: {error.variable}",
            rule=error.rule,
            found=error.found,
            remedy="correct this entry of the prior",
        ) from error
    except TypeError as error:
        fields = ", ".join(field.name for field in dataclasses.fields(family))
        raise InputError(
            where=where,
            variable=name,
            rule=f"a {family.family} prior takes the numbers {fields}",
            found=str(entries),
            remedy="name each of them once, as a number",
        ) from error
