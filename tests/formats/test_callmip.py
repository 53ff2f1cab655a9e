"""CalLMIP flux files."""

import contextlib
import warnings

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bayes_tbm.errors import DataWarning, InputError
from bayes_tbm.formats.callmip import is_callmip, read_callmip
from bayes_tbm.formats.differland import is_differland, read_differland
from bayes_tbm.formats.netcdf import read_netcdf
from bayes_tbm.formats.own import is_own
from bayes_tbm.formats.reading import Reading

FILL = np.float32(1e20)
DAYS = 730


def made(**changes):
    """Two years of a boreal site in the layout of phase 1b."""
    day = np.arange(DAYS)
    season = np.cos(2 * np.pi * (day - 15) / 365)
    some = day % 3 == 0
    values = {
        "NEE_daily": (np.where(some, season, FILL), "gC/m2/d", "NEE_VUT_REF"),
        "NEE_uc_daily": (np.where(some, 0.1, FILL), "gC/m2/d", "NEE_VUT_REF_JOINTUNC"),
        "Qle_daily": (40 - 30 * season, "W/m2", "LE_F_MDS"),
        "Qle_uc_daily": (np.full(DAYS, 4.0), "W/m2", "LE_CORR_JOINTUNC"),
        "Qh_daily": (np.full(DAYS, 50.0), "W/m2", "H_F_MDS"),
    }
    variables = {
        name: ("time", array.astype(np.float32),
               {"units": unit, "Fluxnet_name": source, "_FillValue": FILL})
        for name, (array, unit, source) in values.items()
    }  # fmt: skip
    seconds = {"units": "seconds since 1999-01-01 00:00:00", "calendar": "standard"}
    variables |= {
        "time": ("time", day * 86400.0, seconds),
        "latitude": ("y", [61.85], {"units": "degrees_north"}),
        "longitude": ("x", [24.3], {"units": "degrees_east"}),
    }
    attrs = {
        "site_code": "XX-Abc",
        "Input_file": "/a/Halfhourly_qc_fixed/FLX_XX-Abc_FLUXNET2015_FULLSET_HH_1999-2000_1-3.csv",
        "scaling_factor_NEE": "umolCO2/m2/s -> 1e-6 * 12 * 1800 gC/m2/half-hour -> summed to daily",
        **changes.pop("attrs", {}),
    }
    kept = {name: part for name, part in {**variables, **changes}.items() if part is not None}
    return xr.Dataset(kept, attrs=attrs)


@pytest.fixture
def read(tmp_path):
    """Write a dataset as either netCDF, and read it."""

    def do(data, reading=None, **options):
        path = tmp_path / "XX-Abc_daily_aggregated_1999-2000_FLUXNET2015_Flux.nc"
        path.unlink(missing_ok=True)
        data.to_netcdf(path, **(options or {"engine": "scipy", "format": "NETCDF3_64BIT"}))
        return read_callmip(path, reading)

    return do


HR = {"Input_file": "/a/Hourly_qc_fixed/FLX_XX-Abc_FLUXNET2015_FULLSET_HR_1999-2000_1-3.csv"}


@pytest.mark.parametrize("engine", ["scipy", "h5netcdf"])
def test_either_netcdf_is_read(read, engine):
    contents = read(made(), engine=engine)
    assert (contents.name, contents.latitude, contents.longitude) == ("XX-Abc", 61.85, 24.3)
    assert contents.drivers is None
    assert "weather" in contents.lacks[0]
    nee, et = contents.observations["nee"], contents.observations["et"]
    assert (len(nee), len(et)) == (244, DAYS)
    assert str(nee.time[1]) == "1999-01-04T12:00:00.000000000"
    assert nee.value[0] == pytest.approx(np.cos(-30 * np.pi / 365))
    assert np.allclose(nee.sd, 0.1)
    assert et.value[0] == pytest.approx((40 - 30 * np.cos(-30 * np.pi / 365)) * 0.0864 / 2.45)
    assert et.sd[0] == pytest.approx(4 * 0.0864 / 2.45)
    assert "2.45 MJ kg-1; not corrected for closure, while its sd are" in et.note
    assert any("positive to the air" in note for note in contents.notes)
    assert any("not used: Qh_daily (730 values)" in note for note in contents.notes)


