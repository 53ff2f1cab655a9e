"""What was predicted of a period that was not fitted, and what came."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

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
from bayes_tbm.prediction.scores import MODEL, PredictionScores, evaluate
from bayes_tbm.results.groups import group

_MONTHS = 8  # predicted in fewer calendar months there is no seasonal cycle to show


@mpl.rc_context(STYLE)
def plot_predictions(prediction: xr.DataTree, scores: PredictionScores | None = None) -> Figure:
    """Draw predictions of every stream and the data that came, one row a stream.

    Parameters
    ----------
    prediction
        From `bayes_tbm.predict`.
    scores
        From `bayes_tbm.evaluate`, where it was called already.

    Returns
    -------
    matplotlib.figure.Figure
        Left the points, each by itself over the time that was predicted: median and central 50 and
        90 % of the predictions, errors included, and the data. Right, where the points cover the
        year, means by calendar month: of the data, and of the predictions with their central 90 %.
    """
    scores = evaluate(prediction) if scores is None else scores
    names = [str(name) for name in group(prediction, "observed_data").data_vars]
    figure = Figure(figsize=(10.0, 1.7 * len(names) + 0.8), layout="constrained")
    panels = figure.subplots(len(names), 2, width_ratios=(3.0, 1.3), squeeze=False)
    for (series, season), name in zip(panels, names, strict=True):
        _series(series, prediction, name)
        own = scores.scores.loc[(name, MODEL)]
        season.set_title(_title(own), fontsize=SMALL)
        _season(season, scores, name)
    tidy(*figure.axes)
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
    figure.supxlabel(scores.period, fontsize=SMALL)
    return figure


def _title(own: pd.Series[float]) -> str:
    """Scores in words; a single point has no R², and no cycle to be compared with."""
    inside = f"{own['inside_90']:.0%} of {own['n']:.0f} within 90 %"
    r2, skill = (
        f"{text} {number_text(own[name])}" if np.isfinite(own[name]) else ""
        for text, name in (("R²", "r2"), ("skill", "skill"))
    )
    return ", ".join(part for part in (r2, inside, skill) if part)


def _series(axes: Axes, prediction: xr.DataTree, name: str) -> None:
    draws = group(prediction, "predictions")[name].transpose("draw", ...)
    seen = group(prediction, "observed_data")[name]
    time, point = group(prediction, "simulation")["time"].values, seen[f"{name}_point"].values
    ends = min(time[0], point.min()), max(time[-1], point.max())
    for low, high, colour in BANDS:
        x, (below, above) = boxes(point, ends, *np.quantile(draws.values, [low, high], axis=0))
        label = f"predicted, {high - low:.0%}"
        axes.fill_between(x, below, above, color=colour, lw=0, label=label)
    x, (middle,) = boxes(point, ends, np.median(draws, axis=0))
    axes.plot(x, middle, color=BLUE, lw=0.8, label="predicted, median")
    axes.plot(point, seen.values, ".", color=BLACK, ms=3.0, mew=0, label="data")
    margin = (ends[1] - ends[0]) / 80
    axes.set_xlim(ends[0] - margin, ends[1] + margin)
    axes.set_ylabel(with_unit(str(seen.attrs["long_name"]), seen.attrs, width=20))


def _season(axes: Axes, scores: PredictionScores, name: str) -> None:
    months = scores.by_month.loc[name]
    if len(months) < _MONTHS:
        axes.set_axis_off()
        return
    place = months.index.to_numpy() - 0.5
    middle = months["predicted"].to_numpy()
    bars = np.abs(months[["low_90", "high_90"]].to_numpy().T - middle)
    axes.errorbar(place, middle, bars, fmt="-", color=BLUE, ecolor=GREY, lw=0.9, elinewidth=0.7)
    axes.plot(place, months["observed"].to_numpy(), ".", color=BLACK, ms=5.0, mew=0)
    axes.set_xlim(0, 12)
    axes.set_xticks(np.arange(12) + 0.5, list("JFMAMJJASOND"))
