"""Leaf area from Earth Engine: scale that the user states, dates, wide tables, places."""

import numpy as np
import pytest

from bayes_tbm.errors import InputError
from bayes_tbm.formats.earth_engine import is_earth_engine, read_earth_engine
from bayes_tbm.formats.reading import Reading
from bayes_tbm.formats.table import read_header

TENTH = Reading(scale=0.1)


def table(tmp_path, text):
    path = tmp_path / "export.csv"
    path.write_text(text)
    return path


def lai_of(tmp_path, text, reading=TENTH):
    return read_earth_engine(table(tmp_path, text), reading).observations["lai"]


def test_a_table_without_leaf_area_says_what_it_holds(shared_data):
    path = shared_data / "formats/lai/CH-Lae_MCD15A3H_gee_subset.csv"
    assert is_earth_engine(read_header(path))
    with pytest.raises(InputError) as error:
        read_earth_engine(path, TENTH)
    assert str(error.value) == (
        f"{path.name}: Lai: needs one column of leaf area (Lai or Lai_500m); found id, longitude, "
        "latitude, date, Fpar, FparLai_QC, product; export the band Lai, or name its column so"
    )


def test_the_sample_with_its_band_taken_for_leaf_area(shared_data, tmp_path):
    """Fpar is stored as leaf area is, 0 to 100: its table shows dates, flags and place."""
    text = (shared_data / "formats/lai/CH-Lae_MCD15A3H_gee_subset.csv").read_text()
    path = table(tmp_path, text.replace(",Fpar,", ",Lai,"))
    found = read_earth_engine(path, TENTH)
    lai = found.observations["lai"]
    rows = [line.split(",") for line in text.splitlines()[1:]]
    good = [row for row in rows if f"{int(row[5]):08b}"[:3] in ("000", "001")]
    np.testing.assert_allclose(lai.value, [float(row[4]) / 10 for row in good], rtol=1e-15)
    assert str(lai.time[0] - np.timedelta64(2, "D"))[:10] == good[0][3]
    assert (found.latitude, found.longitude) == (47.4780738066, 8.36497717843)


LONG = "system:index,Lai,.geo\n2010_01_01,12,\n2010_01_05,34,\n"


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (("12", "34"), "whole numbers, as stored, up to 34; state it: scale=0.1"),
        (("3", "7"), "whole numbers, as stored, up to 7"),
        (("12.25", "34.5"), "means of several pixels, up to 34.5"),
        (("1.27", "0.9"), "means of several pixels, up to 1.27"),
    ],
)
def test_values_that_may_be_as_stored_need_a_scale(tmp_path, values, told):
    text = LONG.replace("12", values[0], 1).replace("34", values[1])
    with pytest.raises(InputError, match=told):
        lai_of(tmp_path, text, Reading())
    found = lai_of(tmp_path, text).value
    np.testing.assert_allclose(found, [float(v) / 10 for v in values], rtol=1e-9)


def test_tenths_are_scaled_already(tmp_path):
    text = LONG.replace("12", "1.2").replace("34", "3")
    np.testing.assert_array_equal(lai_of(tmp_path, text, Reading()).value, [1.2, 3.0])
    with pytest.raises(InputError, match=r"scale: must be a positive number; found 0\.0"):
        lai_of(tmp_path, text, Reading(scale=0.0))
    with pytest.raises(InputError, match=r"Lai: must be whole numbers.*scaled already\?"):
        lai_of(tmp_path, text, TENTH)
    np.testing.assert_array_equal(lai_of(tmp_path, text, Reading(scale=1.0)).value, [1.2, 3.0])


def test_the_length_of_composites_is_told_by_the_dates(tmp_path):
    lai = lai_of(tmp_path, LONG)
    assert [str(t)[:10] for t in lai.time] == ["2010-01-03", "2010-01-07"]
    lai = lai_of(tmp_path, LONG.replace("01_05", "01_09"))
    assert [str(t)[:10] for t in lai.time] == ["2010-01-05", "2010-01-13"]
    found = read_earth_engine(table(tmp_path, LONG), TENTH)
    assert any(note.startswith("taken for MCD15A3H, by its dates") for note in found.notes)
    with pytest.raises(InputError, match="dates 31 days apart; add a column product"):
        lai_of(tmp_path, LONG.replace("01_05", "02_01"))


@pytest.mark.parametrize("index", ["{}_0", "1_{}", "{}_00000000000000000012", "1_1_{}_3"])
def test_dates_are_found_in_the_index(tmp_path, index):
    text = LONG.replace("2010_01_01", index.format("2010_01_01"))
    lai = lai_of(tmp_path, text.replace("2010_01_05", index.format("2010_01_05")))
    assert str(lai.time[0])[:10] == "2010-01-03"


@pytest.mark.parametrize("form", ["2010-{:02d}-{:02d}", "2010/{}/{}", "2010{:02d}{:02d}",
                                  "2010.{}.{} 00:00", "2010{:02d}{:02d}.0"])  # fmt: skip
