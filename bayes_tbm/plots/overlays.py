"""Posteriors under several priors or sets of streams, over the prior, quantity by quantity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import arviz as az
import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.plots.style import GREY, STYLE, looks, tidy, title_of, with_unit
from bayes_tbm.results.groups import group

_COLUMNS = 3


@mpl.rc_context(STYLE)
def plot_overlays(posteriors: Mapping[str, xr.DataTree], names: Sequence[str]) -> Figure:
    """Draw prior and posterior densities of quantities in several fits.

    Parameters
    ----------
    posteriors
        Results by name.
    names
        Quantities; one that is missing from a result is left out there.

    Returns
    -------
    matplotlib.figure.Figure
        A panel a quantity: posteriors as full lines, the prior that each was fitted with as a thin
        dotted line of its colour, priors that are alike in grey.
    """
    rows = -(-len(names) // _COLUMNS)
    figure = Figure(figsize=(7.2, 1.7 * rows + 0.5), layout="constrained")
    for place, name in enumerate(names):
        axes = figure.add_subplot(rows, _COLUMNS, place + 1)
        _panel(axes, posteriors, name)
        tidy(axes)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=min(len(labels), 6))
    return figure


def _panel(axes: Axes, posteriors: Mapping[str, xr.DataTree], name: str) -> None:
    of_fit = dict(zip(posteriors, looks(list(posteriors)), strict=True))
    held = {n: t for n, t in posteriors.items() if name in group(t, "posterior")}
    if not held:
        raise InputError(
            where="plot_overlays", variable=name, rule="must be a variable of some posterior"
        )
    priors = {n: group(t, "prior")[name].values.ravel() for n, t in held.items()}
    every = np.concatenate([*priors.values()])
    log = bool(
        every.min() > 0.0 and every.max() > 1.0 and np.log10(every.max() / every.min()) > 1.0
    )
    alike = len({round(float(np.median(x)), 9) for x in priors.values()}) == 1
    for which, tree in held.items():
        look = of_fit[which]
        draws = group(tree, "posterior")[name].values.ravel()
        _density(axes, draws, log, color=look.colour, ls=look.line, lw=1.2, label=which)
        if not alike:
            _density(axes, priors[which], log, color=look.colour, ls=":", lw=0.8)
    if alike:
        label = "prior"
        _density(axes, next(iter(priors.values())), log, color=GREY, ls="-", lw=1.0, label=label)
    axes.set(xscale="log" if log else "linear", ylim=(0, None), yticks=[])
    axes.spines["left"].set_visible(False)
    attrs = group(next(iter(held.values())), "posterior")[name].attrs
    axes.set_xlabel(with_unit(title_of(name), attrs))


def _density(axes: Axes, draws: NDArray[np.float64], log: bool, **look: str | float) -> None:
    """Kernel density, per unit of the logarithm on a logarithmic axis."""
    if np.ptp(draws) == 0.0:
        return
    grid, density, _ = az.kde(np.log(draws) if log else draws)
    axes.plot(np.exp(grid) if log else grid, density, **look)  # type: ignore[arg-type]  # by name
