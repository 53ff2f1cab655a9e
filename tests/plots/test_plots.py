import warnings

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.image import imread

from bayes_tbm.constraint import constraint, contractions
from bayes_tbm.errors import InputError
from bayes_tbm.plots import (
    plot_prior_posterior,
    plot_rank,
    plot_streams,
    plot_trace,
    save,
    save_figures,
)
from bayes_tbm.plots.names import chosen, kind, least_converged, varying
from bayes_tbm.plots.style import number_text, unit_text

from .conftest import POSITIVE, STREAMS, make_tree


def line(axes, label):
    return next(x for x in axes.lines if x.get_label() == label)


def panel(figure, title):
    return next(a for a in figure.axes if a.get_title().startswith(title))


@pytest.fixture(scope="module")
def streams(tree):
    return plot_streams(tree)


@pytest.fixture(scope="module")
def densities(tree):
    return plot_prior_posterior(tree)


def test_streams_have_a_row_each_and_a_season_only_where_data_cover_the_year(streams):
    # series and scatter each; mean seasonal cycles of gpp and lai, not of the stock seen once
    assert len(streams.axes) == 2 * len(STREAMS) + 2


def test_series_show_the_data_and_the_median(streams, tree):
    simulation = tree["simulation"]
    series = [a for a in streams.axes if any(x.get_label() == "data" for x in a.lines)]
    assert len(series) == len(STREAMS)
    for axes, (name, (_, _, step, _)) in zip(series, STREAMS.items(), strict=True):
        data, median = line(axes, "data"), line(axes, "simulation, median")
        np.testing.assert_array_equal(data.get_ydata(), tree["observed_data"][name])
        np.testing.assert_array_equal(data.get_xdata(orig=True), simulation["time"][step])
        np.testing.assert_array_equal(median.get_ydata(), simulation[name].sel(quantile=0.5))


def test_bands_are_the_quantiles(streams, tree):
    band = next(c for c in streams.axes[0].collections if c.get_label() == "simulation, 90%")
    y = band.get_paths()[0].vertices[:, 1]
    gpp = tree["simulation"]["gpp"]
    assert y.min() == gpp.sel(quantile=0.05).min()
    assert y.max() == gpp.sel(quantile=0.95).max()


def test_predictive_band_leaves_gaps_open(streams, tree):
    series = next(a for a in streams.axes if a.get_ylabel().startswith("leaf area"))
    band = next(c for c in series.collections if c.get_label().startswith("posterior predictive"))
    assert len(band.get_paths()) == tree["observed_data"]["lai"].size
    low = tree["posterior_predictive"]["lai"].quantile(0.05, ("chain", "draw"))
    assert min(p.vertices[:, 1].min() for p in band.get_paths()) == pytest.approx(float(low.min()))


def test_scatter_has_data_against_median(streams, tree):
    scatter = [a for a in streams.axes if a.get_xlabel().startswith("simulated")]
    for axes, (name, (_, _, step, _)) in zip(scatter, STREAMS.items(), strict=True):
        points = axes.lines[0] if len(axes.lines) == 2 else axes.lines[-2]
        median = tree["simulation"][name].sel(quantile=0.5).values[step]
        np.testing.assert_array_equal(points.get_xdata(), median)
        np.testing.assert_array_equal(points.get_ydata(), tree["observed_data"][name])
        assert axes.get_xlim() == axes.get_ylim()
    assert "R²" in scatter[0].texts[0].get_text()
    assert "R²" not in scatter[-1].texts[0].get_text()  # one point has no variance


def test_stream_axes_have_units(streams):
    for axes in streams.axes:
        if axes.get_xlabel().startswith("simulated"):
            assert "m$^{-2}$" in axes.get_xlabel()
        if axes.get_ylabel():
            assert "m$^{-2}$" in axes.get_ylabel()


def test_mean_season_is_the_mean_over_observed_steps(streams, tree):
    season = next(a for a in streams.axes if a.get_xlabel().startswith("month"))
    seen = tree["simulation"].to_dataset()["lai_observed"].dropna("time")
    expected = seen.groupby(seen["time"].dt.month).mean().values
    np.testing.assert_allclose(season.lines[-1].get_ydata(), expected)


def test_prior_and_posterior_of_everything_that_varies(densities):
    titles = [a.get_title() for a in densities.axes]
    assert titles == ["leaf lifespan", "wood residence time", "GPP structural sd", "NEE annual"]
    assert [a.get_xlabel() for a in densities.axes[:2]] == ["yr", "yr"]
    assert all(len(a.lines) == 2 for a in densities.axes)


def test_posterior_lies_within_the_limits(densities, tree):
    for name in ("wood_residence_time", "nee_annual"):
        title = "wood" if name.startswith("wood") else "NEE"
        low, high = panel(densities, title).get_xlim()
        draws = tree["posterior"][name].values
        assert low <= draws.min()
        assert draws.max() <= high


def test_axis_is_logarithmic_where_values_span_a_decade(densities):
    assert panel(densities, "wood").get_xscale() == "log"
    assert panel(densities, "NEE").get_xscale() == "linear"


def test_density_has_its_peak_near_the_median(densities, tree):
    posterior = panel(densities, "wood").lines[1]
    peak = posterior.get_xdata()[np.argmax(posterior.get_ydata())]
    assert peak == pytest.approx(float(tree["posterior"]["wood_residence_time"].median()), rel=0.2)


def shown_contractions(tree):
    """Numbers that the figure shows, as they are rounded there, by name."""
    names = varying(tree["prior"].dataset, chosen(tree, None))
    figure = plot_prior_posterior(tree)
    texts = [axes.texts[0].get_text().replace("−", "-") for axes in figure.axes]
    return dict(zip(names, texts, strict=True))


