"""Reader of Edinburgh's CARDAMOM tables of one site: drivers, observations, initial values.

Three files, ``<site>_timeseries_met.csv``, ``<site>_timeseries_obs.csv`` and
``<site>_initial_obs.csv``. A column is named after its quantity and its unit, with ``unc`` between
them for an uncertainty: ``NEE_gCm2day``, ``NEE_unc_gCm2day``. ``doy`` is the last day of a step;
year and place are in no file. Means of daily extremes, and of all fluxes, lie over a step.
"""

import re
import warnings
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.errors import DataWarning, InputError
from bayes_tbm.formats.common import collect
from bayes_tbm.formats.humidity import vpd_from_relative
from bayes_tbm.formats.reading import Reading
from bayes_tbm.formats.table import Header, read_columns, read_header
from bayes_tbm.formats.uncertainty import mend_sd
from bayes_tbm.formats.unit_table import UnitTable, split_name
from bayes_tbm.sites.contents import Contents
from bayes_tbm.sites.drivers import make_drivers
from bayes_tbm.sites.observations import Observations, join_notes, joined
from bayes_tbm.units import UNITS

DRIVEN = {
    "t_min": "mint", "t_max": "maxt", "shortwave": "swrad", "co2": "co2", "precipitation": "precip",
}  # fmt: skip
OBSERVED = {
    "nee": "NEE", "nbe": "NBE", "gpp": "GPP", "reco": "Reco", "et": "Evap", "lai": "LAI",
    "wood": "Cwood_stock", "som": "Csom_stock",
}  # fmt: skip
TAKES = frozenset({"first_year"})
"""Options of `Reading` that are read here."""
_PARTS = ("timeseries_met", "timeseries_obs", "initial_obs")
_TEMPERATURE, _BURNED, _CLEARED = "airt", "burnt_area", "deforestation"
_OTHERS = {"vpd", "rh", _TEMPERATURE, _BURNED, _CLEARED, "Csom_initial"}


def is_edinburgh(header: Header) -> bool:
    """Return whether a table is one of Edinburgh's three files of a site, by its columns."""
    return _part(header) is not None


def read_edinburgh(path: str | Path, reading: Reading | None = None) -> Contents:
    """Read one of the three files of a site; the other two lie beside that of the drivers.

    Parameters
    ----------
    path : str or pathlib.Path
        The drivers, with the observations and initial values beside them; or one of these alone.
    reading : Reading, optional
        ``first_year`` is needed; ``latitude`` and ``longitude`` are in no file.

    Returns
    -------
    Contents

    Raises
    ------
    InputError
        If the first year is not stated, a column or a unit is wrong, or days are no steps.

    Warns
    -----
    DataWarning
        If trees were cut: the model has no harvest.
    """
    path, reading = Path(path), reading or Reading()
    table = _read(path)
    part = _part(table.header)
    if part is None:
        rule = "is none of Edinburgh's tables: doy with mint and maxt, or with observations"
        raise InputError(where=path.name, rule=rule, found=", ".join(table.header.names[:8]))
    if reading.first_year is None:
        remedy = "give it: first_year=1999 in Python or an experiment file, or --first-year 1999"
        raise InputError(where=path.name, variable="first_year", rule="is not in the file",
                         remedy=remedy)  # fmt: skip
    if part == _PARTS[0]:
        return _with_drivers(path, table, reading, reading.first_year)
    if part == _PARTS[1]:
        time, steps = table.times(reading.first_year)
        series, notes = _observations(table, time), (steps, *table.unused())
    else:
        time = np.array([f"{reading.first_year}-01-01T12"], dtype="datetime64[ns]")
        series, notes = [_initial(table, time[0])], tuple(table.unused())
    remedy = f"drivers: give {_base(path)}_{_PARTS[0]}.csv, which reads the others beside it"
    return _contents(path, part, reading, None, {one.name: one for one in series}, notes, (remedy,))


def _with_drivers(path: Path, table: UnitTable, reading: Reading, first_year: int) -> Contents:
    time, steps = table.times(first_year)
    drivers, told = _drivers(table, time)
    notes = [steps, *told, *table.unused()]
    series: list[Observations] = []
    seen, initial = _beside(path)
    if seen.exists():
        beside = _read(seen)
        _same_days(table, beside)
        series += _observations(beside, time)
        notes += [f"observations from {seen.name} beside it", *beside.unused()]
    if initial.exists():
        beside = _read(initial)
        first = _initial(beside, time[0])
        series = [_before_others(first, one) for one in series]
        series += [first] * all(one.name != first.name for one in series)
        notes += [f"initial values from {initial.name} beside it", *beside.unused()]
    notes += [f"no {one.name} beside it" for one in (seen, initial) if not one.exists()]
    observed = collect(series, drivers["burned_fraction"].values)
    return _contents(path, _PARTS[0], reading, drivers, observed, notes, ())


def _contents(
    path: Path, part: str, reading: Reading, drivers: xr.Dataset | None,
    observed: Mapping[str, Observations], notes: Collection[str], lacks: tuple[str, ...],
) -> Contents:  # fmt: skip
    place = "latitude: is in no file of this format; give it: latitude=61.85 (--latitude 61.85)"
    return Contents(
        kind=f"Edinburgh CARDAMOM table ({part})",
        name=reading.site or _base(path),
        source=path.name,
        latitude=reading.latitude,
        longitude=reading.longitude,
        drivers=drivers,
        observations=observed,
        notes=tuple(notes),
        lacks=(*lacks, *[place] * (reading.latitude is None)),
    )


def _read(path: Path) -> UnitTable:
    header = read_header(path)
    stems = {*DRIVEN.values(), *OBSERVED.values(), *_OTHERS}
    numbers = [n for n in header.names if n == "doy" or split_name(n)[0] in stems]
    texts = [n for n in header.names if n and n not in numbers]
    return UnitTable(header, read_columns(header, numbers, texts))


