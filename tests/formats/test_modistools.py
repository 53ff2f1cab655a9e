"""Leaf area from MODISTools: the sample against its raw rows, pixels, scales, sites."""

import csv

import numpy as np
import pytest

from bayes_tbm.errors import InputError
from bayes_tbm.formats.modistools import is_modistools, read_modistools
from bayes_tbm.formats.reading import Reading
from bayes_tbm.formats.table import read_header

SAMPLE = "formats/lai/MODISTools_arcachon_MOD15A2H_Lai_500m_one-pixel.csv"
HEAD = ("nrows", "ncols", "band", "scale", "latitude", "longitude", "site", "product",
        "modis_date", "calendar_date", "pixel", "value")  # fmt: skip


def test_the_sample_against_its_rows(shared_data):
    path = shared_data / SAMPLE
    assert is_modistools(read_header(path))
    found = read_modistools(path)
    lai = found.observations["lai"]
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert len(lai) == len(rows) == 46
    # tenths, exactly as they are written
    np.testing.assert_array_equal(lai.value, [float(f"{row['value']}e-1") for row in rows])
    assert (lai.value[:3] == [0.3, 0.1, 0.7]).all()
    days = (lai.time - np.array([row["calendar_date"] for row in rows], "M8[ns]")) / np.timedelta64(
        1, "h"
    )
    assert set(days[:-1]) == {96.0}
    assert days[-1] == 72.0  # from 26 December, six days are left of 2004
    np.testing.assert_allclose(lai.sd, np.maximum(0.3, 0.2 * lai.value), rtol=1e-15)
    assert (found.name, found.latitude, found.longitude) == ("arcachon", 44.656286, -1.174748)
    assert "leaf area is that of the centre pixel (3281 of 6561)" in found.notes
    assert any("no FparLai_QC" in note for note in found.notes)


def row(**changes):
    known = dict(zip(HEAD, (3, 3, "Lai_500m", 0.1, 61.85, 24.29, "A", "MOD15A2H", "A2020153",
                            "2020-06-01", 5, 20), strict=True))  # fmt: skip
    return ",".join(str(value) for value in (known | changes).values())


def table(tmp_path, *rows):
    path = tmp_path / "modis.csv"
    path.write_text("\n".join([",".join(HEAD), *rows]) + "\n")
    return path


def test_the_centre_pixel_is_read_with_its_own_flags(tmp_path):
    pixels = [row(pixel=n, value=10 * n) for n in range(1, 10)]
    flags = [
        row(pixel=n, band="FparLai_QC", scale="Not Available", value=0 if n == 5 else 97)
        for n in range(1, 10)
    ]
    found = read_modistools(table(tmp_path, *pixels, *flags))
    np.testing.assert_array_equal(found.observations["lai"].value, [5.0])


def test_a_date_without_flags_is_of_unknown_quality(tmp_path):
    rows = [row(), row(calendar_date="2020-06-09", value=30), row(band="FparLai_QC", value=0)]
    found = read_modistools(table(tmp_path, *rows))
    np.testing.assert_array_equal(found.observations["lai"].value, [2.0])


def test_one_pixel_off_the_centre_is_taken_and_said(tmp_path):
    found = read_modistools(table(tmp_path, row(pixel=7)))
    assert "leaf area is that of the one pixel in the table (7)" in found.notes


def test_a_site_that_nobody_named_is_that_of_the_user(tmp_path):
    path = table(tmp_path, row(site="sitename"))
    assert read_modistools(path, Reading(site="FI-Hyy")).name == "FI-Hyy"
    with pytest.raises(InputError, match=r"must be a site of the table; found 'B'"):
        read_modistools(table(tmp_path, row()), Reading(site="B"))


def test_the_scale_is_that_of_the_table_or_of_the_user(tmp_path):
    path = table(tmp_path, row(scale="Not Available"))
    with pytest.raises(InputError, match=r"scale: must be a positive number .*scale=0.1"):
        read_modistools(path)
    lai = read_modistools(path, Reading(scale=0.1)).observations["lai"]
    np.testing.assert_array_equal(lai.value, [2.0])
    # the table's own comes first, and no other is taken
    own = table(tmp_path, row())
    np.testing.assert_array_equal(
        read_modistools(own, Reading(scale=0.1)).observations["lai"].value, [2.0]
    )
    with pytest.raises(InputError, match=r"scale: must be the table's own, 0\.1; found 1\.0"):
        read_modistools(own, Reading(scale=1.0))


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([row(band="250m_16_days_NDVI", product="MOD13Q1")], "no leaf area .*250m_16_days_NDVI"),
        ([row(product="VNP15A2H")], "must be leaf area of MODIS"),
        ([row(), row(product="MYD15A2H")], "product: leaf area must be of one product"),
        ([row(), row(site="B")], "holds several sites; .*A, B"),
        ([row(pixel=1), row(pixel=2)], "the centre pixel must be in the table; found 1, 2"),
        ([row(value=2.5)], "whole number, as stored; found 2.5"),
        ([row(), row(value=21)], "must have one value; found two on 2020-06-01"),
        ([row(), row(band="FparLai_QC", value=0), row(band="FparLai_QC", value=2)],
         "FparLai_QC: must have one value a date"),
        ([row(scale=0)], "scale: must be a positive number"),
    ],
)  # fmt: skip
def test_tables_of_something_else_are_refused(tmp_path, rows, told):
    with pytest.raises(InputError, match=told):
        read_modistools(table(tmp_path, *rows))


def test_another_table_is_refused(tmp_path):
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="must be a table of MODISTools; found a, b"):
        read_modistools(tmp_path / "x.csv")