def test_it_is_told_by_its_variables(read, tmp_path):
    read(made())
    data = read_netcdf(next(tmp_path.glob("*.nc")))
    assert is_callmip(data)
    assert not is_differland(data)
    assert not is_own(data)
    assert not is_callmip(data.drop_vars([n for n in data.variables if n.endswith("_daily")]))


def test_wrong_factor_is_warned_of_and_not_mended(read):
    with pytest.warns(DataWarning, match=r"1800 s .* is hourly: .* 0.5 of the truth; give scale=2"):
        halved = read(made(attrs=HR))
    plain = read(made())
    assert np.array_equal(halved.observations["nee"].value, plain.observations["nee"].value)
    assert any("scale=2" in note for note in halved.notes)
    doubled = read(made(attrs=HR), Reading(scale=2.0))
    assert np.allclose(doubled.observations["nee"].value, 2 * plain.observations["nee"].value)
    assert np.allclose(doubled.observations["nee"].sd, 0.2)
    assert np.array_equal(doubled.observations["et"].value, plain.observations["et"].value)
    assert "multiplied by 2, as stated" in doubled.observations["nee"].note


def test_the_other_wrong_factor_too_and_a_right_one_is_not(read):
    hourly = {"scaling_factor_NEE": "umolCO2/m2/s -> 1e-6 * 12 * 3600 gC/m2/hour"}
    with pytest.warns(DataWarning, match=r"2 of the truth; give scale=0\.5"):
        read(made(attrs=hourly))
    read(made(attrs=HR | hourly))
    read(made(attrs={"Input_file": "", "scaling_factor_NEE": ""}))


def test_few_days_are_noted(read):
    nee = made()["NEE_daily"].copy()
    nee[12:] = FILL
    contents = read(made(NEE_daily=nee))
    assert any("nee: only 4 of 730 days (0.5%)" in note for note in contents.notes)


def test_nee_into_the_land_is_doubted(read):
    nee = made()["NEE_daily"].copy()
    nee[::3] = -nee[::3]
    with pytest.warns(DataWarning, match="higher in summer than in winter"):
        read(made(NEE_daily=nee))


def test_one_flux_or_no_errors_are_enough(read):
    only = read(made(NEE_daily=None, NEE_uc_daily=None, Qle_uc_daily=None))
    assert list(only.observations) == ["et"]
    assert np.isnan(only.observations["et"].sd).all()
    assert "no uncertainty given" in only.observations["et"].note


def changed(name, change):
    old = made()[name]
    return {name: (old.dims, change(old.values), old.attrs)}


def stated(name, **attrs):
    old = made()[name]
    return {name: (old.dims, old.values, attrs)}


FOLLOW = "time: days must follow each other"
WRONG = {
    "unknown unit": (stated("NEE_daily", units="kg"), "NEE_daily: unit"),
    "no unit": (stated("Qle_daily"), "Qle_daily: needs a units"),
    "unsorted": (
        changed("time", lambda v: v[[0, 2, 1, *range(3, DAYS)]]),
        "time: days must follow each other; found 1999-01-03",
    ),
    "doubled": (
        changed("time", lambda v: v[[0, 1, 2, 2, *range(4, DAYS)]]),
        "time: days must follow each other; found 1999-01-03",
    ),
    "two days": (changed("time", lambda v: v * 2), FOLLOW),
    "no epoch": (stated("time", units="s"), "time: unit must be"),
    "other length": ({"NEE_uc_daily": ("z", np.ones(3), {"units": "gC/m2/d"})}, "must have shape"),
    "text": ({"NEE_daily": ("time", ["a"] * DAYS)}, "NEE_daily"),
    "grid": ({"NEE_daily": (("time", "z"), np.ones((DAYS, 2)), {"units": "gC/m2/d"})}, "one dim"),
}


