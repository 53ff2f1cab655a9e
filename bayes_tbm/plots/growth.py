"""Biomass by stand age under each set of streams, over the data."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayes_tbm.errors import InputError
from bayes_tbm.plots.style import (
    BLACK,
    PALE_GREY,
    SETS,
    STYLE,
    Look,
    legend_above,
    looks,
    number_text,
    tidy,
    title_of,
)
from bayes_tbm.results.groups import group
from bayes_tbm.units import dry_matter_per_hectare

_UNIT = "live dry biomass (Mg ha$^{-1}$)"
_OLDEST = 200.0
_LIVE, _ABOVE = "live biomass carbon", "above-ground biomass carbon"
_LEGEND = 8  # entries that find room within the panel


@mpl.rc_context(STYLE)
def plot_growth(posteriors: Mapping[str, xr.DataTree], *, oldest: float | None = None) -> Figure:
    """Draw the regrowth of the stand by age: median and central 90 % of each posterior.

    Parameters
    ----------
    posteriors
        Results with a group regrowth, by name.
    oldest
        Age to draw up to, years; by default 200, or that of the oldest point if it is older.

    Returns
    -------
    matplotlib.figure.Figure
        The prior's central 90 % in grey; every growth curve and stock by age that a result
        assimilated, with one standard deviation. Above-ground biomass is divided by the share that
        it was compared with, which the legend tells; of wood alone there are no points, since it
        is another quantity than the curves.

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
    data = _by_age(grown)
    if oldest is None:
        ages = [float(tree["observed_data"][f"{n}_point"].max()) for n, tree in data.items()]
        last = max(ages, default=0.0)
        oldest = _OLDEST if last <= _OLDEST else 1.02 * last
    figure = Figure(figsize=(4.8, 3.4), layout="constrained")
    axes = figure.add_subplot()
    _prior(axes, next(iter(grown.values())), oldest)
    for look, (name, tree) in zip(looks(list(grown)), grown.items(), strict=True):
        _band(axes, tree, name, look, oldest)
    for place, (name, tree) in enumerate(data.items()):
        _data(axes, tree, name, SETS[place % len(SETS)].marker)
    axes.set(xlim=(0, oldest), ylim=(0, None), xlabel="stand age (yr)", ylabel=_UNIT)
    _legend(axes)
    tidy(axes)
    return figure


def _legend(axes: Axes) -> None:
    handles, _ = axes.get_legend_handles_labels()
    if len(handles) <= _LEGEND:
        axes.legend(loc="upper left")
    else:
        legend_above(axes, handles)


def _by_age(trees: Mapping[str, xr.DataTree]) -> dict[str, xr.DataTree]:
    """Return the streams that were seen at ages, each with the first result that assimilated it."""
    found: dict[str, xr.DataTree] = {}
    for tree in trees.values():
        data = group(tree, "observed_data")
        for name in map(str, data.data_vars):
            if data[f"{name}_point"].dtype.kind != "M":  # a date otherwise
                found.setdefault(name, tree)
    return found


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


def _data(axes: Axes, tree: xr.DataTree, name: str, marker: str) -> None:
    """Points of a stream, where they are of live biomass or can be made so."""
    seen = group(tree, "observed_data")[name]
    age, quantity = seen[f"{name}_point"].values, str(seen.attrs["long_name"])
    label, share = title_of(name), 1.0
    if quantity == _ABOVE:
        share = _share_above_ground(tree, name)
        label = f"{label}, above ground / {number_text(share)}"
    elif quantity != _LIVE:
        axes.plot([], [], " ", label=f"{label}: {quantity}, not drawn")
        return
    sd = group(tree, "constant_data")[f"{name}_measurement_sd"].values
    value, sd = (dry_matter_per_hectare(x / share) for x in (seen.values, sd))
    axes.errorbar(
        age, value, sd, fmt=marker, color=BLACK, ms=3.0, lw=0.8, mfc="white", mew=0.8, label=label,
        zorder=5,
    )  # fmt: skip


def _share_above_ground(tree: xr.DataTree, name: str) -> float:
    """Return what the fit took to be above ground, one share at all ages."""
    above = group(tree, "simulation")[name].sel(quantile=0.5)
    live = group(tree, "regrowth")["live_biomass"].sel(quantile=0.5)
    at_ages = np.interp(above[f"{name}_point"].values, live["age"].values, live.values)
    return float(np.median(above.values / at_ages))
