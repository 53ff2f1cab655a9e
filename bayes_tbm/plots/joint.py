"""Allocation against turnover: what each set of streams leaves of their ridge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from scipy.stats import gaussian_kde

from bayes_tbm.plots.style import GREY, STYLE, legend_above, looks, tidy, title_of, with_unit
from bayes_tbm.results.groups import group

Array = NDArray[np.float64]
_LEVELS = (0.9, 0.5)
_CELLS = 80
_MOST = 2000  # draws behind a kernel density


@mpl.rc_context(STYLE)
def plot_joint(
    posteriors: Mapping[str, xr.DataTree],
    names: Sequence[str] = ("allocation_wood", "wood_residence_time"),
    truth: Mapping[str, float] | None = None,
) -> Figure:
    """Draw two quantities in their plane: 50 and 90 % regions of the prior and each posterior.

    Parameters
    ----------
    posteriors
        Results by name; the prior is that of the first.
    names
        Horizontal and vertical quantity; a positive one that spans a decade, and is no share, is
        drawn on a logarithmic axis.
    truth
        Values to mark, if known.
    """
    figure = Figure(figsize=(3.8, 3.1 + 0.07 * len(posteriors)), layout="constrained")
    axes = figure.add_subplot()
    first = next(iter(posteriors.values()))
    prior = _draws(first, "prior", names)
    logs = [bool(x.min() > 0.0 and x.max() > 1.0 and np.ptp(np.log10(x)) > 1.0) for x in prior]
    _regions(axes, prior, logs, GREY, "-")
    handles = [Line2D([], [], color=GREY, label="prior")]
    for look, (name, tree) in zip(looks(list(posteriors)), posteriors.items(), strict=True):
        _regions(axes, _draws(tree, "posterior", names), logs, look.colour, look.line)
        handles.append(Line2D([], [], color=look.colour, ls=look.line, label=name))
    if truth:
        axes.plot(*(truth[name] for name in names), "k*", ms=8, zorder=6)
        handles.append(Line2D([], [], color="k", marker="*", ls="", label="truth"))
    data = group(first, "posterior")
    axes.set_xlabel(with_unit(title_of(names[0]), data[names[0]].attrs))
    axes.set_ylabel(with_unit(title_of(names[1]), data[names[1]].attrs))
    axes.set(xscale="log" if logs[0] else "linear", yscale="log" if logs[1] else "linear")
    legend_above(axes, handles)
    tidy(axes)
    return figure


def _draws(tree: xr.DataTree, name: str, names: Sequence[str]) -> Array:
    values = np.stack([group(tree, name)[n].values.ravel() for n in names])
    step = max(values.shape[1] // _MOST, 1)
    return np.asarray(values[:, ::step], dtype=float)


def _regions(axes: Axes, draws: Array, logs: Sequence[bool], colour: str, line: str) -> None:
    """Contours that hold the stated shares of the draws."""
    scaled = np.stack([np.log(x) if log else x for x, log in zip(draws, logs, strict=True)])
    density = gaussian_kde(scaled)
    low, high = scaled.min(axis=1), scaled.max(axis=1)
    edge = 0.1 * (high - low)
    grids = [np.linspace(a - e, b + e, _CELLS) for a, b, e in zip(low, high, edge, strict=True)]
    x, y = np.meshgrid(*grids)
    height = density(np.stack([x.ravel(), y.ravel()])).reshape(x.shape)
    levels = np.quantile(density(scaled), [1.0 - share for share in _LEVELS])
    plain = [np.exp(grid) if log else grid for grid, log in zip((x, y), logs, strict=True)]
    axes.contour(
        *plain, height, levels=levels, colors=colour, linewidths=(0.8, 1.5),
        linestyles=[line] * len(levels),  # a dash pattern by itself would be taken for several
    )  # fmt: skip
