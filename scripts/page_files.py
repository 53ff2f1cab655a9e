"""Small files of two years of the embedded site, as networks and satellites would export them."""

import functools
import importlib.util
import shutil
import tempfile
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import xarray as xr

from bayes_tbm.sites import Site
from bayes_tbm.synthetic.twin import embedded_site
from bayes_tbm.units import LATENT_HEAT

CODE = "XX-Twn"
PAIR = Path(__file__).resolve().parents[1] / "tests" / "formats" / "fluxnet_pair.py"


def write_files(folder: Path) -> None:
    """Write the files into a folder."""
    shutil.copytree(_made().name, folder, dirs_exist_ok=True)


@functools.cache
def _made() -> "tempfile.TemporaryDirectory[str]":
    """Folder with the files, made once and gone at the end."""
    made = tempfile.TemporaryDirectory()
    folder = Path(made.name)
    site = embedded_site(step="daily").window("2007", "2008")
    pair = _pair_module()
    pair.write_pair(site, folder)
    write_plumber2(site, pair, folder / f"{CODE}_2007-2008_FLUXNET2015_Met.nc")
    write_callmip(site, folder / f"{CODE}_daily_aggregated_2007-2008_FLUXNET2015_Flux.nc")
    write_edinburgh(embedded_site(step="monthly").window("2007", "2008"), folder)
    write_leaf_area(site, folder / "lai.csv")
    return made


def _pair_module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fluxnet_pair", PAIR)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_plumber2(site: Site, pair: ModuleType, path: Path) -> None:
    """Write half-hours of the weather."""
    half = pair.half_hours(site, pair.daily_columns(site))
    columns = {
        "Tair": (half["TA_F"] + 273.15, "K"), "SWdown": (half["SW_IN_F"], "W/m2"),
        "VPD": (half["VPD_F"], "hPa"), "Precip": (half["P_F"] / 1800, "kg/m2/s"),
        "CO2air": (half["CO2_F_MDS"], "ppm"),
    }  # fmt: skip
    data = _dataset(site, columns, 1800.0)
    data.to_netcdf(path, engine="h5netcdf")


def write_callmip(site: Site, path: Path) -> None:
    """Write daily fluxes."""
    days = site.drivers["time"].values.astype("datetime64[D]")
    columns = {}
    for name, variable, factor, unit in (
        ("nee", "NEE", 1.0, "gC/m2/d"), ("et", "Qle", LATENT_HEAT / 0.0864, "W/m2"),
    ):  # fmt: skip
        seen = site.observations[name]
        at = np.searchsorted(days, seen.time.astype("datetime64[D]"))
        for part, values in (("", seen.value), ("_uc", seen.sd)):
            column = np.full(days.size, np.nan)
            column[at] = values * factor
            columns[f"{variable}{part}_daily"] = column, unit
    _dataset(site, columns, 86400.0).to_netcdf(path, engine="h5netcdf")


def _dataset(site: Site, columns: dict, seconds: float) -> xr.Dataset:
    variables = {name: ("time", np.asarray(x), {"units": u}) for name, (x, u) in columns.items()}
    size = next(iter(variables.values()))[1].size
    since = {"units": f"seconds since {str(site.drivers['time'].values[0])[:10]} 00:00:00"}
    variables["time"] = "time", np.arange(size) * seconds, since
    variables["latitude"] = "y", [site.latitude], {"units": "degrees_north"}
    return xr.Dataset(variables, attrs={"site_code": CODE})


def write_edinburgh(site: Site, folder: Path) -> None:
    """Write drivers and observations by month."""
    drivers = site.drivers
    months = pd.DatetimeIndex(drivers["time"].values)
    day = (months.to_period("M").end_time).day_of_year
    met = {
        "doy": day, "mint_C": drivers["t_min"], "maxt_C": drivers["t_max"],
        "swrad_MJm2day": drivers["shortwave"], "co2_ppm": drivers["co2"],
        "vpd_kPa": drivers["vpd"] / 10, "precip_kgm2s": drivers["precipitation"] / 86400,
    }  # fmt: skip
    obs = {"doy": day}
    for name, column, unit in (("gpp", "GPP", "gCm2day"), ("lai", "LAI", "m2m2")):
        seen = site.observations[name]
        at = np.searchsorted(months.to_period("M"), pd.DatetimeIndex(seen.time).to_period("M"))
        for part, values in (("", seen.value), ("_unc", seen.sd)):
            filled = np.full(len(months), -9999.0)
            filled[at] = values
            obs[f"{column}{part}_{unit}"] = filled
    for part, columns in (("met", met), ("obs", obs)):
        frame = pd.DataFrame({name: np.asarray(values) for name, values in columns.items()})
        frame.to_csv(folder / f"{CODE}_timeseries_{part}.csv", index=False)


def write_leaf_area(site: Site, path: Path) -> None:
    """Write composites of eight days as Earth Engine exports them, in stored integers."""
    seen = site.observations["lai"]
    starts = [pd.date_range(f"{year}-01-01", f"{year}-12-31", freq="8D") for year in (2007, 2008)]
    days = starts[0].append(starts[1])
    middle = (days - days[0]).days + 4.0
    known = (seen.time - days.values[0]) / np.timedelta64(1, "D")
    stored = np.round(10 * np.interp(middle, known, seen.value)).astype(int)
    index = days.strftime("%Y_%m_%d")
    frame = pd.DataFrame({"system:index": index, "Lai": stored, "FparLai_QC": 0, ".geo": ""})
    frame.to_csv(path, index=False)
