"""What an experiment file says of the stand: age, regrowth, growth curve, single stock, sets."""

import tomllib

import numpy as np
import pytest

import bayes_tbm as bt
from bayes_tbm.experiment import Experiment
from bayes_tbm.parameters import prior_from_dict
from bayes_tbm.studies.compare import _check as check_sets

SITE = 'site = "hyytiala-twin"\n'
POINTS = """
[growth_curve]
unit = "Mg ha-1"
points = {age = [20, 60, 120], biomass = [40, 110, 150], sd = [15, 15, 20]}
errors = {length = 40.0, common = 0.0}
"""
CHAPMAN_RICHARDS = """
[growth_curve]
unit = "Mg ha-1"
quantity = "above_ground"
root_share = 0.25
age_sd = 2.0
[growth_curve.chapman_richards]
asymptote = 180.0
rate = 0.03
shape = 2.0
covariance = [[400.0, 0.0, 0.0], [0.0, 1e-5, 0.0], [0.0, 0.0, 0.01]]
ages = [20, 40, 80]
"""
FILE = '[growth_curve]\nfile = "curves/pine.csv"\ncarbon_fraction = 0.5\n'
CSV = "# made up\nage, biomass, sd, unit\n20, 40, 15, Mg ha-1\n60, 110, 15, Mg ha-1\n"
STOCK = '[stock]\nvalue = 120\nsd = 20\nunit = "Mg ha-1"\nage = 80\n'
LONG = """plot,stand.age,date,variable.name,mean,q05,q95
A,20,1990,biomass_total,40,30,50
A,40,2010,biomass_total,90,70,110
B,20,2004-07-01,biomass_total,50,40,60
A,40,2010,litter,4,2,6
"""
LONG_CURVE = """
[growth_curve]
file = "curves/long.csv"
where = {"variable.name" = "biomass_total"}
age = "stand.age"
value = "mean"
sd = ["q05", "q95"]
unit = "Mg C ha-1"
"""
LONG_STOCK = """
[stock]
file = "curves/long.csv"
where = {plot = ["A"], "variable.name" = "biomass_total", mean = 90}
sd = "10 %"
unit = "Mg C ha-1"
quantity = "wood"
"""
FOUR = """
[growth_curve]
unit = "Mg C ha-1"
[growth_curve.chapman_richards]
asymptote = 120.0
rate = 0.04
shape = 3.0
B = 0.9
asymptote_error = 12.0
rate_error = 0.004
B_error = 0.02
"""
CURVE_STREAMS = SITE + 'streams = ["gpp", "growth_curve"]\n'
STOCK_STREAMS = SITE + 'streams = ["gpp", "stock"]\n'
CASES = {
    "points": CURVE_STREAMS + POINTS,
    "chapman_richards": CURVE_STREAMS + CHAPMAN_RICHARDS,
    "file": CURVE_STREAMS + FILE,
    "long file": CURVE_STREAMS + LONG_CURVE,
    "stock of a file": STOCK_STREAMS + LONG_STOCK,
    "stock of a file by date": STOCK_STREAMS + LONG_STOCK + 'date = "date"\n',
    "stock by age": STOCK_STREAMS + STOCK,
    "stock by date": STOCK_STREAMS + STOCK.replace("age = 80", "date = 2010-07-01"),
    "stand age": SITE + 'streams = ["gpp"]\nstand_age = 44\n',
    "regrowth": SITE + 'streams = ["gpp"]\nregrowth = true\n',
    "everything": SITE + 'streams = ["gpp", "growth_curve", "stock"]\nstand_age = 44.5\n'
    + '[sets]\nflux = ["gpp"]\nboth = ["gpp", "stock"]\n' + POINTS + STOCK,
}  # fmt: skip


