"""MODIS leaf area, whoever exported it: flags, composites, errors, and files that went wrong."""

import contextlib
import csv
import io
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bayes_tbm.errors import InputError
from bayes_tbm.formats import modis
from bayes_tbm.formats.appeears import is_appeears, read_appeears
from bayes_tbm.formats.earth_engine import is_earth_engine, read_earth_engine
from bayes_tbm.formats.modistools import is_modistools, read_modistools
from bayes_tbm.formats.reading import Reading
from bayes_tbm.formats.table import read_header

P = "MCD15A3H_061"
DATES = ("2020-05-28", "2020-06-01", "2020-06-05", "2020-06-09")
STORED = (12, 20, 34, 255)
FLAGS = (0, 32, 97, 157)  # best, saturated, back-up, not produced
SPREAD = (1, 248, 2, 248)


def appeears():
    head = ["ID", "Latitude", "Longitude", "Date", "MODIS_Tile"]
    head += [f"{P}_Lai_500m", f"{P}_LaiStdDev_500m", f"{P}_FparLai_QC"]
    rows = [
        ["Hyy", 61.85, 24.29, d, "h19v02", v / 10 if v < 249 else v, s / 10 if s < 248 else s, q]
        for d, v, s, q in zip(DATES, STORED, SPREAD, FLAGS, strict=True)
    ]
    return head, rows


def modistools():
    head = "xllcorner,yllcorner,cellsize,nrows,ncols,band,units,scale,latitude,longitude,site,"
    head += "product,start,end,complete,modis_date,calendar_date,tile,proc_date,pixel,value"
    bands = {
        "Lai_500m": ("0.1", STORED),
        "FparLai_QC": ("Not Available", FLAGS),
        "LaiStdDev_500m": ("0.1", SPREAD),
    }
    rows = [
        [1, 2, 463.3, 1, 1, band, "m^2/m^2", scale, 61.85, 24.29, "Hyy", "MCD15A3H", "2020-01-01",
         "2020-12-31", "True", "A2020149", date, "h19v02", 1, 1, value]
        for band, (scale, values) in bands.items()
        for date, value in zip(DATES, values, strict=True)
    ]  # fmt: skip
    return head.split(","), rows


def earth_engine():
    head = ["system:index", "Lai", "LaiStdDev", "FparLai_QC", "site", "product", ".geo"]
    point = '{"type":"Point","coordinates":[24.29,61.85]}'
    rows = [
        [d.replace("-", "_"), v, s, q, "Hyy", "MODIS/061/MCD15A3H", point]
        for d, v, s, q in zip(DATES, STORED, SPREAD, FLAGS, strict=True)
    ]
    return head, rows


FORMATS = {
    "appeears": (appeears, is_appeears, read_appeears, Reading(), f"{P}_Lai_500m"),
    "modistools": (modistools, is_modistools, read_modistools, Reading(), "value"),
    "earth_engine": (earth_engine, is_earth_engine, read_earth_engine, Reading(scale=0.1), "Lai"),
}


def text_of(head, rows, separator=","):
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator="\n").writerows([head, *rows])
    return out.getvalue()


def read(tmp_path, name, content):
    """Read bytes or text as a file of one of the formats."""
    path = tmp_path / "lai.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    _, _, reader, reading, _ = FORMATS[name]
    return reader(path, reading)


def is_right(contents):
    lai = contents.observations["lai"]
    assert list(lai.time) == [np.datetime64("2020-05-30"), np.datetime64("2020-06-03")]
    np.testing.assert_array_equal(lai.value, [1.2, 2.0])
    np.testing.assert_allclose(lai.sd, [0.3, 0.4], rtol=1e-15)
    assert (lai.unit, contents.name) == ("m2 m-2", "Hyy")
    assert (contents.latitude, contents.longitude) == (61.85, 24.29)
    assert "2 of 4 are of the main method (SCF_QC 0 or 1)" in contents.notes
    assert "1 of 4 composites hold no leaf area" in contents.notes


@pytest.fixture(params=FORMATS)
def name(request):
    return request.param


def test_formats_are_told_apart_by_their_columns(tmp_path, name):
    for other, (make, _, _, _, _) in FORMATS.items():
        (tmp_path / "x.csv").write_text(text_of(*make()))
        assert FORMATS[name][1](read_header(tmp_path / "x.csv")) == (other == name)


def test_scale_fills_flags_and_errors(tmp_path, name):
    is_right(read(tmp_path, name, text_of(*FORMATS[name][0]())))


def shuffled(head, rows):
    order = np.random.default_rng(5).permutation(len(head))
    return [head[i] for i in order], [[row[i] for i in order] for row in reversed(rows)]


@pytest.mark.parametrize(
    "change",
    [
        lambda h, r: text_of(*shuffled(h, r)),
        lambda h, r: text_of(h, [*r, *r[:2]]),  # rows that are there twice
        lambda h, r: text_of(h, r).replace("\n", "\r\n"),
        lambda h, r: b"\xef\xbb\xbf" + text_of(h, r).encode(),
        lambda h, r: text_of([*h, "remark"], [[*row, "Hyyti\xe4l\xe4"] for row in r]).encode(
            "latin-1"
        ),
        lambda h, r: text_of(
            h, [[str(v).replace(".", ",") if isinstance(v, float) or v == "0.1" else v for v in x]
                for x in r], ";",
        ),
        lambda h, r: text_of(h, r) + "\n\n",
    ],
    ids=["order", "twice", "dos", "bom", "latin-1", "decimal commas", "empty lines"],
)  # fmt: skip
def test_what_does_not_matter_does_not(tmp_path, name, change):
    is_right(read(tmp_path, name, change(*FORMATS[name][0]())))


