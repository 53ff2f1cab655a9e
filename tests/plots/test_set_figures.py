import io
import itertools

import numpy as np
import pandas as pd
import pytest

from bayes_tbm.errors import InputError
from bayes_tbm.plots import save
from bayes_tbm.plots.growth import plot_growth
from bayes_tbm.plots.joint import plot_joint
from bayes_tbm.plots.measures import plot_bits, plot_contraction
from bayes_tbm.plots.overlays import plot_overlays
from bayes_tbm.plots.save import save_figures
from bayes_tbm.plots.sets import set_figures
from bayes_tbm.plots.streams import plot_streams
from bayes_tbm.plots.style import SETS as LOOKS
from bayes_tbm.plots.style import title_of
from bayes_tbm.units import dry_matter_per_hectare

from ..tiny_study import SETS, tiny_study

NAMES = ("wood_residence_time", "autotrophic_fraction", "npp_annual", "som_residence_time")
PAIR = "allocation wood & wood residence time"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return tiny_study(tmp_path_factory)


@pytest.fixture(scope="module")
def table(study):
    return pd.read_csv(study.folder / "compare.csv", index_col=["set", "parameter"])


@pytest.fixture(scope="module")
def trees(study):
    return study.posteriors()


def drawn(figure):
    """Render it, so that anything that cannot be drawn fails, and every warning with it."""
    figure.savefig(io.BytesIO(), format="png", dpi=60)
    return figure


def texts(legend):
    return [text.get_text() for text in legend.get_texts()]


def line(axes, label):
    return next(x for x in axes.lines if x.get_label() == label)


def rows(axes):
    return [tick.get_text() for tick in axes.get_yticklabels()]


def test_looks_differ_in_colour_and_in_line_or_marker():
    for one, other in itertools.combinations(LOOKS, 2):
        assert one.colour != other.colour
        assert (one.line, one.marker) != (other.line, other.marker)


def test_bits_have_a_row_a_quantity_and_a_column_a_set(table):
    axes = drawn(plot_bits(table)).axes[0]
    wide = table["bits"].unstack("set")[list(SETS)]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == list(SETS)
    assert len(rows(axes)) == len(wide)
    assert rows(axes)[-1] == PAIR.replace("allocation wood", title_of("allocation_wood"))
    assert axes.images[0].get_array().shape == wide.shape
    first = table.loc[next(iter(SETS))].index[0]
    shown = axes.images[0].get_array()[0]
    np.testing.assert_array_equal(shown, np.maximum(wide.loc[first], 0.0))
    assert len(axes.texts) == wide.size


def test_the_colour_bar_states_the_unit(table):
    assert plot_bits(table).axes[1].get_ylabel() == "information gain (bit)"


def test_contraction_has_a_row_a_quantity_without_pairs_and_all_sets_in_the_legend(table):
    figure = drawn(plot_contraction(table))
    (axes,) = figure.axes
    count = table["contraction"].unstack("set").dropna(how="all").shape[0]
    assert len(rows(axes)) == count
    assert PAIR not in rows(axes)
    assert texts(figure.legends[0]) == list(SETS)
    assert axes.get_xlabel().startswith("contraction (1 − posterior variance")


def test_contraction_is_shown_where_its_row_is(table):
    (axes,) = plot_contraction(table).axes
    for name, bars in zip(SETS, axes.containers, strict=True):
        own = table.loc[name, "contraction"].dropna()
        np.testing.assert_array_equal(bars.lines[0].get_xdata(), own)
        np.testing.assert_allclose(np.diff(bars.lines[0].get_ydata()), -1.0, atol=1e-12)


def test_overlays_have_a_panel_a_quantity_and_all_sets_in_the_legend(trees):
    figure = drawn(plot_overlays(trees, NAMES))
    assert len(figure.axes) == len(NAMES)
    assert texts(figure.legends[0]) == [*SETS, "prior"]
    assert figure.axes[0].get_xlabel() == "wood residence time (yr)"
    assert figure.axes[0].get_xscale() == "log"
    assert figure.axes[1].get_xscale() == "linear"


