"""Parameter values in and out of runs and files."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import xarray as xr
from jax.typing import ArrayLike

from bayes_tbm.errors import InputError
from bayes_tbm.parameters import DALEC_NAMES, TABLE, Parameters, prior_from_dict
from bayes_tbm.plain import as_number
from bayes_tbm.results.groups import group


def median_parameters(tree: xr.DataTree) -> Parameters:
    """Posterior medians, one parameter at a time; what was held fixed keeps its value."""
    posterior = group(tree, "posterior")
    priors = json.loads(tree.attrs["experiment"])["priors"]
    fixed = {name: prior_from_dict(name, priors[name]).center for name in TABLE}
    medians = {n: float(posterior[n].median()) for n in TABLE if n in posterior}
    return Parameters.from_mapping(fixed | medians)


def read_parameters(path: Path) -> Mapping[str, ArrayLike]:
    """Parameter values from a TOML file: own names over prior medians, or all DALEC names.

    Raises
    ------
    InputError
        The file cannot be read or holds something else than numbers.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        values = {name: _number(name, value) for name, value in data.items()}
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            where=str(path), rule="must be a TOML file of name = number", found=error
        ) from error
    if any(name in values for name in DALEC_NAMES if name not in TABLE):
        return values
    medians = {name: row.prior.center for name, row in TABLE.items()}
    return medians | values


def _number(name: str, value: object) -> float:
    number = as_number(value)
    if number is None:
        raise TypeError(f"{name} = {value!r}")
    return number


def truth_lines(tree: xr.DataTree, truth: Mapping[str, ArrayLike]) -> list[str]:
    """Compare 95 % intervals with known true values, a line each and the share inside."""
    posterior = group(tree, "posterior")
    lines, inside = [], []
    for name, value in truth.items():
        if name not in posterior:
            continue
        draws = posterior[name].values
        low, middle, high = np.quantile(draws, [0.025, 0.5, 0.975])
        hit = bool(low <= float(np.asarray(value)) <= high)
        inside.append(hit)
        lines.append(
            f"  {name:<32} truth {float(np.asarray(value)):10.4g}   median {middle:10.4g}   "
            f"95 % [{low:.4g}, {high:.4g}]{'' if hit else '   OUTSIDE'}"
        )
    share = np.mean(inside)
    return [*lines, f"  truth inside the 95 % interval for {sum(inside)} of {len(inside)} "
            f"parameters ({share:.0%})"]  # fmt: skip
