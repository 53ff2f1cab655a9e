"""Growth curves and single stocks from tables of any make."""

import contextlib
import csv
import io
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bayes_tbm.errors import DataWarning, InputError
from bayes_tbm.streams import GrowthCurve, Stock
from bayes_tbm.streams.stated_date import as_date

ABOVE = {"quantity": "above_ground", "root_share": 0.2}
FOLDER = "formats/biomass"


def rows_of(path, encoding="utf-8", **wanted):
    with path.open(encoding=encoding) as file:
        rows = list(csv.DictReader(file))
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


def by_age(rows, age, value):
    pairs = [(float(row[age]), float(row[value])) for row in rows]
    pairs = [pair for pair in pairs if 0 < pair[0] <= 300 and pair[1] > 0]
    return np.array(sorted(pairs, key=lambda pair: pair[0])).T


CASES = {
    "ForC": (
        "ForC_simplified_edu_biomass_north-of-45N.csv", "stand.age", "mean",
        {"variable.name": "biomass_ag"}, {"unit": "Mg C ha-1"}, 100.0, 349,
        "1 of age 999 (mature, age unknown), 11 beyond 300 yr; 349 are used",
    ),
    "GROA": (
        "GROA_biomass_north-of-45N.csv", "stand.age", "mean_ha",
        {"variables.name": "aboveground_biomass"}, {"unit": "Mg ha-1"}, 47.0, 68,
        "1 of no biomass (0), 1 of age 0; 68 are used",
    ),
    "Robinson": (
        "Robinson2025_literature_measurement_data.csv", "age", "agc_mgha", {"plot": "5000"}, {},
        100.0, None, None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ["ForC", "GROA"])
def test_long_tables_make_a_curve_by_one_call(shared_data, name):
    file, age, value, where, unit, factor, count, told = CASES[name]
    path = shared_data / FOLDER / file
    with pytest.warns(DataWarning) as warned:
        found = GrowthCurve.from_csv(path, where=where, sd="20 %", **unit, **ABOVE)
    assert [str(w.message).endswith(told) for w in warned] == [True]
    ages, values = by_age(rows_of(path, **where), age, value)
    assert len(found.age) == count
    np.testing.assert_array_equal(found.age, ages)
    np.testing.assert_allclose(found.value, factor * values, rtol=1e-14)
    np.testing.assert_allclose(found.sd, 0.2 * found.value, rtol=1e-14)
    assert found.bind(None).data.own_log_sd[0] > 0.5  # plots of one age scatter by some 60 %


def test_literature_plots_make_a_curve_by_one_call(shared_data):
    path = shared_data / FOLDER / CASES["Robinson"][0]
    with pytest.warns(DataWarning) as warned:
        found = GrowthCurve.from_csv(path, sd="20 %", **ABOVE)
    told = " ".join(str(w.message) for w in warned)
    assert "50 of no biomass (0); 6042 are used" in told
    assert "6042 points make every evaluation slow" in told
    ages, values = by_age(rows_of(path), "age", "agc_mgha")
    np.testing.assert_array_equal(found.age, ages)
    np.testing.assert_allclose(found.value, 100.0 * values, rtol=1e-14)  # the name says Mg C ha-1
    one = GrowthCurve.from_csv(path, where={"plot": 1785}, sd="20 %", **ABOVE)
    np.testing.assert_allclose(one.value[:3], [869.5, 1071.6, 1240.8], rtol=1e-12)


HEAD = "site,Stand_Age,variable,mean,sd,q05,q95,unit"
LONG = [
    "A,60,agb_total,110,16,80,150,Mg ha-1",
    "B,20,agb_total,40,8,25,55,Mg ha-1",
    "B,20,litter,3,1,1,5,Mg ha-1",
    "C,60,agb_total,130,20,90,170,Mg ha-1",
]
TOTAL = {"variable": "agb_total"}


def table(tmp_path, *rows, head=HEAD, name="plots.csv"):
    path = tmp_path / name
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


@pytest.fixture
def long(tmp_path):
    return table(tmp_path, *LONG)


@pytest.mark.parametrize(
    ("sd", "expected"),
    [
        (None, [8, 16, 20]),
        ("SD", [8, 16, 20]),
        ("10 %", [4, 11, 13]),
        ("12.5%", [5, 13.75, 16.25]),
        (7, [7, 7, 7]),
        (np.float32(7), [7, 7, 7]),
        (("q05", "q95"), np.array([30, 70, 80]) / 3.2897072539),
        (["q05", "q95"], np.array([30, 70, 80]) / 3.2897072539),
    ],
)
def test_standard_deviations_of_every_kind(long, sd, expected):
    found = GrowthCurve.from_csv(long, where=TOTAL, sd=sd, **ABOVE)
    np.testing.assert_allclose(found.sd, 47.0 * np.array(expected), rtol=1e-9)
    np.testing.assert_array_equal(found.age, [20, 60, 60])
    np.testing.assert_allclose(found.value, [1880, 5170, 6110], rtol=1e-12)


@pytest.mark.parametrize(
    ("where", "count"),
    [
        ({"site": "A"}, 1),
        ({"site": ["A", "C"]}, 2),
        ({"site": ("B", "C"), **TOTAL}, 2),
        ({"Stand_Age": 60}, 2),
        ({"stand_age": 60.0, "mean": [110, "130"]}, 2),
    ],
)
def test_rows_are_chosen_by_text_number_or_several(long, where, count):
    assert len(GrowthCurve.from_csv(long, where=where, **ABOVE).age) == count


def test_columns_of_other_names(tmp_path):
    path = table(tmp_path, "30;1,5", head="yrs;stock")
    found = GrowthCurve.from_csv(path, age="yrs", value="stock", sd="10 %", unit="kg C m-2")
    np.testing.assert_allclose([found.value[0], found.sd[0]], [1500.0, 150.0])


REFUSED = [
    ({}, "variable", "must be of one variable; found agb_total (3), litter (1); choose one"),
    ({"where": {"variable": "agb_totl"}}, "variable", "no row holds 'agb_totl'; found agb_total"),
    ({"where": {"variabel": "x"}}, "variabel", "did you mean variable?"),
    ({"where": {"site": ["A", "D"]}}, "site", "no row holds 'D'"),
    ({"where": "agb_total"}, "where", "must say by column"),
    ({"where": TOTAL, "age": "yrs"}, "yrs", "column is missing"),
    ({"where": TOTAL, "value": "sdd"}, "sdd", "did you mean sd?"),
    ({"where": TOTAL, "sd": "error"}, "error", "column is missing"),
    ({"where": TOTAL, "sd": ("q95", "q05")}, "sd", "the 5 % must lie below the 95 %"),
    ({"where": TOTAL, "sd": ("q05", "q5")}, "q5", "column is missing"),
    ({"where": TOTAL, "sd": True}, "sd", "a share such as '10 %'"),
    ({"where": TOTAL, "sd": np.nan}, "sd", "a share such as '10 %'"),
    ({"where": TOTAL, "sd": -3.0}, "sd", "must be a positive number"),
    ({"where": TOTAL, "sd": "0 %"}, "sd", "must be a positive number"),
    ({"where": TOTAL, "value": "site"}, "site", "must be a number in every row; found 'A' in row"),
    ({"where": TOTAL, "unit": "stones"}, "unit", "found 'stones'"),
]


@pytest.mark.parametrize(("options", "variable", "told"), REFUSED)
def test_what_cannot_be_meant_is_refused(long, options, variable, told):
    with pytest.raises(InputError) as error:
        GrowthCurve.from_csv(long, **options, **ABOVE)
    assert str(error.value).startswith(f"{long}: {variable}: ")
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_two_columns_of_one_meaning_are_told(tmp_path):
    path = table(tmp_path, "30,40,50,5,Mg ha-1", head="age,mean,value,sd,unit")
    with pytest.raises(
        InputError, match=r"biomass: must be one column; found columns mean, value; name it"
    ):
        GrowthCurve.from_csv(path)
    assert GrowthCurve.from_csv(path, value="mean").value[0] == pytest.approx(1880.0)


def test_roots_alone_are_no_biomass_of_a_stand(tmp_path):
    head = "age,variable.name,mean"
    path = table(tmp_path, "30,biomass_root,4", head=head)
    with pytest.raises(InputError, match="more than what is below ground; found biomass_root"):
        GrowthCurve.from_csv(path, unit="Mg C ha-1", sd=1)
    path = table(tmp_path, "30,biomass_ag,4", head=head)
    with pytest.warns(DataWarning, match="biomass_ag looks as if it left out .* below ground"):
        GrowthCurve.from_csv(path, unit="Mg C ha-1", sd=1)
    GrowthCurve.from_csv(path, unit="Mg C ha-1", sd=1, **ABOVE)  # warnings are errors here


CODES = ["999,50", "NA,50", "40,NAC", "40,NI", "40,NRA", "0,50", "400,50", "40,0", "-9999,50",
         "40,-9999", "40,"]  # fmt: skip


def test_rows_of_nothing_known_are_left_out_and_counted(tmp_path):
    path = table(tmp_path, *CODES, "60,70", head="age,mean")
    told = (
        "5 without biomass, 1 of no biomass (0), 2 without an age, 1 of age 999 (mature, age "
        "unknown), 1 of age 0, 1 beyond 300 yr; 1 are used"
    )
    with pytest.warns(DataWarning) as warned:
        found = GrowthCurve.from_csv(path, unit="Mg C ha-1", sd=5)
    assert told in str(warned[0].message)
    assert warned[0].filename == __file__
    np.testing.assert_array_equal([found.age, found.value], [[60.0], [7000.0]])
    path = table(tmp_path, *CODES, head="age,mean")
    with pytest.raises(InputError, match="must hold a row that can be used; found 5 without"):
        GrowthCurve.from_csv(path, unit="Mg C ha-1", sd=5)


def zipped(text):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("plots.csv", text)
    return out.getvalue()


PLAIN = "age,biomass,sd,unit,place\n20,40.5,8,Mg ha-1,Juupajoki\n60,110,15.5,Mg ha-1,Ilomantsi\n"


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.replace("\n", "\r\n").encode(),
        b"\xef\xbb\xbf" + PLAIN.encode(),
        PLAIN.replace("Juupajoki", "Hyyti\xe4l\xe4").encode("latin-1"),
        PLAIN.replace(",", ";").replace(".", ",").encode(),
        PLAIN.replace(",", "\t").encode(),
        b"# of 2012\n\n" + PLAIN.replace("\n60", "\n\n# more\n60").encode(),
        "\n".join([PLAIN.split("\n")[0], *PLAIN.split("\n")[2:0:-1]]).encode(),
        b"place,unit,sd,biomass,age\nJ,Mg ha-1,8,40.5,20\nI,Mg ha-1,15.5,110,60\n",
    ],
    ids=["dos", "bom", "latin-1", "decimal commas", "tabs", "comments", "unsorted", "order"],
)
def test_tables_are_read_however_they_are_written(tmp_path, content):
    path = tmp_path / "plots.csv"
    path.write_bytes(content)
    found = GrowthCurve.from_csv(path)
    np.testing.assert_array_equal(found.age, [20.0, 60.0])
    np.testing.assert_allclose(found.value, [1903.5, 5170.0], rtol=1e-14)
    np.testing.assert_allclose(found.sd, [376.0, 728.5], rtol=1e-14)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "an empty file"),
        (PLAIN[:-12].encode(), "is the file cut short"),
        (zipped(PLAIN), "a zip archive"),
        (PLAIN.replace("Mg ha-1", "m").encode(), "unit must be"),
        (PLAIN.replace("20,40.5", "40.5,-20").encode(), "positive number"),
        (b"age,biomass,sd,unit\n", "must hold a row"),
        (b"age,biomass,sd,unit\n20,,8,Mg ha-1\n", "1 without biomass"),
    ],
    ids=["empty", "cut", "zip", "unit", "negative", "header", "gaps"],
)
def test_bad_files_are_refused_in_one_line(tmp_path, content, told):
    path = tmp_path / "plots.csv"
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        GrowthCurve.from_csv(path)
    assert "plots.csv" in str(error.value)
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(InputError, match="must be a readable CSV file"):
        GrowthCurve.from_csv(tmp_path / "none.csv")


