"""Sites on a map, without coast lines: where they are and what was found there."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bayes_tbm.plots.style import GREY, STYLE, tidy


@mpl.rc_context(STYLE)
def plot_map(table: pd.DataFrame, values: Mapping[str, float], label: str) -> Figure:
    """Draw sites by longitude and latitude, coloured by a quantity.

    Parameters
    ----------
    table
        A row for each site, with ``latitude`` and ``longitude`` in degrees.
    values
        By site; those without one are crosses.
    label
        Of the values, with their unit.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = Figure(figsize=(7.2, 3.8), layout="constrained")
    axes = figure.add_subplot()
    place = table[["longitude", "latitude"]].astype(float)
    known = place.index.isin(list(values))
    without, fitted = place[~known].to_numpy(), place[known].to_numpy()
    axes.scatter(without[:, 0], without[:, 1], marker="x", color=GREY, label="no posterior")
    shown = np.log10([values[str(site)] for site in place.index[known]])
    points = axes.scatter(fitted[:, 0], fitted[:, 1], c=shown, s=22, edgecolor=GREY)
    bar = figure.colorbar(points, ax=axes, label=label)
    bar.ax.yaxis.set_major_formatter(lambda x, _: f"{10**x:.3g}")
    axes.set(xlabel="longitude, degrees east", ylabel="latitude, degrees north")
    if not known.all():
        axes.legend(loc="lower left")
    tidy(axes)
    return figure
