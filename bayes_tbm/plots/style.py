"""The look of every figure: colours (Okabe & Ito), fonts, units and names as text."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from numpy.typing import NDArray

Array = NDArray[Any]

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"
CHAINS = [BLUE, ORANGE, GREEN, PURPLE, VERMILION, SKY, BLACK]


class Look(NamedTuple):
    """How one of several fits is told from the others, in print and by the colour-blind too."""

    colour: str
    line: str
    marker: str


SETS = (
    Look(VERMILION, "-", "o"),
    Look(BLUE, "--", "s"),
    Look(GREEN, "-.", "^"),
    Look(PURPLE, (0, (5, 1, 1, 1, 1, 1)), "D"),  # type: ignore[arg-type]  # a dash pattern
    Look(ORANGE, ":", "v"),
    Look(SKY, "-", "P"),
)


def looks(names: Sequence[str]) -> list[Look]:
    """Return a look for each of several fits: `SETS`, then their colours with other lines, marks.

    Thirty differ; later ones begin again.
    """
    lines = list(dict.fromkeys(look.line for look in SETS))
    found = []
    for place in range(len(names)):
        turn, own = divmod(place, len(SETS))
        line, marker = lines[(own + turn) % len(lines)], SETS[(own + turn) % len(SETS)].marker
        found.append(Look(SETS[own].colour, line, marker))
    return found


def legend_above(axes: Axes, handles: Sequence[Artist]) -> None:
    """Put a legend above a panel, where it covers nothing however many fits there are."""
    axes.legend(handles=handles, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2)


GREY, PALE_GREY = "#7F7F7F", "#D9D9D9"

BANDS = ((0.05, 0.95, "#C6E2F5"), (0.25, 0.75, "#7CBCE4"))
"""Central intervals of a series, the wider first, with their colours."""

SMALL = 7.0
STYLE: Any = {
    "font.size": 8.0,
    "font.sans-serif": ["Arial", "Helvetica", "Liberation Sans", "DejaVu Sans"],
    "axes.titlesize": 8.0,
    "axes.labelsize": 8.0,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.fontsize": SMALL,
    "legend.frameon": False,
    "mathtext.default": "regular",
    "date.converter": "concise",
    "figure.constrained_layout.h_pad": 0.06,
}
"""Matplotlib settings; every figure is drawn within ``rc_context(STYLE)``."""

_ACRONYMS = {"et", "gpp", "lai", "nbe", "nee", "npp", "som"}


def tidy(*panels: Axes) -> None:
    """Small ticks, set on the axes themselves: ticks made later would miss `STYLE`."""
    for axes in panels:
        axes.tick_params(which="both", labelsize=SMALL, width=0.6, length=3, pad=2)
        axes.tick_params(which="minor", length=1.5)
        axes.xaxis.get_offset_text().set_fontsize(SMALL)
        axes.yaxis.get_offset_text().set_fontsize(SMALL)


def boxes(
    point: Array, ends: tuple[np.datetime64, np.datetime64], *values: Array
) -> tuple[Array, list[Array]]:
    """Give each point a width, so that one alone can be seen and gaps stay gaps.

    Parameters
    ----------
    point
        Instants, (point,).
    ends
        Of the axis: a point is at most a fraction of it wide, and no wider than points are apart.
    *values
        At the points.

    Returns
    -------
    tuple
        Instants and values of a line in pieces, one a point.
    """
    width = (ends[1] - ends[0]) / 80
    apart = np.diff(np.unique(point))
    if apart.size:
        width = min(width, np.median(apart))
    x = np.stack([point - width / 2, point + width / 2, point + width / 2], axis=1).ravel()
    return x, [np.stack([y, y, y * np.nan], axis=1).ravel() for y in values]


def unit_text(attrs: Mapping[Any, Any]) -> str:
    """Typeset a unit; nothing for dimensionless quantities.

    Examples
    --------
    >>> unit_text({"units": "g C m-2 d-1"})
    'g C m$^{-2}$ d$^{-1}$'
    """
    unit = str(attrs.get("units", "1"))
    if unit == "1":
        return ""
    unit = unit.replace("degC", "°C").replace("H2O", "H$_{2}$O")
    return re.sub(r"(?<=[A-Za-z)])(-?\d+(?:\.\d+)?)(?=[ )]|$)", r"$^{\1}$", unit)


def with_unit(text: str, attrs: Mapping[Any, Any], width: int = 0) -> str:
    """Add the unit in brackets to a text, wrapped to ``width`` characters if that is given.

    Examples
    --------
    >>> with_unit("leaf area index", {"units": "m2 m-2"})
    'leaf area index (m$^{2}$ m$^{-2}$)'
    """
    unit = unit_text(attrs)
    if width:
        text = textwrap.fill(text, width)
    return f"{text}{'\n' if width else ' '}({unit or '–'})"


def title_of(name: str) -> str:
    """Turn a name into a short title.

    Examples
    --------
    >>> title_of("lai_structural_sd")
    'LAI structural sd'
    """
    return " ".join(word.upper() if word in _ACRONYMS else word for word in name.split("_"))


def number_text(value: float) -> str:
    """Write two significant digits, with a proper minus and no exponent.

    Examples
    --------
    >>> number_text(-0.1852), number_text(1026.8)
    ('−0.19', '1000')
    """
    return f"{float(f'{value:.2g}'):g}".replace("-", "−")
