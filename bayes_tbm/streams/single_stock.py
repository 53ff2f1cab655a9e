"""A single stock of biomass, at an age of the stand or at a date, as a data stream."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from bayes_tbm.errors import InputError
from bayes_tbm.plain import as_number
from bayes_tbm.sites.dates import without_zone
from bayes_tbm.sites.site import Observations, Site, When
from bayes_tbm.streams.biomass import check_points, numeric, stock_stream, to_carbon
from bayes_tbm.streams.definition import Stream, require_errors
from bayes_tbm.streams.errors import AbstractErrorModel, ErrorData, ErrorParameter, LogNormalErrors
from bayes_tbm.streams.from_site import bind
from bayes_tbm.streams.likelihood import AbstractBoundStream, BoundAges
from bayes_tbm.streams.stated_date import as_date
from bayes_tbm.streams.tables import placed, read_stocks
from bayes_tbm.units import CARBON_FRACTION, DAYS_PER_YEAR, STOCK


def _as_date(date: Any, where: str) -> str:
    """Return a date as ISO writes it, also of a year: NumPy takes 2008 for nanoseconds of 1970."""
    number = as_number(date)
    if number is not None or isinstance(date, str):
        return as_date(str(date).strip(), where)
    if not isinstance(date, datetime.date | np.datetime64) or pd.isna(date):
        raise InputError(where=where, variable="date", rule="must be a date", found=repr(date))
    date, _ = without_zone(date)
    of_year = isinstance(date, np.datetime64) and np.datetime_data(date.dtype)[0] == "Y"
    return as_date(str(date if of_year else np.datetime64(date, "s")), where)


@dataclasses.dataclass(frozen=True)
class Stock:
    """A single stock of biomass, at an age of the stand or at a date.

    At an age it is compared with the stand's regrowth, at a date with the run over the record, or
    with the stand's past where its age is known.

    Attributes
    ----------
    value, sd
        In ``unit``.
    unit
        As in `GrowthCurve.from_points`.
    age, date
        Years since the disturbance, or the date; exactly one.
    quantity, root_share, carbon_fraction
        As of `GrowthCurve`.
    errors
        Error model; log-normal by default.
    name
        Of the stream.

    Raises
    ------
    InputError
        Neither or both of age and date; what is not positive; an unknown unit.
    """

    value: float
    sd: float
    unit: str
    age: float | None = None
    date: When | None = None
    quantity: str = "live_biomass"
    root_share: float | None = None
    carbon_fraction: float = CARBON_FRACTION
    errors: AbstractErrorModel = dataclasses.field(default_factory=LogNormalErrors)
    name: str = "stock"

    def __post_init__(self) -> None:
        if (self.age is None) == (self.date is None):
            raise InputError(
                where=self.name, rule="needs an age or a date, not both",
                found="neither" if self.age is None else f"age {self.age}, date {self.date}",
            )  # fmt: skip
        options = ("value", "sd", "age", "root_share", "carbon_fraction")
        for name, number in numeric(self.name, **{n: getattr(self, n) for n in options}).items():
            object.__setattr__(self, name, number)
        if self.date is not None:
            object.__setattr__(self, "date", _as_date(self.date, self.name))
        require_errors(self.name, self.errors, of_curve=False)
        age = np.atleast_1d(np.asarray(1.0 if self.age is None else self.age, dtype=float))
        value, sd = self.carbon()
        check_points(age, np.atleast_1d(value), np.atleast_1d(sd), self.name)
        self._stream()

    @classmethod
    def from_csv(
        cls,
        path: str | Path,
        *,
        where: Mapping[str, Any] | None = None,
        age: str | float | None = None,
        date: When | None = None,
        value: str | None = None,
        sd: float | str | Sequence[str] | None = None,
        unit: str | None = None,
        **options: Any,
    ) -> Self:
        """Single stock from one row of a table of any make.

        Parameters
        ----------
        path
            The file.
        where, value, sd, unit
            As of `GrowthCurve.from_csv`; ``where`` must leave one row.
        age, date
            Where the stock is placed: the column that tells, or the age or date itself. By default
            a column of a usual name, of ages first. A date is ISO (2008-07-15) or a decimal year;
            a whole year, as ForC's are, stands for its middle.
        **options
            Further fields, such as ``quantity``, ``carbon_fraction``, ``name``.

        Returns
        -------
        Stock
            In ``unit``.

        Raises
        ------
        InputError
            Several rows or none are left, or what `GrowthCurve.from_csv` and `Stock` refuse.
        """
        kind, column, stated = placed(path, age, date)
        found = read_stocks(
            path, (kind, column), where=where, value=value, sd=sd, unit=unit,
            quantity=options.get("quantity", "live_biomass"),
        )  # fmt: skip
        if len(found.value) > 1:
            at = found.date if found.age is None else found.age
            some = "" if at is None else f" ({kind} {', '.join(str(one) for one in at[:8])})"
            raise InputError(
                where=str(path), rule="one row is needed for a single stock",
                found=f"{len(found.value)} rows{some}",
                remedy="choose it by where={...}, or read a curve by GrowthCurve.from_csv",
            )  # fmt: skip
        if found.age is not None:
            stated = float(found.age[0])
        elif found.date is not None:
            stated = as_date(str(found.date[0]), str(path))
        place: dict[str, Any] = {kind: stated}
        return cls(float(found.value[0]), float(found.sd[0]), found.unit, **place, **options)

    def carbon(self) -> tuple[float, float]:
        """Value and standard deviation as carbon.

        Returns
        -------
        tuple of float
            Both in g C m-2.
        """
        convert = to_carbon(self.unit, self.carbon_fraction, self.name)
        return float(convert(self.value)), float(convert(self.sd))

    def bind(self, site: Site, *, stand_age: float | None = None) -> AbstractBoundStream:
        """Bind to the stand's regrowth, or to the record where the stock has a date.

        Parameters
        ----------
        site
            Whose record a date lies in.
        stand_age
            Age of the stand in years at the first step, where it is known.

        Returns
        -------
        AbstractBoundStream
            Its likelihood.

        Raises
        ------
        InputError
            The date lies outside the record, and the stand's age is not known.
        """
        value, sd = self.carbon()
        if self.date is not None:
            name = "wood" if self.quantity == "wood" else "live_biomass"
            time = np.array([self.date], dtype="datetime64[ns]")
            seen = Observations(name, STOCK, time, np.array([value]), np.array([sd]))
            return bind(self._stream(), site, seen, stand_age=stand_age)
        age = np.array([self.age], dtype=float)
        data = ErrorData(
            value=np.array([value]), measurement_sd=np.array([sd]), day=age * DAYS_PER_YEAR,
            year=age.astype(np.int64), points_per_year=1.0,
        )  # fmt: skip
        return BoundAges(self._stream(), data, age)

    @property
    def error_parameters(self) -> dict[str, ErrorParameter]:
        """What is known of the error model's parameters, by full name."""
        return self._stream().error_parameters

    def with_errors(self, errors: AbstractErrorModel) -> Stock:
        """Return the stock with another error model.

        Parameters
        ----------
        errors
            Error model; log-normal ones fit stocks.

        Returns
        -------
        Stock
            A new one.
        """
        return dataclasses.replace(self, errors=errors)

    def _stream(self) -> Stream:
        return stock_stream(self.name, self.quantity, self.errors, self.root_share, self.name)
