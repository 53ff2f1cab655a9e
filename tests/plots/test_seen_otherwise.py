"""Results whose streams were seen before the record, at ages of the stand, or not at all in it."""

import itertools

import numpy as np
import pytest
import xarray as xr

from bayes_tbm.errors import InputError
from bayes_tbm.plots import plot_growth, plot_streams, save_figures
from bayes_tbm.plots.style import looks
from bayes_tbm.results import stream_skill
from bayes_tbm.units import dry_matter_per_hectare

from .conftest import QUANTILES, make_tree

BEFORE = np.array(["1980-06-15", "1990-06-15", "1997-06-15"], "datetime64[ns]")
LIVE, ABOVE, WOOD = "live biomass carbon", "above-ground biomass carbon", "wood carbon"
SHARE = 0.75


def put(tree, part, name, dims, values, coords, attrs=None):
    """Replace a variable of a group and the points that it lies on."""
    kept = tree[part].to_dataset().drop_vars([name, *coords], errors="ignore")
    tree[part] = xr.DataTree(kept.assign({name: (dims, values, attrs or {})}).assign_coords(coords))


def put_points(tree, name, point, value, attrs):
    at, coords = (f"{name}_point",), {f"{name}_point": point}
    put(tree, "observed_data", name, at, value, coords, attrs)
    put(tree, "constant_data", f"{name}_measurement_sd", at, 0.1 * value, coords)
    draws = value * np.linspace(0.9, 1.1, 100).reshape(2, 50, 1)
    put(tree, "posterior_predictive", name, ("chain", "draw", *at), draws, coords)


def seen_before(steps=()):
    """Result whose wood was seen three times before the record, and at such steps of it."""
    tree, at = make_tree(2, 50), ("quantile", "wood_earlier_point")
    simulation = tree["simulation"].to_dataset()
    time, spread = simulation["time"].values, np.array(QUANTILES)[:, None] - 0.5
    value = 1000.0 * (2.0 + np.arange(len(BEFORE) + len(steps)))
    early, seen = value[: len(BEFORE)], np.full(len(time), np.nan)
    seen[list(steps)] = value[len(BEFORE) :]
    simulation = simulation.assign(
        wood_earlier=(at, 1.1 * early + 500.0 * spread),
        wood_earlier_observed=(at[1:], early),
        wood_observed=("time", seen, simulation["wood"].attrs),
    ).assign_coords(wood_earlier_point=BEFORE)
    tree["simulation"] = xr.DataTree(simulation)
    point = np.concatenate([BEFORE, time[list(steps)]])
    put_points(tree, "wood", point, value, simulation["wood"].attrs)
    return tree


def seen_at_ages(curves, record=True):
    """Result of a stand that regrows, with a curve of each name: ages and the quantity's name."""
    tree = make_tree(2, 50)
    age, spread = np.arange(301), np.array(QUANTILES)[:, None] - 0.5
    live = 12000.0 * (1 - np.exp(-0.02 * age)) * (1.0 + 0.5 * spread)
    tree["regrowth"] = xr.DataTree(xr.Dataset(
        {"live_biomass": (("quantile", "age"), live)},
        coords={"age": age, "quantile": list(QUANTILES)},
    ))  # fmt: skip
    if not record:
        for part in ("observed_data", "constant_data", "posterior_predictive"):
            tree[part] = xr.DataTree(xr.Dataset())
        tree["simulation"] = xr.DataTree(xr.Dataset(coords={"quantile": list(QUANTILES)}))
    for name, (ages, quantity) in curves.items():
        at, simulation = np.array(ages, float), tree["simulation"].to_dataset()
        attrs = {"units": "g C m-2", "long_name": quantity}
        series = {ABOVE: SHARE, WOOD: 0.8, LIVE: 1.0}[quantity] * live[:, at.astype(int)]
        value = 100.0 * at
        tree["simulation"] = xr.DataTree(simulation.assign({
            name: (("quantile", f"{name}_point"), series, attrs),
            f"{name}_observed": (f"{name}_point", value, attrs),
        }).assign_coords({f"{name}_point": at}))  # fmt: skip
        put_points(tree, name, at, value, attrs)
    return tree


def panels(figure, label):
    return [axes for axes in figure.axes if label(axes)]


