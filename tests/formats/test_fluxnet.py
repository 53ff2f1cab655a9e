"""Tables of the FLUXNET family: what is read of them, and what is not."""

import re
import shutil
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayes_tbm as bt
from bayes_tbm.errors import DataWarning, InputError
from bayes_tbm.formats.fluxnet import read_fluxnet, systematic_spread
from bayes_tbm.formats.fluxnet.beside import half_hourly_beside
from bayes_tbm.formats.reading import Reading
from bayes_tbm.units import DAYS_PER_YEAR

from .fluxnet_pair import GAP, Pair, daily_columns, write_pair

DRIVERS = ("t_min", "t_max", "shortwave", "vpd", "precipitation", "co2")
PLAIN = Reading()


@pytest.fixture(scope="module")
def site():
    return bt.open_site("hyytiala-twin-daily", start="2007", end="2008")


@pytest.fixture(scope="module")
def pair(site, tmp_path_factory):
    return write_pair(site.window("2008", "2008"), tmp_path_factory.mktemp("pair"))


@pytest.fixture(scope="module")
def made(site, tmp_path_factory):
    """Seventy-five days over a 29 February; not to be changed."""
    return write_pair(site.window("2008-01-01", "2008-03-15"), tmp_path_factory.mktemp("made"))


@pytest.fixture
def small(made, tmp_path):
    """The same, to be changed."""
    files = (made.daily, made.fine, made.bif)
    return Pair(*(Path(shutil.copy(path, tmp_path)) for path in files))


def edit(path, change, **how):
    frame = pd.read_csv(path, dtype=str)
    changed = change(frame)
    (frame if changed is None else changed).to_csv(path, index=False, **how)


def put(path, column, value, rows=slice(None)):
    frame = pd.read_csv(path, dtype=str)
    frame.loc[frame.index[rows], column] = str(value)
    frame.to_csv(path, index=False)


def read_quietly(path, reading=PLAIN):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return read_fluxnet(path, reading)


def assert_same(read, site, tolerance=1e-3):
    assert np.array_equal(read.drivers["time"].values, site.drivers["time"].values)
    for name in DRIVERS:
        assert np.abs(read.drivers[name].values - site.drivers[name].values).max() < tolerance
    days = {name: seen.time.astype("datetime64[D]") for name, seen in site.observations.items()}
    for name in ("nee", "gpp", "et"):
        seen, true = read.observations[name], site.observations[name]
        if name == "gpp":  # its quality is that of NEE
            true = true.select(np.isin(days["gpp"], days["nee"]))
        assert np.array_equal(seen.time, true.time)
        assert np.abs(seen.value - true.value).max() < tolerance
        assert np.abs(seen.sd - true.sd).max() < tolerance


# a header-true pair


@pytest.mark.parametrize("which", ["daily", "fine"])
def test_a_site_comes_back_from_its_pair(pair, site, which):
    read = read_fluxnet(getattr(pair, which))
    assert read.lacks == ()
    assert read.kind == f"FLUXNET {'daily' if which == 'daily' else 'half-hourly'} (FULLSET)"
    back = read.to_site()
    assert back.name == "XX-Twn"
    assert (back.latitude, back.longitude) == (site.latitude, site.longitude)
    assert_same(back, site.window("2008", "2008"))


def test_the_comparison_fails_on_planted_errors(pair, site):
    back = read_fluxnet(pair.daily).to_site()
    colder = back.drivers.assign(t_min=back.drivers["t_min"] - 0.002)
    later = back.observations["nee"].time + np.timedelta64(1, "D")
    moved = back.observations | {"nee": replace(back.observations["nee"], time=later)}
    for planted in (replace(back, drivers=colder), replace(back, observations=moved)):
        with pytest.raises(AssertionError):
            assert_same(planted, site.window("2008", "2008"))


def test_filled_days_are_not_read_as_measured(pair, site):
    every = read_fluxnet(pair.daily, Reading(quality=0.0)).observations["nee"]
    well = read_fluxnet(pair.daily).observations["nee"]
    assert len(every) == 366
    assert len(well) == len(site.window("2008", "2008").observations["nee"]) < 366