CELL = st.sampled_from(["", "NA", "NRA", "-9999", "0", "999", "1e9", "inf", "x", "20", "-3"])
NAME = st.sampled_from(["", "age", "mean", "value", "variable.name", "stand.age", "sd", "#"])


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
@pytest.mark.filterwarnings("ignore::bayes_tbm.errors.DataWarning")
def test_no_table_breaks_the_reader(tmp_path, data):
    lines = [line.split(",") for line in PLAIN.strip().split("\n")]
    for _ in range(data.draw(st.integers(1, 4))):
        line, column = data.draw(st.integers(0, 2)), data.draw(st.integers(0, 4))
        lines[line][column] = data.draw(CELL if line else NAME)
    path = tmp_path / "plots.csv"
    path.write_text("\n".join(",".join(line) for line in lines) + "\n")
    with contextlib.suppress(InputError):
        found = GrowthCurve.from_csv(path, unit="Mg ha-1")
        assert (np.diff(found.age) >= 0.0).all()
        assert ((found.value > 0.0) & (found.sd > 0.0)).all()


@pytest.fixture
def stocks(tmp_path):
    return table(
        tmp_path, "A,60,2001,110", "A,70,2011.25,120", "B,80,2001-06-30,130", "C,NA,1999,99",
        head="plot,stand.age,date,mean",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("options", "age", "date"),
    [
        ({"where": {"plot": "B"}}, 80.0, None),
        ({"where": {"plot": "A", "stand.age": 70}}, 70.0, None),
        ({"where": {"mean": 110}, "date": "date"}, None, "2001-07-02T12:00:00"),
        ({"where": {"mean": 120}, "date": "Date"}, None, "2011-04-02T06:00:00"),
        ({"where": {"plot": "B"}, "date": "date"}, None, "2001-06-30T00:00:00"),
        ({"where": {"plot": "C"}, "date": "2000-05-01"}, None, "2000-05-01T00:00:00"),
        ({"where": {"plot": "C"}, "age": 44}, 44.0, None),
        ({"where": {"plot": "B"}, "age": "stand.age"}, 80.0, None),
    ],
)
def test_a_stock_is_one_row(stocks, options, age, date):
    found = Stock.from_csv(stocks, sd="10 %", unit="Mg ha-1", **options)
    assert (found.age, found.date) == (age, date)
    value, sd = found.carbon()
    assert sd == pytest.approx(0.1 * value)


