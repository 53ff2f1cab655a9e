"""FLUXNET tables that someone put together, of several towers, and what their half-hours lack."""

import numpy as np
import pandas as pd
import pytest

import bayes_tbm as bt
from bayes_tbm.errors import InputError
from bayes_tbm.formats.fluxnet import read_fluxnet
from bayes_tbm.formats.reading import Reading

from .fluxnet_pair import write_pair

KEPT = "TIMESTAMP|TA_F|SW_IN_F|VPD_F|P_F|CO2_F_MDS|NEE_VUT_REF|NEE_VUT_REF_(QC|RANDUNC|JOINTUNC)"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    site = bt.open_site("hyytiala-twin-daily", start="2008-01-01", end="2008-01-20")
    files = write_pair(site, tmp_path_factory.mktemp("made"))
    for path in (files.daily, files.fine):
        frame = pd.read_csv(path, dtype=str)
        frame.loc[:, frame.columns.str.fullmatch(f"TIMESTAMP_.*|{KEPT}")].to_csv(path, index=False)
    return files


@pytest.fixture
def files(made, tmp_path):
    return made.copied(tmp_path)


def change(path, function):
    function(pd.read_csv(path, dtype=str)).to_csv(path, index=False)


def by_years(column):
    """Two towers one after the other."""
    return lambda frame: frame.assign(
        **{column: np.where(np.arange(len(frame)) < len(frame) // 2, "XX-Twn", "YY-Oth")}
    )


def both(column):
    """Two towers at the same times, the second warmer."""
    return lambda frame: pd.concat(
        [frame.assign(**{column: "XX-Twn"}), frame.assign(**{column: "YY-Oth", "P_F": "7"})]
    )


@pytest.mark.parametrize("which", ["daily", "fine"])
@pytest.mark.parametrize("column", ["SITE_ID", "site", "Site_Name"])
@pytest.mark.parametrize("how", [by_years, both])
def test_a_table_of_several_towers_is_not_one_site(files, how, column, which):
    path = getattr(files, which)
    change(path, how(column))
    for reading in (Reading(), Reading(site="ZZ-Non")):
        with pytest.raises(InputError) as error:
            read_fluxnet(files.daily if which == "daily" else files.fine, reading)
        told = f"{path.name}: {column.upper()}: holds several sites; found XX-Twn, YY-Oth"
        assert told in str(error.value)
        assert "site='XX-Twn' (--site-name XX-Twn)" in str(error.value)


def test_one_of_several_towers_is_read_if_it_is_named(files):
    whole = read_fluxnet(files.daily)
    for path in (files.daily, files.fine):
        change(path, both("SITE_ID"))
    mine = read_fluxnet(files.daily, Reading(site="XX-Twn"))
    assert mine.drivers.equals(whole.drivers)
    assert (mine.name, mine.latitude) == ("XX-Twn", whole.latitude)
    rows = [("LOCATION_LAT", -10.0), ("LOCATION_LONG", 20.0)]
    lines = [f"YY-Oth,9,GRP_LOCATION,{name},{value}" for name, value in rows]
    files.bif.write_text("\n".join([files.bif.read_text(), *lines]))
    other = read_fluxnet(files.daily, Reading(site="YY-Oth"))
    assert (other.name, other.latitude, other.longitude) == ("YY-Oth", -10.0, 20.0)
    assert (other.drivers["precipitation"] == 7.0).all()


def test_a_table_of_one_tower_takes_any_name(files):
    change(files.daily, lambda frame: frame.assign(SITE_ID="XX-Twn"))
    assert read_fluxnet(files.daily, Reading(site="mine")).name == "mine"


@pytest.mark.parametrize("column", ["TA_F", "SW_IN_F", "VPD_F", "P_F"])
def test_half_hours_with_values_at_some_times_are_not_said_to_have_none(files, column):
    def at_night(frame):
        night = frame["TIMESTAMP_START"].str[8:10].astype(int) % 20 < 6
        return frame.assign(**{column: frame[column].where(~night, "-9999")})

    change(files.fine, at_night)
    with pytest.raises(InputError) as error:
        read_fluxnet(files.fine).to_site()
    assert f"{column}: has values, but on no day at 75% of the times" in str(error.value)
    assert "has no value" not in str(error.value)


@pytest.mark.parametrize("column", ["TA_F", "SW_IN_F", "NEE_VUT_REF"])
@pytest.mark.filterwarnings("error")
def test_infinite_half_hours_are_named_with_their_file(files, column):
    def spoiled(frame):
        frame.loc[3, column] = "inf"
        return frame

    change(files.fine, spoiled)
    beside = column != "NEE_VUT_REF"  # of the half-hours beside a daily file only these are read
    with pytest.raises(InputError) as error:
        bt.open_site(files.daily if beside else files.fine)
    told = f"{files.fine.name}: {column}: must be a number in every line; found 'inf' in line 5"
    assert told in str(error.value)


def test_a_place_that_cannot_be_read_is_told_by_open_site(files):
    text = files.bif.read_text()
    files.bif.write_text(text.replace("61.847", "61.84N"))
    assert text != files.bif.read_text()
    with pytest.raises(InputError) as error:
        bt.open_site(files.daily)
    assert f"latitude: not in the file ({files.bif.name}: XX-Twn LOCATION_LAT: " in str(error.value)
    assert "found '61.84N'" in str(error.value)
    assert "--latitude" in str(error.value)
