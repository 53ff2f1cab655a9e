"""Figures of as many sets as Shapley shares of three or four streams take."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from bayes_tbm.plots import plot_growth, plot_joint, plot_overlays
from bayes_tbm.plots.measures import plot_bits, plot_contraction

from .conftest import make_tree
from .test_seen_otherwise import LIVE, seen_at_ages

NAMES = ("wood_residence_time", "nee_annual")


def table(sets, contraction=(0.5, 0.9)):
    rows = {"bits": [1.0, 2.0], "contraction": list(contraction), "contraction_mcse": [0.01, 0.01]}
    own = pd.DataFrame(rows, index=pd.Index(NAMES, name="parameter"))
    return pd.concat(dict.fromkeys(sets, own), names=["set"])


@pytest.fixture(scope="module", params=[7, 15])
def sets(request):
    return [f"set {i}" for i in range(request.param)]


@pytest.mark.parametrize(
    "draw",
    [
        lambda sets: plot_bits(table(sets)),
        lambda sets: plot_contraction(table(sets)),
        lambda sets: plot_overlays(dict.fromkeys(sets, make_tree(1, 30)), NAMES),
        lambda sets: plot_joint(dict.fromkeys(sets, make_tree(1, 30)), NAMES),
        lambda sets: plot_growth(dict.fromkeys(sets, seen_at_ages({"pine": ([20], LIVE)}))),
    ],
    ids=["bits", "contraction", "overlays", "joint", "growth"],
)
def test_all_sets_are_drawn_and_named(sets, draw):
    figure = draw(sets)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    legends = [*figure.legends, *(a.get_legend() for a in figure.axes if a.get_legend())]
    told = {text.get_text() for legend in legends for text in legend.get_texts()}
    told |= {text.get_text() for text in figure.axes[0].get_xticklabels()}
    assert set(sets) <= told
    width = canvas.get_renderer().width
    assert all(legend.get_window_extent().x0 >= 0 for legend in legends)
    assert all(legend.get_window_extent().x1 <= width for legend in legends)


@pytest.mark.parametrize("least", [-0.4, -0.61, -3.0])
def test_no_contraction_is_cut_off_without_a_mark(least):
    (axes,) = plot_contraction(table(["one"], (least, 0.9))).axes
    left = axes.get_xlim()[0]
    cut = bool(least < left)
    assert cut == (least < -0.6)
    marks = [line for line in axes.lines if line.get_marker() == "<"]
    assert [line.get_xdata()[0] for line in marks] == [left] * cut
    assert [text.get_text() for text in axes.texts] == [f"−{-least:g}"] * cut
    np.testing.assert_array_equal(axes.containers[0].lines[0].get_xdata(), [least, 0.9])
