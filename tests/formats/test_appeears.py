"""Leaf area from AppEEARS: the sample against its raw rows, several sites, areas."""

import csv

import numpy as np
import pytest

from bayes_tbm.errors import InputError
from bayes_tbm.formats.appeears import is_appeears, read_appeears
from bayes_tbm.formats.reading import Reading
from bayes_tbm.formats.table import read_header

SAMPLE = "formats/lai/AppEEARS_UCFR-MCD15A3H-006-results_one-point.csv"
HEAD = "ID,Latitude,Longitude,Date,MODIS_Tile"
AREA = "File Name,Dataset,aid,Date,Count,Minimum,Maximum,Range,Mean,Standard Deviation,Variance\n"


def test_the_sample_against_its_rows(shared_data):
    path = shared_data / SAMPLE
    assert is_appeears(read_header(path))
    found = read_appeears(path)
    lai = found.observations["lai"]
    start = "MCD15A3H_006_"
    with path.open() as file:
        # the flags as text, which the reader does not look at
        rows = [
            row for row in csv.DictReader(file)
            if row[start + "FparLai_QC_SCF_QC"] in ("0b000", "0b001")
        ]  # fmt: skip
    assert len(lai) == len(rows) == 153
    value = np.array([float(row[start + "Lai_500m"]) for row in rows])
    np.testing.assert_array_equal(lai.value, value)
    days = lai.time.astype("datetime64[D]") - np.array([row["Date"] for row in rows], "M8[D]")
    assert set(days.astype(int)) == {2}  # the last composites of both years are back-up
    np.testing.assert_allclose(lai.sd, np.maximum(0.3, 0.2 * value), rtol=1e-15)
    assert (found.name, found.latitude, found.longitude) == ("BM", 46.7005, -113.4405)
    assert found.kind == "AppEEARS points (MCD15A3H.006)"


def points(tmp_path, head, *rows):
    path = tmp_path / "lai.csv"
    path.write_text("\n".join([f"{HEAD},{head}", *rows]) + "\n")
    return path


def test_one_of_several_sites_is_picked_by_name(tmp_path):
    rows = ("A,61,24,2020-06-09,h1,1.5", "B,50,8,2020-06-09,h1,3.5", "B,50,8,2020-06-17,h1,3.7")
    path = points(tmp_path, "MOD15A2H_061_Lai_500m", *rows)
    with pytest.raises(InputError, match=r"ID: holds several sites; choose by site= .*: A, B$"):
        read_appeears(path)
    with pytest.raises(InputError, match=r"must be a site of the table; found 'C'; .*A, B$"):
        read_appeears(path, Reading(site="C"))
    found = read_appeears(path, Reading(site="B"))
    np.testing.assert_array_equal(found.observations["lai"].value, [3.5, 3.7])
    assert str(found.observations["lai"].time[0])[:16] == "2020-06-13T00:00"
    assert (found.name, found.latitude) == ("B", 50.0)
    assert any("no FparLai_QC" in note for note in found.notes)
    assert found.lacks
    assert found.drivers is None


def test_fills_stand_scaled_or_as_stored(tmp_path):
    rows = [f"A,61,24,2020-{d},h1,{v}" for d, v in
            (("06-01", 254), ("06-05", 25.4), ("06-09", 2.0), ("06-13", 249.0))]  # fmt: skip
    found = read_appeears(points(tmp_path, "MCD15A3H_061_Lai_500m", *rows))
    np.testing.assert_array_equal(found.observations["lai"].value, [2.0])


def test_a_wide_spread_of_the_product_is_kept(tmp_path):
    head = "MCD15A3H_061_Lai_500m,MCD15A3H_061_LaiStdDev_500m"
    found = read_appeears(points(tmp_path, head, "A,61,24,2020-06-01,h1,2.0,0.9"))
    np.testing.assert_array_equal(found.observations["lai"].sd, [0.9])


@pytest.mark.parametrize(
    ("head", "told"),
    [
        ("MCD15A3H_061_Fpar_500m", "found MCD15A3H_061_Fpar_500m; ask AppEEARS for Lai_500m"),
        ("VNP15A2H_001_Lai_500m", "must be leaf area of MODIS"),
    ],
)
def test_another_product_is_refused(tmp_path, head, told):
    with pytest.raises(InputError, match=told):
        read_appeears(points(tmp_path, head, "A,61,24,2020-06-09,h1,2.0"))


def test_only_back_up_values_are_refused(tmp_path):
    head = "MCD15A3H_061_Lai_500m,MCD15A3H_061_FparLai_QC"
    with pytest.raises(InputError, match="composite of the main method; found none of 1"):
        read_appeears(points(tmp_path, head, "A,61,24,2020-06-09,h1,2.0,97"))


def area(tmp_path, *rows):
    path = tmp_path / "area.csv"
    path.write_text(AREA + "\n".join(rows) + "\n")
    return path


ROW = '{0}_Lai_500m_doy2020153_{2},{1},{2},2020-06-01,52,0.5,3.5,"(0.5,3.5)",{3},0.6,0.36'


def test_statistics_over_an_area(tmp_path):
    rows = [ROW.format("MCD15A3H_061", "Lai_500m", "aid0001", 2.5),
            ROW.format("MCD15A3H_061", "Fpar_500m", "aid0001", 0.7)]  # fmt: skip
    path = area(tmp_path, *rows)
    assert is_appeears(read_header(path))
    found = read_appeears(path, Reading(latitude=61.85))
    lai = found.observations["lai"]
    np.testing.assert_array_equal([lai.value, lai.sd], [[2.5], [0.5]])
    assert str(lai.time[0])[:10] == "2020-06-03"
    assert (found.latitude, found.longitude) == (61.85, None)
    assert any("not an error" in note for note in found.notes)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([("MCD15A3H_061", "Fpar_500m", "aid0001", 0.7)], "no leaf area .* found Fpar_500m"),
        ([("MCD15A3H_061", "Lai_500m", "aid0001", 2), ("MOD15A2H_061", "Lai_500m", "aid0001", 2)],
         "must be of one product; found MCD15A3H_061, MOD15A2H_061"),
        ([("MCD15A3H_061", "Lai_500m", "aid0001", 2), ("MCD15A3H_061", "Lai_500m", "aid0002", 2)],
         "aid: holds several sites; .*: aid0001, aid0002$"),
        ([("VNP15A2H_001", "Lai_500m", "aid0001", 2)], "must be leaf area of MODIS"),
    ],
)  # fmt: skip
def test_other_statistics_are_refused(tmp_path, rows, told):
    with pytest.raises(InputError, match=told):
        read_appeears(area(tmp_path, *(ROW.format(*row) for row in rows)))


def test_another_table_is_refused(tmp_path):
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="must be a table of AppEEARS; found a, b"):
        read_appeears(tmp_path / "x.csv")
