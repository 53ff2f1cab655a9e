"""Sites from tables and datasets in memory, and single observed values."""

import contextlib
import io
import warnings

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bayes_tbm.catalogue import open_site
from bayes_tbm.errors import DataWarning, InputError
from bayes_tbm.sites import Observations, Site

pytestmark = pytest.mark.filterwarnings(  # weather that is made up knows no sun
    "ignore:.*more than the sun gives:bayes_tbm.DataWarning"
)

UNITS = {
    "t_min": "degC", "t_max": "degC", "shortwave": "W m-2", "co2": "ppm", "vpd": "kPa",
    "precipitation": "mm d-1", "gpp": "umol m-2 s-1", "wood": "t C ha-1", "nee": "g C m-2 d-1",
}  # fmt: skip


def made(index=None, **changes):
    """A year of days, or what the index says."""
    index = pd.date_range("2009-01-01", periods=365) if index is None else index
    warm = np.cos(2 * np.pi * (np.arange(len(index)) / len(index) - 0.55))
    columns = {
        "t_min": 1 + 9 * warm, "t_max": 8 + 9 * warm, "shortwave": 110 + 90 * warm,
        "co2": 390 + 0 * warm, "vpd": 0.3 + 0.2 * warm, "precipitation": 1.8 + 0 * warm,
        "gpp": 3 + 3 * warm, "gpp_sd": 0.5 + 0 * warm, **changes,
    }  # fmt: skip
    return pd.DataFrame(columns, index)


def site_of(frame, **options):
    stated = {"latitude": 61.85, "units": UNITS, "stamp": "start", "name": "XX-Abc", **options}
    return Site.from_dataframe(frame, **stated)


def test_units_are_converted_and_dates_are_days():
    site = site_of(made(), longitude=24.3)
    assert (site.name, site.latitude, site.longitude) == ("XX-Abc", 61.85, 24.3)
    assert (site.steps, site.step_name) == (365, "daily")
    assert str(site.drivers.time.values[0])[:13] == "2009-01-01T12"
    assert site.drivers.shortwave.values.max() == pytest.approx(200 * 0.0864, abs=0.01)
    assert site.drivers.vpd.values.max() == pytest.approx(5, abs=0.01)
    gpp = site.observations["gpp"]
    assert gpp.value.max() == pytest.approx(6 * 1.0377, abs=0.01)
    assert gpp.sd[0] == pytest.approx(0.5 * 1.0377, abs=1e-4)
    assert gpp.time[0] == site.drivers.time.values[0]
    assert any("start of each step" in note for note in site.notes)


def test_canonical_units_may_be_said_in_a_word():
    drivers = open_site("hyytiala-twin").drivers
    frame = drivers.to_dataframe()
    site = site_of(frame, units="canonical", stamp="middle")
    for name in ("t_min", "vpd", "day_of_year", "step_length", "days"):
        assert np.allclose(site.drivers[name], drivers[name], atol=0.5)
    assert any("not used: day_of_year, step_length, days" in note for note in site.notes)
    with pytest.raises(InputError, match="or 'canonical'; found SI"):
        site_of(frame, units="SI")


@pytest.mark.parametrize("name", ["t_min", "co2", "gpp"])
def test_every_column_needs_its_unit(name):
    units = {key: unit for key, unit in UNITS.items() if key != name}
    with pytest.raises(InputError, match=rf"XX-Abc: {name}: needs a unit; state it.*canonical"):
        site_of(made(), units=units)


def test_columns_of_other_names():
    frame = made().rename(columns={"t_min": "TMIN_C", "gpp": "GPP", "gpp_sd": "err"})
    site = site_of(frame, columns={"t_min": "TMIN_C", "gpp": "GPP", "gpp_sd": "err"})
    assert site.drivers.equals(site_of(made()).drivers)
    assert site.observations["gpp"].sd[0] == pytest.approx(0.519, abs=1e-3)


def test_spread_in_a_unit_of_its_own():
    site = site_of(made(gpp_sd=0.5), units=UNITS | {"gpp_sd": "g C m-2 d-1"})
    assert site.observations["gpp"].sd[0] == 0.5


def test_kelvin_has_an_offset():
    frame = made(t_min=made().t_min + 273.15)
    site = site_of(frame, units=UNITS | {"t_min": "K"})
    assert np.allclose(site.drivers.t_min, made().t_min)


