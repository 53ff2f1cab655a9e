"""One made-up site, and writers of it in each of the four formats."""

import functools
import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from bayes_tbm.sites import Observations, Site
from bayes_tbm.sites.drivers import make_drivers
from bayes_tbm.sites.time_axis import time_from_days
from bayes_tbm.units import UNITS

Content = dict[str, Any]
FIELD = {
    "t_min": "T2M_MIN",
    "t_max": "T2M_MAX",
    "shortwave": "SSRD",
    "co2": "CO2",
    "day_of_year": "DOY",
    "vpd": "VPD",
    "precipitation": "TOTAL_PREC",
    "burned_fraction": "BURNED_AREA",
}
SERIES = {
    "gpp": "GPP",
    "nbe": "NBE",
    "et": "ET",
    "lai": "LAI",
    "live_biomass": "ABGB",
    "som": "SOM",
}


@pytest.fixture
def content() -> Content:
    """Forty daily steps; every third flux missing, one biomass, one soil carbon."""
    rng, steps = np.random.default_rng(7), 40
    cold = rng.normal(2.0, 3.0, steps)
    drivers = {
        "t_min": cold,
        "t_max": cold + rng.uniform(0, 9, steps),
        "shortwave": rng.uniform(0, 20, steps),
        "co2": rng.uniform(380, 400, steps),
        "day_of_year": np.arange(1.0, steps + 1),
        "vpd": rng.uniform(0, 15, steps),
        "precipitation": rng.exponential(2, steps),
        "burned_fraction": np.zeros(steps),
    }
    series = {name: rng.uniform(1, 5, steps) for name in ("gpp", "nbe", "et", "lai")}
    for values in series.values():
        values[::3] = np.nan
    series |= {name: np.full(steps, np.nan) for name in ("live_biomass", "som")}
    series["live_biomass"][20], series["som"][5] = 6000.0, 17000.0
    sd = {"gpp": 0.5, "nbe": 0.25, "et": 0.125, "lai": 0.5, "live_biomass": 900.0, "som": 4000.0}
    return {"latitude": 61.5, "days": np.arange(steps) + 0.5, "drivers": drivers,
            "series": series, "sd": sd}  # fmt: skip


@pytest.fixture
def site(content: Content) -> Site:
    time = time_from_days(content["days"])
    drivers = make_drivers(time, content["drivers"])
    values = {**content["series"], "nee": content["series"]["nbe"]}
    sd = {**content["sd"], "nee": content["sd"]["nbe"]}
    seen = {
        name: Observations(name, UNITS[name], time, value, np.full(value.shape, sd[name]))
        for name, value in values.items()
    }
    return Site("made-up", content["latitude"], 24.5, drivers, seen, notes=("one", "two"))


def field_dataset(content: Content) -> xr.Dataset:
    units = {name: {"units": UNITS[name]} for name in FIELD}
    data = xr.Dataset({FIELD[n]: ("time", v, units[n]) for n, v in content["drivers"].items()})
    for name, values in content["series"].items():
        data[SERIES[name]] = ("time", values)
        data[f"{SERIES[name]}unc"] = ("time", np.full(values.shape, content["sd"][name]))
    data["LAT"] = content["latitude"]
    return data


def write_differland(content: Content, path: Path, **changes: Any) -> Path:
    data = field_dataset(content).drop_vars("BURNED_AREA")
    data["nodays"] = data.sizes["time"]
    data["time"] = ("time", (content["days"] - 0.5).astype(np.int64))
    data.assign(changes).to_netcdf(path, engine="h5netcdf")
    return path


def write_cardamom(content: Content, path: Path, **changes: Any) -> Path:
    data = field_dataset(content).fillna(-9999.0)
    for name in SERIES.values():
        data[name].attrs = {"opt_unc_type": 0.0, "single_unc": -9999.0, "opt_filter": -9999.0}
    data["time"] = ("time", content["days"], {"units": "days since 2001-01-01"})
    data.assign(changes).to_netcdf(path, engine="h5netcdf")
    return path


def write_binary(content: Content, path: Path) -> Path:
    steps = content["days"].size
    drivers, series = content["drivers"], content["series"]
    header = np.full(100, -9999.0)
    header[:5] = 1005, content["latitude"], steps, 9, 11
    order = ("t_min", "t_max", "shortwave", "co2", "day_of_year", "burned_fraction", "vpd",
             "precipitation")  # fmt: skip
    absent = np.full(steps, -9999.0)
    seen = [series[name] for name in ("gpp", "lai", "nbe", "live_biomass", "et")]
    columns = [content["days"], *(drivers[n] for n in order), *seen, *[absent] * 5, series["som"]]
    table = np.nan_to_num(np.column_stack(columns), nan=-9999.0)
    np.concatenate([header, np.full(200, -9999.0), table.ravel()]).astype("<f8").tofile(path)
    return path


@pytest.fixture
def differland(content: Content, tmp_path: Path) -> Callable[..., Path]:
    return lambda **changes: write_differland(content, tmp_path / "A-B.nc", **changes)


@pytest.fixture
def cardamom(content: Content, tmp_path: Path) -> Callable[..., Path]:
    return lambda **changes: write_cardamom(content, tmp_path / "A-B.cbf.nc", **changes)


@pytest.fixture
def binary(content: Content, tmp_path: Path) -> Callable[..., Path]:
    return lambda: write_binary(content, tmp_path / "A-B.cbf")


@functools.cache
def _as_written(pickled: bytes) -> xr.Dataset:
    """What the file of a site holds; written and read once for all tests that change it."""
    with tempfile.NamedTemporaryFile(suffix=".nc") as file:
        pickle.loads(pickled).to_netcdf(file.name)
        return xr.load_dataset(file.name, engine="h5netcdf", decode_times=False)


@pytest.fixture
def own(site: Site, tmp_path: Path) -> Callable[..., Path]:
    """Write the site in our format, with variables of the file changed."""

    def write(drop: tuple[str, ...] = (), **changes: Any) -> Path:
        path = tmp_path / "own.nc"
        if drop or changes:
            data = _as_written(pickle.dumps(site)).copy(deep=True)
            data.drop_vars(list(drop)).assign(changes).to_netcdf(path, engine="h5netcdf")
        else:
            site.to_netcdf(path)
        return path

    return write
