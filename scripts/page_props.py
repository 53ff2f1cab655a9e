"""What the pages take for granted: sites of your own, a curve, values of parameters."""

from pathlib import Path

import numpy as np
import xarray as xr
from page_files import write_files

from bayes_tbm.synthetic.twin import embedded_site
from bayes_tbm.units import UNITS

CURVE = "age,biomass,sd,unit\n20,40,8,Mg ha-1\n60,110,15,Mg ha-1\n120,150,20,Mg ha-1\n"
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
    write_cardamom(folder / "mysite.cbf.nc")
    write_files(folder)


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
