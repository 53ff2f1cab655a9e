"""How the chains mixed: traces and ranks, drawn by ArviZ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import arviz as az
import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bayes_tbm.plots.names import chosen, least_converged, r_hat
from bayes_tbm.plots.style import CHAINS, GREY, SMALL, STYLE, tidy, title_of, unit_text
from bayes_tbm.results.groups import group

_SHOWN = 12
_COLUMNS = 4


@mpl.rc_context(STYLE)
def plot_trace(tree: xr.DataTree, var_names: Sequence[str] | None = None) -> Figure:
    """Draw density and trace of each chain, divergent transitions marked below.

    Parameters
    ----------
    tree
        Result with groups posterior and sample_stats.
    var_names
        Names to draw; by default the twelve sampled parameters with the largest R-hat, or of one
        chain, which has none, with the smallest effective sample size.

    Raises
    ------
    InputError
        A name is not in the posterior.
    """
    names = _names(tree, var_names)
    plots = az.plot_trace_dist(
        tree, var_names=names, compact=False, backend="matplotlib", color=_colours(tree),
        figure_kwargs={"figsize": (9.0, 1.05 * len(names) + 0.9), "layout": "constrained"},
        visuals={"dist": {"width": 0.9}, "trace": {"width": 0.4}, "label": False,
                 "xlabel_trace": False},
    )  # fmt: skip
    panels = {name: plots.viz["plot"][name].values for name in names}
    for name, (density, trace) in panels.items():
        unit = unit_text(group(tree, "posterior")[name].attrs)
        density.set_xlabel(unit or "–", fontsize=SMALL, labelpad=1)
        trace.set_ylabel(unit, fontsize=SMALL)
        trace.margins(x=0.01)
        trace.tick_params(labelbottom=name == names[-1])
    panels[names[-1]][1].set_xlabel("draw")
    _titles(tree, {name: density for name, (density, _) in panels.items()})
    return _finish(plots, tree, var_names, "ticks below: divergent transitions")


@mpl.rc_context(STYLE)
def plot_rank(tree: xr.DataTree, var_names: Sequence[str] | None = None) -> Figure:
    """Draw how far each chain's ranks among all draws are from uniform.

    Parameters
    ----------
    tree
        Result with group posterior.
    var_names
        Names to draw; by default the twelve sampled parameters with the largest R-hat, or of one
        chain, which has none, with the smallest effective sample size.

    Raises
    ------
    InputError
        A name is not in the posterior.
    """
    names = _names(tree, var_names)
    rows = -(-len(names) // _COLUMNS)
    single = group(tree, "posterior").sizes["chain"] == 1  # ArviZ's test compares chains
    plots = az.plot_rank(
        tree, var_names=names, backend="matplotlib", color=_colours(tree), col_wrap=_COLUMNS,
        figure_kwargs={"figsize": (9.0, 1.5 * rows + 0.9), "layout": "constrained"},
        visuals={"ecdf_lines": {"width": 0.9}, "xlabel": False, "title": False,
                 "remove_axis": False}, envelope_prob=0.99,
        method="envelope" if single else "mtc_c",
    )  # fmt: skip
    panels = {name: plots.viz["plot"][name].item() for name in names}
    for i, axes in enumerate(panels.values()):
        axes.axhline(0.0, color=GREY, lw=0.5, zorder=0)
        for text in [*axes.texts]:  # the p-value, which would lie over the lines
            text.remove()
        for marks in axes.collections:
            marks.set(sizes=[3.0], zorder=3)
        axes.tick_params(labelleft=i % _COLUMNS == 0, labelbottom=i + _COLUMNS >= len(names))
        if i % _COLUMNS == 0:
            axes.set_ylabel("ECDF − uniform")
        if i + _COLUMNS >= len(names):
            axes.set_xlabel("rank / draws")
    _titles(tree, panels)
    note = "one chain alone is always uniform" if single else "black: not uniform, p < 0.01"
    return _finish(plots, tree, var_names, note)


def _names(tree: xr.DataTree, var_names: Sequence[str] | None) -> list[str]:
    return least_converged(tree, _SHOWN)[0] if var_names is None else chosen(tree, var_names)


def _colours(tree: xr.DataTree) -> list[str]:
    chains = group(tree, "posterior").sizes["chain"]
    return (CHAINS * chains)[: max(chains, 3)]  # ArviZ wants three


def _titles(tree: xr.DataTree, panels: dict[str, Axes]) -> None:
    for name, value in r_hat(tree, list(panels)).items():
        told = f"{value:.3f}" if np.isfinite(value) else "n/a"
        panels[name].set_title(f"{title_of(name)}, R-hat {told}", fontsize=SMALL + 0.5, pad=3)


def _finish(plots: Any, tree: xr.DataTree, var_names: Sequence[str] | None, note: str) -> Figure:
    """Title and legend; the figure leaves pyplot's keeping, so that nothing is left behind."""
    figure: Figure = plots.viz["figure"].item()
    plt.close(figure)
    tidy(*figure.axes)
    count = len(plots.viz["plot"].data_vars)
    which = "" if var_names else f"{count} parameters with the {least_converged(tree, 1)[1]}; "
    figure.suptitle(which + note, fontsize=8.0)
    chains = zip(group(tree, "posterior")["chain"].values, _colours(tree), strict=False)
    handles = [Line2D([], [], color=colour, label=f"chain {i}") for i, colour in chains]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 8))
    return figure