@pytest.mark.parametrize(
    ("freq", "stamp", "first"),
    [
        ("MS", "start", "2009-01-16T12:00"),
        ("ME", "end", "2009-01-16T12:00"),
        ("D", "start", "2009-01-01T12:00"),
        ("D", "end", "2008-12-31T12:00"),
        ("7D", "start", "2009-01-04T12:00"),
    ],
)
def test_stamps_move_to_the_middle(freq, stamp, first):
    index = pd.date_range("2009-01-01", periods=24, freq=freq)
    site = site_of(made(index), stamp=stamp)
    assert str(site.drivers.time.values[0])[:16] == first


def test_ends_of_months_may_be_firsts_of_the_next():
    index = pd.date_range("2009-02-01", periods=24, freq="MS")
    site = site_of(made(index), stamp="end")
    assert str(site.drivers.time.values[0])[:16] == "2009-01-16T12:00"


def test_periods_know_their_middle():
    site = site_of(made(pd.period_range("2009-01", periods=24, freq="M")), stamp="middle")
    assert str(site.drivers.time.values[1])[:16] == "2009-02-15T00:00"


def test_a_column_of_times_goes_before_the_index():
    frame = made().reset_index(names="time")
    assert site_of(frame).drivers.equals(site_of(made()).drivers)
    text = frame.assign(time=frame.time.dt.strftime("%Y-%m-%d"))
    assert site_of(text).drivers.equals(site_of(made()).drivers)
    renamed = frame.rename(columns={"time": "date"})
    assert site_of(renamed, columns={"time": "date"}).steps == 365


def test_a_zone_is_left_out_and_noted():
    frame = made(pd.date_range("2009-01-01", periods=365, tz="Europe/Helsinki"))
    site = site_of(frame)
    assert site.drivers.equals(site_of(made()).drivers)
    assert "time: zone Europe/Helsinki left out, its clock kept" in site.notes


def test_observations_at_other_times():
    wood = pd.DataFrame({"wood": [46.1, 48.6], "sd": [6.6, 6.6]}, pd.to_datetime(["2001", "2003"]))
    lai = pd.Series([2.5, 3.5], pd.to_datetime(["2009-06-01", "2009-07-01"]))
    som = Observations("som", "g C m-2", np.array(["2009-01-01"]), np.array([1.7e4]), np.nan)
    nee = made(gpp=0.0)[["gpp"]].rename(columns={"gpp": "value"}).iloc[::5]
    units = UNITS | {"lai": "m2 m-2"}
    site = site_of(made(), units=units, observations={"wood": wood, "lai": lai, "som": som})
    seen = site.observations
    assert (seen["wood"].value[0], seen["wood"].sd[0]) == pytest.approx((4610, 660))
    assert np.isnan(seen["lai"].sd).all()
    assert set(seen) == {"gpp", "wood", "lai", "som"}
    with pytest.warns(DataWarning, match="every 5 d"):
        site = site_of(made(), observations={"nee": nee})
    assert str(site.observations["nee"].time[1])[:16] == "2009-01-06T12:00"
    assert "time moved by 0.5 d" in site.observations["nee"].note


def test_a_renamed_series_may_lie_elsewhere():
    wood = pd.DataFrame({"Cw": [46.1], "err": [6.0]}, pd.to_datetime(["2009-07-01"]))
    site = site_of(made(), observations={"wood": wood}, columns={"wood": "Cw", "wood_sd": "err"})
    assert (site.observations["wood"].value[0], site.observations["wood"].sd[0]) == (4610, 600)


def test_uncertainty_is_that_of_with_uncertainty():
    site = site_of(made().drop(columns="gpp_sd"), uncertainty={"gpp": 0.8})
    assert (site.observations["gpp"].sd == 0.8).all()


def test_gaps_of_observations_are_left_out():
    gpp = made().gpp.where(np.arange(365) % 20 != 0)
    gpp.iloc[4] = -9999
    assert len(site_of(made(gpp=gpp)).observations["gpp"]) == 345


def test_numbers_of_other_kinds_are_numbers():
    frame = made().astype({"co2": "Int64", "gpp": "Float32"})
    frame["precipitation"] = frame["precipitation"].map(str)
    frame.loc[frame.index[3], "gpp"] = pd.NA
    site = site_of(frame)
    assert len(site.observations["gpp"]) == 364
    assert site.drivers.precipitation.values[0] == 1.8


