"""Sites of a population: residence time by climate, pooling, threshold, shares of drivers."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.plots.style import (
    BANDS,
    BLUE,
    GREY,
    ORANGE,
    PALE_GREY,
    SETS,
    STYLE,
    VERMILION,
    tidy,
)

Array = NDArray[np.float64]
_COLDEST = "mean temperature of the coldest month (°C)"
_RESIDENCE = "residence time (yr)"
_CENTRAL = [0.05, 0.5, 0.95]


@mpl.rc_context(STYLE)
def plot_by_climate(coldest: Array, before: Array, after: Array, at: Array, curve: Array) -> Figure:
    """Draw residence time against the coldest month, before and after pooling.

    Parameters
    ----------
    coldest
        Of each site, degC, (site,).
    before, after
        Draws of ln residence time in years, (draw, site): of each site alone, and pooled.
    at, curve
        Temperatures, degC, (temperature,), and draws of the population's mean there,
        (draw, temperature).

    Returns
    -------
    matplotlib.figure.Figure
        Medians with central 90 %; the band is the population's mean.

    Raises
    ------
    InputError
        Numbers of sites or temperatures disagree.
    """
    _same("before", before, coldest)
    _same("after", after, coldest)
    _same("curve", curve, at)
    figure = Figure(figsize=(4.8, 3.4), layout="constrained")
    axes = figure.add_subplot()
    for low, high, colour in BANDS:
        edges = np.exp(np.quantile(curve, [low, high], axis=0))
        axes.fill_between(at, *edges, color=colour, lw=0, label=f"mean, {100 * (high - low):.0f}%")
    axes.plot(at, np.exp(np.median(curve, axis=0)), color=BLUE, lw=1.2)
    shift = 0.004 * float(np.ptp(coldest))
    _points(axes, coldest - shift, before, GREY, "o", "site alone")
    _points(axes, coldest + shift, after, VERMILION, "s", "pooled")
    axes.set(xlabel=_COLDEST, ylabel=_RESIDENCE, yscale="log")
    figure.legend(loc="outside upper center", ncols=4)
    tidy(axes)
    return figure


@mpl.rc_context(STYLE)
def plot_caterpillar(sites: list[str], before: Array, after: Array) -> Figure:
    """Draw every site's residence time before and after pooling, the longest at the top.

    Parameters
    ----------
    sites
        Names.
    before, after
        Draws of ln residence time in years, (draw, site): of each site alone, and pooled.

    Returns
    -------
    matplotlib.figure.Figure
        Medians with central 90 %.

    Raises
    ------
    InputError
        Numbers of sites disagree.
    """
    for name, draws in (("before", before), ("after", after)):
        _same(name, draws, np.asarray(sites))
    order = np.argsort(np.median(after, axis=0))
    figure = Figure(figsize=(4.8, 0.8 + 0.13 * len(sites)), layout="constrained")
    axes = figure.add_subplot()
    for draws, shift, look, label in (
        (before, 0.18, SETS[1], "site alone"), (after, -0.18, SETS[0], "pooled"),
    ):  # fmt: skip
        low, middle, high = np.exp(np.quantile(draws[:, order], _CENTRAL, axis=0))
        axes.errorbar(
            middle, np.arange(len(sites)) + shift, xerr=[middle - low, high - middle],
            fmt=look.marker, color=look.colour, ms=2.5, lw=0.8, label=label,
        )  # fmt: skip
    axes.set_yticks(np.arange(len(sites)), [sites[place] for place in order])
    axes.set(xlabel=_RESIDENCE, xscale="log", ylim=(-0.8, len(sites) - 0.2))
    figure.legend(loc="outside upper center", ncols=2)
    tidy(axes)
    return figure


@mpl.rc_context(STYLE)
def plot_threshold(
    probability: pd.Series, believed: float | None = None, prior: pd.Series | None = None
) -> Figure:
    """Draw the posterior of a threshold over its prior.

    Parameters
    ----------
    probability
        By temperature of the coldest month, degC, evenly spaced; of sum one.
    believed
        A temperature to mark, degC.
    prior
        Probabilities beforehand, at the same temperatures; even by default.

    Returns
    -------
    matplotlib.figure.Figure
        Densities.

    Raises
    ------
    InputError
        It does not add up to one.
    """
    if len(probability) < 2 or not np.isclose(probability.sum(), 1.0):
        raise InputError(
            where="plot_threshold", rule="probabilities must add up to one",
            found=float(probability.sum()),
        )  # fmt: skip
    at = probability.index.to_numpy(float)
    step = at[1] - at[0]
    figure = Figure(figsize=(4.0, 2.6), layout="constrained")
    axes = figure.add_subplot()
    before = np.full(len(at), 1.0 / len(at)) if prior is None else prior.to_numpy(float)
    edges = np.append(at - step / 2, at[-1] + step / 2)
    axes.stairs(before / step, edges, fill=True, color=PALE_GREY, lw=0, label="prior")
    axes.step(at, probability / step, where="mid", color=BLUE, lw=1.3, label="posterior")
    if believed is not None:
        axes.axvline(believed, color=ORANGE, ls="--", lw=1.0, label=f"{believed:g} °C")
    axes.set(xlabel=f"threshold: {_COLDEST}", ylabel="density (K$^{-1}$)", ylim=(0, None))
    figure.legend(loc="outside upper center", ncols=3)
    tidy(axes)
    return figure


@mpl.rc_context(STYLE)
def plot_driver_shares(shares: pd.DataFrame) -> Figure:
    """Draw shares of groups of drivers in the variance between sites, beside their null.

    Parameters
    ----------
    shares
        As `bayes_tbm.population.attribution.driver_shares` returns.

    Returns
    -------
    matplotlib.figure.Figure
        Medians with central 90 %; grey to what 95 % of permuted drivers stay below; a bar within
        each is what only that group explains.
    """
    rows = np.arange(len(shares))[::-1]
    figure = Figure(figsize=(4.8, 0.9 + 0.28 * len(shares)), layout="constrained")
    axes = figure.add_subplot()
    axes.barh(rows, shares["null_q95"], height=0.8, color=PALE_GREY, label="permuted, 95%")
    axes.barh(rows, shares["unique"].fillna(0.0), height=0.35, color=ORANGE, label="its own alone")
    errors = [shares["share"] - shares["q05"], shares["q95"] - shares["share"]]
    axes.errorbar(
        shares["share"], rows, xerr=errors, fmt="o", color=BLUE, ms=3.2, lw=1.0, label="share, 90%"
    )
    axes.axvline(0.0, color=GREY, lw=0.6)
    axes.set_yticks(rows, [str(name) for name in shares.index])
    axes.set(xlabel="share of the variance of ln residence time between sites")
    figure.legend(loc="outside upper center", ncols=3)
    tidy(axes)
    return figure


def _points(axes: Axes, x: Array, draws: Array, colour: str, marker: str, label: str) -> None:
    low, middle, high = np.exp(np.quantile(draws, _CENTRAL, axis=0))
    axes.errorbar(
        x, middle, [middle - low, high - middle], fmt=marker, color=colour, ms=2.5, lw=0.7,
        label=label,
    )  # fmt: skip


def _same(name: str, draws: Array, like: Array) -> None:
    if draws.ndim != 2 or draws.shape[1] != len(like):
        raise InputError(
            where="plots", variable=name, rule=f"must be (draw, {len(like)})", found=draws.shape
        )
