"""Reader of PLUMBER2 site files: half-hourly or hourly weather and fluxes of a tower.

``time`` is the start of a step, in local standard time, so days are the file's own. Drivers are
means and extremes over days, filled steps included, as their provider filled them. Of fluxes a day
counts where enough of its steps were measured.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.errors import DataWarning, InputError
from bayes_tbm.formats.attributes import text
from bayes_tbm.formats.common import APART, Place, apart, collect
from bayes_tbm.formats.humidity import vpd_from_specific
from bayes_tbm.formats.netcdf import column, place, read_netcdf, times
from bayes_tbm.formats.packing import unpacked
from bayes_tbm.formats.plumber2_observed import (
    FLUXES,
    NO_FLAGS,
    filled_share,
    fluxes,
    leaf_area,
    variables_of,
)
from bayes_tbm.formats.reading import Reading
from bayes_tbm.formats.stated import stated_co2
from bayes_tbm.formats.subdaily import ENOUGH, NEAR, Days, doubt_clock, whole_days
from bayes_tbm.formats.unused import unused
from bayes_tbm.sites.contents import Contents
from bayes_tbm.sites.dates import without_zone_note
from bayes_tbm.sites.drivers import make_drivers
from bayes_tbm.sites.missing import missing_to_nan
from bayes_tbm.sites.observations import Observations
from bayes_tbm.units import check_unit

MET = ("Tair", "SWdown", "Precip", "VPD", "CO2air", "Qair", "Psurf", "LAI", "LAI_alternative")
TAKES = frozenset({"quality", "closure", "fill_co2", "co2"})
"""Options of `Reading` that are read here."""
_SOURCES = {
    "t_min": "Tair", "t_max": "Tair", "shortwave": "SWdown", "vpd": "VPD",
    "precipitation": "Precip", "co2": "CO2air",
}  # fmt: skip
_PLACE = {
    "latitude", "longitude", "x", "y", "elevation", "canopy_height", "reference_height",
    "reference_height_v", "reference_height_t", "reference_height_q",
}  # fmt: skip


def is_plumber2(data: xr.Dataset) -> bool:
    """Return whether a dataset is a PLUMBER2 file of weather or fluxes, by its variables."""
    return _is_met(data) or _is_flux(data)


def read_plumber2(path: str | Path, reading: Reading | None = None) -> Contents:
    """Read a PLUMBER2 file.

    Parameters
    ----------
    path : str or pathlib.Path
        ``*_Met.nc``, with the ``*_Flux.nc`` of the same name beside it where there is one; or a
        ``*_Flux.nc`` alone.
    reading : Reading, optional
        ``quality`` is the share of a day's steps that must be measured (flag 0), ``closure`` asks
        for latent heat that is corrected, ``fill_co2`` for gaps of CO2 to be filled.

    Returns
    -------
    Contents

    Raises
    ------
    InputError
        If there are fewer than two whole days, steps are uneven, or a unit or flag is not known.
    """
    path, reading = Path(path), reading or Reading()
    data, days, notes = _opened(path, is_plumber2)
    where, drivers = path.name, None
    lacks: tuple[str, ...] = ()
    if _is_met(data):
        drivers, lacks, told = _drivers(data, days, reading, where)
        lai, which = leaf_area(data, days, where)
        series, notes = [lai], [*notes, *told, which, *_unused(data, where)]
        beside = fluxes_beside(path)
        if beside is not None:
            more, told = _beside(beside, data, days, reading, where)
            series, notes = [*series, *more], [*notes, *told]
        notes = [without_zone_note(note) for note in notes]  # sunshine tells the clock
    else:
        series = fluxes(data, days, reading, where)
        notes = [*notes, *_none_kept(series, where), *_unused(data, where)]
        lacks = ("drivers: give the *_Met.nc of this tower, which reads its *_Flux.nc beside it",)
    seen = {one.name: one for one in series}
    if drivers is not None:
        seen = collect(series, drivers["burned_fraction"].values)
    return Contents(
        kind="PLUMBER2 weather" if _is_met(data) else "PLUMBER2 fluxes",
        name=reading.site or text(data.attrs, "site_code") or path.stem.split("_")[0],
        source=where,
        latitude=place(data, "latitude", reading.latitude, where),
        longitude=place(data, "longitude", reading.longitude, where),
        drivers=drivers,
        observations=seen,
        notes=tuple(note for note in notes if note),
        lacks=lacks,
    )


def fluxes_beside(path: Path) -> Path | None:
    """Return the fluxes that are read along with a file of weather, if they are there."""
    beside = path.with_name(f"{path.name.removesuffix('_Met.nc')}_Flux.nc")
    return beside if path.name.endswith("_Met.nc") and beside.exists() else None


def _beside(
    path: Path, met: xr.Dataset, days: Days, reading: Reading, where: str
) -> tuple[list[Observations], list[str]]:
    """Return the fluxes of the file beside the weather, on the days of both, and notes."""
    data, own, told = _opened(path, _has_flux)
    if unlike := _other_tower(data, met):
        unlike = f"{path.name} beside {where} is left out: it is of {unlike}"
        warnings.warn(unlike, DataWarning, stacklevel=3)
        return [], [unlike]
    series = fluxes(data, own, reading, path.name)
    notes = [f"fluxes from {path.name} beside it", *told, *_none_kept(series, path.name)]
    both = np.isin(own.day, days.day)
    if not both.all():
        spans = [f"{one.day[0]} to {one.day[-1]}" for one in (own, days)]
        cut = f"{path.name} holds {spans[0]}, {where} {spans[1]}: "
        cut += f"{(~both).sum()} of {both.size} days of fluxes left out"
        notes.append(cut)
        if not both.any():
            cut += ", no day is in both; give the weather and fluxes of the same years"
            warnings.warn(cut, DataWarning, stacklevel=3)
        series = [one.select(np.isin(one.time, days.noon)) for one in series]
    return series, [*notes, *_unused(data, path.name)]


def _other_tower(data: xr.Dataset, met: xr.Dataset) -> str:
    """Say of which tower a file is and of which the weather; nothing if of one, or of unknown."""
    codes = [text(one.attrs, "site_code") for one in (data, met)]
    places = [_held_place(one) for one in (data, met)]
    if all(codes) and codes[0].lower() != codes[1].lower():
        return f"{codes[0]}, and the weather of {codes[1]}"
    if apart(places[0], places[1]) > APART:
        one, other = (" N, ".join(f"{x:.4g}" for x in at if x is not None) for at in places)
        return f"{one} E, and the weather of {other} E"
    return ""


def _held_place(data: xr.Dataset) -> Place:
    """Return where a file says that it is; nothing where that will not do: the weather's counts."""
    try:
        latitude, longitude = (place(data, n, None, "") for n in ("latitude", "longitude"))
    except InputError:
        return None, None
    return latitude or None, longitude  # 0 is what files hold that know of none