def _part(header: Header) -> str | None:
    stems = {split_name(name)[0] for name in header.names}
    if "doy" in header.names:
        if {"mint", "maxt"} <= stems:
            return _PARTS[0]
        return _PARTS[1] if stems & set(OBSERVED.values()) else None
    return _PARTS[2] if "Csom_initial" in stems else None


def files_beside(path: Path) -> list[Path]:
    """Return the files that are read along with one of drivers, those that are there."""
    return [beside for beside in _beside(path) if beside.exists() and beside != path]


def _beside(path: Path) -> list[Path]:
    """Return where observations and initial values lie that belong to drivers."""
    return [path.with_name(f"{_base(path)}_{part}.csv") for part in _PARTS[1:]]


def _base(path: Path) -> str:
    return re.sub(f"_({'|'.join(_PARTS)})$", "", path.stem)


def _drivers(table: UnitTable, time: NDArray[np.datetime64]) -> tuple[xr.Dataset, list[str]]:
    columns = {name: table.require(stem, name) for name, stem in DRIVEN.items()}
    columns["vpd"], notes = _vpd(table, columns)
    for name, stem in (("burned_fraction", _BURNED), (_CLEARED, _CLEARED)):
        share = table.quantity(stem, name)
        if share is None:
            continue
        gaps = np.isnan(share)
        told = f"{stem}: {gaps.sum()} of {gaps.size} values missing, taken as 0"
        notes += [told] * bool(gaps.any())
        columns[name] = np.where(gaps, 0.0, share)
    notes += _cut(columns.pop(_CLEARED, np.zeros(1)), time, table.header.where)
    return make_drivers(time, columns, where=table.header.where), notes


def _vpd(
    table: UnitTable, columns: Mapping[str, NDArray[np.float64]]
) -> tuple[NDArray[np.float64], list[str]]:
    """Return the vapour pressure deficit, from relative humidity where the file has none."""
    relative = None if table.quantity("vpd", "vpd") is not None else table.quantity("rh", "rh")
    if relative is None:
        return table.require("vpd", "vpd"), []
    where = table.header.where
    beyond = np.flatnonzero((relative < 0) | (relative > 1.05))
    if beyond.size:
        found = f"{relative[beyond[0]]:g} in row {beyond[0] + 1}"
        raise InputError(where=where, variable="rh", rule="must be within 0 to 1", found=found,
                         remedy="name the column rh_percent if it is in %")  # fmt: skip
    warmth = table.quantity(_TEMPERATURE, "t_min")
    if warmth is None:
        warmth = (columns["t_min"] + columns["t_max"]) / 2
    told = "vpd from relative humidity at the mean temperature (Tetens): lower than means of hours"
    return np.maximum(vpd_from_relative(relative, warmth), 0.0), [told]


def _cut(cleared: NDArray[np.float64], time: NDArray[np.datetime64], where: str) -> list[str]:
    cut = np.flatnonzero(cleared > 0)
    if not cut.size:
        return []
    date = time[cut[0]].astype("datetime64[D]")
    told = (
        f"{_CLEARED}: {cleared[cut[0]]:g} about {date} ({cut.size} of {cleared.size} steps): the "
        "model has no harvest and runs as if nothing was cut; begin the record after it"
    )
    warnings.warn(f"{where}: {told}", DataWarning, stacklevel=2)
    return [told]


def _observations(table: UnitTable, time: NDArray[np.datetime64]) -> list[Observations]:
    return [_series(table, stem, name, time) for name, stem in OBSERVED.items()]


def _initial(table: UnitTable, first: np.datetime64) -> Observations:
    size = next(iter(table.columns.numbers.values())).size
    if size != 1:
        raise InputError(where=table.header.where, rule="must have one row", found=f"{size} rows")
    seen = _series(table, "Csom_initial", "som", np.array([first]))
    note = join_notes(["initial value, at the first step", seen.note])
    return Observations("som", seen.unit, seen.time, seen.value, seen.sd, note)


def _series(table: UnitTable, stem: str, name: str, time: NDArray[np.datetime64]) -> Observations:
    value, sd = table.quantity(stem, name), table.quantity(stem, name, unc=True)
    nothing = np.full(time.shape, np.nan)
    value, sd = (nothing if part is None else part for part in (value, sd))
    sd, mended = mend_sd(sd, value)
    note = join_notes([mended, _shares(table, stem, np.isfinite(value))])
    return Observations(name, UNITS[name], time, value, sd, note)


def _shares(table: UnitTable, stem: str, seen: NDArray[np.bool_]) -> str:
    """Say what part of an uncertainty the file puts down to the model."""
    alone, model = (table.median(f"{stem}_{part}", seen) for part in ("obs", "mod"))
    if model is None:
        return ""
    rest = f", that of the measurement alone {alone:.3g}" if alone is not None else ""
    return f"sd are {stem}_unc, of which {model:.3g} is the model's{rest} (medians)"


def _before_others(first: Observations, series: Observations) -> Observations:
    if first.name != series.name or not len(first):
        return series
    return joined(first, series)


def _same_days(table: UnitTable, beside: UnitTable) -> None:
    """Refuse observations over other days than the drivers: neither says which year it is."""
    here, there = table.columns.numbers["doy"], beside.columns.numbers["doy"]
    if not np.array_equal(here, there):
        raise InputError(
            where=beside.header.where, variable="doy", rule="must be that of the drivers' file",
            found=f"{there.size} rows for {here.size}" if here.size != there.size else "other days",
            remedy="move it away, and give it alone with its own first year",
        )  # fmt: skip
