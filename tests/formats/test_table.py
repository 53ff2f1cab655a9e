"""Tables as text: marks in numbers, comments, quotes, long headers, and what is no table."""

import zipfile

import numpy as np
import pytest

import bayes_tbm as bt
from bayes_tbm.errors import DataWarning, InputError
from bayes_tbm.formats.table import read_columns, read_header


def written(tmp_path, text, name="t.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def numbers(path, name="b"):
    return read_columns(read_header(path), [name]).numbers[name]


def column(separator, values, more=""):
    """Return a table of two columns, a and b; what is more stands below a."""
    rows = [f"{more or n}{separator}{value}" for n, value in enumerate(values, start=1)]
    return "\n".join([f"a{separator}b", *rows]) + "\n"


def stock(path):
    return bt.Stock.from_csv(path, value="b", sd="10 %", unit="g C m-2", age=40)


READERS = {"a table": numbers, "stocks": stock}
THOUSANDS = {
    "English, tabs": ("\t", ["450", "1,234", "11,020"], "", "'1,234' beside '450'"),
    "English, semicolons": (";", ["450", "1,234", "11,020"], "", "'1,234' beside '450'"),
    "English, below 0": (";", ["-450", "-1,234"], "", "'-1,234' beside '-450'"),
    "English, gaps": (";", ["NA", "-9999", "450", "1,234"], "", "'1,234' beside '450'"),
    "English, millions": ("\t", ["450", "1,234,567"], "", "'1,234,567' beside '450'"),
    "decimal points elsewhere": ("\t", ["1,234", "4,597"], "0.5", "'1,234' beside numbers with a"),
    "German": (";", ["450", "1.234", "4.597"], "", "'1.234' beside '450'"),
    "German, tabs": ("\t", ["1.234", "450"], "", "'1.234' beside '450'"),
    "both marks": (";", ["1,234", "1.234"], "", "'1,234' beside '1.234'"),
    "a decimal point beside": (";", ["1,234", "0.5"], "0,5", "'1,234' beside '0.5'"),
    "hundreds far below": (";", ["1,234"] + ["NA"] * 25_000 + ["450"], "", "'1,234' beside '450'"),
    "hundreds far above": (";", ["450"] + ["NA"] * 25_000 + ["1,234"], "", "'1,234' beside '450'"),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("how", THOUSANDS)
def test_marks_between_thousands_are_refused(tmp_path, how, reader):
    separator, values, more, told = THOUSANDS[how]
    path = written(tmp_path, column(separator, values, more))
    with pytest.raises(InputError) as error:
        READERS[reader](path)
    assert "b: thousands must be written plainly, without a mark" in str(error.value)
    assert told in str(error.value)
    assert "write 1234" in str(error.value).replace("-", "")
    assert "\n" not in str(error.value)


DECIMALS = {
    "three decimals": (";", ["1,234", "2,125", "17,347"], "", [1.234, 2.125, 17.347]),
    "three decimals, a point": ("\t", ["1.234", "2.125"], "", [1.234, 2.125]),
    "shares": (";", ["0,123", "0,500", "100"], "", [0.123, 0.5, 100.0]),
    "shares, a point": ("\t", ["0.123", "0.500", "100"], "", [0.123, 0.5, 100.0]),
    "some of fewer decimals": (";", ["450", "1,234", "2,5"], "", [450.0, 1.234, 2.5]),
    "some of fewer, a point": (";", ["450", "1.234", "2.5"], "", [450.0, 1.234, 2.5]),
    "four digits before it": (";", ["450", "1234,567"], "", [450.0, 1234.567]),
    "gaps alone beside": (";", ["-9999", "1,234", "-999"], "", [np.nan, 1.234, np.nan]),
    "years beside": ("\t", ["1", "2", "1,234"], "", [1.0, 2.0, 1.234]),
    "decimal commas elsewhere": (";", ["17,347"], "24,118", [17.347]),
    "commas between values": (",", ["450", "1.234", "4.597"], "", [450.0, 1.234, 4.597]),
    "an exponent": (";", ["450", "1,234e3"], "", [450.0, 1234.0]),
    "a million": (";", ["1.040,5", "12.110,0", "1.234.567,5"], "", [1040.5, 12110.0, 1234567.5]),
    "dots beside decimal commas": (";", ["450", "1.040", "2.110"], "0,5", [450.0, 1040.0, 2110.0]),
    "millions beside decimal commas": (";", ["1.234.567", "1,234"], "0,5", [1234567.0, 1.234]),
    "both beside": (";", ["450", "1.234", "0.5"], "0,5", [450.0, 1.234, 0.5]),
}  # fmt: skip


@pytest.mark.parametrize("how", DECIMALS)
def test_decimals_are_read_as_they_are_meant(tmp_path, how):
    separator, values, more, expected = DECIMALS[how]
    path = written(tmp_path, column(separator, values, more))
    np.testing.assert_allclose(numbers(path), expected, rtol=1e-15)


def test_columns_of_three_decimals_are_not_taken_for_thousands(tmp_path):
    """Whole numbers of hundreds hardly stand among rounded ones that all keep three decimals."""
    draws = np.random.default_rng(0).uniform(1.0, 900.0, (20, 60)).round(3)
    for separator, mark in ((";", ","), ("\t", "."), ("\t", ",")):
        for values in draws:
            texts = [f"{value:.10g}".replace(".", mark) for value in values]
            path = written(tmp_path, column(separator, texts))
            np.testing.assert_array_equal(numbers(path), values)


def test_dots_are_of_one_kind_down_the_column(tmp_path):
    """What is read at a time does not decide: 1.234 is a thousand in all rows, or in none."""
    far = ["-9999"] * 60 + ["0.5"] + [""] * 25_000 + ["1.234"]
    for values in (["1.234"] * 25_000 + ["0.5"], far):
        path = written(tmp_path, column(";", values, "0,5"))
        with pytest.raises(InputError, match=r"b: thousands must .*'1\.234' beside '0\.5'"):
            numbers(path)


@pytest.mark.parametrize("value", ["17,347", "1 234", "1'234", "1.234,5"])
def test_numbers_that_cannot_be_read_for_their_marks_say_so(tmp_path, value):
    path = written(tmp_path, column(",", ["1.5", f'"{value}"']))
    with pytest.raises(InputError, match=r"in line 3; write it with a decimal point"):
        numbers(path)


@pytest.mark.parametrize("gaps", [60, 25_000])
def test_decimal_commas_may_begin_far_below_the_header(tmp_path, gaps):
    path = written(tmp_path, column(";", ["-9999"] * gaps + ["1,5", "2,25"]))
    np.testing.assert_array_equal(numbers(path)[-3:], [np.nan, 1.5, 2.25])


@pytest.mark.parametrize("value", ["inf", "-inf", "Infinity", "1e400"])
def test_infinities_are_no_numbers(tmp_path, value):
    path = written(tmp_path, column(",", ["1", value]))
    with pytest.raises(InputError, match=f"t.csv: b: must be a number in every line.*{value}"):
        numbers(path)
    with pytest.raises(InputError, match=f"b: must be a number in every row.*{value}"):
        stock(path)


@pytest.mark.parametrize("kept", [True, False], ids=["some", "none"])
def test_rows_that_begin_as_comments_do_are_counted(tmp_path, kept):
    rows = ["#12,4", "#13,5", *["14,6"] * kept, "", "# of a meadow", "#", "'15,7"]
    path = written(tmp_path, "\n".join(["# before, it", "a,b", *rows]) + "\n")
    with pytest.warns(DataWarning) as warned:
        assert numbers(path).size == 1 + kept
    assert len(warned) == 1
    assert "t.csv: lines that begin with #" in str(warned[0].message)
    assert "2 have as many values as columns, the first is line 3" in str(warned[0].message)


def test_comments_are_no_rows_and_quoted_marks_no_comments(tmp_path):
    path = written(tmp_path, 'a,b\n# "one\n"#12",4\n# one, of, three\n1,5\n')
    read = read_columns(read_header(path), ["b"], ["a"])
    assert read.texts["a"].tolist() == ["#12", "1"]
    assert read.numbers["b"].tolist() == [4.0, 5.0]


def test_a_header_may_be_longer_than_what_is_looked_at_first(tmp_path):
    names = [f"{day}_Lai" for day in range(30_000)]
    text = ",".join(names) + "\n" + ",".join(map(str, range(30_000))) + "\n"
    assert len(text) > 4 << 16
    header = read_header(written(tmp_path, text))
    assert header.names == tuple(names)
    assert read_columns(header, [names[-1]]).numbers[names[-1]] == [29_999.0]


QUOTED = 'a,"b\n(t/ha)",note\r\n1,4,"felled\n\nin ""1950"", # 3"\r\n2,5,5" pipe\n3,6,"say ""a"""\n'


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_line_ends_within_quotes_end_no_row(tmp_path, mark):
    path = written(tmp_path, QUOTED.replace(",", mark))
    header = read_header(path)
    assert header.names == ("a", "b (t/ha)", "note")
    read = read_columns(header, ["a", "b (t/ha)"], ["note"])
    assert read.numbers["a"].tolist() == [1.0, 2.0, 3.0]
    assert read.numbers["b (t/ha)"].tolist() == [4.0, 5.0, 6.0]
    notes = [f'felled\n\nin "1950"{mark} # 3', '5" pipe', 'say "a"']
    assert read.texts["note"].tolist() == notes


def test_a_value_may_be_as_long_as_an_outline(tmp_path):
    path = written(tmp_path, 'a,b\n"' + "[1,2]," * 30_000 + '",4\n')
    assert numbers(path).tolist() == [4.0]


@pytest.mark.parametrize("rows", [3, 300])
def test_a_quote_that_is_never_closed_is_told(tmp_path, rows):
    path = written(tmp_path, "a,b\n1,2\n" + '3,"4\n' + "5,6\n" * rows)
    with pytest.raises(InputError, match=r"a quote must be closed; found one open in line 3"):
        numbers(path)


def test_a_stray_quote_in_the_header_does_no_harm(tmp_path):
    assert numbers(written(tmp_path, 'a,"b\n1,2\n')).tolist() == [2.0]


def sheet(path, names):
    with zipfile.ZipFile(path, "w") as book:
        for name in names:
            book.writestr(name, "<a/>")
    return path


OPENERS = {
    "open_site": bt.open_site,
    "inspect": bt.inspect,
    "from_csv": lambda path: bt.GrowthCurve.from_csv(path, unit="Mg ha-1"),
}


@pytest.mark.parametrize("opener", OPENERS)
@pytest.mark.parametrize("kind", ["xlsx", "xls"])
def test_sheets_of_excel_are_named(tmp_path, opener, kind):
    path = tmp_path / f"plots.{kind}"
    if kind == "xlsx":
        sheet(path, ["[Content_Types].xml", "_rels/.rels", "xl/workbook.xml"])
    else:
        path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 99)
    with pytest.raises(InputError, match="found an Excel sheet; save it as CSV"):
        OPENERS[opener](path)


def test_other_archives_are_to_be_unpacked(tmp_path):
    path = sheet(tmp_path / "t.zip", ["a.csv", "b.csv"])
    with pytest.raises(InputError, match=r"a zip archive; unpack it.*\(a.csv, b.csv\)"):
        read_header(path)
