"""Edinburgh's three tables of a site."""

import contextlib
import warnings
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bayes_tbm.errors import DataWarning, InputError
from bayes_tbm.formats.day_of_year import steps_by_day_of_year
from bayes_tbm.formats.differland import read_differland
from bayes_tbm.formats.edinburgh import is_edinburgh, read_edinburgh
from bayes_tbm.formats.humidity import vpd_from_relative
from bayes_tbm.formats.reading import Reading
from bayes_tbm.formats.table import read_header

MONTHS = [31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365]
LEAP = [31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335, 366]
STATED = Reading(first_year=1999, latitude=61.85)


def met(days=(*MONTHS, *LEAP)):
    """Columns of the drivers of 1999 and 2000, as numbers."""
    days = np.array(days, dtype=float)
    warmth = 3 - 12 * np.cos(2 * np.pi * days / 365)
    return {
        "doy": days,
        "mint_C": warmth - 3,
        "maxt_C": warmth + 3,
        "airt_C": warmth,
        "co2_ppm": np.full(days.shape, 368.5),
        "swrad_MJm2day": 8 - 7 * np.cos(2 * np.pi * days / 365),
        "vpd_kPa": np.full(days.shape, 0.4),
        "precip_kgm2s": np.full(days.shape, 2e-5),
        "wind_spd_ms": np.full(days.shape, 2.5),
    }


def obs(days=(*MONTHS, *LEAP)):
    days = np.array(days, dtype=float)
    some = np.where(np.arange(days.size) % 3, 4000.0 + days, -9999)
    return {
        "doy": days,
        "NEE_gCm2day": np.cos(2 * np.pi * days / 365),
        "NEE_unc_gCm2day": np.full(days.shape, 0.5),
        "Evap_kgH2Om2day": np.full(days.shape, 1.5),
        "Evap_unc_kgH2Om2day": np.full(days.shape, 0.25),
        "Cwood_stock_gCm2": some,
        "Cwood_stock_unc_gCm2": np.where(some > 0, 500.0, -9999),
        "Cagb_stock_gCm2": some,
        "fire_gCm2day": np.zeros(days.shape),
    }


def text(columns, separator=",", number=repr):
    rows = zip(*columns.values(), strict=True)
    lines = [separator.join(number(float(value)) for value in row) for row in rows]
    return "\n".join([separator.join(f'"{name}"' for name in columns), *lines]) + "\n"


@pytest.fixture
def folder(tmp_path):
    """A site's three files."""
    (tmp_path / "XX-Abc_timeseries_met.csv").write_text(text(met()))
    (tmp_path / "XX-Abc_timeseries_obs.csv").write_text(text(obs()))
    initial = {"Csom_initial_gCm2": [17000], "Csom_initial_unc_gCm2": [4000], "LCA_gCm2": [50]}
    (tmp_path / "XX-Abc_initial_obs.csv").write_text(text(initial))
    return tmp_path


def drivers_of(tmp_path, columns, reading=STATED, **options):
    path = tmp_path / "YY-Def_timeseries_met.csv"
    path.write_text(text(columns, **options))
    return read_edinburgh(path, reading).to_site()


def test_drivers_bring_the_two_files_beside_them(folder):
    contents = read_edinburgh(folder / "XX-Abc_timeseries_met.csv", STATED)
    site = contents.to_site()
    assert (site.name, site.steps, site.step_name) == ("XX-Abc", 24, "monthly")
    assert str(site.drivers.time.values[13])[:13] == "2000-02-15T12"
    assert site.drivers.vpd.values[0] == pytest.approx(4.0)
    assert site.drivers.precipitation.values[0] == pytest.approx(1.728)
    seen = site.observations
    assert set(seen) == {"nee", "nbe", "et", "wood", "som"}
    assert (len(seen["nee"]), len(seen["wood"])) == (24, 16)
    assert (seen["som"].value[0], seen["som"].sd[0]) == (17000, 4000)
    assert seen["som"].time[0] == site.drivers.time.values[0]
    told = "\n".join(contents.notes)
    assert "not used: Cagb_stock_gCm2 (16), fire_gCm2day (24)" in told
    assert "not used: LCA_gCm2 (1)" in told


