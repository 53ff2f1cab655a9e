import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

import bayes_tbm as bt
from bayes_tbm import studies
from bayes_tbm.calibration import Calibration
from bayes_tbm.catalogue import open_site
from bayes_tbm.cli import main
from bayes_tbm.sampling import Settings
from bayes_tbm.studies import compare

from .. import tiny_study as tiny_study_module
from ..tiny_study import SETS, tiny_study

PAIR = "allocation_wood & wood_residence_time"
FLUX, CURVE = SETS


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return tiny_study(tmp_path_factory)


@pytest.fixture(scope="module")
def comparison(study):
    with pytest.warns(bt.ConvergenceWarning) as told:
        found = study.comparison()
    assert [str(w.message).split(": ")[0] for w in told] == list(SETS)
    assert {w.filename for w in told} == {tiny_study_module.__file__}  # who called compare
    return found


@pytest.mark.usefixtures("comparison")  # what it compiled is there
def test_the_command_repeats_from_the_folder(study, capsys, monkeypatch):
    monkeypatch.setattr(studies, "compare", tiny_study_module.compare)
    monkeypatch.setattr(Calibration, "sample", lambda *_, **__: pytest.fail("it began to sample"))
    before = (study.folder / "compare.csv").read_bytes()
    assert main(["compare", str(study.experiment), "--out", str(study.folder), "--quiet"]) == 3
    assert capsys.readouterr().out == study.out
    assert (study.folder / "compare.csv").read_bytes() == before


def test_the_table_has_a_row_for_each_set_and_quantity_and_the_pair_last(comparison):
    table = comparison.table
    assert table.index.names == ["set", "parameter"]
    for name, tree in comparison.posteriors.items():
        own = table.loc[name]
        assert own.index[-1] == PAIR
        assert {"wood_residence_time", "mature_biomass", "npp_annual"} <= set(own.index)
        draws = tree["posterior"]["wood_residence_time"]
        low, middle, high = own.loc["wood_residence_time", ["q05", "median", "q95"]]
        assert middle == pytest.approx(float(draws.median()))
        assert [low, high] == pytest.approx(draws.quantile([0.05, 0.95]).values.tolist())
        assert own.loc["wood_residence_time", "unit"] == "yr"
        assert own.loc[PAIR, ["median", "contraction"]].isna().all()
        assert own.loc[PAIR, ["bits", "bits_mcse"]].notna().all()


def test_the_table_has_the_constraint_of_each_fit(comparison):
    names, measures = ["wood_residence_time", "npp_annual"], ["contraction", "bits", "overlap"]
    for name, tree in comparison.posteriors.items():
        found = bt.constraint(tree, parameters=names, pairs=[])[measures].to_dataframe()[measures]
        own = comparison.table.loc[name].loc[names, measures]
        pd.testing.assert_frame_equal(own, found, check_names=False)


def test_streams_prior_and_gates(comparison):
    assert comparison.streams == SETS
    assert comparison.prior["posterior"].sizes["draw"] == 200
    assert {name: gate.passed for name, gate in comparison.gates.items()} == dict.fromkeys(
        SETS, False
    )
    assert set(comparison.skill.loc[CURVE].index) >= {"gpp", "lai", "growth_curve"}


@pytest.mark.parametrize("measure", ["bits", "entropy_reduction"])
def test_what_sets_add_is_consistent_with_their_gains(comparison, measure):
    added = comparison.added()[measure].unstack(["set", "beyond"])
    assert set(added.columns) == {(FLUX, "prior"), (CURVE, "prior"), (CURVE, FLUX)}
    apart = added[CURVE, "prior"] - added[FLUX, "prior"]
    # differences of the same three numbers
    pd.testing.assert_series_equal(added[CURVE, FLUX], apart, check_names=False, atol=1e-12)
    own = {"bits": comparison.information, "entropy_reduction": comparison.gains}[measure]
    assert own.measure == measure
    gain = own.gain()["gain"].sel(stream_set="gpp+lai")
    assert added[FLUX, "prior"].to_dict() == pytest.approx(gain.to_series().to_dict())
    trees = {SETS[name]: tree for name, tree in comparison.posteriors.items()}
    alone = bt.set_gains({(): comparison.prior, **trees}, measure=measure).gain()["gain"]
    np.testing.assert_array_equal(alone.sel(stream_set="gpp+lai"), gain)


