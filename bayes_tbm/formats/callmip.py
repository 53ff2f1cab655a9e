"""Reader of CalLMIP phase 1 flux files: daily NEE and latent heat of a tower, with errors.

Values are read as they stand: NEE is positive to the air, though its ``standard_name`` says
otherwise, and latent heat is not corrected for closure. ``time`` is the start of the day, so the
middle is half a day later. A day with more than a quarter of its values filled is missing.
"""

import re
import warnings
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.errors import DataWarning, InputError
from bayes_tbm.formats.attributes import text
from bayes_tbm.formats.common import check_length
from bayes_tbm.formats.netcdf import column, place, read_netcdf, times
from bayes_tbm.formats.reading import Reading
from bayes_tbm.formats.uncertainty import mend_sd
from bayes_tbm.formats.unused import unused
from bayes_tbm.sites.contents import Contents
from bayes_tbm.sites.doubts_of_sign import UPSIDE_DOWN, upside_down
from bayes_tbm.sites.observations import Observations, join_notes
from bayes_tbm.units import UNITS

VARIABLES = {"nee": "NEE", "et": "Qle"}
TAKES = frozenset({"scale"})
"""Options of `Reading` that are read here."""
_FEW = 0.02
"""Share of days below which a series hardly says anything."""
_STEP_SECONDS = {"half-hourly": 1800, "hourly": 3600}


def is_callmip(data: xr.Dataset) -> bool:
    """Return whether a dataset has the layout of a CalLMIP flux file, by its variables."""
    return "time" in data and any(f"{name}_daily" in data for name in VARIABLES.values())


def read_callmip(path: str | Path, reading: Reading | None = None) -> Contents:
    """Read a CalLMIP flux file.

    Parameters
    ----------
    path : str or pathlib.Path
        netCDF-3 or netCDF-4.
    reading : Reading, optional
        ``scale`` multiplies NEE and its error, where the file's own factor is wrong.

    Returns
    -------
    Contents
        Observations, ``nee`` and ``et``; no drivers.

    Raises
    ------
    InputError
        If a variable or its unit is wrong, or days repeat or are no days.

    Warns
    -----
    DataWarning
        If NEE was made with a factor that is not that of its source.
    """
    path, reading = Path(path), reading or Reading()
    data = read_netcdf(path)
    where = path.name
    time, placed = _days(data, where)
    series = {name: _observations(data, name, time, where) for name in VARIABLES}
    series["nee"], scaled = _scaled(series["nee"], data, reading.scale, where)
    latitude = place(data, "latitude", reading.latitude, where)
    known = {f"{name}{part}_daily" for name in VARIABLES.values() for part in ("", "_uc")}
    notes = (
        placed,
        scaled,
        _upside_down(series["nee"], latitude, where),
        "NEE is read as it stands, positive to the air, whatever its standard_name says",
        *(_few(seen, time.size) for seen in series.values()),
        *unused(data, known | {"latitude", "longitude"}, where),
    )
    name = reading.site or text(data.attrs, "site_code") or path.stem.split("_")[0]
    return Contents(
        kind="CalLMIP phase 1 daily fluxes",
        name=name,
        source=where,
        latitude=latitude,
        longitude=place(data, "longitude", reading.longitude, where),
        observations=series,
        notes=tuple(note for note in notes if note),
        lacks=(f"drivers: give a file of {name}'s weather too, such as its PLUMBER2 *_Met.nc",),
    )


def _days(data: xr.Dataset, where: str) -> tuple[NDArray[np.datetime64], str]:
    """Return the middle of each day."""
    time, note = times(data, "time", where)
    day = time.astype("datetime64[D]")
    step = np.diff(day)
    wrong = np.flatnonzero(np.isnat(time) | np.append(False, step != np.timedelta64(1, "D")))
    if wrong.size:
        raise InputError(
            where=where, variable="time", rule="days must follow each other",
            found=f"{day[wrong[0]]} in place {wrong[0] + 1} ({wrong.size} of {day.size})",
        )  # fmt: skip
    late = np.any(time != day)
    moved = "time is not at midnight: the day that holds it counts" if late else ""
    return (day + np.timedelta64(12, "h")).astype("datetime64[ns]"), join_notes([note, moved])