NO_WOOD = Observations("wood", "g C m-2", np.zeros(0), np.zeros(0), np.nan)
WRONG = {
    "gap": (made(vpd=made().vpd.where(made().vpd > 0.2)), {}, "vpd: a driver must have a value"),
    "marked gap": (made(co2=[-9999.0] * 365), {}, "co2: a driver must have a value"),
    "absent": (made().drop(columns="co2"), {}, "co2: column is missing; found t_min.*columns="),
    "misnamed": (made().rename(columns={"shortwave": "Short_wave"}), {},
                 r"shortwave: column is missing.*did you mean Short_wave\?.*'shortwave': 'Short"),
    "renamed in vain": (made(), {"columns": {"t_min": "TMIN"}}, "TMIN: column is missing.*t_min"),
    "no such name": (made(), {"columns": {"tmin": "t_min"}}, "columns: holds.*did you mean t_min"),
    "no such unit name": (made(), {"units": UNITS | {"gpp_err": "1"}}, "units: holds.*gpp_sd"),
    "wrong unit": (made(), {"units": UNITS | {"vpd": "degC"}}, "vpd: unit must be 'hPa'"),
    "no unit": (made(), {"units": UNITS | {"vpd": "lots"}}, "vpd: unit must be 'hPa'.*lots"),
    "swapped": (made(t_min=made().t_max, t_max=made().t_min), {}, "t_min and t_max swapped"),
    "swapped units": (made(shortwave=made().co2, co2=made().shortwave), {}, "co2: must be within"),
    "text": (made(co2=["390,5"] * 365), {}, "co2: must be numbers; found '390,5'.*decimal"),
    "dates": (made(co2=pd.date_range("2009-01-01", periods=365)), {}, "co2: must be numbers"),
    "complex": (made(co2=390 + 1j), {}, "co2: must be numbers"),
    "categories": (made(co2=pd.Categorical(["a"] * 365)), {}, "co2: must be numbers"),
    "two of a name": (pd.concat([made(), made()[["vpd"]]], axis=1), {}, "vpd: must be a column of"),
    "doubled": (pd.concat([made(), made().iloc[[-1]]]), {}, "time: must not repeat"),
    "unsorted": (made().iloc[::-1], {}, "time: must increase"),
    "missing day": (made().drop(made().index[100]), {}, "time: steps must be within"),
    "one row": (made().iloc[:1], {}, "at least two steps"),
    "half-hours": (made(pd.date_range("2009-01-01", periods=96, freq="30min")), {},
                   "steps must be a day or longer; found steps of 0.5 h; .*resample"),
    "no row": (made().iloc[:0], {}, "at least two steps"),
    "midnights": (made(), {"stamp": "middle"}, "found midnights.*stamp='start'"),
    "last days as starts": (made(pd.date_range("2009-01-31", periods=12, freq="ME")), {},
                            "found the last day of each month; say stamp='end'"),
    "last days as middles": (made(pd.date_range("2009-01-31", periods=12, freq="ME")),
                             {"stamp": "middle"}, "say stamp='end'"),
    "first days as middles": (made(pd.date_range("2009-01-01", periods=12, freq="MS")),
                              {"stamp": "middle"}, "first day of each month; say stamp='start'"),
    "stamp": (made(), {"stamp": "begin"}, "stamp: must be one of start, middle, end"),
    "no dates": (made().reset_index(drop=True), {}, "time: needs an index of dates.*int64"),
    "other dates": (made(pd.Index(["31.12.2009"] * 9)), {}, "time: must be dates.*31.12.2009"),
    "far off": (made(pd.date_range("3000-01-01", periods=9)), {}, "time: dates must lie within"),
    "no date": (made(pd.Index([None, "2009-01-01", "2009-01-02"]))[[*UNITS][:6]], {},
                "time: every step needs"),
    "tuples": (made(pd.MultiIndex.from_product([["a"], [1, 2]])), {}, "time: must be dates"),
    "nothing": (made()[[]], {}, "t_min: column is missing; found no column"),
    "no table": ([1, 2], {}, "must be a pandas.DataFrame"),
    "latitude": (made(), {"latitude": 618.5}, "latitude: must be within"),
    "given twice": (made(), {"observations": {"gpp": made().gpp}}, "gpp: is given twice"),
    "no series": (made(), {"observations": {"wod": made().gpp}}, "'wod'; did you mean wood"),
    "no value": (made(), {"observations": {"wood": made()[["co2"]]}}, "wood: column is missing"),
    "a list": (made(), {"observations": {"wood": [1]}}, "wood: must be a pandas.DataFrame or"),
    "another": (made(), {"observations": {"som": NO_WOOD}},
                "som: must be observations of it; found wood"),
    "uncertainty": (made(), {"uncertainty": {"lai": 1.0}}, "lai: is not observed here"),
}  # fmt: skip