def test_hourly_files_and_odd_marks_of_gaps(site, tmp_path):
    part = site.window("2008-01-01", "2008-03-15")
    hourly = write_pair(part, tmp_path, per_day=24)
    put(hourly.daily, "PA_F", "-9999.000")
    put(hourly.daily, "NEE_VUT_REF", "-9999.000", slice(0, 5))
    for path in (hourly.daily, hourly.fine):
        read = read_fluxnet(path)
        # An hourly cycle meets its extremes too: they fall on whole hours.
        assert np.abs(read.drivers["t_max"].values - part.drivers["t_max"].values).max() < 1e-3
    assert "of at least 18 of 24 values" in " ".join(read.notes)
    first = read_fluxnet(hourly.daily).observations["nee"].time[0]
    assert first >= np.datetime64("2008-01-06")
    assert read.kind == "FLUXNET hourly (FULLSET)"


# extremes of temperature


def test_a_daily_file_alone_gives_observations_and_the_reason(small):
    small.fine.unlink()
    read = read_fluxnet(small.daily)
    assert read.drivers is None
    assert len(read.observations["nee"]) > 60
    with pytest.raises(InputError, match=r"TA_F_DAY and TA_F_NIGHT are means.*half_hourly=") as e:
        read.to_site()
    assert "\n" not in str(e.value)


def test_half_hours_are_found_or_named(small, tmp_path):
    other = small.fine.with_name("FLX_XX-Twn_FLUXNET2015_FULLSET_HH_1996-2014_2-4.csv")
    small.fine.rename(other)
    assert half_hourly_beside(small.daily, "XX-Twn") == other
    assert read_fluxnet(small.daily).drivers is not None
    named = other.rename(tmp_path / "mine.csv")
    assert read_fluxnet(small.daily).drivers is None
    assert read_fluxnet(small.daily, Reading(half_hourly=named)).drivers is not None
    with pytest.raises(InputError, match="goes with a daily file"):
        read_fluxnet(named, Reading(half_hourly=named))
    with pytest.raises(InputError, match="must be a half-hourly or hourly file"):
        read_fluxnet(small.daily, Reading(half_hourly=small.daily))


def test_half_hours_of_another_tower_or_unit_are_refused(small):
    def warmer(frame):
        frame["TA_F"] = (frame["TA_F"].astype(float) + 273.15).astype(str)

    edit(small.fine, warmer)
    with pytest.raises(InputError, match="must be of the same tower as the daily file"):
        read_fluxnet(small.daily)
    with pytest.raises(InputError, match="kelvin"):
        read_fluxnet(small.fine).to_site()


@pytest.mark.parametrize(("missing", "whole"), [(12, True), (13, False)])
def test_a_day_needs_three_quarters_of_its_half_hours(small, missing, whole):
    put(small.fine, "TA_F", GAP, slice(48, 48 + missing))
    read = read_fluxnet(small.daily)
    assert (read.drivers is not None) is whole
    if not whole:
        assert read.lacks[0] == "t_min, t_max: TA_F: no value on 1 of 75 days (2008-01-02)"
        assert "keep the lines of 2008-01-03 to 2008-03-15" in read.lacks[1]


def test_years_that_only_one_of_them_holds_are_left_out(small):
    edit(small.fine, lambda frame: frame[frame["TIMESTAMP_START"] >= "200802010000"])
    read = read_fluxnet(small.daily)
    assert read.drivers["time"].values[0] == np.datetime64("2008-02-01T12")
    assert read.observations["nee"].time[0] >= np.datetime64("2008-02-01")
    assert any("read are the days of both" in note for note in read.notes)
    edit(
        small.fine,
        lambda frame: frame.apply(lambda column: column.str.replace("^2008", "2004", regex=True)),
    )
    assert "no day is in both" in read_fluxnet(small.daily).lacks[0]