def _observations(
    data: xr.Dataset, name: str, time: NDArray[np.datetime64], where: str
) -> Observations:
    variable, spread = f"{VARIABLES[name]}_daily", f"{VARIABLES[name]}_uc_daily"
    value = sd = np.full(time.shape, np.nan)
    notes = []
    if variable in data:
        read = column(data, variable, name, where, units_needed=True)
        value, notes = read.values, [read.note]
        if spread in data:
            given = column(data, spread, name, where, units_needed=True, like=read.conversion)
            sd, notes = given.values, [*notes, _doubt(data, name, spread)]
    check_length(value, sd, time, where, variable)
    sd, mended = mend_sd(sd, value)
    return Observations(name, UNITS[name], time, value, sd, join_notes([*notes, mended]))


def _doubt(data: xr.Dataset, name: str, spread: str) -> str:
    """Say what an error of the file leaves out."""
    if name == "nee":
        return (
            "sd likely too small: the u* threshold's part counts as independent between half-hours"
        )
    if "CORR" in text(data[spread].attrs, "Fluxnet_name"):
        return "not corrected for closure, while its sd are those of the corrected flux"
    return ""


def _scaled(
    nee: Observations, data: xr.Dataset, scale: float | None, where: str
) -> tuple[Observations, str]:
    """Multiply NEE by what the user states; else say where its factor does not fit its source."""
    if scale is not None:
        if not (np.isfinite(scale) and scale > 0):
            rule = "must be positive"
            raise InputError(where=where, variable="scale", rule=rule, found=scale)
        told = f"NEE and its error multiplied by {scale:g}, as stated"
        note = join_notes([nee.note, told])
        return Observations("nee", nee.unit, nee.time, nee.value * scale, nee.sd * scale, note), ""
    source, used = _source_step(data), _stated_factor(data)
    if not len(nee) or source is None or used is None or used == _STEP_SECONDS[source]:
        return nee, ""
    times_truth = used / _STEP_SECONDS[source]
    told = (
        f"NEE was summed with {used} s a value from a source that is {source}: values and errors "
        f"are {times_truth:g} of the truth; give scale={1 / times_truth:g} (--scale), or "
        "leave nee out"
    )
    warnings.warn(f"{where}: nee: {told}", DataWarning, stacklevel=3)
    return nee, told


def _source_step(data: xr.Dataset) -> str | None:
    """Return how often the source of the file has values, by the name of its table or folder."""
    source = text(data.attrs, "Input_file").lower()
    if "halfhourly" in source or "_hh_" in source:
        return "half-hourly"
    return "hourly" if "hourly" in source or "_hr_" in source else None


def _stated_factor(data: xr.Dataset) -> int | None:
    """Return the seconds by which NEE was multiplied."""
    word = re.search(r"\b(1800|3600)\b", text(data.attrs, "scaling_factor_NEE"))
    return int(word.group(1)) if word else None


def _upside_down(nee: Observations, latitude: float | None, where: str) -> str:
    """Say so where NEE is higher in the growing season than in winter: it may be into the land."""
    if latitude is None or not upside_down(latitude, nee):
        return ""
    told = f"NEE {UPSIDE_DOWN}: is it positive into the land in this file?"
    warnings.warn(f"{where}: nee: {told}", DataWarning, stacklevel=3)
    return told


def _few(seen: Observations, days: int) -> str:
    if not 0 < len(seen) < _FEW * days:
        return ""
    share = f"{len(seen)} of {days} days ({len(seen) / days:.1%})"
    return f"{seen.name}: only {share} hold a value, and those not at random: they say little"