def _none_kept(series: Sequence[Observations], where: str) -> list[str]:
    """Say why a flux is left without any value, and warn where it lacks the flags."""
    none = [f"{one.name}: no day is kept: {one.note}" for one in series if not len(one)]
    if unflagged := [line for line in none if NO_FLAGS in line]:
        warnings.warn(f"{where}: {'; '.join(unflagged)}", DataWarning, stacklevel=4)
    return none


def _has_flux(data: xr.Dataset) -> bool:
    """Return whether any flux is there, flagged or not: beside the weather no model's is."""
    return "time" in data and any(name in data for name in variables_of(FLUXES))


def _is_met(data: xr.Dataset) -> bool:
    return {"Tair", "SWdown", "time"} <= set(data.variables)


def _is_flux(data: xr.Dataset) -> bool:
    """Tell measured fluxes from a model's, which have the same names, by flags and origins."""
    held = [name for name in variables_of(FLUXES) if name in data]
    told = any(f"{name}_qc" in data or "Fluxnet_name" in data[name].attrs for name in held)
    return "time" in data and told


def _opened(path: Path, takes: Callable[[xr.Dataset], bool]) -> tuple[xr.Dataset, Days, list[str]]:
    """Return a file without repeated records, its days, and notes."""
    data = read_netcdf(path)
    if not takes(data):
        rule = "holds neither Tair and SWdown nor measured fluxes over time"
        found = ", ".join(str(name) for name in list(data.variables)[:8])
        raise InputError(where=path.name, rule=rule, found=found)
    start, placed = times(data, "time", path.name)
    again = np.append(False, np.diff(start) == np.timedelta64(0, "ns"))
    note = ""
    if again.any():
        _check_repeats(data, start, again, path.name)
        note = f"{again.sum()} records repeat the one before, dropped"
        data, start = data.isel(time=~again), start[~again]
    days, told = whole_days(start, path.name)
    return data, days, [placed, note, *told]


def _check_repeats(
    data: xr.Dataset, start: NDArray[np.datetime64], again: NDArray[np.bool_], where: str
) -> None:
    """Refuse two records of one time that differ."""
    second = np.flatnonzero(again)
    for name, values in data.data_vars.items():
        if "time" not in values.dims:
            continue
        one, other = values.isel(time=second - 1).values, values.isel(time=second).values
        differ = (one != other) & ~((one != one) & (other != other))  # NaN equals NaN here
        if np.any(differ):
            axis = tuple(n for n, dim in enumerate(values.dims) if dim != "time")
            date = start[second[np.argmax(differ.any(axis=axis))]]
            raise InputError(
                where=where, variable="time", rule="must not repeat",
                found=f"two records of {str(date)[:16]} whose {name} differ",
                remedy="drop the wrong one",
            )  # fmt: skip


