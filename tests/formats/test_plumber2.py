"""PLUMBER2 files of weather and fluxes."""

import contextlib
import warnings

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bayes_tbm.errors import DataWarning, InputError
from bayes_tbm.formats.callmip import is_callmip
from bayes_tbm.formats.differland import is_differland
from bayes_tbm.formats.humidity import vpd_from_specific
from bayes_tbm.formats.own import is_own
from bayes_tbm.formats.plumber2 import is_plumber2, read_plumber2
from bayes_tbm.formats.reading import Reading

DAYS = 20
AXES = ("time", "y", "x")


def cube(values, **attrs):
    return AXES, np.asarray(values, dtype=np.float32).reshape(-1, 1, 1), attrs


def hours(per_day, days=DAYS):
    return np.arange(days * per_day) * (24 / per_day)


def frame(variables, per_day, first="2003-01-01"):
    """A file of these variables, with time and place."""
    seconds = {"units": f"seconds since {first} 00:00:00", "calendar": "standard"}
    steps = next(iter(variables.values()))[1].shape[0]
    variables |= {
        "time": ("time", np.arange(steps) * 86400.0 / per_day, seconds),
        "latitude": (("y", "x"), [[51.08]], {"units": "degrees_north"}),
        "longitude": (("y", "x"), [[10.45]], {"units": "degrees_east"}),
    }
    return xr.Dataset(variables, attrs={"site_code": "XX-Abc"})


def met(per_day=48, days=DAYS):
    hour = hours(per_day, days)
    sun = np.maximum(np.sin(2 * np.pi * (hour % 24 - 6) / 24), 0)
    flags = np.where(hour % 24 < 6, 1, 0)
    return frame(
        {
            "Tair": cube(283.15 + 5 * np.cos(2 * np.pi * (hour - 15) / 24), units="K"),
            "Tair_qc": cube(flags, units="1"),
            "SWdown": cube(400 * sun, units="W/m2"),
            "VPD": cube(6 * sun - 0.01, units="hPa"),
            "Precip": cube(np.full(hour.size, 2e-5), units="kg/m2/s"),
            "CO2air": cube(375 + hour / 100, units="ppm"),
            "Qair": cube(np.full(hour.size, 0.006), units="kg/kg"),
            "Psurf": cube(np.full(hour.size, 95000.0), units="Pa"),
            "LAI": cube(3 + hour / 480, units="1", source="MODIS"),
            "LAI_alternative": cube(2 + hour / 480, units="1", source="Copernicus"),
            "Wind": cube(np.full(hour.size, 2.0), units="m/s"),
        },
        per_day,
    )


def flux(per_day=48, filled=0.2):
    """The last `filled` of each day is filled."""
    hour = hours(per_day)
    flags = np.where(hour % 24 >= 24 * (1 - filled), 1, 0)
    ones = np.ones(hour.size)
    return frame(
        {
            "NEE": cube(-2 * ones, units="umol/m2/s"),
            "NEE_qc": cube(flags, units="1"),
            "NEE_uc": cube(0.5 * ones, units="umol/m2/s"),
            "GPP": cube(5 * ones, units="umol/m2/s"),
            "Resp": cube(3 * ones, units="umol/m2/s"),
            "Qle": cube(80 * ones, units="W/m2"),
            "Qle_qc": cube(0 * ones, units="1"),
            "Qle_cor": cube(100 * ones, units="W/m2"),
            "Qle_cor_uc": cube(20 * ones, units="W/m2"),
            "Qh": cube(20 * ones, units="W/m2"),
        },
        per_day,
    )


@pytest.fixture
def read(tmp_path):
    """Write files of weather and fluxes side by side, and read the first of them."""

    def do(weather=None, fluxes=None, reading=None, engine="scipy"):
        paths = []
        for part, data in (("Met", weather), ("Flux", fluxes)):
            path = tmp_path / f"XX-Abc_2003-2003_FLUXNET2015_{part}.nc"
            path.unlink(missing_ok=True)
            if data is not None:
                data.to_netcdf(path, engine=engine)
                paths.append(path)
        return read_plumber2(paths[0], reading)

    return do


