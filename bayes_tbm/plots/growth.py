"""Biomass by stand age under each set of streams, over the data."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayes_tbm.errors import InputError
from bayes_tbm.plots.style import BLACK, PALE_GREY, STYLE, Look, looks, tidy
from bayes_tbm.results.groups import group
from bayes_tbm.units import dry_matter_per_hectare

_UNIT = "live dry biomass (Mg ha$^{-1}$)"


@mpl.rc_context(STYLE)
def plot_growth(posteriors: Mapping[str, xr.DataTree], *, oldest: float = 200.0) -> Figure:
    """Draw the regrowth of the stand by age: median and central 90 % of each posterior.

    Parameters
    ----------
    posteriors
        Results with a group regrowth, by name.
    oldest
        Age to draw up to, years.

    Returns
    -------
    matplotlib.figure.Figure
        The prior's central 90 % in grey; growth curves and stocks by age with one standard
        deviation, where a result assimilated live biomass.

    Raises
    ------
    InputError
        No result has a regrowth run.
    """
    grown = {name: tree for name, tree in posteriors.items() if "regrowth" in tree.children}
    if not grown:
        raise InputError(
            where="plot_growth", rule="needs a result with the stand's regrowth",
            remedy="give regrowth=True to the calibration",
        )  # fmt: skip
    figure = Figure(figsize=(4.8, 3.4), layout="constrained")
    axes = figure.add_subplot()
    _prior(axes, next(iter(grown.values())), oldest)
    for look, (name, tree) in zip(looks(list(grown)), grown.items(), strict=True):
        _band(axes, tree, name, look, oldest)
    for stream in ("growth_curve", "stock"):
        _data(axes, grown, stream)
    axes.set(xlim=(0, oldest), ylim=(0, None), xlabel="stand age (yr)", ylabel=_UNIT)
    axes.legend(loc="upper left")
    tidy(axes)
    return figure


def _prior(axes: Axes, tree: xr.DataTree, oldest: float) -> None:
    regrowth = group(tree, "regrowth")
    if "live_biomass_prior" not in regrowth:
        return
    low, high = _quantiles(regrowth["live_biomass_prior"], [0.05, 0.95], oldest)
    age = np.arange(len(low))
    axes.fill_between(age, low, high, color=PALE_GREY, lw=0, label="prior, 90%")


def _band(axes: Axes, tree: xr.DataTree, name: str, look: Look, oldest: float) -> None:
    low, middle, high = _quantiles(
        group(tree, "regrowth")["live_biomass"], [0.05, 0.5, 0.95], oldest
    )
    age = np.arange(len(low))
    axes.fill_between(age, low, high, color=look.colour, alpha=0.25, lw=0)
    axes.plot(age, middle, color=look.colour, ls=look.line, lw=1.3, label=name)


def _quantiles(series: xr.DataArray, levels: list[float], oldest: float) -> xr.DataArray:
    chosen = series.sel(quantile=levels).sel(age=slice(0, oldest))
    return chosen.copy(data=dry_matter_per_hectare(chosen.values))


def _data(axes: Axes, trees: Mapping[str, xr.DataTree], stream: str) -> None:
    """Points of the first result that assimilated such a stream at ages."""
    for tree in trees.values():
        data = group(tree, "observed_data")
        if stream not in data or data[f"{stream}_point"].dtype.kind == "M":
            continue
        sd = group(tree, "constant_data")[f"{stream}_measurement_sd"].values
        value, sd = (dry_matter_per_hectare(x) for x in (data[stream].values, sd))
        fmt, label = ("o", "growth curve") if stream == "growth_curve" else ("s", "single stock")
        axes.errorbar(
            data[f"{stream}_point"].values, value, sd, fmt=fmt, color=BLACK, ms=3.0, lw=0.8,
            mfc="white", mew=0.8, label=label, zorder=5,
        )  # fmt: skip
        return
