"""Which quantities a figure shows, and of which kind they are."""

from __future__ import annotations

from collections.abc import Sequence

import arviz as az
import numpy as np
import xarray as xr

from bayes_tbm.errors import InputError, did_you_mean
from bayes_tbm.parameters import TABLE
from bayes_tbm.results.groups import group

KINDS = ("parameter", "error parameter", "derived quantity")


def chosen(tree: xr.DataTree, names: Sequence[str] | None) -> list[str]:
    """Return the names asked for; by default all, kind by kind, parameters as in their table.

    Raises
    ------
    InputError
        One is not in the posterior, or none is given.
    """
    known = [str(name) for name in group(tree, "posterior").data_vars]
    if names is None:
        table = [*TABLE, *known]
        return sorted(known, key=lambda name: (KINDS.index(kind(tree, name)), table.index(name)))
    names = [names] if isinstance(names, str) else list(names)
    for name in names:
        if name not in known:
            raise InputError(
                where="var_names", variable=name, rule="must be a variable of the posterior",
                remedy=did_you_mean(name, known),
            )  # fmt: skip
    if not names:
        raise InputError(where="var_names", rule="must name at least one variable", found="none")
    return names


def kind(tree: xr.DataTree, name: str) -> str:
    """Tell which of `KINDS` a quantity is; what is sampled has a prior density of its own."""
    if name not in group(tree, "log_prior"):
        return "derived quantity"
    return "parameter" if name in TABLE else "error parameter"


def varying(prior: xr.Dataset, names: Sequence[str]) -> list[str]:
    """Return those of the names that the prior leaves open.

    Raises
    ------
    InputError
        None does.
    """
    kept = [name for name in names if float(prior[name].std()) > 1e-9 * abs(prior[name]).max()]
    if not kept:
        raise InputError(where="prior", rule="some quantity must vary", found="all are fixed")
    return kept


def r_hat(tree: xr.DataTree, names: Sequence[str]) -> dict[str, float]:
    """Return R-hat by name: NaN of one chain, infinite of chains that never moved."""
    posterior = group(tree, "posterior")
    if posterior.sizes["chain"] == 1:
        return dict.fromkeys(names, np.nan)
    with np.errstate(invalid="ignore"):  # a constant has no R-hat
        rhat = az.rhat(posterior[list(names)])
    values = {name: float(rhat[name]) for name in names}
    return {name: value if np.isfinite(value) else np.inf for name, value in values.items()}


def least_converged(tree: xr.DataTree, count: int) -> tuple[list[str], str]:
    """Return the sampled parameters that converged least, the worst first, and by which measure.

    One chain has no R-hat; there the effective sample size decides.
    """
    sampled = [name for name in chosen(tree, None) if kind(tree, name) != "derived quantity"]
    posterior = group(tree, "posterior")
    if posterior.sizes["chain"] > 1:
        rhat, measure = r_hat(tree, sampled), "largest R-hat"
        return sorted(sampled, key=lambda name: -rhat[name])[:count], measure
    found = az.ess(posterior[sampled])
    ess = {name: float(np.nan_to_num(found[name])) for name in sampled}  # of too few draws: none
    return sorted(sampled, key=ess.__getitem__)[:count], "smallest effective sample size"