@pytest.mark.parametrize("per_day", [24, 48, 96])
def test_days_from_hours_or_half_hours(read, per_day):
    contents = read(met(per_day))
    site = contents.to_site()
    assert (site.name, site.steps, site.step_name) == ("XX-Abc", DAYS, "daily")
    assert site.latitude == pytest.approx(51.08)
    assert str(site.drivers.time.values[0]) == "2003-01-01T12:00:00.000000000"
    day = site.drivers.isel(time=0)
    assert (float(day.t_min), float(day.t_max)) == pytest.approx((5, 15), abs=1e-4)
    # The mean of half a sine is amplitude / pi.
    assert float(day.shortwave) == pytest.approx(400 / np.pi * 0.0864, rel=0.01)
    assert float(day.precipitation) == pytest.approx(1.728)
    assert float(day.co2) == pytest.approx(375.12, abs=0.01)
    assert float(day.vpd) == pytest.approx(6 / np.pi, rel=0.01)
    told = "\n".join(contents.notes)
    assert f"steps of {1440 / per_day:g} minutes" in told
    assert "steps below 0, down to -0.01 hPa, set to 0" in told
    assert "not measured, filled by the provider: Tair 25.0%" in told
    assert f"not used: Wind ({DAYS * per_day} values)" in told


def test_netcdf_4_is_read_too(read):
    assert read(met(), engine="h5netcdf").to_site().steps == DAYS


def test_files_are_told_by_their_variables():
    for data in (met(), flux()):
        assert is_plumber2(data)
        assert not is_differland(data)
        assert not is_own(data)
        assert not is_callmip(data)
    bare = flux().drop_vars([name for name in flux() if str(name).endswith("_qc")])
    assert not is_plumber2(bare)  # a model's output has these names too


def test_vpd_comes_from_specific_humidity_where_it_must(read):
    weather = met().drop_vars("VPD")
    contents = read(weather)
    warmth = weather.Tair.values.ravel().reshape(DAYS, 48) - 273.15
    there = np.maximum(vpd_from_specific(0.006, 950.0, warmth), 0).mean(axis=1)
    assert np.allclose(contents.drivers["vpd"], there, rtol=1e-4)
    assert "vpd from Qair, Psurf and Tair (Tetens)" in contents.notes
    # Saturated air of 20 degC holds 14.7 g kg-1 at 1000 hPa.
    assert vpd_from_specific(0.0147, 1000.0, 20.0) == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize(
    ("absent", "said"),
    [(["CO2air"], "co2: no CO2air"), (["VPD", "Qair"], "vpd: nothing"), (["Precip"], "precip")],
)
def test_what_is_absent_is_said(read, absent, said):
    contents = read(met().drop_vars(absent))
    assert contents.drivers is None
    assert len(contents.lacks) == 1
    assert contents.lacks[0].startswith(said)
    with pytest.raises(InputError, match=said):
        contents.to_site()


def test_gaps_of_co2_are_filled_only_if_asked(read):
    weather = met()
    weather["CO2air"][: 48 * 2] = -9999
    weather["CO2air"][48 * 10 : 48 * 12] = np.nan
    contents = read(weather)
    assert contents.drivers is None
    assert contents.lacks == ("co2: 4 of 20 days have no value, the first 2003-01-01: "
                              "fill_co2=True (--fill-co2) fills them",)  # fmt: skip
    filled = read(weather, reading=Reading(fill_co2=True))
    co2 = filled.to_site().drivers.co2.values
    assert co2[0] == co2[1] == co2[2]
    assert np.diff(co2[8:14]) == pytest.approx(0.24, abs=0.001)
    assert any("co2: 4 of 20 days filled" in note for note in filled.notes)


def test_a_day_needs_three_quarters_of_its_steps(read):
    weather = met()
    weather["Tair"][48 * 3 : 48 * 3 + 12] = -9999
    assert read(weather).to_site().steps == DAYS
    weather["Tair"][48 * 3 + 12] = -9999
    contents = read(weather)
    assert contents.lacks[0].startswith("t_min: 1 of 20 days have no value, the first 2003-01-04")


