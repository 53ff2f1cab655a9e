import numpy as np
import pytest
import xarray as xr

from bayes_tbm.catalogue import open_site
from bayes_tbm.errors import DataWarning
from bayes_tbm.formats.cardamom_binary import ASSUMED_SD
from bayes_tbm.sites import Observations
from bayes_tbm.sites.schema import DRIVERS
from bayes_tbm.units import UNITS


def test_four_formats_give_the_same_site(site, content, own, differland, cardamom, binary):
    for write in (own, differland, cardamom, binary):
        opened = open_site(write(), uncertainty=content["sd"] | {"nee": content["sd"]["nbe"]})
        assert opened.latitude == site.latitude
        assert list(opened.drivers) == list(DRIVERS)
        for name in DRIVERS:
            np.testing.assert_array_equal(opened.drivers[name], site.drivers[name], name)
            assert opened.drivers[name].attrs["units"] == UNITS[name]
        assert set(opened.observations) == set(site.observations)
        assert opened.data_hash() == site.data_hash(), write
        assert opened.step_name == "daily"


@pytest.mark.parametrize("hidden", ["A-B", "A-B.bin", "A-B.nc"])
def test_format_is_told_by_content_not_name(hidden, binary, cardamom):
    for write in (binary, cardamom):
        path = write()
        expected = open_site(path).data_hash()
        assert open_site(path.rename(path.with_name(hidden))).data_hash() == expected


def test_classic_netcdf_is_read_too(cardamom):
    path = cardamom()
    data = xr.load_dataset(path, engine="h5netcdf", decode_times=False)
    data.to_netcdf(path.with_name("classic.nc"), engine="scipy")
    assert open_site(path.with_name("classic.nc")).data_hash() == open_site(path).data_hash()


def test_binary_has_no_uncertainty_and_says_what_it_assumes(binary, content):
    seen = open_site(binary()).observations
    assert seen["gpp"].sd.tolist() == [1.0] * len(seen["gpp"])
    np.testing.assert_allclose(seen["lai"].sd, np.log(1.5) * seen["lai"].value)
    # Log-normal errors make ln 3 of it, the sd of the logarithm.
    log_sd = np.sqrt(np.log1p((seen["live_biomass"].sd / 6000) ** 2))
    assert log_sd == pytest.approx(np.log(3.0))
    assert "a factor of 3, a map's" in seen["live_biomass"].note
    assert all("assumed" in seen[name].note for name in ASSUMED_SD)


def factor_sd(factor):
    """Sd of 9000 whose log-normal errors are of a factor."""
    return 9000.0 * np.sqrt(np.expm1(np.log(factor) ** 2))


def test_binary_initial_soil_carbon_stands_at_the_first_step(binary, content):
    content["series"]["som"][:] = np.nan
    path = binary()
    numbers = np.fromfile(path, dtype="<f8")
    numbers[[100 + 22, 150 + 22]] = 9000.0, 2.0
    numbers.tofile(path)
    site = open_site(path)
    som = site.observations["som"]
    assert (som.value.tolist(), som.sd.tolist()) == ([9000.0], pytest.approx([factor_sd(2.0)]))
    assert som.time[0] == site.drivers.time[0]


def test_cardamom_initial_soil_carbon(cardamom):
    missing = ("time", np.full(40, -9999.0))
    prior = ((), 9000.0, {"unc": 1.5, "opt_unc_type": 1.0})
    som = open_site(cardamom(SOM=missing, PEQ_iniSOM=prior)).observations["som"]
    assert (som.value.tolist(), som.sd.tolist()) == ([9000.0], pytest.approx([factor_sd(1.5)]))


@pytest.mark.parametrize(
    ("attrs", "expected"),
    [
        ({"single_unc": 0.3}, lambda y: np.full(y.shape, 0.3)),
        ({"single_unc": 0.3, "opt_unc_type": -9999.0}, lambda y: np.full(y.shape, 0.3)),
        ({"single_unc": 2.0, "opt_unc_type": 1.0}, lambda y: np.log(2.0) * y),
        (
            {"single_mean_unc": np.int32(2), "opt_unc_type": 1.0, "min_threshold": 3.0},
            lambda y: np.log(2.0) * np.maximum(y, 3.0),
        ),
        ({"single_annual_unc": 0.1, "opt_unc_type": 2.0}, lambda y: 0.1 * y),
        ({"single_unc": 3.0, "structural_unc": 4.0}, lambda y: np.full(y.shape, 5.0)),
    ],
)
def test_cardamom_uncertainty_attributes(attrs, expected, cardamom, content):
    gpp = ("time", np.nan_to_num(content["series"]["gpp"], nan=-9999.0), attrs)
    none = ("time", np.full(40, -9999.0))
    seen = open_site(cardamom(GPP=gpp, GPPunc=none)).observations["gpp"]
    np.testing.assert_allclose(seen.sd, expected(seen.value))


def test_cardamom_value_uncertainty_goes_before_the_single_one(cardamom, content):
    attrs = {"single_unc": 2.0, "opt_unc_type": 0.0}
    unc = np.full(40, 0.5)
    unc[1] = -9999.0
    seen = open_site(
        cardamom(GPP=("time", content["series"]["gpp"], attrs), GPPunc=("time", unc))
    ).observations["gpp"]
    assert seen.sd.tolist() == [2.0] + [0.5] * (len(seen) - 1)


