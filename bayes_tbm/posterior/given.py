"""What is given for a posterior, checked before anything is set up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bayes_tbm.errors import InputError
from bayes_tbm.plain import check_kind, told
from bayes_tbm.sites.site import Site


def check_kinds(site: object, streams: object, priors: object, constraints: object) -> None:
    """Refuse what is of another kind than a calibration takes.

    Raises
    ------
    InputError
        The site is a name or a file and no `bayes_tbm.Site`; streams are no list, priors no mapping
        of names, or constraints neither names, nor a mapping, nor on or off.
    """
    checks: tuple[tuple[str, object, Any, str, str], ...] = (
        ("site", site, Site, "must be a bayes_tbm.Site", "open it: bayes_tbm.open_site(...)"),
        ("streams", streams, Iterable, "must be a list of streams, by name or made here",
         'as in ["gpp", "lai"]'),
        ("priors", priors, Mapping | None, "must be a mapping of parameters to priors",
         'as in {"wood_residence_time": bayes_tbm.LogUniform(2.7, 110)}'),
        ("constraints", constraints, Iterable | bool | None,
         "must be a list of names, a mapping of names to a width, or on or off",
         'as in {"steady_som": 1.5}'),
    )  # fmt: skip
    for name, given, kinds, rule, remedy in checks:
        check_kind(given, kinds, rule, where="calibration", variable=name, remedy=remedy)


def check_values(values: object, sampled: Iterable[str]) -> None:
    """Refuse what is no mapping of every sampled parameter to a value."""
    names = set(sampled)
    found = told(values)
    if isinstance(values, Mapping):
        missing = sorted(names - set(values))
        if not missing:
            return
        found = f"none of {', '.join(missing)}"
    raise InputError(
        where="log_density", variable="values",
        rule="must be a mapping of every sampled parameter to a number", found=found,
        remedy="cal.density.sampled lists them",
    )  # fmt: skip
