"""Some draws of a result, evaluated a batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.parameters import Fixed
from bayes_tbm.prediction.fitted import Fitted

_BATCH = 16  # draws side by side, as where draws of a posterior are evaluated
Array = NDArray[Any]


def evenly(values: xr.Dataset, draws: int) -> dict[str, Array]:
    """Return some draws of all chains, spread evenly, by name, (draw, ...)."""
    flat = values.stack(sample=("chain", "draw")).transpose("sample", ...)
    count = flat.sizes["sample"]
    chosen = np.unique(np.linspace(0, count - 1, min(draws, count)).round().astype(int))
    return {str(name): flat[name].values[chosen] for name in values.data_vars}


def with_fixed(what: Fitted, values: Mapping[str, Array]) -> dict[str, Array]:
    """Return draws of every parameter, (draw,), those held fixed included."""
    count = len(next(iter(values.values())))
    sampled = {name: values[name] for name in what.density.sampled}
    fixed = {
        name: np.full(count, float(prior.from_normal(jnp.zeros(()))))
        for name, prior in what.priors.items()
        if isinstance(prior, Fixed)
    }
    return {name: (sampled | fixed)[name] for name in what.priors}


def in_batches(function: Callable[..., Any], *each: Any) -> Any:
    """Call a function of batches of draws, and join what it returns.

    Parameters
    ----------
    function
        Of arrays, or trees of arrays, of one shape from call to call, (batch, ...).
    *each
        Its arguments for all draws, (draw, ...).
    """
    count = len(jax.tree.leaves(each)[0])
    rows = []
    for first in range(0, count, _BATCH):
        index = np.arange(first, first + _BATCH).clip(max=count - 1)  # one shape for all batches
        batch = jax.tree.map(lambda x, index=index: jnp.asarray(x[index]), each)
        rows.append(jax.device_get(function(*batch)))
    return jax.tree.map(lambda *a: np.concatenate(a)[:count], *rows)