def test_days_at_the_ends_that_are_not_whole_are_left_out(read):
    contents = read(met().isel(time=slice(7, -5)))
    assert contents.to_site().steps == DAYS - 2
    assert any("left out: 2003-01-01 (41 of 48 steps), 2003-01-20 (43" in n for n in contents.notes)


def test_days_of_missing_records_are_gaps(read):
    few = met().isel(time=np.r_[0 : 48 * 5, 48 * 5 + 40 : 48 * DAYS])
    assert any("2003-01-06" in line for line in read(few).lacks)


def test_repeated_records_are_dropped_if_they_agree(read):
    twice = met().isel(time=np.r_[0:101, 100 : 48 * DAYS])
    contents = read(twice)
    assert contents.drivers.equals(read(met()).drivers)
    assert "1 records repeat the one before, dropped" in contents.notes
    twice["Precip"][101] = 1.0
    with pytest.raises(InputError, match=r"two records of 2003-01-03T02:00 whose Precip differ"):
        read(twice)


def test_fluxes_beside_the_weather(read):
    contents = read(met(), flux())
    seen = contents.to_site().observations
    assert set(seen) == {"nee", "nbe", "gpp", "reco", "et", "lai"}
    assert seen["nee"].value[0] == pytest.approx(-2 * 1.0377, abs=1e-3)
    assert seen["nee"].sd[0] == pytest.approx(0.5 * 1.0377 / np.sqrt(48), abs=1e-3)
    assert seen["gpp"].value[0] == pytest.approx(5 * 1.0377, abs=1e-3)
    assert np.isnan(seen["gpp"].sd).all()
    assert seen["et"].value[0] == pytest.approx(80 * 0.0864 / 2.45, abs=1e-3)
    assert "not corrected for closure" in seen["et"].note
    assert "at least 75% of their steps measured (NEE_qc 0)" in seen["gpp"].note
    assert any("not used: Qle_cor (960 values), Qh (960" in note for note in contents.notes)


def test_fluxes_alone(read):
    contents = read(fluxes=flux())
    assert contents.drivers is None
    assert set(contents.observations) == {"nee", "gpp", "reco", "et"}
    assert "Met.nc" in contents.lacks[0]


@pytest.mark.parametrize(
    ("filled", "quality", "days"), [(0.2, 0.75, DAYS), (0.3, 0.75, 0), (0.3, 0.6, DAYS)]
)
def test_filled_days_do_not_enter(read, filled, quality, days):
    seen = read(fluxes=flux(filled=filled), reading=Reading(quality=quality)).observations
    assert len(seen.get("nee", ())) == days
    assert len(seen["et"]) == DAYS


def test_without_flags_nothing_counts_as_measured(read):
    bare = flux().drop_vars("NEE_qc")
    with pytest.warns(DataWarning, match="nee: no day is kept: no NEE_qc tells what was measured"):
        contents = read(fluxes=bare)
    assert set(contents.observations) == {"et"}
    everything = read(fluxes=bare, reading=Reading(quality=0.0)).observations
    assert "filled steps count too, as stated" in everything["nee"].note


def test_fluxes_without_flags_leave_the_weather_readable(read):
    bare = flux().drop_vars(["NEE_qc", "Qle_qc"])
    with pytest.warns(DataWarning, match=r"Flux.nc: nee: no day is kept.*quality=0.*et: no day"):
        contents = read(met(), bare)
    assert contents.to_site().steps == DAYS
    assert any(note.startswith("gpp: no day is kept: ") for note in contents.notes)
    every = read(met(), bare, Reading(quality=0.0)).to_site().observations
    assert len(every["nee"]) == len(every["et"]) == DAYS
    with pytest.raises(InputError, match=r"_Flux\.nc: holds neither"):
        read(met(), met())


