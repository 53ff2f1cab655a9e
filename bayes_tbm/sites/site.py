"""A site: its drivers and what was observed there, checked, with units known."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.plain import as_number
from bayes_tbm.sites.checks import check_site
from bayes_tbm.sites.mean_year import mean_year
from bayes_tbm.sites.observations import STOCKS, Observations, join_notes
from bayes_tbm.sites.schema import DRIVERS
from bayes_tbm.sites.summary import hash_numbers, page
from bayes_tbm.sites.write import write_site

__all__ = ["Observations", "Site", "When"]
When = str | date | np.datetime64


@dataclass(frozen=True, eq=False, repr=False)
class Site:
    """Drivers and observations of one site; cannot be built from data that fail the checks.

    Parameters
    ----------
    name : str
        Name of the site.
    latitude, longitude : float
        Degrees north and east; longitude may be None.
    drivers : xarray.Dataset
        Variables `DRIVERS` over ``time`` (middle of each step), with units.
    observations : dict of str to Observations
        Observed series by name.
    source : str
        File or place the data came from.
    notes : tuple of str
        What the reader decided, one line each.

    Raises
    ------
    InputError
        If a rule of `bayes_tbm.sites.checks` is broken.
    """

    name: str
    latitude: float
    longitude: float | None
    drivers: xr.Dataset
    observations: dict[str, Observations]
    source: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        notes = (" ".join(note.split()) for note in self.notes)
        object.__setattr__(self, "notes", tuple(note for note in notes if note))
        where = self.source or self.name
        check_site(where, self.latitude, self.longitude, self.drivers, self.observations)

    @property
    def steps(self) -> int:
        """Number of steps."""
        return int(self.drivers.sizes["time"])

    @property
    def step_name(self) -> str:
        """``'daily'``, ``'weekly'``, ``'monthly'`` or the length, as in ``'8-day'``."""
        length = float(self.drivers["step_length"].median())
        if 27.9 < length < 31.1:
            return "monthly"
        return {1.0: "daily", 7.0: "weekly"}.get(round(length, 2), f"{length:.4g}-day")

    @property
    def mean_temperature(self) -> float:
        """Mean of (t_min + t_max) / 2 over the drivers [degC]."""
        return self._mean((self.drivers["t_min"] + self.drivers["t_max"]) / 2)

    @property
    def mean_precipitation(self) -> float:
        """Mean precipitation over the drivers [mm d-1]."""
        return self._mean(self.drivers["precipitation"])

    def mean_year(self) -> dict[str, NDArray[np.float64]]:
        """Return drivers of the mean year, see `bayes_tbm.sites.mean_year`."""
        return mean_year(self.drivers, self.source or self.name)

    def _mean(self, values: xr.DataArray) -> float:
        return float(np.average(values.values, weights=self.drivers["step_length"].values))

    def window(self, start: When | None = None, end: When | None = None) -> "Site":
        """Return the site between two dates, both included (``end="2008"`` keeps all of 2008).

        Stocks (biomass, wood, soil carbon) keep all their values: inventories are few,
        and each stream decides what it can compare.

        Raises
        ------
        InputError
            If a date cannot be read or fewer than two steps remain.
        """
        first, last = _bound(start, "start"), _bound(end, "end")

        def inside(time: NDArray[np.datetime64]) -> NDArray[np.bool_]:
            return (time >= first) & (time <= last)

        keep = inside(self.drivers["time"].values)
        if keep.sum() < 2:
            period = self.drivers["time"].values[[0, -1]].astype("datetime64[D]")
            raise InputError(
                where=self.source,
                variable="time",
                rule=f"at least two steps must lie between {start or '-'} and {end or '-'}",
                found=f"{keep.sum()} of the drivers' {period[0]} to {period[1]}",
            )
        observations = {
            name: seen if name in STOCKS else seen.select(inside(seen.time))
            for name, seen in self.observations.items()
        }
        kept = {name: seen for name, seen in observations.items() if len(seen)}
        return replace(self, drivers=self.drivers.isel(time=keep), observations=kept)

    def with_uncertainty(self, uncertainty: Mapping[str, float]) -> "Site":
        """Return the site with the absolute standard deviation of named series replaced.

        Raises
        ------
        InputError
            If a series is not observed here or a value is not positive.
        """
        observations = dict(self.observations)
        for name, sd in uncertainty.items():
            if name not in observations:
                rule = f"is not observed here; observed are {', '.join(observations) or 'none'}"
                raise InputError(where=self.source, variable=name, rule=rule)
            number = as_number(sd)
            if number is None or not (np.isfinite(number) and number > 0):
                rule = "uncertainty must be positive" + (", a number" if number is None else "")
                raise InputError(where=self.source, variable=name, rule=rule, found=repr(sd))
            seen = observations[name]
            given = np.full(len(seen), number)
            note = join_notes([seen.note, f"sd set to {number:g} by the user"])
            observations[name] = replace(seen, sd=given, note=note)
        return replace(self, observations=observations)

    def to_netcdf(self, path: str | Path) -> None:
        """Write the site in the package's own format, see `bayes_tbm.sites.formats.own`."""
        place = {"latitude": self.latitude}
        if self.longitude is not None:
            place["longitude"] = self.longitude
        notes = "\n".join(self.notes)
        texts = {"site_name": self.name, "source": self.source, "notes": notes}
        write_site(path, self.drivers, self.observations, place, texts)

    def data_hash(self) -> str:
        """Return the SHA-256 over every number that bears on a fit, whatever the file format."""
        numbers = {"latitude": np.array(self.latitude)}
        numbers |= {name: self.drivers[name].values for name in DRIVERS}
        for name, seen in sorted(self.observations.items()):
            milliseconds = seen.time.astype("datetime64[ms]").astype(np.float64)
            parts = {"time": milliseconds, "value": seen.value, "sd": seen.sd}
            numbers |= {f"{name}.{part}": array for part, array in parts.items()}
        return hash_numbers(numbers)

    def __repr__(self) -> str:
        return self.summary()

    def summary(self) -> str:
        """Return a page on the site: place, period, climate, and a row for each observation."""
        first, last = self.drivers["time"].values[[0, -1]].astype("datetime64[D]")
        east = "" if self.longitude is None else f", {self.longitude:.4f} E"
        head = (
            f"Site {self.name} ({self.latitude:.4f} N{east})",
            f"  {self.steps} {self.step_name} steps, {first} to {last}; "
            f"{self.mean_temperature:.1f} degC, {self.mean_precipitation:.2f} mm d-1",
        )
        return page(head, self.observations, self.notes)


def _bound(when: When | None, label: str) -> np.datetime64:
    """Return the first or last instant of a date as coarse as it was given."""
    if when is None:
        far = pd.Timestamp.min if label == "start" else pd.Timestamp.max
        return np.datetime64(far.value, "ns")
    try:
        period = pd.Period(str(when))
    except ValueError as error:
        raise InputError(variable=label, rule="must be a date", found=repr(when)) from error
    instant = period.start_time if label == "start" else period.end_time
    return np.datetime64(instant.value, "ns")
