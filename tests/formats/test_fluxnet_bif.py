"""Where towers are: BIF as text and as a sheet."""

import zipfile

import pytest

from bayes_tbm.errors import InputError
from bayes_tbm.formats.fluxnet import Place, is_bif, read_bif
from bayes_tbm.formats.fluxnet.beside import place_beside, site_code
from bayes_tbm.formats.table import read_header

HEAD = ("SITE_ID", "GROUP_ID", "VARIABLE_GROUP", "VARIABLE", "DATAVALUE")
ROWS = (
    HEAD,
    ("FI-Hyy", "2", "GRP_LOCATION", "LOCATION_LAT", "61.8475"),
    ("FI-Hyy", "2", "GRP_LOCATION", "LOCATION_LONG", "24.295"),
    ("FI-Hyy", "2", "GRP_LOCATION", "LOCATION_ELEV", "181"),
    ("FI-Hyy", "2", "GRP_LOCATION", "LOCATION_DATE_START", "200401"),
    ("FI-Hyy", "1", "GRP_LOCATION", "LOCATION_LAT", "60.0"),
    ("FI-Hyy", "1", "GRP_LOCATION", "LOCATION_LONG", "20.0"),
    ("FI-Hyy", "1", "GRP_LOCATION", "LOCATION_DATE_START", "1996"),
    ("FI-Hyy", "3", "GRP_IGBP", "IGBP", "ENF"),
    ("FI-Hyy", "4", "GRP_SITE_DESC", "SITE_DESC", 'pines, "old";\ntwo lines'),
    ("DE-Hai", "1", "GRP_LOCATION", "LOCATION_LAT", "51.0792"),
)
HYYTIALA = Place(61.8475, 24.295, 181.0, "ENF")
SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{}</worksheet>'
)


def write_text(path, separator=",", rows=ROWS):
    def quoted(value):
        return '"' + value.replace('"', '""') + '"' if set(value) & set('",;\n') else value

    path.write_text("\n".join(separator.join(map(quoted, row)) for row in rows))
    return path


def write_sheet(path, *, shared, rows=ROWS):
    """Write a sheet as a spreadsheet program does: texts apart, empty cells left out."""

    def escaped(value):
        return value.replace("&", "&amp;").replace("<", "&lt;")

    texts, lines = [], []
    for number, row in enumerate(rows, start=1):
        cells = ""
        for letter, value in zip("ABCDE", row, strict=True):
            place = f'r="{letter}{number}"'
            if value.replace(".", "").isdecimal():
                cells += f"<c {place}><v>{value}</v></c>"
            elif shared and value:
                cells += f'<c {place} t="s"><v>{len(texts)}</v></c>'
                texts.append(
                    f"<si><r><t>{escaped(value[:2])}</t></r><t>{escaped(value[2:])}</t></si>"
                )
            elif value:
                cells += f'<c {place} t="inlineStr"><is><t>{escaped(value)}</t></is></c>'
        lines.append(f'<row r="{number}">{cells}</row>')
    with zipfile.ZipFile(path, "w") as book:
        if shared:
            book.writestr("xl/sharedStrings.xml", SHEET.format("".join(texts)))
        book.writestr("xl/worksheets/sheet1.xml", SHEET.format("".join(lines)))
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_text(tmp_path, separator):
    path = write_text(tmp_path / "FLX_AA-Flx_BIF_LATEST.csv", separator)
    assert is_bif(read_header(path))
    assert read_bif(path) == {"FI-Hyy": HYYTIALA}  # DE-Hai has no longitude


@pytest.mark.parametrize("shared", [True, False])
def test_sheet(tmp_path, shared):
    rows = (*ROWS, ("X & <Y>", "", "GRP_LOCATION", "", "1"))
    path = write_sheet(tmp_path / "FLX_AA-Flx_BIF_ALL.xlsx", shared=shared, rows=rows)
    assert read_bif(path) == {"FI-Hyy": HYYTIALA}


def test_the_newest_location_is_taken(tmp_path):
    newer = [(*row[:4], "2012") if row[4] == "1996" else row for row in ROWS]
    place = read_bif(write_text(tmp_path / "BIF.csv", rows=newer))["FI-Hyy"]
    assert (place.latitude, place.longitude) == (60.0, 20.0)


@pytest.mark.parametrize(
    ("value", "message"),
    [("61 51 N", "'61 51 N'"), ("105.0", "within -90 to 90"), ("", "found ''")],
)
def test_coordinates_that_are_none_are_refused(tmp_path, value, message):
    rows = [(*row[:4], value) if row[4] == "61.8475" else row for row in ROWS]
    with pytest.raises(InputError, match=rf"FI-Hyy LOCATION_LAT: .*{message}"):
        read_bif(write_text(tmp_path / "BIF.csv", rows=rows))


def test_files_that_are_none_are_refused(tmp_path):
    with pytest.raises(InputError, match="GROUP_ID: column is missing"):
        read_bif(write_text(tmp_path / "a.csv", rows=[("SITE_ID", "x"), ("FI-Hyy", "1")]))
    for name, content in (("a.xlsx", b"PK\x03\x04nothing"), ("b.xlsx", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=r"cannot be read as xlsx.*save it as csv"):
            read_bif(tmp_path / name)
    with zipfile.ZipFile(tmp_path / "c.xlsx", "w") as book:
        book.writestr("xl/worksheets/sheet1.xml", SHEET.format("")[:-5])
    with pytest.raises(InputError, match="cannot be read as xlsx"):
        read_bif(tmp_path / "c.xlsx")


def test_one_that_cannot_be_read_is_passed_over(tmp_path):
    data = tmp_path / "FLX_FI-Hyy_DD.csv"
    data.write_text("TIMESTAMP,TA_F\n20080101,1")
    (tmp_path / "A_BIF_1.xlsx").write_bytes(b"broken")
    assert place_beside(data, "FI-Hyy")[0] is None
    assert "cannot be read as xlsx" in place_beside(data, "FI-Hyy")[1]
    write_text(tmp_path / "B_BIF_2.csv")
    assert place_beside(data, "FI-Hyy") == (HYYTIALA, "coordinates from B_BIF_2.csv")
    assert place_beside(data, "XX-Non")[0] is None
    (tmp_path / "A_BIF_1.xlsx").unlink()
    other = "B_BIF_2.csv tells that of FI-Hyy, not of XX-Non"
    assert place_beside(data, "XX-Non") == (None, other)
    assert place_beside(data, None) == (None, "")


@pytest.mark.parametrize(
    ("name", "site"),
    [
        ("FLX_FI-Hyy_FLUXNET2015_FULLSET_DD_1996-2014_1-4.csv", "FI-Hyy"),
        ("ICOSETC_SE-Nor_FLUXNET_DD_L2.csv", "SE-Nor"),
        ("AMF_US-MMS_FLUXNET_SUBSET_HR_1999-2020_3-5.csv", "US-MMS"),
        ("TERN_AU-Tum_FLUXNET_FLUXMET_DD_2001-2023_v1.3_r1.csv", "AU-Tum"),
        ("mine.csv", None),
    ],
)
def test_site_in_a_name(tmp_path, name, site):
    assert site_code(tmp_path / name) == site