@pytest.mark.parametrize("column", ["date", "system:index"])
def test_dates_with_the_year_first_are_read(tmp_path, column, form):
    rows = [f"{form.format(1, day)},{value}" for day, value in ((1, 12), (9, 34))]
    lai = lai_of(tmp_path, "\n".join([f"{column},Lai,.geo", *(f"{row}," for row in rows)]))
    assert [str(time)[:10] for time in lai.time] == ["2010-01-05", "2010-01-13"]


REWRITTEN = [("1/1/2010", "1/9/2010"), ("1/1/2010", "1/17/2010"), ("01.01.2010", "09.01.2010"),
             ("40179", "40187"), ("2010-01-011", "2010-01-091"), ("2010/17/1", "2010/25/1"),
             ("1262304000000", "1262995200000")]  # fmt: skip


@pytest.mark.parametrize("dates", REWRITTEN)
def test_dates_that_a_spreadsheet_rewrote_are_not_guessed(tmp_path, dates):
    first, second = dates
    text = f"system:index,date,Lai\n%s,{first},12\n%s,{second},34\n"
    told = r"date: must be a date as in 2020-01-31; found '.*'; did a spreadsheet rewrite"
    with pytest.raises(InputError, match=f"{told}.*write the year first") as error:
        lai_of(tmp_path, text % (0, 1))
    assert "system:index" not in str(error.value)
    with pytest.raises(InputError, match=f"{told}.*or take date away, as system:index tells"):
        lai_of(tmp_path, text % ("2010_01_01", "2010_01_09"))
    with pytest.raises(InputError, match=r"system:index: must hold a date"):
        lai_of(tmp_path, f"system:index,Lai\n{first},12\n{second},34\n")


def test_a_column_of_dates_comes_before_the_index(tmp_path):
    text = "system:index,date,Lai_mean\n0,2010-01-01T00:00:00,12\n1,2010-01-05T00:00:00,34\n"
    assert str(lai_of(tmp_path, text).time[1])[:10] == "2010-01-07"
    with pytest.raises(InputError, match=r"system:index: must hold a date.*found '0'"):
        lai_of(tmp_path, "system:index,Lai\n0,12\n1,34\n")


def test_a_wide_table_has_a_column_a_date(tmp_path):
    head = "system:index,2010_01_05_Lai,2010_01_05_FparLai_QC,2010_01_01_Lai,2010_01_01_FparLai_QC"
    lai = lai_of(tmp_path, f"{head},site\n0,34,0,12,97,A\n")
    assert (str(lai.time[0])[:10], lai.value[0], len(lai)) == ("2010-01-07", 3.4, 1)
    two = table(tmp_path, f"{head},site\n0,34,0,12,97,A\n1,20,0,15,0,B\n")
    with pytest.raises(InputError, match=r"site: holds several sites; .*A, B"):
        read_earth_engine(two, TENTH)
    found = read_earth_engine(two, Reading(scale=0.1, site="B"))
    np.testing.assert_array_equal(found.observations["lai"].value, [1.5, 2.0])


def test_places_without_names_are_refused(tmp_path):
    point = '"{""type"":""Point"",""coordinates"":[%s,61.5]}"'
    rows = [f"{d},12,{point % x}" for d in ("2010_01_01", "2010_01_05") for x in (24, 25)]
    text = "\n".join(["system:index,Lai,.geo", *rows]) + "\n"
    with pytest.raises(InputError, match="holds several places without names"):
        lai_of(tmp_path, text)
    one = read_earth_engine(table(tmp_path, text.replace("[25,", "[24,")), TENTH)
    assert (one.latitude, one.longitude) == (61.5, 24.0)
    stated = read_earth_engine(table(tmp_path, LONG), Reading(scale=0.1, latitude=50.0))
    assert (stated.latitude, stated.longitude) == (50.0, None)


def test_a_mean_of_flags_is_refused(tmp_path):
    text = "system:index,Lai,FparLai_QC\n2010_01_01,12,0.5\n2010_01_05,34,0\n"
    with pytest.raises(InputError, match="a mean of flags says nothing"):
        lai_of(tmp_path, text)


def test_another_product_is_refused(tmp_path):
    text = "system:index,Lai,product\n2010_01_01,12,NASA/VIIRS/002/VNP15A2H\n"
    with pytest.raises(InputError, match="must be leaf area of MODIS"):
        lai_of(tmp_path, text)
    with pytest.raises(InputError, match="must be of one product; found MOD15A2H, MYD15A2H"):
        lai_of(tmp_path, "date,Lai,product\n2010-01-01,1,MOD15A2H\n2010-01-01,1,MYD15A2H\n")


def test_another_export_is_refused(tmp_path):
    with pytest.raises(InputError, match="found A, B, K; export the band Lai"):
        lai_of(tmp_path, "system:index,A,B,K,.geo\n0,1,2,3,\n")
    with pytest.raises(InputError, match="must be a table of Earth Engine; found a, b"):
        lai_of(tmp_path, "a,b\n1,2\n")