def test_days_cut_short_at_the_ends_are_left_out(small):
    edit(small.fine, lambda frame: frame.iloc[20:-47])
    read = read_fluxnet(small.fine)
    days = read.to_site().drivers["time"].values.astype("datetime64[D]").astype(str)
    assert (days[0], days[-1]) == ("2008-01-02", "2008-03-14")
    note = "left out, as most of its half-hours have no line: 2008-01-01 and 2008-03-15"
    assert note in read.notes
    assert read_fluxnet(small.daily).to_site().steps == 73


# gaps of drivers


def test_leap_days_that_are_left_out_are_put_back(small, site):
    edit(small.daily, lambda frame: frame[frame["TIMESTAMP"] != "20080229"])
    edit(small.fine, lambda frame: frame[~frame["TIMESTAMP_START"].str.startswith("20080229")])
    true = site.window("2008-01-01", "2008-03-15").drivers
    for path in (small.daily, small.fine):
        read = read_fluxnet(path)
        assert any("29 February" in note for note in read.notes)
        t_min = read.to_site().drivers["t_min"].values
        assert t_min[59] == pytest.approx((true["t_min"].values[58] + true["t_min"].values[60]) / 2)
        assert not (read.observations["nee"].time == np.datetime64("2008-02-29T12")).any()


def test_other_days_that_are_left_out_are_named(small):
    edit(small.daily, lambda frame: frame[~frame["TIMESTAMP"].isin(["20080110", "20080111"])])
    with pytest.raises(InputError, match=r"SW_IN_F: no value on 2 of 75 days \(2008-01-10, "):
        read_fluxnet(small.daily).to_site()


def test_gaps_of_co2_are_filled_if_asked(small):
    put(small.daily, "CO2_F_MDS", GAP, slice(0, 19))
    read = read_fluxnet(small.daily)
    assert read.drivers is None
    dates = r"\(2008-01-01, 2008-01-02, 2008-01-03, ... 2008-01-19\)"
    assert re.search(f"CO2_F_MDS: no value on 19 of 75 days {dates}; fill_co2=True", read.lacks[0])
    filled = read_fluxnet(small.daily, Reading(fill_co2=True))
    assert "co2: 19 of 75 days filled, at most 19 in a row" in filled.notes
    co2 = filled.to_site().drivers["co2"].values
    assert (co2[:19] == co2[19]).all()
    edit(small.daily, lambda frame: frame.iloc[19:])  # the other remedy
    assert read_fluxnet(small.daily).to_site().steps == 56


def test_no_co2_at_all_is_added_by_the_user(small):
    edit(small.daily, lambda frame: frame.drop(columns="CO2_F_MDS"))
    for reading in (PLAIN, Reading(fill_co2=True)):
        lack = read_fluxnet(small.daily, reading).lacks[0]
        assert lack.startswith("co2: CO2_F_MDS: column is missing; state it, co2=390 (--co2 390)")
    stated = read_fluxnet(small.daily, Reading(co2=385.0))
    assert (stated.to_site().drivers["co2"].values == 385.0).all()
    assert "co2: 385 ppm at every step, as stated" in stated.notes
    edit(small.daily, lambda frame: frame.assign(CO2_F_MDS="385.0"))
    assert read_fluxnet(small.daily).to_site().drivers["co2"].values[0] == 385.0
    with pytest.raises(InputError, match=r"co2: is for files that hold none; .* 385 ppm; leave"):
        read_fluxnet(small.daily, Reading(co2=390.0))


# fluxes


def test_missing_uncertainties_are_left_out_or_taken_from_other_years(site, tmp_path):
    daily = tmp_path / "FLX_XX-Twn_DD.csv"
    pd.DataFrame(daily_columns(site)).to_csv(daily, index=False)
    for column in ("NEE_VUT_REF_RANDUNC", "NEE_VUT_REF_JOINTUNC"):
        put(daily, column, GAP, slice(365, None))
        put(daily, column, 0.75, slice(150, 230))
    with pytest.warns(DataWarning, match=r"nee: .*\(2008\) left out; fill_uncertainty=True"):
        read = read_fluxnet(daily)
    assert read.observations["nee"].time.max() < np.datetime64("2008-01-01")
    assert "left out" in " ".join(read.lacks)
    nee = read_fluxnet(daily, Reading(fill_uncertainty=True)).observations["nee"]
    assert len(nee) == len(site.observations["nee"])
    sd = pd.Series(nee.sd, nee.time)
    assert (sd["2008-06-20":"2008-07-30"] == 0.75).all()
    assert (sd["2008-01-01":"2008-04-30"] == 0.5).all()
    assert "within 15 days of the season" in nee.note


