"""Reader of DifferLand v1.0 site files (daily FLUXNET2015 drivers and observations).

``time`` counts whole days since 2001-01-01, so the middle of a step is half a day later.
``NBE`` is the tower's NEE. ``LAI`` is a ten-day product spread over the days between. The prior
of initial soil carbon is not read: it is the same number at every site.
"""

from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.sites.formats.common import collect, make_drivers
from bayes_tbm.sites.formats.gapfilled import original_values
from bayes_tbm.sites.formats.netcdf import column, field_columns, read_netcdf, scalar
from bayes_tbm.sites.formats.uncertainty import mend_sd
from bayes_tbm.sites.observations import Observations, join_notes, missing_to_nan
from bayes_tbm.sites.site import Site
from bayes_tbm.sites.time_axis import time_from_days
from bayes_tbm.units import UNITS

VARIABLES = {
    "gpp": "GPP",
    "nee": "NBE",
    "reco": "RECO",
    "et": "ET",
    "lai": "LAI",
    "live_biomass": "ABGB",
    "som": "SOM",
}


def is_differland(data: xr.Dataset) -> bool:
    """Return whether a dataset has the layout of a DifferLand site file."""
    return {"nodays", "T2M_MIN", "time"} <= set(data.variables)


def read_differland(path: str | Path) -> Site:
    """Read a DifferLand site file.

    Parameters
    ----------
    path : str or pathlib.Path
        netCDF file; its stem is the site's name.

    Returns
    -------
    Site

    Raises
    ------
    InputError
        If a variable is missing, a unit is wrong or a check fails.
    """
    path = Path(path)
    data = read_netcdf(path)
    where = path.name
    time = time_from_days(data["time"].values + 0.5, where=where)
    burned = {"burned_fraction": "BURNED_AREA"} if "BURNED_AREA" in data else {}
    drivers = make_drivers(time, field_columns(data, where, burned), where=where)
    series = [_observations(data, name, time, where) for name in VARIABLES]
    notes = ("NBE of the file is tower NEE: read as nee",)
    return Site(
        name=path.stem,
        latitude=scalar(data, "LAT", where),
        longitude=scalar(data, "LON", where) if "LON" in data else None,
        drivers=drivers,
        observations=collect(series, drivers["burned_fraction"].values),
        source=where,
        notes=notes,
    )


def _observations(
    data: xr.Dataset, name: str, time: NDArray[np.datetime64], where: str
) -> Observations:
    variable = VARIABLES[name]
    missing = np.full(time.shape, np.nan)
    value = column(data, variable, name, where) if variable in data else missing
    uncertainty = f"{variable}unc"
    sd = missing_to_nan(data[uncertainty].values) if uncertainty in data else missing
    note = ""
    if name == "lai":
        time, value, sd, note = original_values(time, value, sd)
    sd, mended = mend_sd(sd, value)
    return Observations(name, UNITS[name], time, value, sd, join_notes([note, mended]))
