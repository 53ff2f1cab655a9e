"""Variables of a dataset with units, long names and Monte Carlo errors."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.constraint.jackknife import Estimate

Array = NDArray[np.float64]


def with_error(
    name: str, dims: tuple[str, ...], value: Array, mcse: Array, unit: str, text: str
) -> dict[str, xr.Variable]:
    """Return a quantity and its Monte Carlo standard error, ``<name>_mcse``."""
    error = f"Monte Carlo standard error of {name}"
    return {
        name: xr.Variable(dims, value, {"units": unit, "long_name": text}),
        f"{name}_mcse": xr.Variable(dims, mcse, {"units": unit, "long_name": error}),
    }


def columns(
    dim: str, estimate: Estimate, described: Mapping[str, tuple[str, str]]
) -> dict[str, xr.Variable]:
    """Return a variable along ``dim`` for each measure.

    Parameters
    ----------
    dim
        Dimension along which the targets lie.
    estimate
        Value (target, measure).
    described
        Name of each measure, with its unit and text.
    """
    out: dict[str, xr.Variable] = {}
    for place, (name, (unit, text)) in enumerate(described.items()):
        value, mcse = estimate.value[:, place], estimate.mcse[:, place]
        out |= with_error(name, (dim,), value, mcse, unit, text)
    return out