def test_observations_alone(folder):
    contents = read_edinburgh(folder / "XX-Abc_timeseries_obs.csv", Reading(first_year=1999))
    assert contents.drivers is None
    assert set(contents.observations) == {"nee", "et", "wood"}
    assert any("XX-Abc_timeseries_met.csv" in line for line in contents.lacks)
    assert any("latitude" in line for line in contents.lacks)
    with pytest.raises(InputError, match=r"XX-Abc_timeseries_met\.csv"):
        contents.to_site()


def test_initial_values_alone(folder):
    contents = read_edinburgh(folder / "XX-Abc_initial_obs.csv", Reading(first_year=1999))
    assert list(contents.observations) == ["som"]
    assert str(contents.observations["som"].time[0])[:10] == "1999-01-01"


@pytest.mark.parametrize("part", ["timeseries_met", "timeseries_obs", "initial_obs"])
def test_each_file_is_told_by_its_columns(folder, part):
    renamed = (folder / f"XX-Abc_{part}.csv").rename(folder / "data.txt")
    assert is_edinburgh(read_header(renamed))


@pytest.mark.parametrize("names", ["doy,year,t_min", "time,GPP_gCm2day", "TIMESTAMP,TA_F,NEE"])
def test_other_tables_are_not_taken(tmp_path, names):
    path = tmp_path / "a.csv"
    path.write_text(names + "\n1,2,3\n")
    assert not is_edinburgh(read_header(path))


def test_first_year_and_latitude_are_asked_for(folder):
    path = folder / "XX-Abc_timeseries_met.csv"
    with pytest.raises(InputError, match="first_year: is not in the file; give it"):
        read_edinburgh(path)
    with pytest.raises(InputError, match="latitude"):
        read_edinburgh(path, Reading(first_year=1999)).to_site()


@pytest.mark.parametrize("year", [1998, 2000, 2001])
def test_wrong_first_year_shows_in_leap_years(folder, year):
    with pytest.raises(InputError, match=r"doy: must be those of the years.*is it right"):
        read_edinburgh(folder / "XX-Abc_timeseries_met.csv", Reading(first_year=year))


def test_days_may_run_on_and_may_skip_29_february(tmp_path):
    runs = drivers_of(tmp_path, {**met(), "doy": np.append(MONTHS, 365.0 + np.array(LEAP))})
    assert str(runs.drivers.time.values[13])[:13] == "2000-02-15T12"
    short = drivers_of(tmp_path, met((*MONTHS, *MONTHS)))
    assert short.drivers.time.equals(runs.drivers.time)
    assert any("365 days" in note for note in short.notes)


def test_weeks_end_on_their_day_and_the_first_of_a_year_takes_the_rest():
    weeks = np.tile(np.arange(7.0, 365, 7), 2)
    time, note = steps_by_day_of_year(weeks, 2001, where="a")
    assert note.startswith("weekly steps from 2001-01-01")
    assert str(time[0])[:16] == "2001-01-04T12:00"
    assert str(time[52])[:16] == "2002-01-04T00:00"
    assert (np.diff(time) / np.timedelta64(1, "D")).max() <= 7.5


def test_daily_steps_are_at_noon():
    days = np.concatenate([np.arange(1.0, 366), np.arange(1.0, 367)])
    time, note = steps_by_day_of_year(days, 2003, where="a")
    assert note.startswith("daily")
    assert np.array_equal(time, np.arange("2003-01-01T12", "2005-01-01T12", 24, "datetime64[h]"))


def test_days_of_a_leap_year_in_the_last_year():
    days = np.concatenate([np.arange(1.0, 366), np.arange(1.0, 367)])
    with pytest.raises(InputError, match="366 in 2003, which has 365 days; first_year is the year"):
        steps_by_day_of_year(days, 2002, where="a")
    runs_on = np.arange(1.0, 367 + 365)
    time, _ = steps_by_day_of_year(runs_on, 2003, where="a")
    assert str(time[-1])[:10] == "2004-12-31"


