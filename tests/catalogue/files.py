"""A small made-up file of each format, and what a user must state of it."""

from pathlib import Path

import numpy as np

import bayes_tbm as bt

from ..formats import test_callmip, test_edinburgh, test_plumber2
from ..formats.fluxnet_pair import write_pair
from ..sites import conftest as sites

DAYS = 40
MODISTOOLS = (
    "nrows,ncols,band,scale,latitude,longitude,site,product,modis_date,calendar_date,pixel,value\n"
    "3,3,Lai_500m,0.1,61.85,24.29,A,MOD15A2H,A2008153,2008-06-01,5,20\n"
)
APPEEARS = (
    "ID,Latitude,Longitude,Date,MODIS_Tile,MOD15A2H_061_Lai_500m\n"
    "A,61.85,24.29,2008-06-01,h1,1.5\nA,61.85,24.29,2008-06-09,h1,1.7\n"
)
EARTH_ENGINE = "system:index,Lai,.geo\n2008_06_01,15,\n2008_06_09,17,\n"


def content():
    """Forty daily steps, fluxes at two of three."""
    return sites.content.__wrapped__()


def own_site():
    """The same as a site."""
    return sites.site.__wrapped__(content())


def write_own(folder):
    own_site().to_netcdf(folder / "own.nc")
    return folder / "own.nc"


def write_text(text):
    def write(folder):
        path = folder / "lai.csv"
        path.write_text(text)
        return path

    return write


def write_dataset(make):
    def write(folder):
        path = folder / "flux.nc"
        make().to_netcdf(path, engine="h5netcdf")
        return path

    return write


def write_edinburgh(folder):
    path = folder / "XX-Abc_timeseries_met.csv"
    path.write_text(test_edinburgh.text(test_edinburgh.met()))
    (folder / "XX-Abc_timeseries_obs.csv").write_text(test_edinburgh.text(test_edinburgh.obs()))
    (folder / "renamed_timeseries_obs.csv").write_text(test_edinburgh.text(test_edinburgh.obs()))
    return path


def write_fluxnet(folder: Path, site: bt.Site | None = None) -> Path:
    """Write a pair and a BIF; the path of the daily one."""
    site = site or bt.open_site("hyytiala-twin-daily", start="2008-01-01", end="2008-02-15")
    pair = write_pair(site, folder)
    return pair.daily


FILES = {
    "site file of bayes_tbm": (write_own, "table.csv"),
    "DifferLand site file": (
        lambda folder: sites.write_differland(content(), folder / "A-B.nc"), "a.cbf",
    ),
    "CARDAMOM netCDF (.cbf.nc)": (
        lambda folder: sites.write_cardamom(content(), folder / "A-B.cbf.nc"), "b.txt",
    ),
    "CARDAMOM binary (.cbf)": (
        lambda folder: sites.write_binary(content(), folder / "A-B.cbf"), "c.nc",
    ),
    "CalLMIP fluxes": (write_dataset(test_callmip.made), "d.csv"),
    "PLUMBER2": (write_dataset(test_plumber2.met), "e.cbf.nc"),
    "FLUXNET table": (write_fluxnet, "XX-Twn.nc"),
    "Edinburgh CARDAMOM table": (write_edinburgh, "renamed.cbf"),
    "AppEEARS table": (write_text(APPEEARS), "f.nc"),
    "MODISTools table": (write_text(MODISTOOLS), "g.cbf"),
    "Earth Engine table": (write_text(EARTH_ENGINE), "h.xls"),
}  # fmt: skip
STATED = {
    "Edinburgh CARDAMOM table": {"first_year": 1999, "latitude": 61.85},
    "Earth Engine table": {"scale": 0.1},
}


def leaf_area(year: int = 2008, **changes) -> bt.Observations:
    """Return a series in memory."""
    time = np.array([f"{year}-06-01", f"{year}-07-01"], dtype="datetime64[ns]")
    parts = {"name": "lai", "unit": "m2 m-2", "value": np.array([2.0, 3.0]),
             "sd": np.full(2, 0.5), "time": time}  # fmt: skip
    return bt.Observations(**{**parts, **changes})
