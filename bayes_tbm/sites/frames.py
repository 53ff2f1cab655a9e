"""Drivers and observations from tables of pandas and datasets of xarray that no reader knows."""

import difflib
import warnings
from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.errors import DataWarning, InputError, did_you_mean, nearest
from bayes_tbm.sites.decoded import decoded
from bayes_tbm.sites.drivers import make_drivers
from bayes_tbm.sites.frame_layout import DRIVEN, KNOWN, NEEDED, Layout
from bayes_tbm.sites.frame_times import middles, times_of
from bayes_tbm.sites.missing import missing_to_nan
from bayes_tbm.sites.observations import FLUXES, OBSERVED, Observations, join_notes
from bayes_tbm.units import UNITS

type Seen = pd.DataFrame | pd.Series | Observations
_ALIKE = 0.8
"""How alike a column's name is to one of ours that is taken for a slip."""
_SPREADS = ("unc", "uc", "uncertainty", "se", "sem", "std", "stdev", "stderr", "err", "sigma")
"""What others end the names of standard deviations and errors on."""


def parts_of_frame(
    frame: pd.DataFrame, layout: Layout, observations: Mapping[str, Seen]
) -> tuple[xr.Dataset, dict[str, Observations], tuple[str, ...]]:
    """Return drivers, observations and notes of a table.

    Parameters
    ----------
    frame : pandas.DataFrame
        A row a step: drivers, and series observed at the steps.
    layout : Layout
        Its names, units and times.
    observations : mapping of str to pandas.DataFrame, pandas.Series or Observations
        Series with times of their own; those of fluxes are stamped as the table's.

    Raises
    ------
    InputError
        If a column is absent, its unit is not stated, or values or times cannot be read.

    Warns
    -----
    DataWarning
        If a column is not used whose name looks like one of ours.
    """
    _require(frame, layout, observations)
    stamps, zone, middle = times_of(frame, layout.column("time"), layout.where)
    time, moved = (stamps, "") if middle else middles(stamps, layout.stamp, layout.where)
    columns, notes = {}, [zone, moved]
    for name in DRIVEN:
        if layout.column(name) in frame:
            convert = layout.conversion(name)
            columns[name] = convert(_numbers(frame, layout.column(name), layout.where))
            notes.append(f"{name}: {convert.note}" * bool(convert.note))
    drivers = make_drivers(time, columns, where=layout.where)
    seen = {name: _series(frame, name, time, layout) for name in OBSERVED
            if layout.column(name) in frame}  # fmt: skip
    for name, own in observations.items():
        if name in seen:
            rule, found = "is given twice", "a column of the table and observations"
            raise InputError(where=layout.where, variable=name, rule=rule, found=found)
        half = drivers["step_length"].values[0] / 2 * (layout.stamp != "middle")
        seen[name] = _own(own, name, half if layout.stamp == "start" else -half, layout)
    notes.append(_left_out(frame, layout))
    return drivers, seen, tuple(note for note in notes if note)


def frame_of_dataset(
    data: xr.Dataset, layout: Layout
) -> tuple[pd.DataFrame, Layout, dict[str, Seen]]:
    """Return the variables over time as a table, their units, and series over other dimensions.

    Parameters
    ----------
    data : xarray.Dataset
        Variables over ``time``, dimensions of one place aside; observed ones may lie over a
        dimension of times of their own.
    layout : Layout
        Units stated here count before those of the attributes.

    Raises
    ------
    InputError
        If it is no dataset over time, or a variable lies over something else or is packed.
    """
    time = layout.column("time")
    if time not in getattr(data, "indexes", ()):
        rule = f"must be an xarray.Dataset with an index {time!r}"
        found = list(getattr(data, "dims", ())) or type(data)
        raise InputError(where=layout.where, rule=rule, found=found)
    frame = pd.DataFrame(index=data.indexes[time])
    units: dict[str, str] = {}
    own: dict[str, Seen] = {}
    ours = {layout.column(name): name for name in KNOWN}
    for column, held in data.data_vars.items():
        name = ours.get(str(column), str(column))
        variable = held.squeeze([d for d in held.dims if data.sizes[d] == 1 and d != time])
        if name in KNOWN and "units" in variable.attrs:
            units[name] = str(variable.attrs["units"])
        if variable.dims == (time,):
            used = name in KNOWN
            frame[column] = decoded(variable, name, layout.where) if used else variable.values
        elif variable.ndim == 1 and name in OBSERVED and variable.dims[0] in data.indexes:
            values = {name: decoded(variable, name, layout.where)}
            spread = data.get(layout.column(f"{name}_sd"))
            if spread is not None:
                values["sd"] = decoded(spread, f"{name}_sd", layout.where)
            own[name] = pd.DataFrame(values, index=data.indexes[variable.dims[0]])
        elif name in (*DRIVEN, *OBSERVED):
            raise InputError(
                where=layout.where, variable=name, found=variable.dims,
                rule=f"must lie over {time}; what is observed may over times of its own",
            )  # fmt: skip
    stated = layout.units if isinstance(layout.units, str) else units | dict(layout.units)
    columns = {name: layout.column(name) for name in layout.columns if name != "time"}
    return frame, Layout(stated, columns, layout.stamp, layout.where), own