@pytest.mark.parametrize("measure", ["bits", "entropy_reduction"])
def test_one_name_is_one_measure_in_both_tables(comparison, measure):
    """What a set adds to the prior is what the table says of it, but for draws of the prior."""
    other = {"bits": "entropy_reduction", "entropy_reduction": "bits"}[measure]
    for name in SETS:
        added = comparison.added().xs("prior", level="beyond").loc[name]
        table = comparison.table.loc[name].loc[added.index]
        error = np.hypot(added[f"{measure}_mcse"], table[f"{measure}_mcse"])
        apart = ((added[measure] - table[measure]) / error).abs().median()
        mistaken = ((added[measure] - table[other]) / error).abs().median()
        assert apart < 1.0
        assert mistaken > 1.5 * apart, (apart, mistaken)


def test_what_is_added_names_the_streams_and_states_its_error(comparison):
    added = comparison.added()
    assert set(added.xs(FLUX, level="beyond")["added"]) == {"growth_curve"}
    assert set(added.loc[FLUX]["added"]) == {"gpp+lai"}
    assert (added[["bits_mcse", "entropy_reduction_mcse"]] > 0.0).all(axis=None)
    assert PAIR in added.index.get_level_values("target")


def test_save_writes_tables_and_figures(comparison, tmp_path):
    written = comparison.save(tmp_path / "new" / "folder")
    assert all(path.is_file() for path in written)
    names = {path.name for path in written}
    figures = {"bits.png", "contraction.png", "overlays.png", "allocation_turnover.png"}
    assert names == {"compare.csv", "streams.csv", "bits.csv", "growth.png"} | figures
    found = pd.read_csv(written[0], index_col=["set", "parameter"])
    pd.testing.assert_frame_equal(found, comparison.table, check_dtype=False)
    for path in written[3:]:
        assert imread(path).std() > 0.0


# What differs in more than its streams


@pytest.fixture
def never_sample(monkeypatch):
    monkeypatch.setattr(Calibration, "sample", lambda *_, **__: pytest.fail("it began to sample"))


@pytest.fixture(scope="module")
def site():
    return open_site("hyytiala-twin")


@pytest.fixture(scope="module")
def gpp(site):
    return Calibration(site, ["gpp"])


OTHER = {
    "priors": ({"priors": {"wood_residence_time": 50.0}}, "another wood_residence_time than"),
    "regrowth": ({"regrowth": True}, "another regrowth, .* give regrowth=True to all"),
    "stand age": ({"stand_age": 40.0}, "another regrowth, stand_age"),
    "constraints": ({"constraints": False}, "another constraints than in first"),
}


@pytest.mark.parametrize("what", OTHER)
def test_sets_that_differ_in_more_than_streams_are_refused(what, site, gpp, never_sample):
    options, said = OTHER[what]
    other = Calibration(site, ["gpp", "lai"], **options)
    with pytest.raises(bt.InputError, match=rf"compare: second: .*{said}"):
        compare({"first": gpp, "second": other})


@pytest.mark.parametrize("options", [{"end": "2010-12"}, {"uncertainty": {"gpp": 0.7}}])
def test_other_data_are_refused(options, gpp, never_sample):
    other = Calibration(open_site("hyytiala-twin", **options), ["gpp", "lai"])
    with pytest.raises(bt.InputError, match="found another data than"):
        compare({"first": gpp, "second": other})


def test_another_site_is_refused(gpp, never_sample):
    other = Calibration(open_site("hyytiala-twin-daily"), ["gpp", "lai"])
    with pytest.raises(bt.InputError, match="another site, data than in first"):
        compare({"first": gpp, "second": other})


def test_one_set_or_two_alike_are_refused(site, gpp, never_sample):
    rule = "needs two sets of streams or more, no two alike"
    with pytest.raises(bt.InputError, match=f"{rule}; found gpp"):
        compare({"only": gpp})
    first, second = (Calibration(site, names) for names in (["gpp", "lai"], ["lai", "gpp"]))
    with pytest.raises(bt.InputError, match=rule):
        compare({"first": first, "second": second, "third": gpp})
    with pytest.raises(bt.InputError, match=rule):
        compare({})


def test_wrong_settings_are_refused(site, gpp, never_sample):
    sets = {"first": gpp, "second": Calibration(site, ["gpp", "lai"])}
    with pytest.raises(bt.InputError, match="chains: must be a whole number"):
        compare(sets, Settings(), chains=0)
