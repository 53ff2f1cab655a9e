"""Tables of the FLUXNET family as strangers spoil them: the right reading, or one line."""

import warnings
import zipfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bayes_tbm as bt
from bayes_tbm.errors import DataWarning, InputError
from bayes_tbm.formats.fluxnet import is_fluxnet, read_fluxnet
from bayes_tbm.formats.reading import Reading
from bayes_tbm.formats.table import read_header
from bayes_tbm.sites.contents import Contents

from .fluxnet_pair import write_pair

NAMES = (
    "TA_F", "SW_IN_F", "VPD_F", "P_F", "CO2_F_MDS", "NEE_VUT_REF", "NEE_VUT_REF_QC",
    "NEE_VUT_REF_RANDUNC", "NEE_VUT_REF_JOINTUNC", "GPP_NT_VUT_REF", "GPP_DT_VUT_REF", "LE_F_MDS",
    "LE_F_MDS_QC", "LE_RANDUNC", "PA_F",
)  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Forty days, with few columns; not to be changed."""
    site = bt.open_site("hyytiala-twin-daily", start="2008-01-01", end="2008-02-09")
    files = write_pair(site, tmp_path_factory.mktemp("made"))
    for path, stamps in ((files.daily, 1), (files.fine, 2)):
        frame = pd.read_csv(path, dtype=str)
        keep = [*frame.columns[:stamps], *(name for name in NAMES if name in frame)]
        frame[keep].to_csv(path, index=False)
    return files


@pytest.fixture
def files(made, tmp_path):
    return made.copied(tmp_path)


@pytest.fixture(scope="module")
def plain(made):
    return {"daily": read_fluxnet(made.daily), "fine": read_fluxnet(made.fine)}


def table(path):
    return pd.read_csv(path, dtype=str)


def save(frame, path, **how):
    frame.to_csv(path, index=False, **how)


def rewrite(path, change, encoding="utf-8"):
    path.write_bytes(change(path.read_text()).encode(encoding))


# what changes nothing


def latin(path):
    save(table(path).assign(NOTE="Hyyti\u00e4l\u00e4"), path, encoding="latin-1")


def decimal_commas(path):
    save(table(path).apply(lambda column: column.str.replace(".", ",")), path, sep=";")


def spelled_out(path):
    frame = table(path)
    frame.iloc[:, 0] = frame.iloc[:, 0] + ".0"  # as R and pandas write what they took for numbers
    save(frame, path)


HARMLESS = {
    "columns in another order": lambda path: save(table(path).iloc[:, ::-1], path),
    "lower case": lambda path: save(table(path).rename(columns=str.lower), path),
    "unsorted": lambda path: save(table(path).sample(frac=1.0, random_state=1), path),
    "DOS line ends": lambda path: rewrite(path, lambda text: text.replace("\n", "\r\n")),
    "old Macintosh line ends": lambda path: rewrite(path, lambda text: text.replace("\n", "\r")),
    "byte order mark": lambda path: rewrite(path, str, "utf-8-sig"),
    "UTF-16": lambda path: rewrite(path, str, "utf-16"),
    "latin-1": latin,
    "decimal commas": decimal_commas,
    "tabs": lambda path: save(table(path), path, sep="\t"),
    "quotes": lambda path: save(table(path), path, quoting=1),
    "stamps with .0": spelled_out,
    "empty lines": lambda path: rewrite(path, lambda text: text + "\n\n"),
    "other columns of text": lambda path: save(table(path).assign(FLAG="good, I think"), path),
}


@pytest.mark.parametrize("which", ["daily", "fine"])
@pytest.mark.parametrize("how", HARMLESS)
def test_what_changes_nothing(files, plain, how, which):
    path = getattr(files, which)
    HARMLESS[how](path)
    assert is_fluxnet(read_header(path))
    read = read_fluxnet(path)
    assert read.drivers.equals(plain[which].drivers)
    for name, seen in plain[which].observations.items():
        assert np.array_equal(read.observations[name].value, seen.value)
        assert np.array_equal(read.observations[name].sd, seen.sd)
    assert any("sorted" in note for note in read.notes) is (how == "unsorted")


@pytest.mark.parametrize("stamp", ["TIMESTAMP_START", "TIMESTAMP_END"])
def test_one_stamp_is_enough(files, plain, stamp):
    save(table(files.fine).drop(columns=stamp), files.fine)
    assert read_fluxnet(files.fine).drivers.equals(plain["fine"].drivers)


# what is refused in one line


def swap(path, one, other):
    frame = table(path)
    frame[[one, other]] = frame[[other, one]]
    save(frame, path)


def change(path, column, function):
    frame = table(path)
    frame[column] = function(frame[column].astype(float)).astype(str)
    save(frame, path)


def packed(path):
    text = path.read_bytes()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("FLX.csv", text)


def set_first(path, column, value):
    frame = table(path)
    frame.loc[0, column] = value
    save(frame, path)


REFUSED = {
    "empty": ("daily", lambda p: p.write_bytes(b""), "an empty file"),
    "a header alone": ("daily", lambda p: save(table(p).iloc[:0], p), "no value in the first line"),
    "zip": ("daily", packed, "a zip archive; unpack it"),
    "cut": ("daily", lambda p: rewrite(p, lambda text: text[:-20]), "is the file cut short"),
    "cut half-hours": ("fine", lambda p: rewrite(p, lambda text: text[:-50]), "cut short"),
    "twice": ("daily", lambda p: save(pd.concat([table(p), table(p).iloc[[3]]]), p),
              "must not be there twice; found 2008-01-04"),
    "two of a name": ("daily", lambda p: save(table(p).assign(ta_f="1"), p),
                      "TA_F: must be a column of its own"),
    "ISO dates": ("daily", lambda p: set_first(p, "TIMESTAMP", "2008-01-01"),
                  "YYYYMMDD, YYYYMM or YYYY; found '2008-01-01'; a spreadsheet rewrote the dates"),
    "a spreadsheet": ("fine", lambda p: save(table(p).assign(TIMESTAMP_START="2.00801E+11"), p),
                      "a spreadsheet rounded it"),
    "no such day": ("daily", lambda p: set_first(p, "TIMESTAMP", "20080230"),
                    "must be a date of 8 digits in every line; found '20080230'"),
    "a stamp of unknown side": ("fine", lambda p: save(
        table(p).drop(columns="TIMESTAMP_END").rename(columns={"TIMESTAMP_START": "TIMESTAMP"}), p),
        "call the column TIMESTAMP_START or TIMESTAMP_END"),
    "steps of ten minutes": ("fine", lambda p: save(table(p).assign(TIMESTAMP_START=pd.date_range(
        "2008", periods=1920, freq="10min").strftime("%Y%m%d%H%M")), p), "found 10 min"),
    "ends elsewhere": ("fine", lambda p: set_first(p, "TIMESTAMP_END", "200801010100"),
                       "must be 30 min after the start"),
    "ends called starts": ("fine", lambda p: save(table(p).drop(columns="TIMESTAMP_START").rename(
        columns={"TIMESTAMP_END": "TIMESTAMP_START"}), p), "which are ends; call the column"),
    "text for a number": ("daily", lambda p: set_first(p, "SW_IN_F", "bad"), "must be a number"),
    "swapped sun and CO2": ("daily", lambda p: swap(p, "SW_IN_F", "CO2_F_MDS"), "co2: must be"),
    "swapped warmth and CO2": ("fine", lambda p: swap(p, "TA_F", "CO2_F_MDS"), "must be within"),
    "half-hours a day off": ("fine", lambda p: save(table(p).assign(TA_F=np.roll(
        table(p)["TA_F"], 48)), p), "of the same tower"),
    "Pa for hPa": ("fine", lambda p: change(p, "VPD_F", lambda v: 3e3 + 100 * v), "vpd: must be"),
    "MJ for W": ("daily", lambda p: change(p, "SW_IN_F", lambda v: v * 1e6), "shortwave: must be"),
    "mole fraction": ("daily", lambda p: change(p, "CO2_F_MDS", lambda v: v / 1e6), "co2: must be"),
    "percent": ("daily", lambda p: change(p, "NEE_VUT_REF_QC", lambda v: 100 * v),
                "must be a share within 0 to 1"),
    "shares in half-hours": ("fine", lambda p: change(p, "NEE_VUT_REF_QC", lambda v: v / 2.5),
                             "must be a flag: 0, 1, 2 or 3"),
    "a negative error": ("daily", lambda p: change(p, "NEE_VUT_REF_JOINTUNC", lambda v: -v),
                         "standard deviation must not be negative"),
    "NEE of seconds": ("daily", lambda p: change(p, "NEE_VUT_REF", lambda v: v * 86400),
                       "nee: must be within"),
    "no driver": ("daily", lambda p: save(table(p).drop(columns="VPD_F"), p),
                  "vpd: VPD_F: column is missing"),
    "nothing but gaps": ("daily", lambda p: save(pd.concat(
        [table(p)[["TIMESTAMP"]], table(p).iloc[:, 1:].assign(
            **dict.fromkeys(table(p).columns[1:], "-9999"))], axis=1), p),
        "shortwave: SW_IN_F: has no value"),
    "a column of gaps": ("daily", lambda p: save(table(p).assign(P_F="-9999"), p),
                         "precipitation: P_F: has no value"),
}  # fmt: skip


@pytest.mark.parametrize("how", REFUSED)
def test_what_is_refused_in_one_line(files, how):
    which, spoil, message = REFUSED[how]
    path = getattr(files, which)
    spoil(path)
    # Half-hours are read beside the daily file, except where they hold what is only theirs.
    alone = which == "fine" and how not in ("half-hours a day off",)
    with pytest.raises(InputError) as told:
        read_fluxnet(path if alone else files.daily).to_site()
    assert message in str(told.value)
    assert "\n" not in str(told.value)
    assert "np." not in str(told.value)


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ("TIMESTAMP_START,TIMESTAMP_END,TA,FC,CO2_1_1_1", "half-hours as measured"),
        ("TIMESTAMP,TA_ERA,SW_IN_ERA,VPD_ERA", "ERA5 weather alone"),
    ],
)
def test_other_products_are_refused_with_the_right_one(tmp_path, names, found):
    path = tmp_path / "x.csv"
    path.write_text(f"{names}\n" + ",".join("2" * (names.count(",") + 1)))
    with pytest.raises(InputError, match=f"{found}.*give the daily and the half-hourly file"):
        read_fluxnet(path)


def test_the_table_of_abuse_is_read_when_nothing_is_spoiled(files):
    for path in (files.daily, files.fine):
        assert read_fluxnet(path).to_site().steps == 40


# anything at all


@settings(max_examples=15)
@given(
    which=st.sampled_from(("daily", "fine", "bif")), piece=st.sampled_from(
        ["-9999", "", "x", '"', ",", ";", "\n", "\r", "0", "inf", "\x00", "\u00e9", "#", "TA_F"]
    ), place=st.floats(0, 1), length=st.sampled_from((0, 1, 5, 30, 2000)), early=st.booleans(),
)  # fmt: skip
def test_a_table_spoiled_anywhere_gives_a_reading_or_one_line(
    made, tmp_path_factory, which, piece, place, length, early
):
    folder, told = tmp_path_factory.getbasetemp() / "spoiled", ""
    folder.mkdir(exist_ok=True)
    path = getattr(made.copied(folder), which)
    text = path.read_text()
    first = int(place * (200 if early else len(text)))
    path.write_text(text[:first] + piece + text[first + length :], encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        try:
            read_fluxnet(folder / made.daily.name).to_site()
        except InputError as error:
            told = str(error)
    assert "\n" not in told


TOKENS = st.sampled_from(
    ["-9999", "", "NA", "0", "1", "2.5", "-3e5", "nan", "inf", "x", '"', "20080101", "1e400", "0,5"]
)
COLUMNS = st.lists(
    st.sampled_from([*NAMES, "TIMESTAMP", "TIMESTAMP_START", "TIMESTAMP_END", "x", "", "FC"]),
    min_size=1, max_size=8,
)  # fmt: skip


@settings(max_examples=30)
@given(
    names=COLUMNS, separator=st.sampled_from(",;\t"), digits=st.sampled_from((4, 6, 8, 12)),
    values=st.lists(st.lists(TOKENS, min_size=1, max_size=8), max_size=5), end=st.text(max_size=4),
)  # fmt: skip
def test_anything_gives_a_reading_or_one_line(
    tmp_path_factory, names, separator, digits, values, end
):
    told, path = "", tmp_path_factory.getbasetemp() / "FLX_XX-Any.csv"
    lines = [names]
    for day, row in enumerate(values, start=1):
        line = (row * 8)[: len(names)]
        stamp = f"200801{day:02d}{day % 24:02d}00"[:digits]
        line = [
            stamp if name.startswith("TIME") else value
            for name, value in zip(names, line, strict=True)
        ]
        lines.append(line)
    text = "\n".join(separator.join(line) for line in lines) + end
    path.write_text(text, encoding="utf-8", errors="replace")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        try:
            read = read_fluxnet(path, Reading(quality=0.0, fill_co2=True, fill_uncertainty=True))
            assert isinstance(read, Contents)
            read.to_site()
        except InputError as error:
            told = str(error)
    assert "\n" not in told
