"""Collections of sites as ILAMB reads them: one file a variable, (time, site)."""

import dataclasses
import json

import numpy as np
import pytest
import xarray as xr

from bayes_tbm.errors import InputError
from bayes_tbm.export import export
from bayes_tbm.export.variables import VARIABLES

NAMES = ("gpp", "nep", "cVeg")


@pytest.fixture(scope="module")
def first(months):
    """The fitted years alone."""
    return months.window(end="2008")


@pytest.fixture(scope="module")
def second(months):
    """Another place, with a longer record."""
    return dataclasses.replace(months, name="second", latitude=58.5, longitude=20.0)


@pytest.fixture(scope="module")
def two(of_months, first, second, tmp_path_factory):
    folder, other = tmp_path_factory.mktemp("ilamb"), of_months.copy()
    other.attrs["latitude"] = second.latitude
    runs = [of_months, other]
    return folder, export(runs, folder, "ilamb", site=[first, second], variables=NAMES, draws=30)


def test_one_file_a_variable(two):
    folder, files = two
    expected = {folder / stage / f"{n}.nc" for stage in ("posterior", "prior") for n in NAMES}
    assert set(files) == expected
    for path in files:
        with xr.open_dataset(path, decode_times=False) as data:
            name = path.stem
            assert set(data.data_vars) == {name, f"{name}_uncert", "time_bounds"}
            assert data[name].dims == ("time", "site")
            assert data[name].attrs["units"] == VARIABLES[name].unit
            assert data[name].attrs["ancillary_variables"] == f"{name}_uncert"
            time = data.time.attrs
            assert (time["axis"], time["bounds"], time["standard_name"]) == (
                "T", "time_bounds", "time",
            )  # fmt: skip
            assert data.time_bounds.attrs["long_name"] == "time_bounds"
            assert time["calendar"] == "standard"
            for short, axis in (("lat", "Y"), ("lon", "X")):
                assert data[short].dims == ("site",)
                assert data[short].attrs["axis"] == axis
            for word in ("title", "institution", "source", "history", "references", "comment"):
                assert data.attrs[word]
            assert data.attrs["Conventions"].startswith("CF-")


def test_sites_lie_at_their_own_times(two, first, second, of_months, tmp_path):
    with xr.open_dataset(two[0] / "posterior" / "gpp.nc") as data:
        assert list(data.site_name.values) == ["hyytiala-twin", "second"]
        np.testing.assert_allclose(data.lat, [first.latitude, 58.5])
        np.testing.assert_array_equal(data.time, second.drivers.time)
        assert np.isfinite(data.gpp[: first.steps]).all()
        assert np.isnan(data.gpp[first.steps :, 0]).all()
        assert np.isfinite(data.gpp[first.steps :, 1]).all()
        assert data.gpp.encoding["_FillValue"] == 1e20
    alone = export(of_months, tmp_path, site=first, ensemble=30, variables=["gpp"])[0]
    with xr.open_dataset(alone) as draws, xr.open_dataset(two[0] / "posterior" / "gpp.nc") as data:
        of_first = data.isel(site=0, time=slice(first.steps))
        np.testing.assert_allclose(of_first.gpp, draws.gpp.mean("realization"), rtol=1e-12)
        sd = draws.gpp.std("realization", ddof=1)
        np.testing.assert_allclose(of_first.gpp_uncert, sd, rtol=1e-9)


def test_what_cannot_lie_side_by_side_is_refused(of_months, months, of_days, days, tmp_path):
    with pytest.raises(InputError, match="fall together"):
        export([of_months, of_days], tmp_path, "ilamb", site=[months, days])
    nowhere = dataclasses.replace(months, longitude=None)
    with pytest.raises(InputError, match="state it: longitude"):
        export(of_months, tmp_path, "ilamb", site=nowhere)
    with pytest.raises(InputError, match=f"site: must be there once; found {months.name}"):
        export([of_months, of_months], tmp_path, "ilamb", site=[months, months])
    with pytest.raises(InputError, match="takes one run"):
        export([of_months, of_days], tmp_path, site=[months, days])
    assert not list(tmp_path.iterdir())


def test_a_site_without_longitude_is_placed_by_its_owner(of_months, months, tmp_path):
    nowhere = dataclasses.replace(months, longitude=None)
    files = export(of_months, tmp_path, "ilamb", site=nowhere, longitude=24.3, variables=["lai"])
    with xr.open_dataset(files[0]) as data:
        assert data.lon.values == [24.3]
    plain = export(of_months, tmp_path, site=nowhere, variables=["lai"])
    with xr.open_dataset(plain[0]) as data:
        assert "lon" not in data.coords


def test_what_is_said_of_one_site_is_in_the_file_of_all(of_months, first, second, tmp_path):
    """Which run came first must not decide whether draws of a prior pass for a posterior's."""
    fitted, other = of_months.copy(), of_months.copy()
    record = json.loads(fitted.attrs["experiment"])
    fitted.attrs["experiment"] = json.dumps(record | {"prior_only": False})
    other.attrs["latitude"] = second.latitude
    export([fitted, other], tmp_path, "ilamb", site=[first, second], variables=["gpp"], draws=8)
    with xr.open_dataset(tmp_path / "posterior" / "gpp.nc", decode_times=False) as data:
        assert "second: nothing was fitted" in data.attrs["comment"]
        assert data.attrs["comment"].count("nothing was fitted") == 1
