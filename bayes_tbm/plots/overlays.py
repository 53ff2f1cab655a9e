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
from scipy.stats import ks_2samp

from bayes_tbm.constraint.scales import StatedPriors
from bayes_tbm.errors import InputError
from bayes_tbm.parameters import TABLE
from bayes_tbm.plots.style import GREY, STYLE, looks, tidy, title_of, with_unit
from bayes_tbm.results.groups import group

Array = NDArray[np.float64]
_COLUMNS = 3
_CHANCE = 1e-4  # below which draws of one prior hardly lie as far apart


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
    alike = _alike(held, priors, name)
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


def _alike(trees: Mapping[str, xr.DataTree], priors: Mapping[str, Array], name: str) -> bool:
    """Whether results share the prior of a quantity: as stated, or else as its draws tell.

    Sets of other streams draw other numbers from one prior. What follows from parameters is not
    stated, and constraints bend the prior of one parameter by those of others: there independent
    draws must agree within their Monte Carlo error (Kolmogorov and Smirnov).
    """
    stated = [StatedPriors.of(tree) for tree in trees.values()]
    own, model = ([one.restricted(names) for one in stated] for names in ([name], {*TABLE, name}))
    if any(one.families != own[0].families for one in own):
        return False
    settled = all(one.exact([name]) for one in own) or all(one == model[0] for one in model)
    if name in own[0].families and settled:
        return True
    first, *others = priors.values()
    return all(ks_2samp(first, other).pvalue > _CHANCE for other in others)


def _density(axes: Axes, draws: Array, log: bool, **look: str | float) -> None:
    """Kernel density, per unit of the logarithm on a logarithmic axis."""
    if np.ptp(draws) == 0.0:
        return
    grid, density, _ = az.kde(np.log(draws) if log else draws)
    axes.plot(np.exp(grid) if log else grid, density, **look)  # type: ignore[arg-type]  # by name