@pytest.mark.parametrize(("changes", "said"), WRONG.values(), ids=WRONG)
def test_wrong_files_are_refused_in_a_line(read, changes, said):
    with pytest.raises(InputError, match=said) as caught:
        read(made(**changes), engine="h5netcdf")
    assert "\n" not in str(caught.value)


def test_all_missing_leaves_nothing(read):
    nothing = changed("NEE_daily", lambda v: v * 0 + FILL)
    assert list(read(made(**nothing)).observations) == ["et"]


@pytest.mark.parametrize("engine", ["scipy", "h5netcdf"])
@pytest.mark.parametrize("kept", [0, 7, 300, 20_000])
def test_truncated_file_is_refused(read, tmp_path, engine, kept):
    read(made(), engine=engine)
    path = next(tmp_path.glob("*.nc"))
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError, match=r"is not a netCDF file|cannot be read as netCDF"):
        read_callmip(path)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["NEE_daily", "NEE_uc_daily", "Qle_daily", "time", "latitude"]),
    unit=st.sampled_from(["gC/m2/d", "W/m2", "umol m-2 s-1", "", "1", "seconds since 1999-1-1"])
    | st.text(max_size=5),
    value=st.sampled_from([np.nan, np.inf, -np.inf, 0.0, -9999.0, 1e20, -3.0]),
    source=st.text(max_size=9),
)
def test_any_file_is_read_or_refused(read, name, unit, value, source):
    data = made(attrs={"Input_file": source, "scaling_factor_NEE": source})
    data[name] = (data[name].dims, np.full(data[name].shape, value), {"units": unit})
    with warnings.catch_warnings(), contextlib.suppress(InputError):
        warnings.simplefilter("ignore")
        read(data)


@pytest.fixture
def genuine(shared_data):
    """Read a genuine file by its site."""

    def find(site, reading=None):
        files = sorted((shared_data / "formats" / "callmip").glob(f"{site}_daily_*_Flux.nc"))
        if not files:
            pytest.skip(f"no CalLMIP file of {site} in the data folder")
        return read_callmip(files[0], reading)

    return find


VALID = {"CA-Qfo": (984, 2202), "CH-Dav": (91, 2846), "DE-Hai": (71, 1075), "FI-Hyy": (1296, 1763)}


@pytest.mark.parametrize("site", VALID)
def test_genuine_files(genuine, site):
    contents = genuine(site)
    assert contents.name == site
    assert tuple(len(contents.observations[name]) for name in ("nee", "et")) == VALID[site]
    little = any("they say little" in note for note in contents.notes)
    assert little == (site in ("CH-Dav", "DE-Hai"))


def test_morgan_monroe_is_half_of_the_truth(genuine):
    with pytest.warns(DataWarning, match="US-MMS.*hourly.*scale=2"):
        contents = genuine("US-MMS")
    assert len(contents.observations["nee"]) == 1009
    assert np.median(contents.observations["nee"].sd) == pytest.approx(0.112, abs=5e-4)


@pytest.mark.parametrize("site", ["FI-Hyy", "DE-Hai"])
@pytest.mark.parametrize("name", ["nee", "et"])
def test_same_sign_day_and_size_as_differland(genuine, shared_data, site, name):
    here = genuine(site).observations[name]
    there = read_differland(shared_data / "daily" / f"{site}.nc").observations[name]
    fit = {}
    for lag in (-1, 0, 1):
        shifted = here.time + np.timedelta64(lag, "D")
        _, mine, other = np.intersect1d(shifted, there.time, return_indices=True)
        pair = there.value[other], here.value[mine]
        fit[lag] = np.corrcoef(pair)[0, 1], np.polyfit(*pair, 1)[0]
    assert max(fit, key=lambda lag: fit[lag][0]) == 0
    assert fit[0][0] > 0.999
    assert fit[0][1] == pytest.approx(1.0, abs=0.005)