@pytest.mark.parametrize(
    ("days", "said"),
    [
        ([31, 31, 59], "must not repeat"),
        ([1, 1, 2, 2], "must not repeat; found 1 in rows 1 and 2; average"),
        ([1.5, 2.5], "whole day"),
        ([31, 400, 20], "whole day"),
        ([np.nan, 31], "whole day"),
        ([31, 59, 120], "months must follow each other; found 1999-04 after 1999-02"),
        ([59, 31, 90], "months must follow each other"),
        ([1, 2, 4, 5], "steps must be days, weeks or months; found 2 days to 1999-01-04"),
        ([10, 20, 30], "steps must be days, weeks or months"),
        ([31], "at least two"),
        ([2, 1] * 200, "must increase within a year"),
        ([0, 1, 2], "whole day"),
        ([364, 365, 366, 1], "steps must be days"),
        ([363, 364, 365, 366], "doy: must be those of the years; found 366 in 1999, which has 365"),
        ([1, 32, 60, 91], "doy: must be the last day of the month; found 1999-01-01 in row 1 .4"),
        ([16, 46, 75, 106], "doy: must be the last day of the month; found 1999-01-16 in row 1"),
        ([15, 59, 90, 120], "doy: must be the last day of the month; found .*1 .1 of 4 rows"),
    ],
)
def test_days_that_are_no_steps(days, said):
    with pytest.raises(InputError, match=said):
        steps_by_day_of_year(np.array(days, dtype=float), 1999, where="a")


def renamed(old, new, change=lambda values: values):
    columns = met()
    return {new if n == old else n: change(v) if n == old else v for n, v in columns.items()}


def test_other_units_give_the_same_drivers(tmp_path):
    usual = drivers_of(tmp_path, met()).drivers
    watts = drivers_of(tmp_path, renamed("swrad_MJm2day", "swrad_Wm2", lambda v: v / 0.0864))
    kelvin = drivers_of(tmp_path, renamed("mint_C", "mint_K", lambda v: v + 273.15))
    for other in (watts, kelvin):
        for name in ("t_min", "shortwave"):
            assert np.allclose(other.drivers[name], usual[name])


def test_relative_humidity_stands_in_for_the_deficit(tmp_path):
    columns = renamed("vpd_kPa", "rh_fraction", lambda v: v * 0 + 0.7)
    site = drivers_of(tmp_path, columns)
    assert np.allclose(site.drivers.vpd, vpd_from_relative(0.7, columns["airt_C"]))
    assert vpd_from_relative(0.0, 20.0) == pytest.approx(23.38, abs=0.02)  # steam tables: 23.39
    columns["rh_fraction"] = columns["rh_fraction"] * 100
    with pytest.raises(InputError, match=r"rh: must be within 0 to 1; found 70.*rh_percent"):
        drivers_of(tmp_path, columns)
    per_cent = {n.replace("fraction", "percent"): v for n, v in columns.items()}
    assert np.allclose(drivers_of(tmp_path, per_cent).drivers.vpd, site.drivers.vpd)


def test_fires_and_cuts(tmp_path):
    burned = np.where(np.arange(24) == 5, 0.3, -9999)
    site = drivers_of(tmp_path, {**met(), "burnt_area_fraction": burned})
    assert site.drivers.burned_fraction.values[5] == 0.3
    assert site.drivers.burned_fraction.sum() == 0.3
    assert any("23 of 24 values missing, taken as 0" in note for note in site.notes)
    cut = np.where(np.arange(24) == 7, 0.4, 0.0)
    with pytest.warns(DataWarning, match=r"0.4 about 1999-08-16 .1 of 24 steps.*no harvest"):
        site = drivers_of(tmp_path, {**met(), "deforestation_fraction": cut})
    assert any("no harvest" in note for note in site.notes)


