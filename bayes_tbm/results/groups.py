"""Groups of a result as datasets."""

from __future__ import annotations

import xarray as xr


def group(tree: xr.DataTree, name: str) -> xr.Dataset:
    """Return one group of a result, such as ``"posterior"``, as a dataset."""
    return tree.children[name].to_dataset()


def fixed_quantities(tree: xr.DataTree) -> list[str]:
    """Return the quantities that the prior leaves no freedom: they follow from fixed values."""
    if "prior" not in tree.children:
        return []
    prior = group(tree, "prior")
    return [str(n) for n, x in prior.data_vars.items() if x.std() <= 1e-9 * abs(x).max()]
