"""Reader of DifferLand v1.0 site files (daily FLUXNET2015 drivers and observations).

``time`` counts whole days since 2001-01-01, so the middle of a step is half a day later.
``NBE`` is the tower's NEE. ``LAI`` is a ten-day product spread over the days between. The prior
of initial soil carbon is not read: it is the same number at every site.
"""

from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.formats.common import check_length, collect
from bayes_tbm.formats.gapfilled import original_values
from bayes_tbm.formats.netcdf import (
    FIELD_DRIVERS,
    column,
    degrees,
    field_columns,
    read_netcdf,
    times,
)
from bayes_tbm.formats.uncertainty import mend_sd
from bayes_tbm.formats.unused import unused
from bayes_tbm.sites.drivers import make_drivers
from bayes_tbm.sites.observations import Observations, join_notes
from bayes_tbm.sites.site import Site
from bayes_tbm.units import UNITS

EPOCH = "days since 2001-01-01"
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
    """Return whether a dataset has the layout of a DifferLand site file.

    CARDAMOM's older files have a ``nodays`` too; theirs are monthly, with a ``TIME_INDEX``.
    """
    if not {"nodays", "T2M_MIN", "time"} <= set(data.variables) or "TIME_INDEX" in data:
        return False
    try:
        time, _ = times(data, "time", "", epoch=EPOCH)
    except InputError:  # the reader says what is wrong
        return True
    return time.size < 2 or bool(np.median(np.diff(time)) < np.timedelta64(36, "h"))


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
    start, placed = times(data, "time", where, epoch=EPOCH)
    time = start + np.timedelta64(12, "h")
    columns, noted = field_columns(data, where)
    drivers = make_drivers(time, columns, where=where)
    series = [_observations(data, name, time, where) for name in VARIABLES]
    known = set(VARIABLES.values()) | {f"{variable}unc" for variable in VARIABLES.values()}
    notes = ("NBE of the file is tower NEE: read as nee", placed, *noted)
    return Site(
        name=path.stem,
        latitude=degrees(data, "LAT", "latitude", where),
        longitude=degrees(data, "LON", "longitude", where) if "LON" in data else None,
        drivers=drivers,
        observations=collect(series, drivers["burned_fraction"].values),
        source=where,
        notes=(*notes, *unused(data, known | set(FIELD_DRIVERS.values()), where)),
    )


def _observations(
    data: xr.Dataset, name: str, time: NDArray[np.datetime64], where: str
) -> Observations:
    variable = VARIABLES[name]
    value = sd = np.full(time.shape, np.nan)
    note = ""
    if variable in data:
        read = column(data, variable, name, where)
        value, note = read.values, read.note
        if f"{variable}unc" in data:
            sd = column(data, f"{variable}unc", name, where, like=read.conversion).values
    check_length(value, sd, time, where, variable)
    if name == "lai":
        time, value, sd, kept = original_values(time, value, sd)
        note = join_notes([note, kept])
    sd, mended = mend_sd(sd, value)
    return Observations(name, UNITS[name], time, value, sd, join_notes([note, mended]))
