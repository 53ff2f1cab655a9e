"""Sunlight above the air tells the latitude of a FLUXNET table, in the tropics too."""

import warnings

import numpy as np
import pandas as pd
import pytest

import bayes_tbm as bt
from bayes_tbm.errors import DataWarning, PlaceWarning
from bayes_tbm.formats.fluxnet import read_fluxnet
from bayes_tbm.formats.reading import Reading


def told(path, latitude):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        read_fluxnet(path, Reading(latitude=latitude))
    return [str(one.message) for one in caught if one.category is PlaceWarning]


def table(folder, latitude, first, days, dry=False):
    """Return a daily table whose potential sunlight follows the sun's height at each half-hour."""
    time = np.arange(days) + np.datetime64(first)
    day = (time - time.astype("datetime64[Y]")).astype(float) + 1.0
    tilt = np.deg2rad(-23.44) * np.cos(2 * np.pi * (day[:, None] + 10) / 365.25)
    angle, north = np.deg2rad(7.5 * (np.arange(48) - 23.5)), np.deg2rad(latitude)
    height = np.sin(north) * np.sin(tilt) + np.cos(north) * np.cos(tilt) * np.cos(angle)
    distance = 1 + 0.033 * np.cos(2 * np.pi * day / 365.25)
    potential = 1376.0 * distance * np.maximum(height, 0.0).mean(axis=1)
    stamps = [str(one).replace("-", "") for one in time]
    frame = pd.DataFrame({"TIMESTAMP": stamps, "SW_IN_POT": np.where(dry, -9999.0, potential),
                          "SW_IN_F": 0.5 * potential, "TA_F": 25.0})  # fmt: skip
    path = folder / "FLX_XX-Trp_FLUXNET2015_FULLSET_DD_2007-2007_1-4.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("latitude", [-68.0, -35.0, -12.5, -5.0, 0.0, 3.0, 8.0, 18.5, 61.85, 75.0])
@pytest.mark.parametrize("span", [("2007-01-01", 365), ("2007-11-10", 30), ("2007-06-01", 90)])
def test_the_latitude_of_the_tower_is_not_doubted(tmp_path, latitude, span):
    assert told(table(tmp_path, latitude, *span), latitude) == []
    assert told(table(tmp_path, latitude, *span), latitude + 3.0) == []


@pytest.mark.parametrize("latitude", [-35.0, -12.5, -5.0, 8.0, 18.5, 61.85])
@pytest.mark.parametrize("span", [("2007-01-01", 365), ("2007-11-10", 40), ("2007-06-01", 90)])
def test_a_wrong_sign_is_doubted(tmp_path, latitude, span):
    [said] = told(table(tmp_path, latitude, *span), -latitude)
    assert f"DD_2007-2007_1-4.csv: latitude {-latitude:g}, but SW_IN_POT is that of " in said
    held = float(said.split("that of ")[1].split(":")[0])
    assert abs(held - latitude) < 3.0


def test_nothing_tells_without_it_or_between_the_seasons(tmp_path):
    assert told(table(tmp_path, 12.5, "2007-01-01", 365, dry=True), -12.5) == []
    assert told(table(tmp_path, 5.0, "2007-03-18", 7), -5.0) == []


def test_genuine_files_tell_their_latitude(shared_data):
    folder = shared_data / "formats/fluxnet"
    towers = {"FLX_FR-Pue_FLUXNET2015_FULLSET_MM_2007-2014_2-3.csv": 43.7413,
              "FLX_FI-Hyy_FLUXNET2015_rebuilt_HH_2009-2009.csv": 61.8475}  # fmt: skip
    for name, latitude in towers.items():
        assert told(folder / name, latitude) == []
        assert len(told(folder / name, -latitude)) == 1
        assert len(told(folder / name, latitude - 9.0)) == 1


@pytest.mark.filterwarnings("ignore::bayes_tbm.DataWarning")
def test_inspection_tells_it(tmp_path):
    found = bt.inspect(table(tmp_path, 12.5, "2007-01-01", 365), latitude=-12.5, longitude=30.0)
    assert any("SW_IN_POT is that of 1" in note for note in found.notes)
    assert issubclass(PlaceWarning, DataWarning)