def assert_shown(shown, contraction):
    assert set(shown) == set(contraction.index)
    for name, text in shown.items():
        if text == "> 0.999":
            assert contraction[name] > 0.999
        else:
            assert float(text) == pytest.approx(contraction[name], abs=0.00501)


def test_contraction_is_that_of_the_file_beside_it(short_run, short_tree):
    """A real run: sampled parameters with ecological constraints, errors, derived quantities."""
    table = pd.read_csv(short_run.folder / "constraint.csv", index_col="parameter")
    assert len(table) > 40
    assert_shown(shown_contractions(short_tree), table["contraction"].dropna())


def test_contractions_alone_are_those_of_all_measures(short_tree):
    names = ["nee_annual", "wood_residence_time", "gpp_structural_sd"]
    whole = constraint(short_tree, parameters=names, pairs=[])["contraction"]
    for name, value in contractions(short_tree, names).items():
        assert value == pytest.approx(float(whole.sel(parameter=name)), rel=1e-12)


def test_kinds(tree):
    kinds = [kind(tree, name) for name in chosen(tree, None)]
    assert kinds == ["parameter"] * 2 + ["error parameter"] + ["derived quantity"] * 2


def test_trace_shows_every_draw_of_every_chain(tree):
    figure = plot_trace(tree, ["wood_residence_time"])
    trace = figure.axes[1]
    drawn = [x.get_ydata() for x in trace.lines if len(x.get_ydata()) == 60]
    np.testing.assert_array_equal(drawn, tree["posterior"]["wood_residence_time"])
    assert figure.axes[0].get_xlabel() == trace.get_ylabel() == "yr"


def test_chains_show_the_least_converged_parameters_first():
    tree = make_tree()
    tree["posterior"]["gpp_structural_sd"][0] += 1000.0
    assert least_converged(tree, 1) == (["gpp_structural_sd"], "largest R-hat")
    figure = plot_rank(tree)
    assert len(figure.axes) == len(POSITIVE)
    assert figure.axes[0].get_title().startswith("GPP structural sd, R-hat")
    assert f"{len(POSITIVE)} parameters with the largest R-hat" in figure.get_suptitle()


@pytest.mark.parametrize("plot", [plot_trace, plot_rank])
def test_one_chain_has_no_r_hat_and_is_not_sorted_by_it(plot):
    tree = make_tree(1, 60)
    tree["posterior"]["leaf_lifespan"][0] = np.sort(tree["posterior"]["leaf_lifespan"][0])
    figure = plot(tree)
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert titles[0] == "leaf lifespan, R-hat n/a"
    assert all(title.endswith("R-hat n/a") for title in titles)
    told = f"{len(POSITIVE)} parameters with the smallest effective sample size"
    assert figure.get_suptitle().startswith(told)


def test_chains_that_never_moved_have_no_r_hat_and_come_first():
    tree = make_tree()
    tree["posterior"]["gpp_structural_sd"][:] = 3.0
    titles = [axes.get_title() for axes in plot_rank(tree).axes]
    assert titles[0] == "GPP structural sd, R-hat n/a"
    assert sum(title.endswith("n/a") for title in titles) == 1


@pytest.mark.parametrize(("chains", "draws"), [(1, 60), (1, 4), (2, 4), (9, 20)])
def test_any_number_of_chains(chains, draws):
    tree = make_tree(chains, draws)
    assert isinstance(plot_trace(tree), Figure)
    assert isinstance(plot_rank(tree), Figure)
    assert isinstance(plot_prior_posterior(tree), Figure)


def test_unknown_name_is_refused_with_near_ones(tree):
    with pytest.raises(InputError, match="wood_residence_time"):
        plot_prior_posterior(tree, ["wood_residence"])


def test_nothing_but_fixed_values_is_refused(tree):
    with pytest.raises(InputError, match="vary"):
        plot_prior_posterior(tree, ["carbon_use_efficiency"])


def test_figures_are_written_and_not_blank_and_leave_nothing_behind(tree, tmp_path):
    before, open_figures = dict(mpl.rcParams), plt.get_fignums()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        paths = save_figures(tree, tmp_path / "new" / "figures")
    assert [p.name for p in paths] == [
        "streams.png", "prior_posterior.png", "trace.png", "rank.png",
    ]  # fmt: skip
    for path in paths:
        assert imread(path)[..., :3].var() > 1e-3
    assert plt.get_fignums() == open_figures
    assert dict(mpl.rcParams) == before


def test_one_failure_loses_no_other_figure(tree, tmp_path, monkeypatch):
    def broken(tree):
        raise RuntimeError("no")

    monkeypatch.setattr(save, "FIGURES", {"a": broken, "b": lambda tree: Figure(), "c": broken})
    with pytest.raises(ExceptionGroup) as caught:
        save_figures(tree, tmp_path)
    assert len(caught.value.exceptions) == 2
    assert [p.name for p in tmp_path.iterdir()] == ["b.png"]


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        ("1", ""),
        ("m2 m-2", "m$^{2}$ m$^{-2}$"),
        ("g C hPa0.5 (kg H2O)-1", "g C hPa$^{0.5}$ (kg H$_{2}$O)$^{-1}$"),
        ("degC-1", "°C$^{-1}$"),
        ("day of year", "day of year"),
    ],
)
def test_units_are_typeset(unit, text):
    assert unit_text({"units": unit}) == text


def test_numbers_have_two_digits_and_no_exponent():
    assert [number_text(x) for x in (0.00634, -1026.8, 0.0)] == ["0.0063", "−1000", "0"]