def _require(frame: pd.DataFrame, layout: Layout, elsewhere: Collection[str]) -> None:
    """Refuse a table that lacks a driver, or a column that the user names."""
    if not isinstance(frame, pd.DataFrame):
        raise InputError(where=layout.where, rule="must be a pandas.DataFrame", found=type(frame))
    held = [str(name) for name in frame.columns]
    for name in dict.fromkeys([*NEEDED, *layout.columns]):
        column = layout.column(name)
        if column in frame or name.removesuffix("_sd") in elsewhere:
            continue
        alike = nearest(column, held)
        rename = f"if so, columns={{{name!r}: {alike[0]!r}}}" if alike else "rename it by columns="
        hint = did_you_mean(column, held) + " " if alike else ""
        raise InputError(
            where=layout.where, variable=column, rule="column is missing",
            found=", ".join(held) or "no column", remedy=hint + rename,
        )  # fmt: skip


def _numbers(frame: pd.DataFrame, column: str, where: str) -> NDArray[np.float64]:
    values = frame[column]
    if isinstance(values, pd.DataFrame):
        found = f"{values.shape[1]} of that name"
        rule = "must be a column of its own"
        raise InputError(where=where, variable=column, rule=rule, found=found)
    kinds = pd.api.types
    right = kinds.is_numeric_dtype(values) and not kinds.is_complex_dtype(values)
    numbers = values
    if not right and (kinds.is_object_dtype(values) or kinds.is_string_dtype(values)):
        numbers = pd.to_numeric(values, errors="coerce")
        right = not (numbers.isna() & values.notna()).any()
    if not right:
        wrong = values[numbers.isna() | (numbers is values)]
        raise InputError(
            where=where, variable=column, rule="must be numbers", found=f"{wrong.iloc[0]!r}",
            remedy="leave a gap as NaN; pd.read_csv(..., decimal=',') reads decimal commas",
        )  # fmt: skip
    return missing_to_nan(numbers.to_numpy(dtype=np.float64, na_value=np.nan))


def _series(
    frame: pd.DataFrame, name: str, time: NDArray[np.datetime64], layout: Layout,
    value: str | None = None, spread: str | None = None,
) -> Observations:  # fmt: skip
    """Return a series of a table, from the columns of its name unless others are said."""
    value, spread = value or layout.column(name), spread or layout.column(f"{name}_sd")
    convert = layout.conversion(name)
    values = convert(_numbers(frame, value, layout.where))
    sd = np.full(values.shape, np.nan)
    if spread in frame:
        sd = layout.spread(name)(_numbers(frame, spread, layout.where))
    return Observations(name, UNITS[name], time, values, sd, convert.note)


def _own(own: Seen, name: str, shift: float, layout: Layout) -> Observations:
    """Return a series that has times of its own; those of fluxes are moved as the drivers'."""
    if name not in OBSERVED:
        remedy = did_you_mean(name, OBSERVED)
        raise InputError(where=layout.where, variable="observations", found=repr(name),
                         rule="holds a name that is not known", remedy=remedy)  # fmt: skip
    if isinstance(own, Observations):
        if own.name != name:
            rule = "must be observations of it"
            raise InputError(where=layout.where, variable=name, rule=rule, found=own.name)
        return own
    frame = own.to_frame(name) if isinstance(own, pd.Series) else own
    if not isinstance(frame, pd.DataFrame):
        rule = "must be a pandas.DataFrame or Series, or Observations"
        raise InputError(where=layout.where, variable=name, rule=rule, found=type(frame))
    candidates = (layout.column(name), name, "value")
    value = next((one for one in candidates if one in frame), None)
    if value is None:
        rule, found = f"column is missing: {name} or value", ", ".join(map(str, frame.columns))
        raise InputError(where=layout.where, variable=name, rule=rule, found=found)
    spread = next((c for c in (layout.column(f"{name}_sd"), "sd") if c in frame), None)
    time, zone, middle = times_of(frame, layout.column("time"), layout.where)
    moved = ""
    if shift and name in FLUXES and not middle:
        time = time + np.timedelta64(round(shift * 86_400_000), "ms")
        moved = f"time moved by {shift:g} d, as the drivers'"
    seen = _series(frame, name, time, layout, value, spread)
    return replace(seen, note=join_notes([seen.note, zone, moved]))


def _left_out(frame: pd.DataFrame, layout: Layout) -> str:
    """Return a note of columns that are not used; warn of those that look like ours."""
    used = {layout.column(name) for name in (*KNOWN, "time")}
    left = [str(column) for column in frame.columns if column not in used]
    absent = [name for name in KNOWN if layout.column(name) not in frame]
    for column in left:
        alike = difflib.get_close_matches(column.lower(), absent, n=1, cutoff=_ALIKE)
        alike = _spread_of(column, absent, layout) or alike
        if alike:
            told = (
                f"{column} is not used; did you mean {alike[0]}? "
                f"if so, columns={{{alike[0]!r}: {column!r}}}"
            )
            warnings.warn(f"{layout.where}: {told}", DataWarning, stacklevel=4)
    return f"not used: {', '.join(left)}" if left else ""


def _spread_of(column: str, absent: Collection[str], layout: Layout) -> list[str]:
    """Return our name of an absent standard deviation that a column looks to hold."""
    base, _, ending = column.lower().rpartition("_")
    if ending not in _SPREADS:
        return []
    named = [name for name in OBSERVED if base in (name, layout.column(name).lower())]
    return [f"{name}_sd" for name in named if f"{name}_sd" in absent]
