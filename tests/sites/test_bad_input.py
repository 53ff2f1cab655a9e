"""Each bad input is refused in one line that names the file, the variable and what was found."""

import re

import numpy as np
import pytest
import xarray as xr

from bayes_tbm.catalogue import open_site
from bayes_tbm.errors import InputError
from bayes_tbm.sites import Observations, Site
from bayes_tbm.sites.drivers import make_drivers
from bayes_tbm.units import UNITS

STEPS = 40


def message(path, **options) -> str:
    with pytest.raises(InputError) as caught:
        open_site(path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def assert_says(text, *parts):
    for part in parts:
        assert part in text


def test_latitude_that_is_a_longitude(own):
    text = message(own(latitude=((), 105.0, {"units": "degrees_north"})))
    assert text == (
        "own.nc: latitude: must be within -90 to 90 degrees; found 105.0; "
        "did you swap latitude and longitude?"
    )


@pytest.mark.parametrize(
    ("variable", "value", "parts"),
    [
        ("T2M_MIN", 290.0, ("t_min", "-90 to 65", "290 degC on 2001-01-04", "kelvin")),
        ("T2M_MIN", 60.0, ("t_max - t_min", "must not be negative", "2001-01-04", "1 of 40")),
        ("SSRD", -0.5, ("shortwave", "0 to 60", "-0.5 MJ m-2 d-1 on 2001-01-04")),
        ("VPD", -1.0, ("vpd", "-1 hPa on 2001-01-04")),
        ("TOTAL_PREC", -2.0, ("precipitation", "-2 mm d-1 on 2001-01-04")),
        ("CO2", 0.0004, ("co2", "100 to 2000", "0.0004 ppm")),
        ("BURNED_AREA", 1.5, ("burned_fraction", "0 to 1", "found 1.5")),
        ("DOY", 400.0, ("day_of_year", "0 to 367", "found 400")),
        ("T2M_MAX", np.nan, ("t_max", "value at every step", "nan", "2001-01-04 (1 of 40")),
        ("VPD", -9999.0, ("vpd", "value at every step", "2001-01-04 (1 of 40")),
        ("CO2", np.inf, ("CO2", "must be finite numbers", "inf at time 3", "1 of 40")),
    ],
)
def test_driver_out_of_bounds(variable, value, parts, cardamom, content):
    name = {"T2M_MIN": "t_min", "SSRD": "shortwave", "VPD": "vpd", "TOTAL_PREC": "precipitation",
            "CO2": "co2", "BURNED_AREA": "burned_fraction", "DOY": "day_of_year",
            "T2M_MAX": "t_max"}[variable]  # fmt: skip
    values = content["drivers"][name].copy()
    values[3] = value
    assert_says(message(cardamom(**{variable: ("time", values)})), "A-B.cbf.nc: ", *parts)


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (lambda t: t[[0, 2, 1, *range(3, STEPS)]], ("must increase", "2001-01-02", "sort")),
        (lambda t: t[[0, 1, 1, *range(3, STEPS)]], ("must not repeat", "2001-01-02", "2 of 40")),
        (lambda t: t + 5.0 * (t > 20), ("within 20% of the usual 1 d", "2001-01-26", "missing")),
        (lambda t: np.where(t > 39, np.nan, t), ("every step needs a time", "1 missing")),
    ],
)
def test_bad_time(change, parts, cardamom, content):
    time = ("time", change(content["days"]), {"units": "days since 2001-01-01"})
    assert_says(message(cardamom(time=time)), "A-B.cbf.nc: time: ", *parts)


@pytest.mark.parametrize("days", [40, 91, 365])
def test_steps_longer_than_months_are_refused(days, content):
    time = np.datetime64("2001-01-01T12", "ns") + np.arange(STEPS) * np.timedelta64(days, "D")
    drivers = {name: x for name, x in content["drivers"].items() if name != "day_of_year"}
    with pytest.raises(InputError, match=rf"^x: time: steps must be a month .*found {days} d; gi"):
        Site("x", 61.5, None, make_drivers(time, drivers), {})