@pytest.mark.parametrize(("frame", "options", "said"), WRONG.values(), ids=WRONG)
def test_wrong_tables_are_refused_in_a_line(frame, options, said):
    with pytest.raises(InputError, match=said) as caught:
        site_of(frame, **options)
    assert "\n" not in str(caught.value)


def test_columns_that_look_like_ours_are_asked_about():
    frame = made().rename(columns={"gpp": "GPP", "gpp_sd": "Ustar"})
    with pytest.warns(DataWarning, match=r"GPP is not used; did you mean gpp\? .*{'gpp': 'GPP'}"):
        site = site_of(frame)
    assert "not used: GPP, Ustar" in site.notes


READ = {
    "BOM": (lambda t: b"\xef\xbb\xbf" + t.encode(), {}),
    "DOS": (lambda t: t.replace("\n", "\r\n").encode(), {}),
    "commas": (lambda t: t.replace(",", ";").replace(".", ",").encode(),
               {"sep": ";", "decimal": ","}),
}  # fmt: skip


@pytest.mark.parametrize(("change", "options"), READ.values(), ids=READ)
def test_ten_lines_from_a_file(change, options):
    raw = change(made().to_csv(index_label="date", date_format="%Y-%m-%d"))
    frame = pd.read_csv(io.BytesIO(raw), index_col="date", parse_dates=True, **options)
    assert np.allclose(site_of(frame).drivers.vpd, site_of(made()).drivers.vpd)


def test_a_dataset_brings_its_units():
    twin = open_site("hyytiala-twin")
    site = Site.from_dataset(twin.drivers, latitude=twin.latitude, name="twin")
    assert np.allclose(site.drivers.vpd, twin.drivers.vpd)
    data = made().rename_axis("time").to_xarray()
    with pytest.raises(InputError, match="t_min: needs a unit"):
        Site.from_dataset(data, latitude=61.85, stamp="start")
    site = Site.from_dataset(data, latitude=61.85, stamp="start", units=UNITS)
    assert site.drivers.equals(site_of(made()).drivers)


def with_leaves():
    """A dataset over time, and leaf area at dates of its own."""
    seen = pd.to_datetime(["2009-07-01", "2009-07-09"])
    data = made().rename_axis("time").to_xarray().assign_coords(seen=seen)
    return data.assign(lai=("seen", [3.0, 3.1], {"units": "1"}))


@pytest.mark.parametrize(
    ("attribute", "value"),
    [("scale_factor", 0.1), ("scale_factor", np.array([0.01])), ("add_offset", np.float32(3.0)),
     ("scale_factor", "0.1")],
)  # fmt: skip
@pytest.mark.parametrize("name", ["t_max", "gpp", "gpp_sd", "lai"])
def test_a_variable_that_is_not_decoded_is_refused(name, attribute, value):
    data = with_leaves()
    data[name].attrs[attribute] = value
    with pytest.raises(InputError, match=rf"{name}: must be decoded; found {attribute} .*open the"):
        Site.from_dataset(data, latitude=61.85, stamp="start", units=UNITS)
    data[name].attrs[attribute] = 1.0 if attribute == "scale_factor" else 0
    Site.from_dataset(data, latitude=61.85, stamp="start", units=UNITS)


@pytest.mark.parametrize(
    ("attribute", "mark"),
    [("_FillValue", 7.7), ("missing_value", np.float32(7.7)), ("missing_value", "7.7"),
     ("missing_value", np.array([88.0, 7.7]))],
)  # fmt: skip
@pytest.mark.parametrize("name", ["gpp", "lai"])
def test_what_a_dataset_calls_missing_is(name, attribute, mark):
    data = with_leaves()
    count = data[name].size
    data[name] = data[name].copy(data=np.where(np.arange(count) == 1, 7.7, data[name].values))
    data[name].attrs[attribute] = mark
    site = Site.from_dataset(data, latitude=61.85, stamp="start", units=UNITS)
    assert len(site.observations[name]) == count - 1


