"""Groups of a result as datasets."""

from __future__ import annotations

import xarray as xr


def group(tree: xr.DataTree, name: str) -> xr.Dataset:
    """Return one group of a result, such as ``"posterior"``, as a dataset."""
    return tree.children[name].to_dataset()