def growth_of(tree):
    """Points by their entry in the legend, the axes, and all entries."""
    (axes,) = plot_growth({"posterior": tree}).axes
    points = {bars.get_label(): bars.lines[0].get_xydata() for bars in axes.containers}
    return points, axes, [text.get_text() for text in axes.get_legend().get_texts()]


@pytest.mark.parametrize("steps", [(5,), (5, 30)])
def test_the_scatter_is_of_the_points_that_its_numbers_are_of(steps):
    tree = seen_before(steps)
    figure, skill = plot_streams(tree), stream_skill(tree).loc["wood"]
    scatter = panels(figure, lambda axes: axes.get_xlabel().startswith("simulated"))[-1]
    points = next(line for line in scatter.lines if line.get_marker() == ".")
    np.testing.assert_array_equal(points.get_ydata(), tree["observed_data"]["wood"])
    assert skill["n"] == len(points.get_ydata()) == len(BEFORE) + len(steps)
    residual = points.get_xdata() - points.get_ydata()
    assert skill["bias"] == pytest.approx(residual.mean())
    assert len(scatter.containers) == 1  # bars of all points


def test_the_series_shows_what_lies_within_the_record():
    tree = seen_before((5, 30))
    (series,) = panels(plot_streams(tree), lambda axes: axes.get_ylabel().startswith("wood carbon"))
    data = next(line for line in series.lines if line.get_label() == "data")
    (bars,) = series.containers
    assert len(data.get_xdata()) == len(bars.lines[2][0].get_segments()) == 2
    boxes = next(c for c in series.collections if c.get_label().startswith("posterior predictive"))
    assert len(boxes.get_paths()) == 2


def test_a_stream_of_before_the_record_has_no_row_over_it():
    figure = plot_streams(seen_before())
    labels = [axes.get_ylabel() for axes in figure.axes]
    assert not any("wood" in label for label in labels)
    assert any("leaf area" in label for label in labels)


def test_nothing_over_the_record_is_no_failure_of_a_figure(tmp_path):
    tree = seen_at_ages({"growth_curve": ([20, 60], LIVE)}, record=False)
    with pytest.raises(InputError, match="needs a stream that is seen over the record"):
        plot_streams(tree)
    names = [path.stem for path in save_figures(tree, tmp_path)]
    assert names == ["prior_posterior", "trace", "rank", "growth"]


@pytest.mark.parametrize("name", ["growth_curve", "stock", "pine", "inventory"])
def test_what_was_seen_by_age_is_drawn_whatever_its_name(name):
    points, axes, _ = growth_of(seen_at_ages({name: ([20, 60], LIVE)}))
    (drawn,) = points.values()
    np.testing.assert_allclose(drawn, [[20, dry_matter_per_hectare(2000.0)],
                                       [60, dry_matter_per_hectare(6000.0)]])  # fmt: skip
    assert axes.get_xlim() == (0.0, 200.0)


def test_every_curve_is_drawn_and_none_of_dates():
    curves = {"growth_curve": ([20], LIVE), "pine": ([60], LIVE), "stock": ([30], LIVE)}
    points, _, _ = growth_of(seen_at_ages(curves))
    assert list(points) == ["growth curve", "pine", "stock"]


def test_points_older_than_200_years_lie_on_the_axis():
    points, axes, _ = growth_of(seen_at_ages({"pine": ([20, 250], LIVE)}))
    assert points["pine"][:, 0].max() == 250 < axes.get_xlim()[1]


def test_above_ground_biomass_is_divided_by_its_share_and_says_so():
    points, _, _ = growth_of(seen_at_ages({"pine": ([20, 60], ABOVE)}))
    np.testing.assert_allclose(
        points["pine, above ground / 0.75"][:, 1],
        dry_matter_per_hectare(np.array([2e3, 6e3]) / SHARE),
    )


def test_wood_is_not_drawn_as_live_biomass_and_says_so():
    points, _, told = growth_of(seen_at_ages({"pine": ([20, 60], WOOD)}))
    assert points == {}
    assert "pine: wood carbon, not drawn" in told


def test_many_fits_have_looks_of_their_own():
    every = looks([f"set {i}" for i in range(30)])
    for one, other in itertools.combinations(every, 2):
        assert (one.colour, one.line) != (other.colour, other.line)
        assert (one.colour, one.marker) != (other.colour, other.marker)
