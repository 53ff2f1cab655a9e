"""How every stream is fitted: series, mean seasonal cycle, observed against simulated."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.plots.style import (
    BANDS,
    BLACK,
    BLUE,
    GREY,
    SMALL,
    STYLE,
    boxes,
    number_text,
    tidy,
    with_unit,
)
from bayes_tbm.results.diagnostics import compared, stream_skill
from bayes_tbm.results.groups import group
from bayes_tbm.units import DAYS_PER_YEAR

_FEW, _MANY = 50, 500  # points: at most so many get an error bar each; more are drawn small
_MONTHS = 8  # observed in fewer calendar months there is no seasonal cycle to show
_BINS = 12, 73  # of a mean seasonal cycle: one to six a month, as the data are dense


@mpl.rc_context(STYLE)
def plot_streams(tree: xr.DataTree) -> Figure:
    """Draw data and simulation of every stream that is seen over the record, one row a stream.

    Parameters
    ----------
    tree
        Result with groups simulation, observed_data, constant_data and posterior_predictive.

    Returns
    -------
    matplotlib.figure.Figure
        Left the series at the data's own step: data (with one measurement standard deviation,
        where there are few), median and central 50 and 90 % of the posterior simulation, and the
        central 90 % of the posterior predictive at the points that the likelihood compares. What is
        seen of the stand by age is drawn by `plot_growth`.
        Middle, where the data cover the year, both as mean seasonal cycles over the observed
        steps. Right, observed against simulated median with the 1:1 line, of all points: those
        that were seen before the record, too.

    Raises
    ------
    InputError
        No stream is seen over the record.
    """
    names = seen_over_record(tree)
    if not names:
        raise InputError(where="plot_streams", rule="needs a stream that is seen over the record")
    skill = stream_skill(tree).loc[names]
    figure = Figure(figsize=(10.0, 1.6 * len(skill) + 0.6), layout="constrained")
    grid = figure.add_gridspec(len(skill), 3, width_ratios=(3.0, 1.3, 1.0))
    first = figure.add_subplot(grid[0, 0])
    columns: tuple[list[Axes], list[Axes]] = [], []
    for row, name in enumerate(map(str, skill.index)):
        series = figure.add_subplot(grid[row, 0], sharex=first) if row else first
        columns[0].append(series)
        _series(series, tree, name)
        _scatter(figure.add_subplot(grid[row, 2]), tree, name, skill.loc[name])
        months = _pairs(tree, name)["time"].dt.month
        if len(np.unique(months)) >= _MONTHS:
            columns[1].append(figure.add_subplot(grid[row, 1], sharey=series))
            _season(columns[1][-1], tree, name)
    tidy(*figure.axes)
    for axes in (axes for column in columns for axes in column[:-1]):
        axes.tick_params(labelbottom=False)
        axes.set_xlabel("")
    figure.align_ylabels(columns[0])
    handles, labels = first.get_legend_handles_labels()
    scale = 4.0 if first.lines[-1].get_markersize() < 2.0 else 1.5  # a point that can be seen
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), markerscale=scale)
    return figure


def seen_over_record(tree: xr.DataTree) -> list[str]:
    """Return the streams with values in the record; others are of ages, or all from before it."""
    simulation = group(tree, "simulation")
    return [
        str(name)
        for name in group(tree, "observed_data").data_vars
        if "time" in simulation[name].dims and simulation[f"{name}_observed"].notnull().any()
    ]


def _pairs(tree: xr.DataTree, name: str) -> xr.Dataset:
    """Observed values and the simulation's quantiles at the observed steps."""
    both = group(tree, "simulation")[[name, f"{name}_observed"]]
    return both.isel(time=np.isfinite(both[f"{name}_observed"].values))