def test_fluxes_of_other_days_are_cut_to_those_of_the_weather(read):
    later = flux()
    later["time"].attrs["units"] = "seconds since 2003-01-16 00:00:00"
    contents = read(met(), later)
    assert len(contents.to_site().observations["nee"]) == 5
    assert any("holds 2003-01-16 to 2003-02-04" in note
               and note.endswith("2003-01-01 to 2003-01-20: 15 of 20 days of fluxes left out")
               for note in contents.notes)  # fmt: skip
    later["time"].attrs["units"] = "seconds since 2007-01-01 00:00:00"
    with pytest.warns(DataWarning, match="20 of 20 days of fluxes left out, no day is in both"):
        contents = read(met(), later)
    assert set(contents.to_site().observations) == {"lai"}


def test_a_day_that_lacks_steps_is_as_bright_as_its_neighbours(read):
    whole = read(met()).drivers["shortwave"].values
    weather = met().isel(time=np.r_[0 : 48 * 5, 48 * 5 + 10 : 48 * DAYS])
    weather["SWdown"][48 * 12 - 10 : 48 * 12 + 2] = -9999  # the night after
    contents = read(weather)
    assert contents.drivers["shortwave"].values == pytest.approx(whole, rel=1e-6)
    told = "days read although some of their steps are missing: Tair 1, SWdown 2, VPD 1, Precip 1"
    assert any(note.startswith(f"{told}, CO2air 1; those of") for note in contents.notes)
    never = met()
    never["SWdown"][3::48] = -9999  # a time of day that no day has
    assert np.isfinite(read(never).drivers["shortwave"]).all()


def test_latent_heat_corrected_if_asked(read):
    seen = read(fluxes=flux(), reading=Reading(closure=True)).observations["et"]
    assert seen.value[0] == pytest.approx(100 * 0.0864 / 2.45, abs=1e-3)
    with pytest.raises(InputError, match="Qle_cor: latent heat corrected"):
        read(fluxes=flux().drop_vars("Qle_cor"), reading=Reading(closure=True))


def test_leaf_area_by_its_source_once_a_composite(read):
    lai = read(met()).observations["lai"]
    assert len(lai) == 3
    assert str(lai.time[0]) == "2003-01-05T00:00:00.000000000"
    assert lai.value[0] == pytest.approx(3.2, abs=0.01)
    assert np.isnan(lai.sd).all()
    swapped = met().rename(LAI="LAI_alternative", LAI_alternative="LAI")
    contents = read(swapped)
    assert len(contents.observations["lai"]) == 2
    assert any("LAI of the file is Copernicus here (LAI_alternative, MODIS" in n
               for n in contents.notes)  # fmt: skip
    unknown = met()
    unknown["LAI"].attrs["source"] = "GIMMS"
    contents = read(unknown)
    assert "lai" not in contents.observations
    assert any("LAI is not used" in note for note in contents.notes)


def test_leaf_area_before_the_product_is_none(read):
    early = met()
    early["time"].attrs["units"] = "seconds since 1996-01-01 00:00:00"
    assert "lai" not in read(early).observations


def changed(name, **attrs):
    data = met()
    data[name].attrs = attrs
    return data


def at(hours):
    data = met()
    return data.assign_coords(time=("time", np.asarray(hours) * 3600.0, data.time.attrs))


HALVES = hours(48)
WRONG = {
    "unit of temperature": (changed("Tair", units="m"), "Tair: unit must be 'degC'"),
    "no unit": (changed("SWdown"), "SWdown: needs a units attribute"),
    "unit of rain": (changed("Precip", units="mm"), "Precip: unit must be"),
    "three-hourly": (at(HALVES * 6), "steps must be half-hours, hours"),
    "daily": (at(HALVES * 48), "steps must be half-hours, hours"),
    "seven minutes": (at(HALVES * 7 / 30), "steps must be half-hours, hours"),
    "odd step": (at(np.where(HALVES == 30, 30.2, HALVES)), "30 minutes apart; found 2003-01-02 06"),
    "unsorted": (at(HALVES[np.r_[0, 2, 1, 3:960]]), "time: must increase; found 2003-01-01 00:30"),
    "ends of steps": (at(HALVES + 0.5), "must be the start of each step.*take away 30 minutes"),
    "five steps": (met().isel(time=slice(5)), "two whole days.*5 steps from 2003-01-01 00:00"),
    "flag": (met().assign(Tair_qc=met().Tair_qc + 7), "Tair_qc: flags must be of.*found 8"),
    "nothing": (met().drop_vars(["Tair", "SWdown"]), "holds neither Tair and SWdown"),
    "grid": (xr.concat([met(), met()], "x"), "one dimension"),
}