def test_overlays_show_each_prior_where_they_differ(trees):
    first, second = SETS
    other = trees[second].copy(deep=True)
    other["prior"]["npp_annual"] = other["prior"]["npp_annual"] * 1.5
    axes = drawn(plot_overlays({first: trees[first], second: other}, ["npp_annual"])).axes[0]
    assert [x.get_linestyle() for x in axes.lines] == ["-", ":", "--", ":"]
    assert axes.get_legend_handles_labels()[1] == list(SETS)


def test_overlays_leave_out_what_a_result_does_not_have(trees):
    first, second = SETS
    less = trees[first].copy()
    less["posterior"] = less["posterior"].to_dataset().drop_vars("npp_annual")
    axes = drawn(plot_overlays({first: less, second: trees[second]}, ["npp_annual"])).axes[0]
    assert axes.get_legend_handles_labels()[1] == [second, "prior"]


def test_joint_has_both_quantities_with_units_and_all_sets_in_the_legend(trees):
    truth = {"autotrophic_fraction": 0.4, "wood_residence_time": 75.0}
    (axes,) = drawn(plot_joint(trees, tuple(truth), truth)).axes
    assert axes.get_xlabel() == "autotrophic fraction (–)"
    assert axes.get_ylabel() == "wood residence time (yr)"
    assert (axes.get_xscale(), axes.get_yscale()) == ("linear", "log")
    assert texts(axes.get_legend()) == ["prior", *SETS, "truth"]
    star = axes.lines[0]
    assert (star.get_xdata()[0], star.get_ydata()[0]) == (0.4, 75.0)


def test_growth_has_prior_sets_and_data(trees):
    (axes,) = drawn(plot_growth(trees)).axes
    assert set(texts(axes.get_legend())) == {"prior, 90%", *SETS, "growth curve"}
    assert axes.get_xlabel() == "stand age (yr)"
    assert "Mg ha$^{-1}$" in axes.get_ylabel()
    (points,) = axes.containers
    np.testing.assert_allclose(points.lines[0].get_ydata(), [40.0, 110.0, 150.0], rtol=1e-12)
    np.testing.assert_array_equal(points.lines[0].get_xdata(), [20, 60, 120])


def test_growth_shows_the_median_up_to_the_oldest_age(trees):
    (axes,) = plot_growth(trees, oldest=80.0).axes
    assert axes.get_xlim() == (0.0, 80.0)
    for name, tree in trees.items():
        grown = tree["regrowth"]["live_biomass"].sel(quantile=0.5, age=slice(0, 80))
        shown = line(axes, name)
        np.testing.assert_array_equal(shown.get_xdata(), grown["age"])
        np.testing.assert_allclose(shown.get_ydata(), dry_matter_per_hectare(grown.values))


def without_regrowth(tree):
    return tree.filter(lambda node: node.name != "regrowth")


def test_growth_refuses_results_without_regrowth(trees):
    bare = {name: without_regrowth(tree) for name, tree in trees.items()}
    with pytest.raises(InputError, match=r"plot_growth: needs .* give regrowth=True"):
        plot_growth(bare)


def test_growth_leaves_out_a_result_without_regrowth(trees):
    first, second = SETS
    mixed = {first: without_regrowth(trees[first]), second: trees[second]}
    (axes,) = drawn(plot_growth(mixed)).axes
    assert first not in texts(axes.get_legend())
    assert second in texts(axes.get_legend())


def test_a_comparison_draws_every_figure_that_its_results_allow(table, trees):
    figures = set_figures(trees, table)
    every = {"bits", "contraction", "overlays", "allocation_turnover", "growth"}
    assert set(figures) == every
    bare = {name: without_regrowth(tree) for name, tree in trees.items()}
    assert set(set_figures(bare, table)) == every - {"growth"}
    drawn(figures["overlays"]())


def test_a_curve_has_no_row_among_the_streams_over_the_record_but_a_figure_of_its_own(
    trees, tmp_path, monkeypatch
):
    tree = trees["with curve"]
    labels = " ".join(axes.get_ylabel() for axes in drawn(plot_streams(tree)).axes)
    assert "leaf area index" in labels
    assert "biomass" not in labels
    some = {name: save.FIGURES[name] for name in ("streams", "growth")}  # all take seconds
    monkeypatch.setattr(save, "FIGURES", some)
    assert {path.stem for path in save_figures(tree, tmp_path)} == set(some)
