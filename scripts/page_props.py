"""What the pages take for granted: sites of your own, a curve, values of parameters."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from page_files import write_files

from bayes_tbm.parameters import TABLE
from bayes_tbm.population.batch.collect import DRAWS, MANIFEST
from bayes_tbm.population.batch.kept import SHARED
from bayes_tbm.synthetic.twin import embedded_site
from bayes_tbm.units import UNITS

CURVE = "age,biomass,sd,unit\n20,40,8,Mg ha-1\n60,110,15,Mg ha-1\n120,150,20,Mg ha-1\n"
SITES = """site,path,start,end,latitude,longitude,coldest,warmest
young,hyytiala-twin,2005,2007,61.85,24.30,-7.9,16.1
older,hyytiala-twin,2008,2010,61.85,24.30,-8.4,15.8
"""
DRIVERS = {
    "T2M_MIN": "t_min", "T2M_MAX": "t_max", "SSRD": "shortwave", "CO2": "co2", "DOY": "day_of_year",
    "VPD": "vpd", "TOTAL_PREC": "precipitation", "BURNED_AREA": "burned_fraction",
}  # fmt: skip
# Without fire NBE is NEE. It comes without an uncertainty, which the page's command gives.
OBSERVED = {"NBE": ("nee", None), "ET": ("et", 0.3), "LAI": ("lai", 0.5)}


def write_props(folder: Path) -> None:
    """Write the files into a folder."""
    (folder / "pine.csv").write_text(CURVE)
    (folder / "mine.toml").write_text("wood_residence_time = 40.0\n")
    (folder / "sites.csv").write_text(SITES)
    common = 'streams = ["gpp", "lai"]\n[priors]\nfire_resilience = 0.5\n'
    (folder / "common.toml").write_text(common)
    site = embedded_site().window("2008", "2012")
    seen = {name: site.observations[name] for name in ("nee", "et")}
    dataclasses.replace(site, observations=seen).to_netcdf(folder / "flux.nc")
    write_batch(folder / "batch")
    write_cardamom(folder / "mysite.cbf.nc")
    write_files(folder)


def write_batch(folder: Path) -> None:
    """Write what a population reads of a batch: ten sites whose likelihoods are normal."""
    rng, names = np.random.default_rng(1), [f"s{n}" for n in range(10)]
    priors = {name: TABLE[name].prior.to_dict() for name in SHARED}
    middle = rng.normal(np.log(60.0), 0.3, (10, 1))
    store = xr.Dataset(
        {
            SHARED[0]: (("site", "draw"), np.exp(middle + rng.normal(0.0, 0.3, (10, 200)))),
            SHARED[1]: (("site", "draw"), 0.42 + rng.normal(0.0, 0.05, (10, 200))),
            "effective": ("site", np.full(10, 200.0)), "state": ("site", ["done"] * 10),
            "priors": ("site", [json.dumps(priors)] * 10),
        },
        coords={"site": names},
    )  # fmt: skip
    store.to_zarr(folder / DRAWS, zarr_format=2, consolidated=True)
    known = {"coldest": np.linspace(-30.0, 0.0, 10), "warmest": rng.normal(16.0, 2.0, 10)}
    table = pd.DataFrame(known | {"cell": names}, index=pd.Index(names, name="site"))
    table.to_csv(folder / MANIFEST)
    table.to_csv(folder.parent / "climate.csv")


def write_cardamom(path: Path) -> None:
    """Write some years of the embedded site as CARDAMOM would."""
    site = embedded_site(years=4)
    drivers, time = site.drivers, site.drivers.time.values
    data = xr.Dataset(
        {
            field: ("time", drivers[name].values, {"units": UNITS[name]})
            for field, name in DRIVERS.items()
        },
        coords={"time": ("time", drivers.days.values, {"units": "days since 2001-01-01"})},
    )
    data["LAT"] = site.latitude
    for field, (name, sd) in OBSERVED.items():
        seen = site.observations[name]
        value = np.full(len(time), np.nan)
        value[np.searchsorted(time, seen.time).clip(max=len(time) - 1)] = seen.value
        stated = {} if sd is None else {"single_unc": sd}
        data[field] = ("time", value, {"units": UNITS[name], "opt_unc_type": 0.0, **stated})
    data.to_netcdf(path, engine="h5netcdf")