@pytest.mark.parametrize(("data", "said"), WRONG.values(), ids=WRONG)
def test_wrong_files_are_refused_in_a_line(read, data, said):
    with pytest.raises(InputError, match=said) as caught:
        read(data)
    assert "\n" not in str(caught.value)


def test_kelvin_called_celsius_is_refused_by_its_range(read):
    with pytest.raises(InputError, match="kelvin"):
        read(changed("Tair", units="degC")).to_site()


def test_all_missing_driver_is_said(read):
    weather = met()
    weather["SWdown"][:] = -9999
    assert read(weather).lacks == ("shortwave: nothing in the file gives it: add the variable",)


@pytest.mark.parametrize("kept", [0, 100, 30_000])
def test_truncated_file_is_refused(read, tmp_path, kept):
    read(met())
    path = next(tmp_path.glob("*_Met.nc"))
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError, match=r"is not a netCDF file|cannot be read as netCDF"):
        read_plumber2(path)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["Tair", "Tair_qc", "VPD", "CO2air", "LAI", "time", "latitude", "Psurf"]),
    unit=st.sampled_from(["K", "W/m2", "", "1", "seconds since 1999-1-1"]) | st.text(max_size=5),
    value=st.sampled_from([np.nan, np.inf, -np.inf, 0.0, -9999.0, 1e20, -3.0]),
    source=st.text(max_size=6),
)
def test_any_file_is_read_or_refused(read, name, unit, value, source):
    data = met(days=3)
    data[name] = (data[name].dims, np.full(data[name].shape, value))
    data[name].attrs = {"units": unit, "source": source}
    with warnings.catch_warnings(), contextlib.suppress(InputError):
        warnings.simplefilter("ignore")
        read(data).to_site()


@pytest.fixture
def genuine(shared_data):
    folder = shared_data / "formats" / "plumber2"
    if not folder.is_dir():
        pytest.skip("no PLUMBER2 files in the data folder")
    return folder


def test_genuine_grassland_lacks_co2(genuine):
    contents = read_plumber2(genuine / "CN-Cng_2008-2009_FLUXNET2015_Met.nc")
    assert (contents.name, contents.drivers) == ("CN-Cng", None)
    assert [line[:17] for line in contents.lacks] == ["co2: no CO2air in"]
    told = "\n".join(contents.notes)
    assert "left out: 2010-01-01 (1 of 48 steps)" in told
    assert "vpd from Qair, Psurf and Tair" in told
    assert "16 of 35089 steps below 0, down to -0.023 hPa" in told


def test_genuine_grassland_with_co2_is_a_site(genuine, tmp_path):
    with xr.open_dataset(genuine / "CN-Cng_2008-2009_FLUXNET2015_Met.nc", decode_cf=False) as data:
        data["CO2air"] = ("time", np.full(data.sizes["time"], 385.0), {"units": "ppm"})
        data.to_netcdf(tmp_path / "CN-Cng_Met.nc", engine="h5netcdf")
    site = read_plumber2(tmp_path / "CN-Cng_Met.nc").to_site()
    assert (site.steps, site.step_name) == (731, "daily")
    assert site.mean_temperature == pytest.approx(6.2, abs=0.1)


def test_genuine_header_with_five_half_hours_is_refused(genuine):
    with pytest.raises(InputError, match=r"at least two whole days.*5 steps from 1996-01-01 00:00"):
        read_plumber2(genuine / "FI-Hyy_1996-2014_FLUXNET2015_Met.nc")