def test_gpp_without_the_random_part_of_its_error_is_left_out_or_filled(site, tmp_path):
    daily = tmp_path / "FLX_XX-Twn_DD.csv"
    pd.DataFrame(daily_columns(site)).to_csv(daily, index=False)
    put(daily, "NEE_VUT_REF_RANDUNC", GAP, slice(365, None))
    with pytest.warns(
        DataWarning, match=r"gpp: .*\(2008\) left out; fill_uncertainty=True.*reco: "
    ):
        read = read_fluxnet(daily)
    for name in ("gpp", "reco"):
        assert read.observations[name].time.max() < np.datetime64("2008-01-01")
    gpp = read_fluxnet(daily, Reading(fill_uncertainty=True)).observations["gpp"]
    sd = pd.Series(gpp.sd, gpp.time)
    assert sd["2008"].median() == pytest.approx(sd["2007"].median(), rel=0.2)
    edit(daily, lambda frame: frame.drop(columns="NEE_VUT_REF_RANDUNC"))
    assert len(read_fluxnet(daily).observations["gpp"]) == len(gpp)  # the file knows of none


def test_half_hours_without_any_flag_say_so(small):
    small.daily.unlink()
    put(small.fine, "NEE_VUT_REF_QC", GAP)
    with pytest.warns(DataWarning, match="nee: NEE_VUT_REF: no NEE_VUT_REF_QC, which tells meas"):
        assert "nee" not in read_fluxnet(small.fine).observations
    every = read_fluxnet(small.fine, Reading(quality=0.0)).observations["nee"]
    assert "measured or filled: NEE_VUT_REF_QC is absent" in every.note


def test_a_day_without_some_half_hours_is_as_bright_as_its_neighbours(small):
    whole = read_fluxnet(small.fine)
    put(small.fine, "SW_IN_F", GAP, slice(48 * 40, 48 * 40 + 12))  # a night, all of it dark
    edit(small.fine, lambda frame: frame.drop(index=range(48 * 50 + 38, 48 * 50 + 48)))
    put(small.fine, "TA_F", GAP, slice(48 * 3, 48 * 3 + 2))
    read = read_fluxnet(small.fine)
    assert read.drivers["shortwave"].values == pytest.approx(whole.drivers["shortwave"].values)
    told = "days read although some of their 48 values are missing: TA_F 2, SW_IN_F 2, VPD_F 1"
    assert any(note.startswith(told) and "those of SW_IN" in note for note in read.notes)
    assert any("FLUXNET" in n and "missing: TA_F 2" in n for n in read_fluxnet(small.daily).notes)
    assert not any("some of their" in note for note in whole.notes)


def test_no_uncertainty_at_all_must_be_stated(small):
    for column in ("LE_RANDUNC", "LE_F_MDS_QC"):
        edit(small.daily, lambda frame, column=column: frame.drop(columns=column))
    with pytest.warns(DataWarning, match="no LE_F_MDS_QC, which tells measured from filled"):
        assert "et" not in read_fluxnet(small.daily).observations
    with pytest.warns(DataWarning, match='state one, uncertainty={"et": 1.0}'):
        et = read_fluxnet(small.daily, Reading(quality=0.0)).observations["et"]
    assert np.isnan(et.sd).all()
    assert "measured or filled: LE_F_MDS_QC is absent" in et.note


