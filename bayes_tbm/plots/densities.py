"""Prior against posterior of everything that was inferred."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from numpy.typing import NDArray

from bayes_tbm.constraint import contractions
from bayes_tbm.plots.names import KINDS, chosen, kind, varying
from bayes_tbm.plots.style import (
    BLUE,
    GREEN,
    GREY,
    PALE_GREY,
    SMALL,
    STYLE,
    VERMILION,
    tidy,
    title_of,
    unit_text,
)
from bayes_tbm.results.groups import group

Array = NDArray[np.float64]
_COLOURS = dict(zip(KINDS, (BLUE, VERMILION, GREEN), strict=True))
_COLUMNS = 6
_DECADE = 10.0  # a logarithmic axis where the limits are further apart than this factor
_CAPTION = (
    "Each density is scaled to its own maximum. Number: contraction, "
    "1 − Var(posterior) / Var(prior) on the scale on which the prior is normal, "
    "as in constraint.csv."
)


@mpl.rc_context(STYLE)
def plot_prior_posterior(tree: xr.DataTree, var_names: Sequence[str] | None = None) -> Figure:
    """Draw prior and posterior density of sampled parameters and derived quantities.

    Parameters
    ----------
    tree
        Result with groups prior, posterior and log_prior.
    var_names
        Names to draw; by default all, parameters first, then error parameters, then derived
        quantities. What follows from fixed values alone is left out.

    Returns
    -------
    matplotlib.figure.Figure
        A small panel a quantity, annotated with its contraction, that of `bayes_tbm.constraint`.

    Raises
    ------
    InputError
        A name is not in the posterior, or none of the quantities varies.
    """
    posterior, prior = group(tree, "posterior"), group(tree, "prior")
    names = varying(prior, chosen(tree, var_names))
    kinds = [kind(tree, name) for name in names]
    contraction = contractions(tree, names)
    figure, panels = _panels(len(names))
    for axes, name, own in zip(panels, names, kinds, strict=True):
        _panel(axes, prior[name], posterior[name], _COLOURS[own], contraction[name])
    _legend(figure, kinds)
    return figure


def _panels(count: int) -> tuple[Figure, list[Axes]]:
    columns = min(_COLUMNS, max(count, 3))
    rows = -(-count // columns)
    width, height = 10.0 / _COLUMNS * columns, 1.3 * rows + 0.9
    figure = Figure(figsize=(width, height))
    grid = figure.add_gridspec(
        rows, columns, left=0.2 / width, right=1 - 0.2 / width, wspace=0.16,
        bottom=0.8 / height, top=1 - 0.55 / height, hspace=0.9,
    )  # fmt: skip
    return figure, [figure.add_subplot(grid[divmod(i, columns)]) for i in range(count)]


def _panel(
    axes: Axes, prior: xr.DataArray, posterior: xr.DataArray, colour: str, contraction: float
) -> None:
    before, after = prior.values.ravel(), posterior.values.ravel()
    positive = bool(min(before.min(), after.min()) > 0)
    low, high = np.quantile(before, [0.01, 0.99])
    low, high = min(low, after.min()), max(high, after.max())
    wide = positive and high > _DECADE * low
    x = np.geomspace(low, high, 400) if wide else np.linspace(low, high, 400)
    for draws, line, fill, alpha in ((before, GREY, PALE_GREY, 0.9), (after, colour, colour, 0.35)):
        y = _density(draws, x, log=positive, log_axis=wide)
        axes.fill_between(x, y, color=fill, alpha=alpha, lw=0)
        axes.plot(x, y, color=line, lw=0.9)
    if wide:
        _log_ticks(axes, low, high)
    else:
        axes.locator_params(axis="x", nbins=4)
    axes.set(ylim=(0, 1.3), yticks=[])
    axes.margins(x=0.02)
    axes.spines["left"].set_visible(False)
    axes.set_title(textwrap.fill(title_of(str(posterior.name)), 24), fontsize=SMALL + 0.5, pad=2)
    axes.set_xlabel(unit_text(posterior.attrs) or "–", fontsize=SMALL, labelpad=1)
    digits = 3 if contraction > 0.99 else 2
    text = "> 0.999" if contraction > 0.999 else f"{contraction:.{digits}f}".replace("-", "−")
    axes.text(0.98, 0.98, text, transform=axes.transAxes, ha="right", va="top", fontsize=SMALL)
    tidy(axes)


def _log_ticks(axes: Axes, low: float, high: float) -> None:
    """Two to five labelled ticks, however many decades there are."""
    axes.set_xscale("log")
    decades = np.log10(high / low)
    few = (1.0, 3.0) if decades < 2 and high < 4e4 else (1.0,)  # long numbers need room
    steps = (1.0, 2.0, 5.0) if decades < 1.3 else few
    axes.xaxis.set_major_locator(LogLocator(subs=steps, numticks=6))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _density(draws: Array, x: Array, *, log: bool, log_axis: bool) -> Array:
    """Kernel density per unit of the axis, smoothed on the log scale if ``log``; peak one."""
    seen, at = (np.log(draws), np.log(x)) if log else (draws, x)
    width = seen.std(ddof=1) * len(seen) ** -0.2  # Scott's
    width = max(width, 0.5 * np.diff(at).max())  # a spike, too, falls on points of the axis
    y = np.exp(-0.5 * ((at[:, None] - seen) / width) ** 2).sum(axis=1)
    if log and not log_axis:
        y = y / x
    return np.asarray(y / y.max())


def _legend(figure: Figure, kinds: Iterable[str]) -> None:
    handles = [Patch(color=PALE_GREY, label="prior")]
    for own in (k for k in KINDS if k in kinds):
        handles.append(Patch(color=_COLOURS[own], alpha=0.5, label=f"posterior, {own}"))
    figure.legend(handles=handles, loc="upper center", ncols=len(handles))
    width, height = figure.get_size_inches()
    caption = textwrap.fill(_CAPTION, int(15 * width))
    figure.text(0.5, 0.08 / height, caption, ha="center", va="bottom", fontsize=SMALL)