def _series(axes: Axes, tree: xr.DataTree, name: str) -> None:
    simulation = group(tree, "simulation")
    time, model = simulation["time"].values, simulation[name]
    _bands(axes, time, model)
    inside = {f"{name}_point": slice(simulation.sizes.get(f"{name}_earlier_point", 0), None)}
    _predictive(axes, group(tree, "posterior_predictive")[name].isel(inside), time)
    pairs = _pairs(tree, name)
    many = pairs.sizes["time"] > _MANY
    width = 0.5 if many else 0.9
    axes.plot(time, model.sel(quantile=0.5), color=BLUE, lw=width, label="simulation, median")
    data = group(tree, "observed_data")[name].isel(inside)
    if data.size <= _FEW:
        bar = group(tree, "constant_data")[f"{name}_measurement_sd"].isel(inside).values
        middle = data[f"{name}_point"].values
        axes.errorbar(middle, data.values, bar, fmt="none", ecolor=BLACK, elinewidth=0.6)
    size, opacity = (1.5, 0.6) if many else (4.0, 1.0)
    x, seen = pairs["time"], pairs[f"{name}_observed"]
    axes.plot(x, seen, ".", color=BLACK, ms=size, alpha=opacity, mew=0, label="data")
    axes.set_ylabel(with_unit(str(model.attrs["long_name"]), model.attrs, width=20))
    axes.set_xlim(time[0], time[-1])


def _bands(axes: Axes, x: NDArray[np.generic], quantiles: xr.DataArray) -> None:
    for low, high, colour in BANDS:
        below, above = quantiles.sel(quantile=[low, high]).transpose("quantile", ...).values
        label = f"simulation, {high - low:.0%}"
        axes.fill_between(x, below, above, color=colour, lw=0, label=label)


def _predictive(axes: Axes, draws: xr.DataArray, time: NDArray[np.datetime64]) -> None:
    """Central 90 % at the compared points."""
    low, high = draws.quantile([0.05, 0.95], ("chain", "draw")).values
    x, (low, high) = boxes(draws[f"{draws.name}_point"].values, (time[0], time[-1]), low, high)
    label = "posterior predictive, 90%"
    axes.fill_between(x, low, high, color=GREY, alpha=0.3, lw=0, aa=False, label=label)


def _season(axes: Axes, tree: xr.DataTree, name: str) -> None:
    """Means over years of data and of the simulation's quantiles, at observed steps alone."""
    pairs = _pairs(tree, name)
    spacing = np.median(np.diff(pairs["time"]) / np.timedelta64(1, "D"))
    bins = int(np.clip(DAYS_PER_YEAR / spacing, *_BINS))
    year = (pairs["time"].dt.dayofyear - 0.5) / DAYS_PER_YEAR
    mean = pairs.groupby((year * bins).astype(int).clip(max=bins - 1).rename("bin")).mean()
    x = (mean["bin"].values + 0.5) * 12 / bins
    _bands(axes, x, mean[name])
    line = ".-" if bins == _BINS[0] else "-"
    axes.plot(x, mean[name].sel(quantile=0.5), line, color=BLUE, lw=0.9, ms=3.0)
    axes.plot(x, mean[f"{name}_observed"], ".", color=BLACK, ms=4.0, mew=0)
    axes.set_xlim(0, 12)
    axes.set_xticks(np.arange(12) + 0.5, list("JFMAMJJASOND"))
    axes.tick_params(labelleft=False)
    axes.set_xlabel("month, mean over years")


def _scatter(axes: Axes, tree: xr.DataTree, name: str, skill: pd.Series[float]) -> None:
    simulation = group(tree, "simulation")
    seen, (low, model, high) = compared(simulation, name, (0.05, 0.5, 0.95))
    attrs = simulation[name].attrs
    sd = group(tree, "constant_data")[f"{name}_measurement_sd"].values
    if len(seen) <= _FEW and len(sd) == len(seen):
        both = np.stack([model - low, high - model])
        axes.errorbar(model, seen, sd, both, fmt="none", ecolor=GREY, elinewidth=0.6)
    size, opacity = (2.0, 0.3) if len(seen) > _MANY else (4.0, 0.8)
    axes.plot(model, seen, ".", color=BLACK, ms=size, alpha=opacity, mew=0)
    axes.axline((seen[0], seen[0]), slope=1.0, color=BLUE, lw=0.9)
    ends = min(axes.get_xlim()[0], axes.get_ylim()[0]), max(axes.get_xlim()[1], axes.get_ylim()[1])
    axes.set(xlim=ends, ylim=ends, box_aspect=1)
    axes.locator_params(nbins=4)
    axes.set_xlabel(with_unit("simulated", attrs))
    axes.set_ylabel(with_unit("observed", attrs))
    fit = f"R² {number_text(skill['r2'])}\n" if np.isfinite(skill["r2"]) else ""
    text = f"{fit}bias {number_text(skill['bias'])}\nn {skill['n']:.0f}"
    axes.text(1.04, 0.98, text, transform=axes.transAxes, va="top", fontsize=SMALL)