def test_latent_heat_is_corrected_for_closure_if_asked(small):
    plain = read_fluxnet(small.daily).observations["et"]
    closed = read_fluxnet(small.daily, Reading(closure=True)).observations["et"]
    assert closed.value == pytest.approx(1.2 * plain.value, rel=1e-4)
    spread = {"LE_CORR_25": "1.0", "LE_CORR_75": "14.49", "LE_RANDUNC": "0"}
    edit(small.daily, lambda frame: frame.assign(**spread))
    closed = read_fluxnet(small.daily, Reading(closure=True)).observations["et"]
    assert closed.sd == pytest.approx(10 * 0.0864 / 2.45)
    edit(small.daily, lambda frame: frame.assign(LE_CORR_JOINTUNC="20.0"))
    closed = read_fluxnet(small.daily, Reading(closure=True)).observations["et"]
    assert closed.sd == pytest.approx(20 * 0.0864 / 2.45)
    edit(small.daily, lambda frame: frame.drop(columns="LE_CORR"))
    with pytest.raises(InputError, match="LE_CORR: has no value, and closure asks for it"):
        read_fluxnet(small.daily, Reading(closure=True))


def test_gpp_errors_follow_their_formula(small, site):
    columns = daily_columns(site.window("2008-01-01", "2008-03-15"))
    apart = (columns["GPP_DT_VUT_REF"] - columns["GPP_NT_VUT_REF"]) / 2
    ustar = (columns["GPP_NT_VUT_84"] - columns["GPP_NT_VUT_16"]) / 2
    sd = np.sqrt(apart**2 + ustar**2 + columns["NEE_VUT_REF_RANDUNC"] ** 2)
    seen = read_fluxnet(small.daily).observations["gpp"]
    days = site.window("2008-01-01", "2008-03-15").drivers["time"].values
    assert seen.sd == pytest.approx(sd[np.isin(days, seen.time)], abs=1e-5)
    assert "((GPP_NT_VUT_REF - GPP_DT_VUT_REF)/2)^2" in seen.note


@pytest.mark.parametrize(("old", "new"), [("VUT_REF", "CUT_REF"), ("VUT_REF", "VUT_USTAR50")])
def test_the_next_variant_is_read_where_the_first_has_no_value(small, old, new):
    before = read_fluxnet(small.daily).observations

    def move(frame):
        for name in [name for name in frame if old in name]:
            frame[name.replace(old, new)] = frame[name]
            frame[name] = "-9999"
        if "CUT" in new:
            for name in [name for name in frame if re.fullmatch(r"\w+_VUT_(16|84)", name)]:
                frame[name.replace("VUT", "CUT")] = frame[name]

    edit(small.daily, move)
    after = read_fluxnet(small.daily).observations
    for name in ("nee", "gpp"):
        assert np.array_equal(after[name].value, before[name].value)
        assert after[name].sd == pytest.approx(before[name].sd)
    assert f"NEE_{new}" in after["nee"].note


def test_a_subset_gives_quartiles_instead(small):
    def subset(frame):
        keep = [name for name in frame if not re.search(r"JOINTUNC|CUT|_(05|16|84|95)", name)]
        quartiles = {"NEE_VUT_25": "0", "NEE_VUT_75": "1.349", "NEE_VUT_REF_RANDUNC": "0"}
        return frame[keep].assign(**quartiles)

    edit(small.daily, subset)
    read = read_fluxnet(small.daily)
    assert "SUBSET" in read.kind
    assert read.observations["nee"].sd == pytest.approx(1.0)
    assert "(NEE_VUT_75 - NEE_VUT_25)/1.349" in read.observations["nee"].note


def test_the_spread_that_all_days_share_is_told(small, site):
    columns = daily_columns(site.window("2008-01-01", "2008-03-15"))
    nee = np.mean(columns["NEE_VUT_84"] - columns["NEE_VUT_16"]) / 2
    for path in (small.daily, small.fine):
        found = systematic_spread(path)
        assert set(found) == {"nee", "gpp", "reco", "et"}
        assert found["nee"].size == pytest.approx(nee, rel=1e-4)
        mean = abs(np.mean(columns["NEE_VUT_REF"]))
        assert found["nee"].share == pytest.approx(nee / mean, rel=1e-4)
        assert found["et"].share == pytest.approx(0.2, rel=1e-4)
    year = f"{nee * DAYS_PER_YEAR:.3g} g C m-2"
    read = read_fluxnet(small.daily)
    assert any(note.startswith("nee: ") and year in note for note in read.notes)
    shared = {name: seen.systematic for name, seen in read.observations.items()}
    assert shared["nee"] == shared["nbe"] == pytest.approx(nee, rel=1e-4)  # an offset
    assert shared["gpp"] == systematic_spread(small.daily)["gpp"].share
    assert shared["et"] is None  # the gap of the energy balance has a sign
    assert systematic_spread(small.daily, Reading(closure=True)).keys() == {"nee", "gpp", "reco"}


