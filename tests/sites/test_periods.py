"""A period is of whole days, however its ends are given: Python, TOML or the command line."""

import datetime
import re

import numpy as np
import pandas as pd
import pytest

import bayes_tbm as bt
from bayes_tbm.cli import main
from bayes_tbm.experiment import Experiment

DAY = "2008-12-16"  # on which the middle of a step lies, at some hour
NOON = "2008-12-16T12:00:00"


@pytest.fixture(scope="module")
def whole():
    return bt.open_site("hyytiala-twin")


def last_day(site):
    return str(site.drivers["time"].values[-1])[:10]


WHOLE_DAYS = {
    "text": DAY,
    "text with midnight": f"{DAY}T00:00",
    "text with a zone": f"{DAY} 00:00:00+02:00",
    "date": datetime.date(2008, 12, 16),
    "datetime": datetime.datetime(2008, 12, 16),
    "datetime with a zone": datetime.datetime(2008, 12, 16, tzinfo=datetime.UTC),
    "Timestamp": pd.Timestamp(DAY),
    "datetime64 of days": np.datetime64(DAY),
    "datetime64 of nanoseconds": np.datetime64(DAY, "ns"),
}


@pytest.mark.parametrize("case", WHOLE_DAYS)
def test_both_ends_of_a_period_are_whole_days(case, whole):
    given = WHOLE_DAYS[case]
    middle = whole.drivers["time"].sel(time=DAY).values[0]
    assert middle > np.datetime64(DAY)  # a midnight taken as an instant would lose it
    assert last_day(whole.window(end=given)) == DAY
    assert whole.window(given).drivers["time"].values[0] == middle


CLOCKS = {
    "text": NOON,
    "datetime": datetime.datetime(2008, 12, 16, 12),
    "Timestamp": pd.Timestamp(NOON),
    "datetime64": np.datetime64(NOON),
    "a second": f"{DAY} 00:00:01",
}


@pytest.mark.parametrize("case", CLOCKS)
@pytest.mark.parametrize("label", ["start", "end"])
def test_another_time_of_day_than_midnight_is_refused(case, label, whole):
    rule = f"{label}: must be a date, as in 2005-01-31, 2005-01 or 2005, without a time of day"
    with pytest.raises(bt.InputError, match=f"{rule}; found {re.escape(repr(CLOCKS[case]))}"):
        whole.window(**{label: CLOCKS[case]})


def toml(folder, end):
    path = folder / "experiment.toml"
    path.write_text(f'site = "hyytiala-twin"\nstreams = ["gpp"]\nend = {end}\n')
    return path


@pytest.mark.parametrize("end", [DAY, f'"{DAY}"', f"{DAY}T00:00:00", f"{DAY} 00:00:00+02:00"])
def test_dates_of_toml_are_whole_days(end, tmp_path):
    assert last_day(Experiment.from_toml(toml(tmp_path, end)).open_site()) == DAY


@pytest.mark.parametrize("end", [NOON, f'"{NOON}"', f"{NOON}Z"])
def test_clock_times_are_refused_in_toml_and_on_the_command_line_alike(end, tmp_path, capsys):
    fit = ["fit", str(toml(tmp_path, end)), "--out", str(tmp_path / "run")]
    assert main(fit) == 2
    in_file = capsys.readouterr().err
    assert f"{tmp_path / 'experiment.toml'}: end: must be a date" in in_file
    bare = ["fit", "hyytiala-twin", "--streams", "gpp", "--out", str(tmp_path / "run")]
    assert main([*bare, "--end", end.strip('"')]) == 2
    for told in (in_file, capsys.readouterr().err):
        assert "end: must be a date, as in 2005-01-31, 2005-01 or 2005, without a time" in told
        assert re.search(r"; found '2008-12-16[T ]12:00:00.*'; leave it out", told)


def test_a_series_is_observed_at_a_time_of_day(whole):
    seen = whole.with_observation("wood", 5000.0, 500.0, unit="g C m-2", time=NOON)
    assert np.datetime64(NOON) in seen.observations["wood"].time
