"""What is given to compare and sensitivity by mistake is refused before anything is sampled."""

import dataclasses

import pytest
import xarray as xr

import bayes_tbm as bt
from bayes_tbm.studies import alternatives, compare, sensitivity
from bayes_tbm.studies.given import unlike

PRIORS = {name: row.prior for name, row in bt.TABLE.items()}


@pytest.fixture(autouse=True)
def never_sample(monkeypatch):
    monkeypatch.setattr(bt.Calibration, "sample", lambda *_, **__: pytest.fail("it sampled"))


@pytest.fixture(scope="module")
def site():
    return bt.open_site("hyytiala-twin").window(end="2008")


@pytest.fixture(scope="module")
def cal(site):
    """Of the form of the batches and of test_cli.py, which share what is compiled."""
    return bt.Calibration(site, ["gpp", "lai"])


@pytest.fixture(scope="module")
def post(cal):
    return cal.prior(20)


def test_names_count_once_and_one_name_needs_no_list():
    once = alternatives(PRIORS, ["wood_residence_time"], ["wider"])
    for names in ("wood_residence_time", ["wood_residence_time", " wood_residence_time"]):
        assert alternatives(PRIORS, names, "wider") == once


@pytest.mark.parametrize(
    ("names", "which", "parts"),
    [
        (["wood_residence_tim"], ["wider"], ("parameters", "did you mean wood_residence_time")),
        (["wood_residence_time"], ["wide"], ("alternatives are", "did you mean wider")),
        ([1], ["wider"], ("parameters: must be a list of names", "[1]")),
        (None, ["wider"], ("parameters: must be a list of names", "None")),
        ([""], ["wider"], ("''", "unknown in parameters")),
    ],
)
def test_an_unknown_name_tells_what_it_was_for(names, which, parts):
    with pytest.raises(bt.InputError) as told:
        alternatives(PRIORS, names, which)
    for part in parts:
        assert part in str(told.value)


def test_parameters_must_be_named(cal):
    with pytest.raises(bt.InputError, match="parameters: must name at least one"):
        sensitivity(cal, parameters=())


def test_a_fit_of_another_calibration_is_refused(cal, post, site):
    assert unlike(post, cal) == []
    north = dataclasses.replace(site, latitude=site.latitude + 1.0)
    for other, part in (
        (bt.Calibration(site, ["gpp"]), "streams"),
        (bt.Calibration(north, ["gpp", "lai"]), "data"),
    ):
        with pytest.raises(bt.InputError, match=f"post: must be the fit .*{part}"):
            sensitivity(other, post=post)


def test_a_fit_to_other_points_is_refused(site):
    """Points of stocks, and those that a user gives, are not the site's."""
    stocks = [bt.Stock(value, 12.0, "Mg ha-1", age=60) for value in (120.0, 300.0)]
    one, two = (bt.Calibration(site, ["gpp", stock]) for stock in stocks)
    post = one.prior(8)
    assert unlike(post, one) == []
    assert unlike(post, two) == ["points of stock"]
    more = one.with_points({"gpp": one.density.streams[0].data.value + 1.0})
    assert unlike(post, more) == ["points of gpp"]
    both = bt.Calibration(site, ["gpp", "lai", stocks[1]])
    with pytest.raises(bt.InputError, match="streams alone; found another points of stock than"):
        compare({"a": one, "b": both})
    errors = bt.STREAMS["gpp"].with_errors(bt.BlockMeans(averaging=0.0, balance=1.0))
    other = bt.Calibration(site, [errors, "lai"])
    with pytest.raises(bt.InputError, match="streams alone; found another error model of gpp"):
        compare({"a": bt.Calibration(site, ["gpp"]), "b": other})


@pytest.mark.parametrize("wrong", ["run/", None, ["gpp"], xr.DataTree()])
def test_other_things_than_calibrations_and_results_are_refused(wrong, cal):
    with pytest.raises(bt.InputError, match=r"must be a bayes_tbm.Calibration"):
        sensitivity(wrong)
    with pytest.raises(bt.InputError, match=r"must be a .*bayes_tbm.Calibration"):
        compare({"a": cal, "b": wrong})
    if not isinstance(wrong, xr.DataTree):  # which is a mapping
        with pytest.raises(bt.InputError, match="calibrations: must be a mapping"):
            compare(wrong)
    if wrong is not None:
        with pytest.raises(bt.InputError, match="must be a result of"):
            sensitivity(cal, post=wrong)


@pytest.mark.parametrize("name", ["prior", "", "../a", "..", 1])
def test_a_set_needs_a_name_of_its_own(name, cal):
    with pytest.raises(bt.InputError, match="name of a set: must be text"):
        compare({name: cal})


def test_a_folder_that_is_a_file_is_refused(cal, site, tmp_path):
    file = tmp_path / "afile"
    file.write_text("kept")
    other = bt.Calibration(site, ["gpp"])
    with pytest.raises(bt.InputError, match="must be a folder that can be written"):
        compare({"a": cal, "b": other}, folder=file)
    with pytest.raises(bt.InputError, match="must be a folder that can be written"):
        sensitivity(cal, folder=file)
    assert file.read_text() == "kept"
