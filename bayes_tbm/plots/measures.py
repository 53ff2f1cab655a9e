"""Constraint of every quantity by every set of streams: bits as a map, contraction as a forest."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bayes_tbm.plots.style import GREY, SETS, STYLE, Look, looks, number_text, tidy, title_of

Array = NDArray[np.floating[Any]]
_COLUMNS = 4  # of a legend
_LEAST = -0.6  # where the axis ends at the latest: all that matters lies between 0 and 1


@mpl.rc_context(STYLE)
def plot_bits(table: pd.DataFrame) -> Figure:
    """Draw the information gain on every quantity from every set, in bits.

    Parameters
    ----------
    table
        `bayes_tbm.Comparison.table`: rows (set, parameter), with a column bits, which is that.

    Returns
    -------
    matplotlib.figure.Figure
        A row a quantity, a column a set; pairs of quantities, measured jointly, at the bottom.
    """
    bits = _wide(table, "bits")
    figure = Figure(figsize=(2.4 + 0.75 * bits.shape[1], 0.9 + 0.17 * len(bits)),
                    layout="constrained")  # fmt: skip
    axes = figure.add_subplot()
    shown = axes.imshow(np.maximum(bits, 0.0), cmap="cividis", aspect="auto", vmin=0.0)
    middle = 0.5 * float(np.nanmax(bits))
    for (row, column), value in np.ndenumerate(bits.to_numpy()):
        if np.isfinite(value):
            colour = "black" if value > middle else "white"
            text = number_text(value) if abs(value) >= 0.005 else "0"
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=6.5)
    axes.set_xticks(range(bits.shape[1]), list(bits.columns), rotation=20, ha="right")
    axes.set_yticks(range(len(bits)), [_text(name) for name in bits.index])
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(shown, ax=axes, label="information gain (bit)", shrink=0.5)
    tidy(axes, bar.ax)
    return figure


@mpl.rc_context(STYLE)
def plot_contraction(table: pd.DataFrame) -> Figure:
    """Draw the contraction of every quantity under every set, with its Monte Carlo error.

    Parameters
    ----------
    table
        `bayes_tbm.Comparison.table`: rows (set, parameter), columns contraction and
        contraction_mcse.

    Returns
    -------
    matplotlib.figure.Figure
        A row a quantity, 0: as wide as the prior, 1: a point; bars of two standard errors. What
        lies beyond the axis, a posterior much wider than the prior, is an arrow with its number.
    """
    value, error = _wide(table, "contraction"), _wide(table, "contraction_mcse")
    value = value.dropna(how="all")
    height = max(0.2, 0.07 * value.shape[1])  # of a row, so that the marks of all sets find room
    figure = Figure(figsize=(4.6, 0.9 + height * len(value)), layout="constrained")
    axes = figure.add_subplot()
    rows = np.arange(len(value))[::-1]
    end = 0.24 if value.shape[1] <= len(SETS) else 0.36
    shifts = np.linspace(end, -end, value.shape[1]) if value.shape[1] > 1 else [0.0]
    left = max(float(value.min().min()) - 0.1, _LEAST)
    for look, shift, name in zip(looks(list(value.columns)), shifts, value.columns, strict=True):
        bars = 2.0 * error.loc[value.index, name]
        axes.errorbar(
            value[name], rows + shift, xerr=bars, fmt=look.marker, color=look.colour, ms=3.2,
            lw=0.8, label=name,
        )  # fmt: skip
        _beyond(axes, value[name].to_numpy(), rows + shift, left, look)
    axes.axvline(0.0, color=GREY, lw=0.6)
    axes.axvline(1.0, color=GREY, lw=0.6)
    axes.set_yticks(rows, [_text(name) for name in value.index])
    axes.set(
        xlabel="contraction (1 − posterior variance / prior variance,\n"
        "on the scale on which the prior is normal)", ylim=(-0.7, len(value)),
    )  # fmt: skip
    axes.set_xlim(left=left, right=1.05)
    figure.legend(loc="outside upper center", ncols=min(value.shape[1], _COLUMNS))
    tidy(axes)
    return figure


def _beyond(axes: Axes, value: Array, rows: Array, left: float, look: Look) -> None:
    """Tell of what lies left of the axis, at its end."""
    for number, row in zip(value, rows, strict=True):
        if number < left:
            axes.plot(left, row, "<", color=look.colour, ms=3.2, clip_on=False)
            axes.annotate(
                number_text(number), (left, row), xytext=(4, 0), textcoords="offset points",
                va="center", fontsize=5.5, color=look.colour,
            )  # fmt: skip


def _wide(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Quantities by sets, both in the order of the table."""
    wide = table[column].unstack("set")
    sets = list(dict.fromkeys(table.index.get_level_values("set")))
    names = list(dict.fromkeys(table.index.get_level_values("parameter")))
    chosen: pd.DataFrame = wide.loc[names, sets]
    return chosen


def _text(name: str) -> str:
    return " & ".join(title_of(part) for part in name.split(" & "))
