"""Every figure of a comparison of stream sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from bayes_tbm.plots.growth import plot_growth
from bayes_tbm.plots.joint import plot_joint
from bayes_tbm.plots.measures import plot_bits, plot_contraction
from bayes_tbm.plots.overlays import plot_overlays
from bayes_tbm.results.groups import group

Sets = Mapping[str, xr.DataTree]
_PAIR = ("allocation_wood", "wood_residence_time")
_SHOWN = (
    "allocation_wood", "wood_residence_time", "mature_biomass", "canopy_to_root_allocation",
    "root_residence_time", "som_residence_time", "autotrophic_fraction", "npp_annual",
    "wood_production",
)  # fmt: skip


def set_figures(posteriors: Sets, table: pd.DataFrame) -> dict[str, Callable[[], Figure]]:
    """Figures of a comparison by file name, each drawn when called.

    Parameters
    ----------
    posteriors
        Results by name of the set.
    table
        `bayes_tbm.Comparison.table`.
    """
    first = next(iter(posteriors.values()))
    known = group(first, "posterior")
    shown = [name for name in _SHOWN if name in known]
    figures: dict[str, Callable[[], Figure]] = {
        "bits": lambda: plot_bits(table),
        "contraction": lambda: plot_contraction(table),
        "overlays": lambda: plot_overlays(posteriors, shown),
    }
    if set(_PAIR) <= set(known.data_vars):
        figures["allocation_turnover"] = lambda: plot_joint(posteriors)
    if any("regrowth" in tree.children for tree in posteriors.values()):
        figures["growth"] = lambda: plot_growth(posteriors)
    return figures
