"""Every figure of a result, as files."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import xarray as xr
from matplotlib.figure import Figure

from bayes_tbm.plots.chains import plot_rank, plot_trace
from bayes_tbm.plots.densities import plot_prior_posterior
from bayes_tbm.plots.growth import plot_growth
from bayes_tbm.plots.streams import plot_streams, seen_over_record
from bayes_tbm.runtime.files import write_whole

FIGURES: dict[str, Callable[[xr.DataTree], Figure]] = {
    "streams": plot_streams,
    "prior_posterior": plot_prior_posterior,
    "trace": plot_trace,
    "rank": plot_rank,
    "growth": lambda tree: plot_growth({"posterior": tree}),
}
_NEEDS: dict[str, Callable[[xr.DataTree], bool]] = {
    "streams": lambda tree: bool(seen_over_record(tree)),
    "growth": lambda tree: "regrowth" in tree.children,
}
"""What a result must hold for a figure; without it there is nothing to draw, which is no fault."""


def save_png(figure: Figure, path: Path) -> Path:
    """Write a figure; the file appears whole or not at all."""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=150)
    return write_whole(path, content.getbuffer())


def save_figures(tree: xr.DataTree, folder: str | Path) -> list[Path]:
    """Write ``streams.png``, ``prior_posterior.png``, ``trace.png``, ``rank.png``, ``growth.png``.

    The first where something was seen over the record, the last where the stand's regrowth was run.

    Parameters
    ----------
    tree
        Result of `bayes_tbm.Calibration.sample`.
    folder
        Made if missing.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    ExceptionGroup
        Some figures could not be drawn; the others have been written all the same.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    errors: list[Exception] = []
    for name, plot in FIGURES.items():
        try:
            if name in _NEEDS and not _NEEDS[name](tree):
                continue
            written.append(save_png(plot(tree), folder / f"{name}.png"))
        except Exception as error:
            error.add_note(f"while drawing {name}.png")
            errors.append(error)
    if errors:
        raise ExceptionGroup(f"figures not drawn in {folder}", errors)
    return written