def _drivers(
    data: xr.Dataset, days: Days, reading: Reading, where: str
) -> tuple[xr.Dataset | None, tuple[str, ...], list[str]]:
    """Return the drivers, or None and what they lack; and notes."""
    warmth = column(data, "Tair", "t_min", where, units_needed=True).values
    sun = column(data, "SWdown", "shortwave", where, units_needed=True).values
    doubt_clock(days, sun, where)
    vpd, notes = _vpd(data, warmth, where)
    rain, co2 = (
        column(data, variable, name, where, units_needed=True).values
        if variable in data
        else np.full(warmth.shape, np.nan)
        for variable, name in (("Precip", "precipitation"), ("CO2air", "co2"))
    )
    held = {"Tair": warmth, "SWdown": sun, "VPD": vpd, "Precip": rain, "CO2air": co2}
    notes += _lacking(days, held)
    low, high = days.extremes(warmth)
    columns = {
        "t_min": low,
        "t_max": high,
        "shortwave": days.cycle_mean(sun),
        "vpd": days.mean(vpd),
        "precipitation": days.mean(rain),
        "co2": days.mean(co2),
    }
    columns["co2"], told = stated_co2(columns["co2"], reading, where)
    notes += [told] * bool(told)
    if reading.fill_co2:
        columns["co2"], filled = _filled(columns["co2"])
        notes.append(filled)
    notes.append(filled_share(data, ("Tair", "SWdown", "VPD", "Precip"), days, where))
    known = {name: bool(np.isfinite(held[_SOURCES[name]]).any()) for name in columns}
    lacks = [_lack(name, values, days, held=known[name]) for name, values in columns.items()]
    lacks = [one for one in lacks if one]
    drivers = None if lacks else make_drivers(days.noon, columns, where=where)
    return drivers, tuple(lacks), notes


def _lacking(days: Days, columns: Mapping[str, NDArray[np.float64]]) -> list[str]:
    """Count the days that are read although some of their steps have no value."""
    counts = {name: days.lacking(values) for name, values in columns.items()}
    said = ", ".join(f"{name} {count}" for name, count in counts.items() if count)
    sun = f"; those of SWdown are the mean at their time of day within {NEAR} days"
    how = sun if counts["SWdown"] else ""
    return [f"days read although some of their steps are missing: {said}{how}"] * bool(said)


def _vpd(
    data: xr.Dataset, warmth: NDArray[np.float64], where: str
) -> tuple[NDArray[np.float64], list[str]]:
    """Return the vapour pressure deficit of each step [hPa], from humidity if the file has none."""
    if "VPD" in data:
        vpd, told = column(data, "VPD", "vpd", where, units_needed=True).values, []
    elif {"Qair", "Psurf"} <= set(data.variables):
        unit = text(data["Qair"].attrs, "units")
        if unit.replace(" ", "") not in ("kg/kg", "kgkg-1", "kgkg^-1", "1"):
            rule = "unit must be 'kg/kg'"
            raise InputError(where=where, variable="Qair", rule=rule, found=repr(unit))
        pressure = check_unit(
            text(data["Psurf"].attrs, "units"), "hPa", where=where, variable="Psurf"
        )
        vpd = vpd_from_specific(
            _plain(data, "Qair", where), pressure(_plain(data, "Psurf", where)), warmth
        )
        told = ["vpd from Qair, Psurf and Tair (Tetens)"]
    else:
        return np.full(warmth.shape, np.nan), []
    if below := int(np.sum(vpd < 0)):
        least = np.nanmin(vpd)
        told.append(f"vpd: {below} of {vpd.size} steps below 0, down to {least:.2g} hPa, set to 0")
    return np.maximum(vpd, 0.0), told


def _plain(data: xr.Dataset, variable: str, where: str) -> NDArray[np.float64]:
    return missing_to_nan(unpacked(data[variable], where, variable)[0]).reshape(-1)


def _filled(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], str]:
    """Fill gaps by straight lines in time, and by the nearest value at the ends."""
    seen = np.isfinite(values)
    if seen.all() or not seen.any():
        return values, ""
    place = np.arange(values.size)
    note = f"co2: {(~seen).sum()} of {seen.size} days filled, by lines and the nearest value"
    return np.interp(place, place[seen], values[seen]), note


def _lack(name: str, values: NDArray[np.float64], days: Days, *, held: bool) -> str:
    gaps = np.isnan(values)
    if gaps.all():
        few = f"{_SOURCES[name]} has values, but on no day at {ENOUGH:.0%} of the times"
        none = "no CO2air in the file" if name == "co2" else "nothing in the file gives it"
        remedy = "add the variable"
        if held:
            remedy = "fill it in the file"
        if name == "co2":
            remedy = "state it [ppm], co2=390 (--co2 390), as of those years"
        return f"{name}: {few if held else none}: {remedy}"
    if not gaps.any():
        return ""
    remedy = "fill_co2=True (--fill-co2) fills them" if name == "co2" else "fill them in the file"
    first = days.day[np.argmax(gaps)]
    return f"{name}: {gaps.sum()} of {gaps.size} days have no value, the first {first}: {remedy}"


def _unused(data: xr.Dataset, where: str) -> Sequence[str]:
    read = {*MET, *variables_of(FLUXES)}
    return unused(data, _PLACE | read | {f"{name}_qc" for name in map(str, data.variables)}, where)
