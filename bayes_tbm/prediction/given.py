"""What is given for a prediction, checked before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import xarray as xr

from bayes_tbm.errors import InputError
from bayes_tbm.plain import check_kind, told
from bayes_tbm.sites.site import Observations, Site, When
from bayes_tbm.sites.stated import bound


def check_given(site: Any, start: When | None, end: When | None, observations: Any) -> None:
    """Refuse what cannot be predicted for or compared with.

    Raises
    ------
    InputError
        The site is none, the period ends before it starts, or observations are no
        `bayes_tbm.Observations` by the name of their series.
    """
    check_kind(
        site, Site, "must be a bayes_tbm.Site", where="predict", variable="site",
        remedy="open it: bayes_tbm.open_site(...)",
    )  # fmt: skip
    if bound(start, "start") > bound(end, "end"):
        raise InputError(
            where="predict", variable="start", rule="must not be after the end",
            found=f"start {start}, end {end}",
        )  # fmt: skip
    if observations is None:
        return
    check_kind(
        observations, Mapping, "must be bayes_tbm.Observations by stream", where="predict",
        variable="observations", remedy="as in {'gpp': ...}",
    )  # fmt: skip
    for name, seen in observations.items():
        if not isinstance(seen, Observations):
            found = told(seen)
        elif seen.name != name:
            found = f"those of {seen.name}"
        else:
            continue
        raise InputError(
            where="predict: observations", variable=str(name),
            rule="must be bayes_tbm.Observations of this name", found=found,
        )  # fmt: skip


def check_prediction(given: Any) -> None:
    """Refuse what is no result of `bayes_tbm.predict`, such as that of a fit."""
    if not (isinstance(given, xr.DataTree) and {"predictions", "fitted_data"} <= set(given)):
        raise InputError(
            where="evaluate", variable="prediction", rule="must be a result of bayes_tbm.predict",
            found=told(given), remedy="evaluate(predict(tree, site))",
        )  # fmt: skip