def planted(head, rows, column, value, where=slice(None)):
    """Return the table with another value in a column of some rows, as text."""
    rows, at = [list(row) for row in rows], head.index(column)
    for row in rows[where]:
        row[at] = value(row[at]) if callable(value) else value
    return text_of(head, rows)


def zipped(head, rows):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("lai.csv", text_of(head, rows))
    return out.getvalue()


ABUSES = {
    "cut": (lambda h, r, c: text_of(h, r)[:-7].rsplit(",", 1)[0], ""),
    "empty": (lambda h, r, c: "", "an empty file"),
    "header alone": (lambda h, r, c: text_of(h, []), "must hold a row"),
    "a zip": (lambda h, r, c: zipped(h, r), "a zip archive"),
    "nothing but gaps": (lambda h, r, c: planted(h, r, c, ""), "lai"),
    "beyond the range": (lambda h, r, c: planted(h, r, c, 200, slice(0, 1)), "within 0 to 10"),
    "negative": (lambda h, r, c: planted(h, r, c, -3, slice(0, 1)), "within 0 to 10"),
    "words": (lambda h, r, c: planted(h, r, c, "high", slice(0, 1)), "'high' in line 2"),
    "two values a date": (
        lambda h, r, c: text_of(h, [*r, [7 if v == r[0][h.index(c)] else v for v in r[0]]]),
        "one value",
    ),
}


@pytest.mark.parametrize("abuse", ABUSES)
def test_a_bad_file_is_refused_in_one_line(tmp_path, name, abuse):
    change, told = ABUSES[abuse]
    with pytest.raises(InputError) as error:
        read(tmp_path, name, change(*FORMATS[name][0](), FORMATS[name][4]))
    assert str(error.value).startswith("lai.csv: ")
    assert told in str(error.value)
    assert "\n" not in str(error.value)


CELL = st.sampled_from(["", "NA", "-9999", "0", "3", "97", "255", "1e9", "inf", "x", "2020-01-01"])
NAME = st.sampled_from(
    ["Date", "ID", "band", "value", "Lai", "system:index", "date", "product", ""]
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_table_breaks_a_reader(tmp_path, data):
    name = data.draw(st.sampled_from(sorted(FORMATS)))
    head, rows = FORMATS[name][0]()
    for _ in range(data.draw(st.integers(1, 3))):
        line, column = data.draw(st.integers(-1, len(rows) - 1)), data.draw(st.sampled_from(head))
        if line < 0:
            head[head.index(column)] = data.draw(NAME)
        else:
            rows[line][head.index(column)] = data.draw(CELL)
    with contextlib.suppress(InputError):
        lai = read(tmp_path, name, text_of(head, rows)).observations["lai"]
        assert ((lai.value >= 0.0) & (lai.value <= 10.0) & (lai.sd >= 0.3)).all()


@pytest.mark.parametrize(
    ("product", "days"),
    [("MCD15A3H", 4), ("MODIS/061/MCD15A3H", 4), ("MOD15A2H.061", 8), ("MYD15A2H", 8),
     ("MCD15A2H_006", 8), ("mod15a2", 8)],
)  # fmt: skip
def test_the_product_tells_the_length(product, days):
    assert modis.composite_days(product, "x") == days


@pytest.mark.parametrize("product", ["VNP15A2H", "MOD13Q1", "", "MCD15A3HX"])
def test_another_product_is_refused(product):
    with pytest.raises(InputError, match="must be leaf area of MODIS"):
        modis.composite_days(product, "x")


def test_the_last_composite_ends_with_the_year():
    start = np.array(["2019-12-31", "2020-12-30", "2020-12-26", "2021-12-27"], "datetime64[D]")
    four = modis.middle(start[:2], 4)
    eight = modis.middle(start[2:], 8)
    assert [str(t)[:16] for t in four] == ["2019-12-31T12:00", "2020-12-31T00:00"]
    assert [str(t)[:16] for t in eight] == ["2020-12-29T00:00", "2021-12-29T12:00"]


def test_quality_is_bits_five_to_seven():
    every = np.arange(256.0)
    by_hand = [int(f"{int(q):08b}"[:3], 2) in (0, 1) for q in every]
    np.testing.assert_array_equal(modis.is_main_method(every, "x"), by_hand)
    assert not modis.is_main_method(np.array([np.nan]), "x").any()
    for odd in (-1.0, 256.0, 3.5):
        with pytest.raises(InputError, match="whole number of 0 to 255"):
            modis.is_main_method(np.array([0.0, odd]), "x")


@pytest.mark.parametrize(
    ("date", "told"), [("2020-06-02", "first day of a composite"), ("1/6/2020", "2020-01-31")]
)
def test_dates_that_are_no_composites_are_refused(tmp_path, date, told):
    head, rows = appeears()
    with pytest.raises(InputError, match=told):
        read(tmp_path, "appeears", planted(head, rows, "Date", date, slice(0, 1)))
