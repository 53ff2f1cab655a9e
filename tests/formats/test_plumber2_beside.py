"""PLUMBER2: fluxes of another tower, steps that are missing or infinite, other makes of netCDF."""

import warnings

import numpy as np
import pytest

import bayes_tbm as bt
from bayes_tbm.errors import DataWarning, InputError
from bayes_tbm.formats.plumber2 import read_plumber2

from .test_plumber2 import flux, met, read  # noqa: F401


def of_code(data, code):
    data.attrs["site_code"] = code


def at(north, east):
    def move(data, _):
        for name, value in (("latitude", north), ("longitude", east)):
            data[name].values[:] = value

    return move


OTHERS = {
    "another code": (lambda d, _: of_code(d, "YY-Oth"), "YY-Oth, and the weather of XX-Abc"),
    "further north": (at(51.3, 10.45), "51.3 N, 10.45 E, and the weather of 51.08 N, 10.45 E"),
    "further east": (at(51.08, 10.75), "51.08 N, 10.75 E, and the weather of 51.08 N"),
    "the other hemisphere": (at(-51.08, 10.45), "-51.08 N, 10.45 E, and the weather of 51.08 N"),
}
SAME = {
    "itself": lambda d, _: None,
    "a rounded place": at(51.1, 10.4),
    "a code in small letters": lambda d, _: of_code(d, "xx-abc"),
    "no code": lambda d, _: d.attrs.clear(),
    "east from 0 to 360": lambda d, w: (at(51.08, 359.9)(d, w), at(51.08, -0.1)(w, d)),
    "a place of zeros": at(0.0, 0.0),
    "a place of gaps": at(-9999.0, -9999.0),
}


@pytest.mark.parametrize("how", OTHERS)
def test_fluxes_of_another_tower_are_left_out(read, how):  # noqa: F811
    change, told = OTHERS[how]
    weather, fluxes = met(), flux()
    change(fluxes, weather)
    with pytest.warns(DataWarning, match="_Flux.nc beside .*_Met.nc is left out") as warned:
        contents = read(weather, fluxes)
    assert told in str(warned[0].message)
    assert set(contents.to_site().observations) == {"lai"}
    assert any(told in note for note in contents.notes)


@pytest.mark.parametrize("how", SAME)
def test_fluxes_of_the_same_tower_are_read(read, how):  # noqa: F811
    weather, fluxes = met(), flux()
    SAME[how](fluxes, weather)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert {"nee", "gpp", "et"} <= set(read(weather, fluxes).observations)


VARIABLES = ("Tair", "SWdown", "VPD", "Precip", "CO2air")


@pytest.mark.parametrize("variable", VARIABLES)
def test_missing_steps_of_every_driver_are_counted(read, variable):  # noqa: F811
    weather = met()
    weather[variable][[24, 30, 48 * 3 + 24]] = -9999
    notes = "\n".join(read(weather).notes)
    assert f"days read although some of their steps are missing: {variable} 2" in notes


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_driver_of_too_few_steps_a_day_is_not_said_to_be_absent(read, variable):  # noqa: F811
    weather = met()
    weather[variable][np.arange(weather.sizes["time"]) % 2 == 0] = -9999
    lacks = read(weather).lacks
    assert f"{variable} has values, but on no day at 75% of the times" in lacks[0]


@pytest.mark.parametrize("value", [np.inf, -np.inf])
@pytest.mark.parametrize("variable", [*VARIABLES, "Qair", "Psurf", "latitude", "time"])
def test_infinite_steps_are_refused(read, variable, value):  # noqa: F811
    weather = met()
    if variable in ("Qair", "Psurf"):
        weather = weather.drop_vars("VPD")
    one = weather[variable]
    spoiled = one.values.astype(np.float64)
    spoiled.flat[-1] = value
    weather[variable] = (one.dims, spoiled, one.attrs)
    with pytest.raises(InputError, match=f"{variable}: must be finite numbers; found -?inf at"):
        read(weather)


def test_an_infinite_mark_of_gaps_is_a_gap(read):  # noqa: F811
    weather = met()
    weather["Precip"].values[5] = np.inf
    weather["Precip"].attrs["_FillValue"] = np.float32(np.inf)
    assert read(weather).to_site().steps == 20


@pytest.mark.parametrize("opener", [read_plumber2, bt.open_site, bt.inspect])
def test_cdf5_is_named_with_the_remedy(tmp_path, opener):
    path = tmp_path / "XX-Abc_Met.nc"
    met(days=2).to_netcdf(path, engine="scipy")
    path.write_bytes(b"CDF\x05" + path.read_bytes()[4:])
    with pytest.raises(InputError, match=r"found CDF-5.*nccopy -k nc4"):
        opener(path)