def test_a_table_of_dates_alone_places_a_stock_by_date(tmp_path):
    path = table(tmp_path, "2008-07-15,5.9,0.9,kg C m-2", head="date,value,sd,unit")
    found = Stock.from_csv(path, quantity="wood", name="plot")
    assert (found.date, found.quantity, found.name) == ("2008-07-15T00:00:00", "wood", "plot")
    assert found.carbon() == pytest.approx((5900.0, 900.0))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "one row is needed for a single stock; found 3 rows (age 60.0, 70.0, 80.0)"),
        ({"where": {"plot": "A"}, "age": 30}, "one row is needed for a single stock; found 2 rows"),
        ({"where": {"plot": "C"}}, "must hold a row that can be used; found 1 without an age"),
        ({"where": {"plot": "B"}, "age": 60, "date": "2001"}, "needs an age or a date, not both"),
        ({"where": {"plot": "B"}, "date": "plot"}, "must be a date as in 2008-07-15, or a year"),
        ({"where": {"plot": "B"}, "date": "soon"}, "date: must be a date"),
        ({"where": {"plot": "B"}, "age": "yrs"}, "yrs: column is missing"),
        ({"where": {"plot": "B"}, "age": True}, "age: must be a number"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*rows left out")
def test_a_stock_that_is_not_one_row_is_refused(stocks, options, told):
    with pytest.raises(InputError) as error:
        Stock.from_csv(stocks, sd="10 %", unit="Mg ha-1", **options)
    assert told in str(error.value)


def test_dates_are_texts_or_years():
    assert as_date("2008-07", "x") == "2008-07-01T00:00:00"
    assert as_date("2017.5", "x") == "2017-07-02T12:00:00"
    assert as_date("2016", "x") == "2016-07-02T00:00:00"
    for bad in ("15.7.2008", "20080", "x", "nan", ""):
        with pytest.raises(InputError, match="must be a date"):
            as_date(bad, "x")


@pytest.mark.parametrize("year", [2008, 2008.0, "2008", np.int64(2008)])
def test_a_stock_of_a_year_lies_in_its_middle(year):
    stock = Stock(59.0, 9.0, "Mg C ha-1", date=year)
    assert np.datetime64(stock.date, "D") == np.datetime64("2008-07-02")


def test_a_stock_of_a_decimal_year_lies_there():
    assert str(Stock(59.0, 9.0, "Mg C ha-1", date=2008.25).date).startswith("2008-04-01")
    with pytest.raises(InputError, match="must be a date as in 2008-07-15, or a year"):
        Stock(59.0, 9.0, "Mg C ha-1", date=12)


def test_another_unit_than_the_tables_own_is_refused(tmp_path):
    path = tmp_path / "b.csv"
    path.write_text("age,biomass,sd,unit\n20,18,2,Mg C ha-1\n60,64,3,Mg C ha-1\n")
    with pytest.raises(InputError, match="unit: must be that of the table, Mg C ha-1; found Mg ha"):
        GrowthCurve.from_csv(path, unit="Mg ha-1")
    assert GrowthCurve.from_csv(path, unit="t C ha-1").value[0] == pytest.approx(1800.0)
    path.write_text("age,agc_mgha,sd\n20,18,2\n60,64,3\n")
    with pytest.raises(InputError, match="must be that of the table, Mg C ha-1"):
        GrowthCurve.from_csv(path, unit="Mg ha-1", quantity="above_ground")


@pytest.mark.parametrize(
    ("text", "options", "told"),
    [
        ("age,biomass,cv\n20,40,0.1\n", {"sd": "cv"}, "cv: must hold standard deviations"),
        ("age,biomass,variance\n20,40,9\n", {"sd": "variance"}, "must hold standard deviations"),
        ("age_months,biomass,sd\n240,40,4\n", {"age": "age_months"}, "must be ages in years"),
    ],
)
def test_columns_that_say_that_they_hold_something_else_are_refused(tmp_path, text, options, told):
    (tmp_path / "plots.csv").write_text(text)
    with pytest.raises(InputError, match=told):
        GrowthCurve.from_csv(tmp_path / "plots.csv", unit="Mg ha-1", **options)


def test_thousands_with_a_dot_are_read_beside_decimal_commas(tmp_path):
    (tmp_path / "plots.csv").write_text("age;biomass;sd\n20;1.040,5;104,0\n60;12.110,0;1.211,0\n")
    curve = GrowthCurve.from_csv(tmp_path / "plots.csv", unit="g C m-2")
    np.testing.assert_allclose(curve.value, [1040.5, 12110.0])
    np.testing.assert_allclose(curve.sd, [104.0, 1211.0])


def test_errors_of_many_times_the_value_are_doubted(tmp_path):
    (tmp_path / "plots.csv").write_text("age;biomass;sd\n20;1.040;104\n60;2.110;211\n")
    with pytest.warns(DataWarning, match="more than 3 times the biomass in 2 of 2 rows"):
        GrowthCurve.from_csv(tmp_path / "plots.csv", unit="Mg ha-1")
