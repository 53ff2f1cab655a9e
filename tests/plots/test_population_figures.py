"""Figures of a population show what they are given."""

import io

import numpy as np
import pandas as pd
import pytest

from bayes_tbm.errors import InputError
from bayes_tbm.plots.population import (
    plot_by_climate,
    plot_caterpillar,
    plot_driver_shares,
    plot_threshold,
)

COLDEST = np.linspace(-30.0, 0.0, 6)
RNG = np.random.default_rng(0)
BEFORE, AFTER = 4.0 + 0.8 * RNG.normal(size=(200, 6)), 4.0 + 0.2 * RNG.normal(size=(200, 6))


def drawn(figure):
    figure.savefig(io.BytesIO(), format="png")  # draws every artist
    return figure.axes[0]


def test_climate_figure_holds_sites_and_band():
    at = np.linspace(-30, 0, 5)
    axes = drawn(plot_by_climate(COLDEST, BEFORE, AFTER, at, 4 + 0.1 * RNG.normal(size=(50, 5))))
    alone, together = (bars.lines[0].get_ydata() for bars in axes.containers)

    np.testing.assert_allclose(alone, np.exp(np.median(BEFORE, axis=0)))
    np.testing.assert_allclose(together, np.exp(np.median(AFTER, axis=0)))
    assert axes.get_yscale() == "log"


def test_caterpillar_is_in_order():
    axes = drawn(plot_caterpillar(list("abcdef"), BEFORE, AFTER))
    names = [label.get_text() for label in axes.get_yticklabels()]

    assert names == list(np.array(list("abcdef"))[np.argsort(np.median(AFTER, axis=0))])
    assert (np.diff(axes.containers[1].lines[0].get_xdata()) >= 0).all()


def test_threshold_is_drawn_over_its_prior():
    probability = pd.Series([0.1, 0.6, 0.3], [-20.0, -15.0, -10.0])
    axes = drawn(plot_threshold(probability, -20.0))

    np.testing.assert_allclose(axes.lines[0].get_ydata(), [0.02, 0.12, 0.06])
    prior = pd.Series([0.2, 0.5, 0.3], probability.index)
    for given, heights in ((None, [1 / 15] * 3), (prior, [0.04, 0.1, 0.06])):
        (drawn_prior,) = drawn(plot_threshold(probability, -20.0, given)).patches
        np.testing.assert_allclose(drawn_prior.get_data().values, heights)
    with pytest.raises(InputError, match="add up to one"):
        plot_threshold(probability / 2)


def test_shares_stand_beside_their_null():
    columns = ["share", "q05", "q95", "unique", "largest", "null_q95"]
    rows = [[0.3, 0.2, 0.5, 0.1, 0.9, 0.1], [0.4, 0.3, 0.6, np.nan, np.nan, 0.2]]
    axes = drawn(plot_driver_shares(pd.DataFrame(rows, ["climate", "total"], columns)))

    assert [bar.get_width() for bar in axes.containers[0]] == [0.1, 0.2]


def test_wrong_number_of_sites_is_refused():
    with pytest.raises(InputError, match="before: must be"):
        plot_by_climate(COLDEST, BEFORE[:, 1:], AFTER, np.zeros(2), np.zeros((3, 2)))
