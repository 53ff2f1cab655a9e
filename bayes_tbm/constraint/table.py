"""How much was learned of each parameter, from one fit: a table with one row a quantity."""

from __future__ import annotations

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.inference.groups import fixed_quantities, group

Array = NDArray[np.float64]


def constraint_table(tree: xr.DataTree) -> pd.DataFrame:
    """Contraction, information and power-scaling sensitivity of every sampled quantity.

    Parameters
    ----------
    tree
        Result with groups posterior, prior, log_prior and log_likelihood.

    Returns
    -------
    pandas.DataFrame
        Indexed by parameter or derived quantity, without those that follow from fixed values
        alone. ``scale`` is the scale on which spread is
        measured: the logarithm for positive quantities, else the value. ``contraction`` is one
        minus the ratio of posterior to prior variance there; ``bits`` the Kullback-Leibler
        divergence of Gaussians with these moments, in bits; ``overlap`` the shared area of both
        densities. ``psense_*`` is the power-scaling sensitivity (Kallioinen et al. 2024) to the
        prior and to each stream's likelihood; above 0.05 is counted as sensitive.
    """
    posterior, prior = group(tree, "posterior"), group(tree, "prior")
    fixed = fixed_quantities(tree)
    names = [str(name) for name in posterior.data_vars if name not in fixed]
    rows = {name: _row(prior[name].values.ravel(), posterior[name].values.ravel())
            for name in names}  # fmt: skip
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("parameter")
    table.insert(0, "unit", [posterior[name].attrs.get("units", "") for name in names])
    table["psense_prior"] = _psense(tree, "prior", None, names)
    for stream in group(tree, "log_likelihood").data_vars:
        table[f"psense_{stream}"] = _psense(tree, "likelihood", str(stream), names)
    return table


def _row(prior: Array, posterior: Array) -> dict[str, float | str]:
    positive = bool((prior > 0).all() and (posterior > 0).all())
    if positive:
        prior, posterior = np.log(prior), np.log(posterior)
    ratio = posterior.var() / prior.var()
    shift = (posterior.mean() - prior.mean()) ** 2 / prior.var()
    return {
        "scale": "log" if positive else "value",
        "contraction": 1.0 - ratio,
        "bits": 0.5 * (ratio - 1.0 + shift - np.log(ratio)) / np.log(2.0),
        "overlap": _overlap(prior, posterior),
    }


def _overlap(a: Array, b: Array, bins: int = 25) -> float:
    """Area under the smaller of two histograms on common bins."""
    edges = np.histogram_bin_edges(np.concatenate([a, b]), bins)
    shares = [np.histogram(x, edges)[0] / len(x) for x in (a, b)]
    return float(np.minimum(*shares).sum())


def _psense(
    tree: xr.DataTree, group: str, stream: str | None, names: list[str]
) -> pd.Series[float]:
    result = az.psense(
        tree, var_names=names, group=group, group_var_names=None if stream is None else [stream]
    )
    return pd.Series({name: float(result[name]) for name in names})