def test_cardamom_without_uncertainty_opens_with_nan(cardamom):
    site = open_site(cardamom(GPPunc=("time", np.full(40, -9999.0))))
    assert np.isnan(site.observations["gpp"].sd).all()
    assert "no uncertainty" in site.observations["gpp"].note
    assert (site.with_uncertainty({"gpp": 1.0}).observations["gpp"].sd == 1.0).all()


def test_cardamom_filter_warns(cardamom, content):
    gpp = ("time", content["series"]["gpp"], {"opt_filter": 1.0, "single_mean_unc": 2.0})
    with pytest.warns(DataWarning, match=r"A-B.cbf.nc: GPP: opt_filter = 1"):
        assert "pointwise" in open_site(cardamom(GPP=gpp)).observations["gpp"].note


def test_cardamom_epoch_is_2001_unless_units_say_otherwise(cardamom, content):
    days = content["days"]
    text = {"info": "Time since Jan 01/01/2000 00:00", "units": "Days"}
    site = open_site(cardamom(time=("time", days, text)))
    assert site.drivers.time.values[0] == np.datetime64("2001-01-01T12")
    assert "2000" in site.notes[0]
    site = open_site(cardamom(time=("time", days + 366, {"units": "days since 2000-01-01"})))
    assert site.drivers.time.values[0] == np.datetime64("2001-01-01T12")


def test_fire_keeps_nbe_and_nee_apart(cardamom):
    burned = np.zeros(40)
    burned[3] = 0.2
    site = open_site(cardamom(BURNED_AREA=("time", burned)))
    assert "nbe" in site.observations
    assert "nee" not in site.observations
    assert site.drivers.burned_fraction.values[3] == 0.2


def test_units_of_the_file_are_converted(cardamom, own, site):
    kelvin = ("time", site.drivers.t_min.values + 273.15, {"units": "K"})
    opened = open_site(cardamom(T2M_MIN=kelvin))
    np.testing.assert_allclose(opened.drivers.t_min, site.drivers.t_min, atol=1e-12)
    gpp = site.observations["gpp"].value
    milligram = ("gpp_time", gpp / 86400, {"units": "g C m-2 s-1"})
    np.testing.assert_allclose(open_site(own(gpp=milligram)).observations["gpp"].value, gpp)


def test_differland_nbe_is_nee_and_missing_uncertainty_is_the_median(differland, content):
    unc = np.linspace(0.1, 0.5, 40)
    unc[1], unc[2], unc[4] = np.nan, 0.0, -9999.0
    seen = open_site(differland(NBEunc=("time", unc))).observations
    kept = np.isfinite(content["series"]["nbe"]) & (unc >= 0)
    median = np.median(unc[kept])
    assert seen["nee"].sd[:3].tolist() == [median, 0.01 * median, median]
    assert "2 of 26 sd missing" in seen["nee"].note
    assert "1 of 26 sd below 1 %" in seen["nee"].note
    assert seen["nbe"].value.tolist() == seen["nee"].value.tolist()
    assert "nothing burned" in seen["nbe"].note


def test_differland_lai_repeated_over_eight_days_counts_once(differland):
    lai = ("time", np.repeat([1.0, 2.0, 1.5, 3.0, 2.5], 8))
    unc = np.tile(np.arange(8.0), 5)
    seen = open_site(differland(LAI=lai, LAIunc=("time", unc))).observations["lai"]
    assert seen.value.tolist() == [1.0, 2.0, 1.5, 3.0, 2.5]
    assert seen.sd.tolist() == [3.5] * 5
    assert seen.time[0] == np.datetime64("2001-01-05T12")
    assert "5 of 40 daily values" in seen.note


def test_differland_lai_interpolated_between_dekads_counts_where_it_bends(differland):
    dekads, product = [0, 10, 20, 30, 39], [1.0, 2.0, 1.5, 3.0, 2.5]
    lai = np.interp(np.arange(40), dekads, product).astype(np.float32)
    seen = open_site(differland(LAI=("time", lai))).observations["lai"]
    np.testing.assert_allclose(seen.value, product[1:-1])
    assert seen.time[0] == np.datetime64("2001-01-11T12")
    assert "3 of 40 daily values" in seen.note


def test_own_format_takes_plain_files_of_users(tmp_path, content):
    units = {name: {"units": UNITS[name]} for name in UNITS}
    needed = ("t_min", "t_max", "shortwave", "co2", "vpd", "precipitation")
    data = xr.Dataset({n: ("time", content["drivers"][n], units[n]) for n in needed})
    data["time"] = ("time", 24 * content["days"], {"units": "hours since 2001-01-01"})
    data["latitude"] = ((), 61.5, units["latitude"])
    data["gpp"] = ("time", content["series"]["gpp"], units["gpp"])
    data.to_netcdf(tmp_path / "mine.nc", engine="h5netcdf")
    site = open_site(tmp_path / "mine.nc")
    assert (site.name, site.longitude) == ("mine", None)
    np.testing.assert_array_equal(site.drivers.days, content["days"])
    np.testing.assert_array_equal(site.drivers.day_of_year, np.arange(1, 41))
    assert not site.drivers.burned_fraction.values.any()
    assert (len(site.observations["gpp"]), list(site.observations)) == (26, ["gpp"])
    assert np.isnan(site.observations["gpp"].sd).all()


def test_missing_marks_are_the_same():
    time = np.arange("2001-01-01", "2001-01-04", dtype="datetime64[D]")
    seen = Observations("gpp", UNITS["gpp"], time, [1.0, np.nan, -9999.0], [0.1, 0.1, 0.1])
    assert (seen.value.tolist(), len(seen)) == ([1.0], 1)
