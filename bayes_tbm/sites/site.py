"""A site: its drivers and what was observed there, checked, with units known."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.sites.checks import check_site
from bayes_tbm.sites.cut import between
from bayes_tbm.sites.dates import without_zone, zone_note
from bayes_tbm.sites.frame_layout import Layout, Units
from bayes_tbm.sites.frames import Seen, frame_of_dataset, parts_of_frame
from bayes_tbm.sites.mean_year import mean_year
from bayes_tbm.sites.observations import Observations, join_notes, joined
from bayes_tbm.sites.record_months import record_months
from bayes_tbm.sites.schema import DRIVERS
from bayes_tbm.sites.settle import settled_drivers, settled_observations, warn_unusual
from bayes_tbm.sites.stated import When, bound, day, finite, positive, sizes
from bayes_tbm.sites.summary import hash_numbers, page
from bayes_tbm.sites.write import write_site

__all__ = ["Observations", "Site", "When"]


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
        Variables over ``time`` (middle of each step), as those of ``open_site("hyytiala-twin")``,
        with units.
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

    Warns
    -----
    DataWarning
        If values are possible but not usual, an observation has no time, values at one time differ,
        or fluxes look like means over longer than a step.

    Notes
    -----
    Values beyond a bound by rounding are set to it, and a missing standard deviation among others
    to their median; both are noted.
    """

    name: str
    latitude: float
    longitude: float | None
    drivers: xr.Dataset
    observations: dict[str, Observations]
    source: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        where = self.source or self.name
        drivers, rounded = settled_drivers(self.drivers, where)
        observations = {
            name: settled_observations(seen, drivers, where)
            for name, seen in self.observations.items()
        }
        check_site(where, self.latitude, self.longitude, drivers, observations)
        notes = [line for note in (*self.notes, *rounded) if (line := " ".join(note.split()))]
        place = self.latitude, self.longitude
        notes += warn_unusual(where, place, drivers, observations, notes)
        object.__setattr__(self, "drivers", drivers)
        object.__setattr__(self, "observations", observations)
        object.__setattr__(self, "notes", tuple(dict.fromkeys(notes)))

    @classmethod
    def from_dataframe(
        cls,
        frame: pd.DataFrame,
        *,
        latitude: float,
        units: Units,
        name: str = "my site",
        longitude: float | None = None,
        columns: Mapping[str, str] | None = None,
        stamp: str = "middle",
        observations: Mapping[str, Seen] | None = None,
        uncertainty: Mapping[str, float] | None = None,
    ) -> "Site":
        """Make a site of a table that is in memory, whatever file it came from.

        Parameters
        ----------
        frame : pandas.DataFrame
            A row a step, with an index or a column ``time`` of dates: drivers ``t_min``, ``t_max``,
            ``shortwave``, ``co2``, ``vpd``, ``precipitation`` and, optional, ``burned_fraction``;
            observed series, NaN where missing, with standard deviations as ``gpp_sd``.
        latitude, longitude : float
            Degrees north and east; longitude may be None.
        units : mapping of str to str, or 'canonical'
            Unit of every column used, by our name, as people write it; or that all are canonical.
        name : str
            Name of the site.
        columns : mapping of str to str, optional
            Names in the table by ours, where they differ: ``{"t_min": "TMIN"}``.
        stamp : str
            What a date is of its step: ``'start'``, ``'middle'`` or ``'end'``.
        observations : mapping of str to pandas.DataFrame, pandas.Series or Observations, optional
            Series with dates of their own: a column of the name or ``value``, and ``sd``.
        uncertainty : mapping of str to float, optional
            As of `with_uncertainty`.

        Returns
        -------
        Site

        Raises
        ------
        InputError
            If a column or its unit is missing or wrong, or a check fails.

        Examples
        --------
        >>> day = pd.date_range("2009-01-01", "2011-12-31")
        >>> warm = np.cos(2 * np.pi * (day.day_of_year - 200) / 365)
        >>> frame = pd.DataFrame({"TMIN": 1 + 9 * warm, "TMAX": 8 + 9 * warm, "co2": 390.0,
        ...                       "shortwave": 110 + 90 * warm, "vpd": 0.3 + 0.2 * warm,
        ...                       "precipitation": 1.8, "gpp": 3 + 3 * warm, "gpp_sd": 0.5}, day)
        >>> units = {"t_min": "degC", "t_max": "degC", "co2": "ppm", "shortwave": "W m-2",
        ...          "vpd": "kPa", "precipitation": "mm d-1", "gpp": "umol m-2 s-1"}
        >>> site = Site.from_dataframe(frame, latitude=61.85, units=units, stamp="start",
        ...                            columns={"t_min": "TMIN", "t_max": "TMAX"})
        >>> site.steps, round(float(site.drivers["vpd"].max()), 2)
        (1095, 5.0)
        """
        layout = Layout(units, columns or {}, stamp, name)
        drivers, seen, notes = parts_of_frame(frame, layout, observations or {})
        site = cls(name, latitude, longitude, drivers, seen, notes=notes)
        return site.with_uncertainty(uncertainty) if uncertainty else site

    @classmethod
    def from_dataset(
        cls, data: xr.Dataset, *, latitude: float, units: Units | None = None,
        name: str = "my site", columns: Mapping[str, str] | None = None, **options: Any,
    ) -> "Site":  # fmt: skip
        """Make a site of a dataset that is in memory.

        Parameters
        ----------
        data : xarray.Dataset
            Variables over ``time``, as columns of `from_dataframe`; observed ones may lie over
            dates of their own.
        latitude, name, columns
            As of `from_dataframe`.
        units : mapping of str to str, or 'canonical', optional
            Where the variables' attribute ``units`` is absent or wrong.
        **options
            The others of `from_dataframe`.

        Returns
        -------
        Site

        Raises
        ------
        InputError
            As of `from_dataframe`.
        """
        layout = Layout(units or {}, columns or {}, "middle", name)
        frame, found, own = frame_of_dataset(data, layout)
        own |= options.pop("observations", None) or {}
        return cls.from_dataframe(frame, latitude=latitude, units=found.units, name=name,
                                  columns=found.columns, observations=own, **options)  # fmt: skip

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

    def record_months(self) -> dict[str, NDArray[np.float64]]:
        """Drivers of the record's whole years by month, from January, under which a stand regrows.

        Returns
        -------
        dict of str to numpy.ndarray
            By driver, shape (12 years,): means over the months of the record, without fire.

        Raises
        ------
        InputError
            The record does not cover twelve months in a row.
        """
        return record_months(self.drivers, self.source or self.name)

    def mean_year(self) -> dict[str, NDArray[np.float64]]:
        """Drivers of the mean year, under which a stand may regrow instead.

        Returns
        -------
        dict of str to numpy.ndarray
            By driver, shape (12,): means over the calendar months of the record, without fire.

        Raises
        ------
        InputError
            A month of the year is never in the record.
        """
        return mean_year(self.drivers, self.source or self.name)

    def _mean(self, values: xr.DataArray) -> float:
        return float(np.average(values.values, weights=self.drivers["step_length"].values))

    def window(self, start: When | None = None, end: When | None = None) -> "Site":
        """Return the site between two dates, both included (``end="2008"`` keeps all of 2008).

        Stocks (biomass, wood, soil carbon) keep all their values: inventories are few,
        and each stream decides what it can compare.

        Parameters
        ----------
        start, end : str, datetime.date or numpy.datetime64, optional
            First and last date to keep, without a time of day but midnight, which counts as its
            day; by default all.

        Returns
        -------
        Site
            A new one.

        Raises
        ------
        InputError
            If a date cannot be read or fewer than two steps remain.
        """
        told = f"{start or '-'} and {end or '-'}"
        return between(self, bound(start, "start"), bound(end, "end"), told)

    def with_uncertainty(self, uncertainty: Mapping[str, float]) -> "Site":
        """Return the site with the measurement errors of named series replaced.

        Parameters
        ----------
        uncertainty : mapping of str to float
            Absolute standard deviation of measurement by series, in its unit.

        Returns
        -------
        Site
            A new one.

        Raises
        ------
        InputError
            If a series is not observed here or a value is not positive.
        """
        observations = dict(self.observations)
        for name, sd in sizes(uncertainty, self.source):
            if name not in observations:
                rule = f"is not observed here; observed are {', '.join(observations) or 'none'}"
                raise InputError(where=self.source, variable=name, rule=rule)
            size = positive(sd, name, self.source)
            seen = observations[name]
            given = np.full(len(seen), size)
            note = join_notes([seen.note, f"sd set to {size:g} by the user"])
            observations[name] = replace(seen, sd=given, note=note)
        return replace(self, observations=observations)

    def with_observation(
        self, name: str, value: float, sd: float, *, unit: str, time: When | None = None
    ) -> "Site":
        """Return the site with one more observed value, such as a soil map's.

        Parameters
        ----------
        name : str
            Observed series, new or not.
        value, sd : float
            Value and its standard deviation, in ``unit``.
        unit : str
            As people write it, ``'g C m-2'`` or ``'t C ha-1'``.
        time : str, datetime.date or numpy.datetime64, optional
            Date; by default the first step.

        Returns
        -------
        Site
            A new one.

        Raises
        ------
        InputError
            If the name, the unit or the date is not known, or a number cannot be true.
        """
        number = np.array([finite(value, name, self.source)])
        size = np.array([positive(sd, name, self.source)])
        time, zone = without_zone(time)
        when = self.drivers["time"].values[0] if time is None else day(time, name, self.source)
        one = Observations(name, unit, np.array([when]), number, size, zone_note([zone]))
        one = settled_observations(one, self.drivers, self.source or self.name)
        seen = joined(self.observations[name], one) if name in self.observations else one
        return replace(self, observations={**self.observations, name: seen})

    def to_netcdf(self, path: str | Path) -> None:
        """Write the site in the package's own format, which `open_site` reads.

        Parameters
        ----------
        path : str or pathlib.Path
            NetCDF file to write. It appears whole or not at all.

        Raises
        ------
        WriteError
            It cannot be written.
        """
        place = {"latitude": self.latitude}
        if self.longitude is not None:
            place["longitude"] = self.longitude
        notes = "\n".join(self.notes)
        texts = {"site_name": self.name, "source": self.source, "notes": notes}
        write_site(path, self.drivers, self.observations, place, texts)

    def data_hash(self) -> str:
        """Hash every number that bears on a fit, whatever the file format.

        Returns
        -------
        str
            SHA-256, hexadecimal.
        """
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
        """Describe the site: place, period, climate, and a row for each observed series.

        Returns
        -------
        str
            Several lines; also what printing a site shows.
        """
        first, last = self.drivers["time"].values[[0, -1]].astype("datetime64[D]")
        east = "" if self.longitude is None else f", {self.longitude:.4f} E"
        head = (
            f"Site {self.name} ({self.latitude:.4f} N{east})",
            f"  {self.steps} {self.step_name} steps, {first} to {last}; "
            f"{self.mean_temperature:.1f} degC, {self.mean_precipitation:.2f} mm d-1",
        )
        return page(head, self.observations, self.notes)