def test_nbe_is_not_nee_where_something_burned(folder):
    path = folder / "XX-Abc_timeseries_met.csv"
    path.write_text(text({**met(), "burnt_area_fraction": np.full(24, 0.01)}))
    assert "nbe" not in read_edinburgh(path, STATED).observations


def test_observations_over_other_days_are_refused(folder):
    (folder / "XX-Abc_timeseries_obs.csv").write_text(text(obs(LEAP)))
    with pytest.raises(InputError, match="doy: must be that of the drivers' file; found 12 rows"):
        read_edinburgh(folder / "XX-Abc_timeseries_met.csv", STATED)


SAME = {
    "order of columns": lambda t: text(dict(reversed(met().items()))).encode(),
    "DOS line ends": lambda t: t.replace("\n", "\r\n").encode(),
    "BOM": lambda t: b"\xef\xbb\xbf" + t.encode(),
    "latin-1": lambda t: ("# Hyytiälä\n" + t).encode("latin-1"),
    "decimal commas": lambda t: t.replace(",", ";").replace(".", ",").encode(),
    "tabs": lambda t: t.replace(",", "\t").encode(),
    "empty lines": lambda t: t.replace("\n", "\n\n").encode(),
}


@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_same_table_written_otherwise(tmp_path, change):
    usual = drivers_of(tmp_path, met())
    path = tmp_path / "YY-Def_timeseries_met.csv"
    path.write_bytes(change(text(met())))
    assert read_edinburgh(path, STATED).to_site().drivers.equals(usual.drivers)


def swapped(one, other):
    columns = met()
    return {**columns, one: columns[other], other: columns[one]}


WRONG = {
    "swapped extremes": (swapped("mint_C", "maxt_C"), "swapped"),
    "swapped columns": (swapped("airt_C", "co2_ppm") | {"co2_ppm": met()["mint_C"]}, "co2"),
    "unknown unit": (renamed("swrad_MJm2day", "swrad_Jcm2"), "swrad_Jcm2: the unit in its name"),
    "no unit": (renamed("vpd_kPa", "vpd"), "vpd: the unit in its name"),
    "other quantity": (renamed("vpd_kPa", "vpd_C"), "vpd_C: unit must be 'hPa'"),
    "values in pascals": (renamed("vpd_kPa", "vpd_kPa", lambda v: v * 1000), "vpd: must be within"),
    "all missing": (renamed("vpd_kPa", "vpd_kPa", lambda v: v * 0 - 9999), "vpd: a driver must"),
    "a gap": (renamed("co2_ppm", "co2_ppm", lambda v: np.where(v == v[3], np.nan, v)), "co2: a dr"),
    "no column": ({n: v for n, v in met().items() if n != "co2_ppm"}, "co2: no column.*co2_ppm"),
    "misnamed": (renamed("swrad_MJm2day", "swrd_MJm2day"), "did you mean swrd_MJm2day"),
    "unsorted": ({n: v[::-1] for n, v in met().items()}, "doy: months must follow"),
    "doubled": ({n: np.repeat(v, 2) for n, v in met().items()}, "doy: must not repeat"),
}


@pytest.mark.parametrize(("columns", "said"), WRONG.values(), ids=WRONG)
def test_wrong_drivers_are_refused_in_a_line(tmp_path, columns, said):
    with pytest.raises(InputError, match=said) as caught:
        drivers_of(tmp_path, columns)
    assert "\n" not in str(caught.value)


def cut_short(path):
    path.write_text(path.read_text()[:-60])


def emptied(path):
    path.write_text("")


def zipped(path):
    inside = path.read_text()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("met.csv", inside)


