"""What files hold: every driver and observed series in time, and its mean seasonal cycle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.plots.style import CHAINS, GREY, SMALL, STYLE, tidy, title_of, unit_text
from bayes_tbm.sites.contents import Contents
from bayes_tbm.units import UNITS

DRIVERS = ("t_min", "t_max", "shortwave", "co2", "vpd", "precipitation")
_MONTHS = 8  # known in fewer calendar months there is no seasonal cycle to show
_MANY = 400  # points: more are drawn small


class _Part(NamedTuple):
    """A series of one file."""

    file: int
    time: NDArray[np.datetime64]
    value: NDArray[np.float64]


@mpl.rc_context(STYLE)
def plot_coverage(files: Sequence[Contents]) -> Figure:
    """Draw what files hold, one row a series: drivers in grey, observations in a colour a file.

    Parameters
    ----------
    files
        As `bayes_tbm.inspect` finds them: ``inspect(path).files``.

    Returns
    -------
    matplotlib.figure.Figure
        Left all values in time, where gaps are gaps; right means by calendar month, where the data
        cover the year.

    Raises
    ------
    InputError
        The files hold no series.
    """
    rows = _rows(files)
    if not rows:
        raise InputError(where="plot_coverage", rule="needs a file that holds a series")
    figure = Figure(figsize=(10.0, 1.05 * len(rows) + 0.7), layout="constrained")
    grid = figure.add_gridspec(len(rows), 2, width_ratios=(3.2, 1.0))
    left: list[Axes] = []
    right: list[Axes] = []
    for row, (name, parts) in enumerate(rows.items()):
        left.append(figure.add_subplot(grid[row, 0], sharex=left[0] if left else None))
        cycles = [(part, cycle) for part in parts if (cycle := _cycle(part)) is not None]
        if cycles:
            right.append(figure.add_subplot(grid[row, 1], sharex=right[0] if right else None))
        for part in parts:
            _values(left[-1], part, files[max(part.file, 0)].source)
        for part, cycle in cycles:
            right[-1].plot(np.arange(1, 13), cycle, "o-", color=_colour(part), ms=2.0, lw=0.8)
        left[-1].set_ylabel(f"{title_of(name)}\n({unit_text({'units': UNITS[name]}) or '–'})")
    _finish(figure, left, right)
    return figure


def _rows(files: Sequence[Contents]) -> dict[str, list[_Part]]:
    """Return the parts of each series, drivers first."""
    rows: dict[str, list[_Part]] = {}
    drivers = files[0].drivers if files else None
    if drivers is not None:
        time = drivers["time"].values
        rows |= {name: [_Part(-1, time, drivers[name].values)] for name in DRIVERS}
    for number, held in enumerate(files):
        for name, seen in held.observations.items():
            rows.setdefault(name, []).append(_Part(number, seen.time, seen.value))
    return rows


def _colour(part: _Part) -> str:
    return GREY if part.file < 0 else CHAINS[part.file % len(CHAINS)]


def _values(axes: Axes, part: _Part, label: str) -> None:
    size = 0.8 if part.value.size > _MANY else 2.5
    axes.plot(part.time, part.value, ".", color=_colour(part), ms=size, label=label, mew=0.5)


def _cycle(part: _Part) -> NDArray[np.float64] | None:
    """Return means by calendar month, NaN where there is none."""
    known = np.isfinite(part.value) & ~np.isnat(part.time)
    month = part.time[known].astype("datetime64[M]").astype(int) % 12
    if np.unique(month).size < _MONTHS:
        return None
    count = np.bincount(month, minlength=12)
    total = np.bincount(month, part.value[known], minlength=12)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _finish(figure: Figure, left: list[Axes], right: list[Axes]) -> None:
    tidy(*figure.axes)
    for axes in (*left[:-1], *right[:-1]):
        axes.tick_params(labelbottom=False)
    if right:
        right[-1].set(xticks=[1, 4, 7, 10], xlabel="month", xlim=(0.5, 12.5))
    figure.align_ylabels(left)
    found: dict[str, Line2D] = {}
    for axes in left:
        for line in axes.lines:
            if line.get_color() != GREY:
                found.setdefault(str(line.get_label()), line)
    if found:
        figure.legend(
            handles=list(found.values()), labels=list(found), loc="outside upper center",
            ncols=2, fontsize=SMALL, markerscale=4.0,
        )  # fmt: skip
