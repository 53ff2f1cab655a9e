"""Predictions are seen at every point that was held out, and nowhere else."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayes_tbm.plots import plot_predictions
from bayes_tbm.prediction.scores import MODEL, PredictionScores

TIME = np.datetime64("2013-01-16", "ns") + np.arange(24) * np.timedelta64(730, "h")
GAPPY = TIME[[0, 1, 2, 10, 11, 20]]


def prediction(points):
    """Two streams of one site, the first seen at all steps, the second at the points."""
    at = {"gpp": TIME, "wood": np.sort(points)}
    groups = {part: xr.Dataset() for part in ("predictions", "observed_data")}
    for name, point in at.items():
        coords, attrs = {f"{name}_point": point}, {"units": "g C m-2", "long_name": name}
        draws = 100.0 + np.linspace(-10.0, 10.0, 101)[:, None] + np.arange(len(point))
        groups["predictions"] = groups["predictions"].assign_coords(coords).assign(
            {name: (("draw", f"{name}_point"), draws, attrs)}
        )  # fmt: skip
        groups["observed_data"] = groups["observed_data"].assign_coords(coords).assign(
            {name: (f"{name}_point", draws[60], attrs)}
        )  # fmt: skip
    groups["simulation"] = xr.Dataset(coords={"time": TIME})
    return xr.DataTree.from_dict(groups)


def scores():
    row = {"n": 1.0, "r2": np.nan, "inside_90": 1.0, "skill": np.nan}
    table = pd.DataFrame([row, row], index=[("gpp", MODEL), ("wood", MODEL)])
    table.index = pd.MultiIndex.from_tuples(table.index)
    months = pd.DataFrame({"n": [1, 1]}, index=pd.MultiIndex.from_tuples([("gpp", 1), ("wood", 1)]))
    return PredictionScores(table, months, months, "fitted and predicted")


def wood_panel(points):
    figure = plot_predictions(prediction(points), scores())
    figure.savefig("/dev/null", format="png", dpi=40)
    return figure.axes[2], figure.axes[3]


@pytest.mark.parametrize("points", [TIME[[5]], TIME[[5, 5]], GAPPY, TIME], ids=len)
def test_every_point_has_a_band_that_can_be_seen(points):
    series, _ = wood_panel(points)
    for band, half in zip(series.collections, (9.0, 5.0), strict=True):
        corners = [path.vertices for path in band.get_paths()]
        assert len(corners) == len(points)
        assert all(np.ptp(at[:, 0]) > 0.0 for at in corners)
        np.testing.assert_allclose([np.ptp(at[:, 1]) for at in corners], 2 * half, rtol=1e-9)


@pytest.mark.parametrize("points", [TIME[[5]], GAPPY], ids=len)
def test_nothing_is_drawn_across_a_gap(points):
    series, _ = wood_panel(points)
    median = next(line for line in series.lines if line.get_label() == "predicted, median")
    assert np.isnan(median.get_ydata()).sum() == len(points)
    step = np.median(np.diff(TIME)) / np.timedelta64(1, "D")
    for path in series.collections[0].get_paths():
        assert np.ptp(path.vertices[:, 0]) <= step * 1.001


def test_a_single_point_has_no_r2_in_its_title():
    _, season = wood_panel(TIME[[5]])
    assert season.get_title() == "100% of 1 within 90 %"