def test_a_dataset_of_one_place_with_other_dates():
    data = made().rename_axis("time").to_xarray().expand_dims(lat=[61.85], lon=[24.3])
    for name, unit in UNITS.items():
        if name in data:
            data[name].attrs["units"] = unit
    data["t_min"] = data["t_min"] + 273.15
    data["t_min"].attrs["units"] = "K"
    dates = pd.to_datetime(["2009-03-01", "2009-08-01"])
    data["wood"] = ("dated", [46.1, 48.6], {"units": "t C ha-1"})
    data["wood_sd"] = ("dated", [6.0, 6.0], {"units": "t C ha-1"})
    data = data.assign_coords(dated=dates)
    site = Site.from_dataset(data, latitude=61.85, stamp="start", uncertainty={"gpp": 1.0})
    assert np.allclose(site.drivers.t_min, made().t_min)
    assert np.allclose(site.observations["wood"].value, [4610, 4860])
    assert np.allclose(site.observations["wood"].sd, 600)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (made(), "must be an xarray.Dataset with an index 'time'"),
        (xr.Dataset({"t_min": ("day", [1.0])}), "must be an xarray.Dataset with an index 'time'"),
        (
            made().rename_axis("time").to_xarray().assign(co2=(("time", "x"), np.ones((365, 2)))),
            "co2: must lie over time",
        ),
        (made().rename_axis("time").to_xarray().assign_coords(time=range(365)), "index of dates"),
    ],
)
def test_wrong_datasets_are_refused(data, said):
    with pytest.raises(InputError, match=said):
        Site.from_dataset(data, latitude=61.85, units=UNITS)


def test_soil_carbon_of_a_map_as_one_number():
    site = site_of(made()).with_observation("som", 173.47, 45.52, unit="t C ha-1")
    som = site.observations["som"]
    assert (som.value[0], som.sd[0]) == pytest.approx((17347, 4552))
    assert som.time[0] == site.drivers.time.values[0]
    more = site.with_observation("som", 16e3, 4e3, unit="g C m-2", time="2008-05")
    assert list(more.observations["som"].value) == [16e3, 17347]
    assert len(site.observations["som"]) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": "soil"}, "not an observed variable; found soil"),
        ({"sd": 0.0}, "uncertainty must be positive"),
        ({"sd": "much"}, "uncertainty must be positive, a number"),
        ({"unit": "m"}, "som: unit must be"),
        ({"time": "someday"}, "must be a date"),
        ({"value": -5.0}, "som: must be within"),
        ({"value": "much"}, "som: must be a number"),
    ],
)
def test_a_wrong_number_is_refused(options, said):
    given = {"name": "som", "value": 17347, "sd": 4552, "unit": "g C m-2", **options}
    with pytest.raises(InputError, match=said):
        site_of(made()).with_observation(**given)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from([*made(), "wood", "time", "nee"]) | st.text(max_size=4),
    values=st.sampled_from([None, "x", 1j, -1e300, np.inf, pd.NaT, "2009-01-01", b"3", [1], 2.0]),
    unit=st.text(max_size=5) | st.sampled_from(["K", "ppm", "W m-2"]),
    stamp=st.sampled_from(["start", "end", "middle", ""]),
)
def test_any_table_is_read_or_refused(name, values, unit, stamp):
    frame = made(pd.date_range("2009-01-01", periods=4))
    frame[name] = pd.Series([values] * 4, index=frame.index)
    with warnings.catch_warnings(), contextlib.suppress(InputError):
        warnings.simplefilter("ignore", DataWarning)
        site_of(frame, units={**UNITS, **({name: unit} if name in UNITS else {})}, stamp=stamp)


@pytest.mark.parametrize("ending", ["unc", "uc", "se", "std"])
def test_a_spread_of_another_ending_is_not_left_out_in_silence(ending):
    frame = made().assign(**{"NEE": 1.0, f"NEE_{ending}": 0.5})
    with pytest.warns(DataWarning, match=f"NEE_{ending} is not used; did you mean nee_sd"):
        site_of(frame, columns={"nee": "NEE"})
