"""Genuine files of the FLUXNET family, read as far as they go."""

import csv
import shutil

import numpy as np
import pandas as pd
import pytest

import bayes_tbm as bt
from bayes_tbm.errors import DataWarning, InputError
from bayes_tbm.formats.fluxnet import is_fluxnet, read_bif, read_fluxnet, systematic_spread
from bayes_tbm.formats.reading import Reading
from bayes_tbm.formats.table import read_header

from .fluxnet_pair import daily_names

DAILY = "FLX_FI-Hyy_FLUXNET2015_columns-subset_DD_1996-2014.csv"
FINE = "FLX_FI-Hyy_FLUXNET2015_rebuilt_HH_2009-2009.csv"
MONTHLY = "FLX_FR-Pue_FLUXNET2015_FULLSET_MM_2007-2014_2-3.csv"
YEARLY = "FLX_FR-Pue_FLUXNET2015_FULLSET_YY_2007-2014_2-3.csv"
BIF = "FLX_AA-Flx_BIF_five-sites.csv"


@pytest.fixture(scope="module")
def folder(shared_data):
    return shared_data / "formats" / "fluxnet"


@pytest.fixture(scope="module")
def hyytiala(shared_data):
    """Drivers of 2009 in DifferLand's daily file."""
    return bt.open_site(shared_data / "daily" / "FI-Hyy.nc", start="2009", end="2009")


def agreement(ours, theirs):
    return np.corrcoef(ours, theirs)[0, 1], float(np.mean(ours - theirs))


def assert_agree(drivers, reference, names=("t_min", "t_max", "shortwave", "vpd")):
    assert np.array_equal(drivers["time"].values, reference["time"].values)
    for name in names:
        r, bias = agreement(drivers[name].values, reference[name].values)
        assert r >= 0.999, (name, r)
        assert abs(bias) < 0.02, (name, bias)


def test_half_hours_give_the_daily_drivers_of_differland(folder, hyytiala, tmp_path):
    # Precipitation is the measured one and lacks four days: without it there are no drivers.
    frame = pd.read_csv(folder / FINE, dtype=str)
    frame["P"] = frame["P"].mask(frame["P"].astype(float) < 0, "0")
    frame.to_csv(tmp_path / FINE, index=False)
    with pytest.warns(DataWarning, match="no NEE_VUT_REF_QC"):
        read = read_fluxnet(tmp_path / FINE)
    assert_agree(read.drivers, hyytiala.drivers)
    later = read.drivers.assign(t_min=read.drivers["t_min"].roll(time=1))
    with pytest.raises(AssertionError):
        assert_agree(later, hyytiala.drivers)


def test_the_same_half_hours_lack_precipitation_on_four_days(folder):
    with pytest.warns(DataWarning, match="no LE_F_MDS_QC"):
        read = read_fluxnet(folder / FINE)
    assert read.drivers is None
    assert read.lacks[0].startswith("precipitation: P: no value on 4 of 365 days (2009-06-29, ")
    with pytest.warns(DataWarning, match="no uncertainty in the file"):
        every = read_fluxnet(folder / FINE, Reading(quality=0.0)).observations
    assert {name: len(seen) for name, seen in every.items()} == {"gpp": 365, "et": 365}


def test_daily_columns_and_half_hours_together_make_a_year_of_drivers(folder, hyytiala):
    with pytest.warns(DataWarning, match=r"gpp: .*left out"):
        read = read_fluxnet(folder / DAILY)
    site = read.to_site()
    assert (site.latitude, site.longitude) == (61.8475, 24.295)
    assert site.steps == 365
    assert_agree(site.drivers, hyytiala.drivers, ("t_min", "t_max", "shortwave", "vpd"))


def test_daily_columns_alone_lack_extremes(folder, tmp_path):
    shutil.copy(folder / DAILY, tmp_path)
    with pytest.warns(DataWarning, match=r"gpp: .*left out"):
        read = read_fluxnet(tmp_path / DAILY)
    assert read.drivers is None
    assert read.latitude is None
    assert [lack.split(":")[0] for lack in read.lacks] == ["t_min, t_max", "gpp", "latitude"]


def test_months_give_fluxes_with_errors(folder):
    read = read_fluxnet(folder / MONTHLY)
    assert (read.kind, read.name) == ("FLUXNET monthly (FULLSET)", "FR-Pue")
    assert (read.latitude, read.longitude) == (43.7414, 3.5958)
    assert read.drivers is None
    assert {name: len(seen) for name, seen in read.observations.items()} == {
        "nee": 88, "nbe": 88, "gpp": 88, "reco": 88, "et": 83
    }  # fmt: skip
    nee = read.observations["nee"]
    assert nee.time[0] == np.datetime64("2007-01-16T12")
    assert (nee.value[0], nee.sd[0]) == (-0.730855, 0.0602558)
    assert read.observations["et"].value[0] == pytest.approx(19.8361 * 0.0864 / 2.45)


def test_joint_uncertainty_of_the_product_follows_from_its_parts(folder, tmp_path):
    frame = pd.read_csv(folder / MONTHLY, dtype=str)
    frame.drop(columns="NEE_VUT_REF_JOINTUNC").to_csv(tmp_path / MONTHLY, index=False)
    ours = read_fluxnet(tmp_path / MONTHLY).observations["nee"].sd
    assert ours == pytest.approx(read_fluxnet(folder / MONTHLY).observations["nee"].sd, abs=1e-5)


def test_the_spread_of_a_year_is_near_that_of_the_yearly_file(folder):
    text = (folder / YEARLY).read_text().splitlines()
    frame = pd.DataFrame(list(csv.DictReader(text))).astype(float)
    true = (frame["NEE_VUT_84"] - frame["NEE_VUT_16"]).mean() / 2
    ours = systematic_spread(folder / MONTHLY)["nee"].size * 365.25
    assert 1.0 < ours / true < 1.5  # bounded from above


def test_years_and_unfilled_half_hours_are_refused(folder, shared_data):
    with pytest.raises(InputError, match=r"a yearly file.*give the daily and the half-hourly"):
        read_fluxnet(folder / YEARLY)
    base = shared_data / "formats" / "ameriflux" / "AMF_US-CRT_BASE_HH_2-5.csv"
    assert is_fluxnet(read_header(base))
    with pytest.raises(InputError, match="found AmeriFlux BASE"):
        read_fluxnet(base)


def test_places_of_five_sites(folder):
    places = read_bif(folder / BIF)
    assert set(places) == {"CH-Dav", "DE-Hai", "FI-Hyy", "FR-Pue", "US-MMS"}
    assert places["US-MMS"].longitude == -86.4131
    assert (places["DE-Hai"].igbp, places["DE-Hai"].elevation) == ("DBF", 430.0)


def test_columns_of_the_made_up_pair_are_those_of_a_genuine_file(folder):
    assert tuple(daily_names()) == read_header(folder / MONTHLY).names