def test_a_quality_that_nothing_has_is_told(small):
    with pytest.warns(
        DataWarning, match=r"nee: NEE_VUT_REF: none of 75 values with NEE_VUT_REF_QC"
    ):
        assert read_fluxnet(small.daily, Reading(quality=0.99)).observations == {}
    with pytest.raises(InputError, match="quality: must be a share within 0 to 1; found 75"):
        read_fluxnet(small.daily, Reading(quality=75))


def test_measured_rain_stands_in_for_the_filled(small):
    edit(small.fine, lambda frame: frame.rename(columns={"P_F": "P"}))
    read = read_fluxnet(small.fine)
    assert "precipitation: P, as P_F has no value" in read.notes
    put(small.fine, "P", GAP, slice(48, 96))
    assert read_fluxnet(small.fine).lacks[0].startswith("precipitation: P: no value on 1 of 75")


# longer steps, places


def test_weeks_give_observations_only(small, tmp_path):
    path = tmp_path / "XX-Twn_WW.csv"
    frame = (
        pd.read_csv(small.daily, dtype=str)
        .iloc[::7]
        .rename(columns={"TIMESTAMP": "TIMESTAMP_START"})
    )
    start = pd.to_datetime(frame["TIMESTAMP_START"])
    for days in (6, 7):  # the last day of the week, or the first of the next
        ended = (start + pd.Timedelta(days=days)).dt.strftime("%Y%m%d")
        frame.assign(TIMESTAMP_END=ended).to_csv(path, index=False)
        read = read_fluxnet(path)
        assert read.kind == "FLUXNET weekly (FULLSET)"
        assert read.drivers is None
        assert read.observations["nee"].time[0] == np.datetime64("2008-01-04T12")


def test_places_are_stated_found_or_lacking(small):
    stated = read_fluxnet(small.daily, Reading(latitude=-10.0, longitude=20.0))
    assert (stated.latitude, stated.longitude) == (-10.0, 20.0)
    rounded = read_fluxnet(small.daily, Reading(latitude=62.0))
    assert (rounded.latitude, rounded.longitude) == (62.0, read_fluxnet(small.daily).longitude)
    assert rounded.longitude == pytest.approx(24.295, abs=0.01)
    elsewhere = read_fluxnet(small.daily, Reading(latitude=-10.0))
    assert (elsewhere.latitude, elsewhere.longitude) == (-10.0, None)
    assert any("not used, as its latitude is 61.8" in note for note in elsewhere.notes)
    small.bif.rename(small.bif.with_name("sites.csv"))  # told by its columns
    assert read_fluxnet(small.daily).latitude == pytest.approx(61.847)
    named = read_fluxnet(small.daily, Reading(site="Twin"))
    assert (named.name, named.latitude) == ("Twin", pytest.approx(61.847))
    (small.daily.parent / "sites.csv").unlink()
    other = read_fluxnet(small.daily)
    assert "latitude: not in the file" in other.lacks[-1]
    with pytest.raises(InputError, match="latitude"):
        other.to_site()
    unnamed = Pair(small.daily.rename(small.daily.with_name("mine.csv")), small.fine, small.bif)
    lack = read_quietly(unnamed.daily).lacks[-1]
    assert "BIF beside the file and state whose, site=... (--site-name), as the file's" in lack
    named = read_quietly(unnamed.daily, Reading(latitude=62.0, half_hourly=unnamed.fine))
    assert (named.to_site().name, named.latitude) == ("mine", 62.0)  # a latitude is enough