@pytest.fixture
def write(tmp_path):
    (tmp_path / "curves").mkdir()
    (tmp_path / "curves" / "pine.csv").write_text(CSV)
    (tmp_path / "curves" / "long.csv").write_text(LONG)

    def write(text, name="experiment.toml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    return write


def stream(calibration, name):
    return next(s for s in calibration.density.streams if s.name == name)


def assert_same(first, second):
    """Two calibrations of one posterior: definition, data and density."""
    assert first.experiment == second.experiment
    for one, other in zip(first.density.streams, second.density.streams, strict=True):
        np.testing.assert_array_equal(one.data.value, other.data.value)
        np.testing.assert_array_equal(one.data.measurement_sd, other.data.measurement_sd)
        np.testing.assert_array_equal(one.data.day, other.data.day)


@pytest.mark.parametrize("case", CASES)
def test_round_trip(case, write):
    first = Experiment.from_toml(write(CASES[case]))
    again = Experiment.from_toml(write(first.to_toml(), "elsewhere/again.toml"))
    assert again.to_toml() == first.to_toml()
    assert_same(first.calibration(), again.calibration())
    for entry in ("stand_age", "regrowth", "sets"):
        assert getattr(again, entry) == getattr(first, entry)
    assert {**again.stock, "file": None} == {**first.stock, "file": None}


@pytest.mark.parametrize("case", CASES)
def test_what_a_run_resolves_gives_the_same_calibration(case, write):
    first = Experiment.from_toml(write(CASES[case]))
    calibration = first.calibration()
    text = first.resolved(calibration, first.settings()).to_toml()
    again = Experiment.from_toml(write(text, "elsewhere/experiment.toml"))
    assert_same(calibration, again.calibration())
    assert set(again.priors) == set(calibration.density.priors) - calibration.unused
    stand = calibration.density.regrowth
    assert again.regrowth == (stand.weather if stand else False)


PLAIN, TIED = (SITE + age + 'streams = ["gpp"]\n' for age in ("", "stand_age = 44\n"))


@pytest.mark.parametrize(("before", "after"), [(PLAIN, TIED), (TIED, PLAIN)])
def test_what_a_run_resolves_may_be_changed_to_a_tied_stand_and_back(before, after, write):
    """Nothing stays fixed, or switched off, for having had no effect in the run."""
    first = Experiment.from_toml(write(before))
    data = tomllib.loads(first.resolved(first.calibration(), first.settings()).to_toml())
    wanted = Experiment.from_toml(write(after)).calibration()
    for name in wanted.unused:  # is told, one by one
        data["priors"].pop(name, None)
    changed = {**data, "stand_age": tomllib.loads(after).get("stand_age"), "regrowth": False}
    found = Experiment.from_dict({k: v for k, v in changed.items() if v is not None})
    assert found.calibration().experiment == wanted.experiment


def test_what_is_stated_stays_in_what_a_run_resolves_without_effect(write):
    text = PLAIN + "[priors]\nwood_departure = 0.1\n[constraints]\ncanopy_closure = 0.3\n"
    first = Experiment.from_toml(write(text))
    resolved = first.resolved(first.calibration(), first.settings())
    assert prior_from_dict("wood_departure", resolved.priors["wood_departure"]) == bt.Fixed(0.1)
    assert resolved.constraints["canopy_closure"] == 0.3


def test_points_reach_the_calibration(write):
    calibration = Experiment.from_toml(write(CASES["points"])).calibration()
    curve = stream(calibration, "growth_curve")
    np.testing.assert_allclose(curve.data.value, [1880.0, 5170.0, 7050.0], rtol=1e-12)
    np.testing.assert_allclose(curve.data.measurement_sd, [705.0, 705.0, 940.0], rtol=1e-12)
    np.testing.assert_array_equal(curve.point, [20, 60, 120])
    priors = calibration.density.priors
    held = {n: p.value for n, p in priors.items() if "error" in n and isinstance(p, bt.Fixed)}
    assert held == {"growth_curve_error_length": 40.0, "growth_curve_error_common": 0.0}


def test_chapman_richards_reaches_the_calibration(write):
    calibration = Experiment.from_toml(write(CASES["chapman_richards"])).calibration()
    curve = stream(calibration, "growth_curve")
    expected = 180.0 * (1.0 - np.exp(-0.03 * np.array([20, 40, 80]))) ** 2 * 47.0
    np.testing.assert_allclose(curve.data.value, expected, rtol=1e-12)
    assert curve.stream.long_name == "above-ground biomass carbon"
    assert curve.data.log_covariance.shape == (3, 3)
    assert (curve.data.own_log_sd > 0.0).all()


def test_the_file_is_relative_to_the_experiment(write, tmp_path, monkeypatch):
    write(CASES["file"])
    monkeypatch.chdir(tmp_path.parent)
    experiment = Experiment.from_toml(f"{tmp_path.name}/experiment.toml")
    curve = stream(experiment.calibration(), "growth_curve")
    np.testing.assert_allclose(curve.data.value, [2000.0, 5500.0], rtol=1e-12)
    written = tomllib.loads(experiment.to_toml())["growth_curve"]["file"]
    assert written == str((tmp_path / "curves" / "pine.csv").resolve())


def test_a_file_beside_the_user_is_found_and_written_down(write, tmp_path, monkeypatch):
    """Where there is none beside the experiment; the run's own experiment file finds it too."""
    path = write(CASES["file"], "study/experiment.toml")
    monkeypatch.chdir(tmp_path)
    experiment = Experiment.from_toml(path)
    first = experiment.calibration()
    again = Experiment.from_toml(write(experiment.to_toml(), "study/again.toml"))
    monkeypatch.chdir("/")
    assert_same(first, again.calibration())


def test_an_absolute_file_is_taken_as_it_is(write, tmp_path):
    text = CASES["file"].replace("curves/pine.csv", str(tmp_path / "curves" / "pine.csv"))
    calibration = Experiment.from_toml(write(text, "elsewhere/experiment.toml")).calibration()
    assert stream(calibration, "growth_curve").data.value[0] == 2000.0


def test_rows_and_columns_of_a_long_file_reach_the_calibration(write):
    curve = stream(Experiment.from_toml(write(CASES["long file"])).calibration(), "growth_curve")
    np.testing.assert_array_equal(curve.point, [20, 20, 40])
    np.testing.assert_allclose(curve.data.value, [4000.0, 5000.0, 9000.0], rtol=1e-12)
    sds = np.array([20.0, 20.0, 40.0]) * 100.0 / (2 * 1.6448536269514722)
    np.testing.assert_allclose(curve.data.measurement_sd, sds, rtol=1e-12)


def test_a_row_of_a_file_reaches_the_calibration(write):
    by_age = Experiment.from_toml(write(CASES["stock of a file"])).calibration()
    found = stream(by_age, "stock")
    assert (found.point, found.data.value, found.data.measurement_sd) == (40.0, 9000.0, 900.0)
    assert by_age.experiment["regrowth"]
    by_date = Experiment.from_toml(write(CASES["stock of a file by date"])).calibration()
    assert not by_date.experiment["regrowth"]
    assert str(stream(by_date, "stock").point[0])[:4] == "2010"


def test_a_curve_with_b_and_errors_reaches_the_calibration(write):
    with pytest.warns(bt.DataWarning, match="taken as independent"):
        calibration = Experiment.from_toml(write(CURVE_STREAMS + FOUR)).calibration()
    value = stream(calibration, "growth_curve").data.value
    expected = 12000.0 * (1.0 - 0.9 * np.exp(-0.04 * np.arange(10, 151, 10))) ** 3
    np.testing.assert_allclose(value, expected, rtol=1e-12)


def test_the_stock_reaches_the_calibration(write):
    by_age = Experiment.from_toml(write(CASES["stock by age"])).calibration()
    assert stream(by_age, "stock").data.value[0] == pytest.approx(5640.0)
    assert by_age.experiment["regrowth"]
    by_date = Experiment.from_toml(write(CASES["stock by date"])).calibration()
    assert not by_date.experiment["regrowth"]
    (seen,) = stream(by_date, "stock").point
    # the middle of the step that holds the date
    assert abs(seen - np.datetime64("2010-07-01")) <= np.timedelta64(730, "h") / 2


def test_stand_age_and_regrowth_reach_the_calibration(write):
    aged = Experiment.from_toml(write(CASES["stand age"])).calibration()
    # the season of the record's start, so within half a year
    assert aged.experiment["stand_age"] == pytest.approx(44.0, abs=0.5)
    assert "wood_departure" in aged.density.sampled
    grown = Experiment.from_toml(write(CASES["regrowth"])).calibration()
    assert grown.experiment["regrowth"]
    assert grown.experiment["stand_age"] is None


SETS = SITE + '[sets]\nflux = ["gpp", "lai"]\nstock = ["lai", "wood"]\n'


def test_sets_alone_name_the_streams(write):
    experiment = Experiment.from_toml(write(SETS))
    assert experiment.streams == ("gpp", "lai", "wood")
    sets = experiment.set_calibrations()
    assert {name: tuple(s.name for s in c.density.streams) for name, c in sets.items()} == {
        "flux": ("gpp", "lai"), "stock": ("lai", "wood"),
    }  # fmt: skip
    assert not any(c.experiment["regrowth"] for c in sets.values())


@pytest.mark.parametrize("case", ["growth_curve", "stock", "stand age", "regrowth"])
def test_all_sets_have_the_regrowth_that_one_needs(case, write):
    own, more = {
        "growth_curve": ("growth_curve", POINTS), "stock": ("stock", STOCK),
        "stand age": ("lai", ""), "regrowth": ("lai", ""),
    }[case]  # fmt: skip
    first = {"stand age": "stand_age = 40\n", "regrowth": "regrowth = true\n"}.get(case, "")
    text = f'{first}{SITE}[sets]\nflux = ["gpp"]\nmore = ["gpp", "{own}"]\n{more}'
    sets = Experiment.from_toml(write(text)).set_calibrations()
    assert all(calibration.experiment["regrowth"] for calibration in sets.values())


def test_a_set_is_not_given_error_priors_of_streams_it_leaves_out(write):
    text = SETS + "[priors]\ngpp_memory = 2.0\nleaf_lifespan = 2.5\n"
    text += '[errors.gpp]\nmodel = "Autoregressive"\n'
    sets = Experiment.from_toml(write(text)).set_calibrations()
    assert sets["flux"].density.priors["gpp_memory"] == bt.Fixed(2.0)
    assert "gpp_memory" not in sets["stock"].density.priors
    assert all(c.density.priors["leaf_lifespan"] == bt.Fixed(2.5) for c in sets.values())


BAD = {
    "two sources": (CURVE_STREAMS + POINTS + 'file = "a.csv"\n', "growth_curve: needs one of file"),
    "points as text": (
        CURVE_STREAMS + '[growth_curve]\nunit = "Mg ha-1"\npoints = "a"\n', "growth_curve",
    ),
    "points without sd": (
        CURVE_STREAMS + '[growth_curve]\nunit = "Mg ha-1"\npoints = {age = [1], biomass = [1]}\n',
        "growth_curve: must describe a curve", "sd",
    ),
    "no unit": (CURVE_STREAMS + POINTS.replace('unit = "Mg ha-1"', ""), "growth_curve", "unit"),
    "unknown error": (
        CURVE_STREAMS + POINTS.replace("length", "lenght"), "growth_curve: errors", "lenght",
    ),
    "errors as number": (
        CURVE_STREAMS + '[growth_curve]\nfile = "curves/pine.csv"\nerrors = 3\n', "growth_curve",
        "errors",
    ),
    "file as number": (CURVE_STREAMS + "[growth_curve]\nfile = 3\n", "growth_curve"),
    "age beyond the run": (CURVE_STREAMS + POINTS.replace("120", "400"), "age", "300"),
    "columns without a file": (CURVE_STREAMS + POINTS + 'age = "stand.age"\n', "growth_curve"),
    "no such column": (
        CURVE_STREAMS + LONG_CURVE.replace('"stand.age"', '"yrs"'), "long.csv: yrs", "missing",
    ),
    "no such row": (
        CURVE_STREAMS + LONG_CURVE.replace('"biomass_total"', '"x"'), "no row holds 'x'",
    ),
    "rows as text": (
        CURVE_STREAMS + FILE + 'where = "all"\n', "growth_curve: where", "must say by column",
    ),
    "several rows": (STOCK_STREAMS + LONG_STOCK.replace(", mean = 90", ""), "one row is needed"),
    "stock file as number": (STOCK_STREAMS + "[stock]\nfile = 3\n", "stock"),
    "rows of no file": (STOCK_STREAMS + STOCK + 'where = {plot = "A"}\n', "stock", "where"),
    "stock as text": (STOCK_STREAMS + STOCK.replace("120", '"a lot"'), "stock"),
    "stock of age and date": (STOCK_STREAMS + STOCK + "date = 2010-07-01\n", "age or a date"),
    "stock without sd": (STOCK_STREAMS + STOCK.replace("sd = 20", ""), "stock", "sd"),
    "stock of unknown entry": (STOCK_STREAMS + STOCK + "area = 3\n", "stock", "area"),
    "stock by bad date": (STOCK_STREAMS + STOCK.replace("age = 80", 'date = "soon"'), "soon"),
    "stock share as text": (
        STOCK_STREAMS + STOCK + 'quantity = "above_ground"\nroot_share = "a"\n', "stock",
    ),
    "curve share as text": (
        CURVE_STREAMS + FILE + 'quantity = "above_ground"\nroot_share = "a"\n', "growth_curve",
    ),
    "stand age as text": (SITE + 'streams = ["gpp"]\nstand_age = "old"\n', "stand_age", "old"),
    "stand age of none": (SITE + 'streams = ["gpp"]\nstand_age = 0\n', "stand_age", "found 0"),
    "stand too old": (SITE + 'streams = ["gpp"]\nstand_age = 301\n', "stand_age", "301"),
    "regrowth as number": (SITE + 'streams = ["gpp"]\nregrowth = 1\n', "regrowth"),
    "sets as list": (SITE + 'sets = ["gpp"]\nstreams = ["gpp"]\n', "sets"),
    "a set as text": (SITE + '[sets]\nflux = "gpp"\n', "sets", "'gpp'"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_entries_are_told_in_one_line_with_the_file(case, write):
    text, *parts = BAD[case]
    path = write(text)
    with pytest.raises(bt.InputError) as caught:
        Experiment.from_toml(path).calibration()
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    for part in parts:
        assert part in message


ALL_STREAMS = ("gpp", "nee", "et", "lai", "wood", "som", "growth_curve", "stock")


def narrower(prior):
    """Return plain data of the same prior with less spread, so that it differs from the table's."""
    data = prior.to_dict()
    return data | {name: 0.9 * data[name] for name in ("sd", "log_sd", "logit_sd") if name in data}


@pytest.fixture(scope="module")
def stated_sets():
    """Sets of one stream each, and of all; priors for every parameter there is."""
    priors = {name: narrower(row.prior) for name, row in bt.TABLE.items()}
    errors = {f"{name}_structural_sd": 0.1 for name in ("gpp", "nee", "et", "lai")}
    errors |= {f"{name}_structural_log_sd": 0.2 for name in ("wood", "growth_curve", "stock")}
    errors |= {"som_structural_log_sd": 0.2, "gpp_memory": 2.0, "growth_curve_error_length": 30.0}
    errors["growth_curve_error_common"] = 0.3
    curve = {"unit": "Mg ha-1", "points": {"age": [20, 60], "biomass": [40, 110], "sd": [15, 15]}}
    experiment = Experiment.from_dict({
        "site": "hyytiala-twin",
        "sets": {name: [name] for name in ALL_STREAMS} | {"all": list(ALL_STREAMS)},
        "errors": {"gpp": {"model": "Autoregressive"}},
        "priors": priors | errors,
        "growth_curve": curve,
        "stock": {"value": 120, "sd": 20, "unit": "Mg ha-1", "age": 80},
    })  # fmt: skip
    with pytest.warns(bt.DataWarning, match="has no effect"):
        return experiment.priors, experiment.set_calibrations()


@pytest.mark.parametrize("stream", [*ALL_STREAMS, "all"])
def test_every_set_keeps_the_priors_of_all_that_it_has(stated_sets, stream):
    """A stated prior is dropped only where its own stream is left out, whatever it is called."""
    stated, calibrations = stated_sets
    density = calibrations[stream].density
    assert set(bt.TABLE) <= set(density.priors)
    for name, prior in density.priors.items():
        assert prior.to_dict() == prior_from_dict(name, stated[name]).to_dict(), name
    own = {name for name in stated if name not in bt.TABLE and name.startswith(f"{stream}_")}
    assert own <= set(density.priors) if stream != "all" else set(stated) == set(density.priors)


def test_sets_with_a_prior_of_what_a_left_out_stream_is_called_compare(write):
    text = SITE + '[sets]\nflux = ["gpp"]\nstock = ["gpp", "wood"]\n[priors]\n'
    text += 'wood_residence_time = {family = "loguniform", lower = 2.7, upper = 300.0}\n'
    text += "wood_structural_log_sd = 0.1\n"
    sets = Experiment.from_toml(write(text)).set_calibrations()
    check_sets(sets)
    stated = bt.LogUniform(2.7, 300.0)
    assert all(c.density.priors["wood_residence_time"] == stated for c in sets.values())
    assert "wood_structural_log_sd" not in sets["flux"].density.priors


def test_a_misspelt_error_parameter_of_a_left_out_stream_is_told(write):
    text = SITE + '[sets]\nflux = ["gpp"]\nstock = ["gpp", "lai"]\n[priors]\nlai_structural = 0.1\n'
    with pytest.raises(bt.InputError, match="lai_structural: must be a parameter"):
        Experiment.from_toml(write(text)).set_calibrations()


@pytest.mark.parametrize(
    ("source", "entry", "names"),
    [
        (CHAPMAN_RICHARDS, "errors = [1.0, 2.0]", "asymptote_error"),
        (CHAPMAN_RICHARDS, 'unit = "g"', "stand beside chapman_richards"),
        (CHAPMAN_RICHARDS.replace("[20,", "[true,"), "", "ages: must be numbers"),
        (POINTS.replace("[20,", "[true,"), "", "age: must be numbers"),
        (POINTS.replace("points = {", 'points = {unit = "g", '), "", "age, biomass, sd"),
    ],
)
def test_entries_of_a_curve_that_mean_nothing_are_refused_by_name(source, entry, names, write):
    with pytest.raises(bt.InputError, match=names) as error:
        Experiment.from_toml(write(f"{CURVE_STREAMS}{source}{entry}\n")).calibration()
    assert "bayes_tbm." not in str(error.value)