@pytest.mark.parametrize(
    ("change", "said"),
    [(cut_short, "cut short"), (emptied, "empty file"), (zipped, "unpack it")],
)
@pytest.mark.parametrize("part", ["timeseries_met", "timeseries_obs"])
def test_damaged_files_are_refused_in_a_line(folder, change, said, part):
    change(folder / f"XX-Abc_{part}.csv")
    with pytest.raises(InputError, match=said) as caught:
        read_edinburgh(folder / "XX-Abc_timeseries_met.csv", STATED)
    assert f"XX-Abc_{part}.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_sd_is_noted_and_all_missing_series_is_left_out(folder):
    columns = obs()
    columns["NEE_unc_gCm2day"] = np.where(np.arange(24) < 3, -9999, 0.5)
    columns["Evap_kgH2Om2day"] = np.full(24, -9999.0)
    (folder / "XX-Abc_timeseries_obs.csv").write_text(text(columns))
    seen = read_edinburgh(folder / "XX-Abc_timeseries_met.csv", STATED).observations
    assert "et" not in seen
    assert "3 of 24 sd missing" in seen["nee"].note


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(
        st.sampled_from([*met(), *obs(), "swrad_Wm2", "rh_fraction", "Csom_initial_gCm2", "é"])
        | st.text("abC_m2\"',;", max_size=6),
        min_size=1,
        max_size=9,
    ),
    values=st.lists(st.sampled_from(["31", "59", "1", "-9999", "x", "", "1e400", "0.5"])),
    year=st.sampled_from([1999, -5, 10**7]),
)
def test_any_table_is_read_or_refused(tmp_path, names, values, year):
    path = tmp_path / "f.csv"
    rows = [",".join((values + ["31"] * len(names))[n : n + len(names)]) for n in range(3)]
    path.write_text("\n".join([",".join(names), *rows]))
    with warnings.catch_warnings(), contextlib.suppress(InputError):
        warnings.simplefilter("ignore", DataWarning)
        read_edinburgh(path, Reading(first_year=year, latitude=60.0)).to_site()


@pytest.fixture
def hyytiala(shared_data):
    path = shared_data / "formats" / "edinburgh" / "FI-Hyy_timeseries_met.csv"
    if not path.exists():
        pytest.skip("no sample of Edinburgh's tables in the data folder")
    return read_edinburgh(path, STATED).to_site()


def test_genuine_site_has_sixteen_years_and_six_stocks(hyytiala):
    assert (hyytiala.steps, hyytiala.step_name) == (192, "monthly")
    assert str(hyytiala.drivers.time.values[-1])[:7] == "2014-12"
    counts = {name: len(seen) for name, seen in hyytiala.observations.items()}
    assert counts == {"nee": 189, "nbe": 189, "gpp": 188, "reco": 189, "et": 189, "lai": 119,
                      "wood": 6, "som": 1}  # fmt: skip
    assert hyytiala.observations["som"].sd[0] == pytest.approx(4551.8, abs=0.1)
    assert "measurement alone 0.642" in hyytiala.observations["nee"].note


def test_genuine_site_is_the_monthly_mean_of_the_daily_one(hyytiala, shared_data):
    daily = read_differland(shared_data / "daily" / "FI-Hyy.nc")
    month = hyytiala.drivers.time.values.astype("datetime64[M]")
    for name in ("t_min", "t_max", "shortwave", "vpd", "precipitation"):
        means = daily.drivers[name].resample(time="MS").mean()
        here = hyytiala.drivers[name].values[np.isin(month, means.time.values)]
        assert here.size == 108
        assert np.corrcoef(here, means)[0, 1] > 0.99995
        assert here.sum() / float(means.sum()) == pytest.approx(1, abs=2e-4)
    nee = daily.observations["nee"]
    by_month = {
        one: nee.value[nee.time.astype("datetime64[M]") == one].mean()
        for one in np.unique(nee.time.astype("datetime64[M]"))
    }
    seen = hyytiala.observations["nee"]
    pairs = [
        (value, by_month[one])
        for one, value in zip(seen.time.astype("datetime64[M]"), seen.value, strict=True)
        if one in by_month
    ]
    assert np.corrcoef(np.array(pairs).T)[0, 1] > 0.998