@pytest.mark.parametrize(("name", "value"), [("nee", -151.8351), ("gpp", -151.8351), ("som", -8e7)])
def test_a_unit_is_told_to_its_end(name, value, site):
    seen = Observations(name, UNITS[name], site.drivers.time.values[:2], [value, 1.0], 1.0)
    found = re.escape(f"found {value:g} {UNITS[name]} on 2001-01-01 (1 of 2")
    told = rf"{name}: must be within .*{found}"
    with pytest.raises(InputError, match=told):
        Site("x", 61.5, None, site.drivers, {name: seen})


@pytest.mark.filterwarnings("ignore:.*more than the sun gives")  # weather that is made up
def test_calendar_months_are_even_enough(content, tmp_path):
    starts = np.arange("2001-01", "2004-06", dtype="datetime64[M]").astype("datetime64[h]")
    middle = (starts[:-1] + np.diff(starts) // 2)[:STEPS].astype("datetime64[ns]")
    drivers = {name: x for name, x in content["drivers"].items() if name != "day_of_year"}
    site = Site("months", 61.5, None, make_drivers(middle, drivers), {})
    assert (site.step_name, site.drivers.step_length.values[0]) == ("monthly", 30.4375)


def test_too_few_steps(site):
    with pytest.raises(
        InputError, match=r"at least two steps.*2002 and -; found 0 of .*2001-01-01"
    ):
        site.window(start="2002")


def test_unreadable_date(site):
    for date in ("yesteryear", "01.02.2005", "2005.5"):
        with pytest.raises(InputError, match=rf"start: must be a date, as in .*; found '{date}'"):
            site.window(start=date)


def test_negative_standard_deviation(differland):
    unc = np.full(STEPS, 0.5)
    unc[2] = -0.5
    text = message(differland(GPPunc=("time", unc)))
    assert_says(text, "A-B.nc: gpp: standard deviation must not be negative", "-0.5", "2001-01-03")


def test_factor_below_one(cardamom, content):
    attrs = {"opt_unc_type": 1.0, "single_unc": 0.5}
    none = ("time", np.full(STEPS, np.nan))
    text = message(cardamom(GPP=("time", content["series"]["gpp"], attrs), GPPunc=none))
    assert_says(text, "A-B.cbf.nc: GPP: ", "factor must be at least 1", "0.5")


@pytest.mark.parametrize(("variable", "unit"), [("T2M_MIN", "K m-1"), ("SSRD", "hPa")])
def test_wrong_unit(variable, unit, differland):
    text = message(differland(**{variable: ("time", np.ones(STEPS), {"units": unit})}))
    assert_says(text, f"A-B.nc: {variable}: unit must be", f"found '{unit}'")


def test_own_format_needs_units(own):
    text = message(own(vpd=("time", np.ones(STEPS))))
    assert_says(text, "own.nc: vpd: needs a units attribute, as in 'hPa'")


@pytest.mark.parametrize("variable", ["vpd", "latitude", "precipitation"])
def test_own_format_missing_variable(variable, own):
    assert_says(message(own(drop=(variable,))), "own.nc: ", variable, "missing")


def test_own_format_odd_calendar(own):
    time = ("time", np.arange(STEPS) + 0.5, {"units": "days since 2001-01-01", "calendar": "moon"})
    assert_says(
        message(own(time=time)), "own.nc: time: calendar must be one of", "noleap", "'moon'"
    )


def test_missing_driver(cardamom):
    path = cardamom()
    data = xr.load_dataset(path, engine="h5netcdf", decode_times=False).drop_vars("VPD")
    data.to_netcdf(path, engine="h5netcdf")
    assert message(path) == "A-B.cbf.nc: VPD: variable is missing"


@pytest.mark.parametrize(("change", "short"), [(-8, True), (-3, True), (8, False)])
def test_binary_of_the_wrong_size(change, short, binary):
    path = binary()
    path.write_bytes((path.read_bytes() + b"\0" * 8)[: 8800 + change])
    text = message(path)
    expected = f"size must be 8800 bytes for the 40 steps of its header; found {8800 + change}"
    assert_says(text, "A-B.cbf: ", expected)
    assert ("cut short" in text) == short


@pytest.mark.parametrize("size", [0, 5, 100, 2000])
def test_binary_without_a_whole_header(size, binary):
    path = binary()
    path.write_bytes(path.read_bytes()[:size])
    assert_says(message(path), "A-B.cbf: is not a binary CARDAMOM file", f"{size} bytes")


@pytest.mark.parametrize("content_of_file", [b"time,gpp\n2001-01-01,3\n", b"", b"\0" * 4096])
def test_not_netcdf(content_of_file, tmp_path):
    path = tmp_path / "text.nc"
    path.write_bytes(content_of_file)
    assert_says(message(path), "text.nc: is not a netCDF file", "first bytes")


def test_truncated_netcdf(own):
    path = own()
    path.write_bytes(path.read_bytes()[:3000])
    assert_says(message(path), "own.nc: cannot be read as netCDF", "cut short")


def test_netcdf_of_something_else(tmp_path):
    path = tmp_path / "other.nc"
    xr.Dataset({"snow": ("x", np.ones(3))}).to_netcdf(path, engine="h5netcdf")
    assert_says(message(path), "other.nc: is of no format that is known", "found variables snow")


def test_missing_file(tmp_path):
    path = tmp_path / "gone.nc"
    assert_says(message(path), f"{path}: no such file", "FI-Hyy")
    assert_says(message(tmp_path), "is a folder")


@pytest.mark.parametrize(
    ("name", "near"),
    [("FI-Hyyt", "FI-Hyy"), ("fi-hyy", "FI-Hyy"), ("fluxval:CA-NS9", "fluxval:CA-NS"),
     ("hyytiala", "hyytiala-twin")],
)  # fmt: skip
def test_unknown_name_suggests_the_nearest(name, near):
    text = message(name)
    assert_says(text, f"{name}: neither a file nor a known site", f"did you mean {near}", "known: ")


def test_unknown_name_without_near_match_lists_what_there_is():
    text = message("zzz")
    assert "did you mean" not in text
    assert_says(text, "BE-Vie", "hyytiala-twin-daily", "cardamom:demo", "bayes-tbm sites")
    assert_says(text, "and 51 from fluxval:BE-Vie to fluxval:US-Wi4")
    assert len(text) < 300


@pytest.mark.parametrize(
    ("given", "parts"),
    [({"gpp": -1.0}, ("gpp", "positive", "-1.0")), ({"gpp": np.nan}, ("gpp", "positive")),
     ({"reco": 1.0}, ("reco: is not observed here", "gpp"))],
)  # fmt: skip
def test_bad_uncertainty(given, parts, own):
    assert_says(message(own(), uncertainty=given), "own.nc: ", *parts)


def test_observations_need_a_time_each():
    with pytest.raises(InputError, match="gpp: needs one time for each value; found 1 times and 2"):
        Observations("gpp", "g C m-2 d-1", np.array(["2001-01-01"], "M8[ns]"), [1.0, 2.0], [1, 1])
    with pytest.raises(InputError, match="not an observed variable; found sif"):
        Observations("sif", "1", np.array([], "M8[ns]"), [], [])


def test_uncertainty_of_unknown_kind_or_of_initial_soil_carbon(cardamom):
    gpp = ("time", np.ones(STEPS), {"opt_unc_type": 7.0})
    assert_says(message(cardamom(GPP=gpp)), "A-B.cbf.nc: GPP: opt_unc_type must be 0", "found 7")
    prior = ((), 9000.0, {"unc": 0.5, "opt_unc_type": 1.0})
    text = message(cardamom(SOM=("time", np.full(STEPS, np.nan)), PEQ_iniSOM=prior))
    assert_says(text, "A-B.cbf.nc: PEQ_iniSOM: ", "at least 1; found 0.5")
