"""A growth curve, biomass by stand age, as a data stream."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.sites.site import Site
from bayes_tbm.streams.biomass import (
    check_ages,
    check_points,
    numeric,
    numeric_array,
    positive_definite,
    stock_stream,
    to_carbon,
)
from bayes_tbm.streams.definition import Stream, require_errors
from bayes_tbm.streams.errors import AgeData, AlongAge, ErrorParameter
from bayes_tbm.streams.likelihood import AbstractBoundStream, BoundAges
from bayes_tbm.units import CARBON_FRACTION, DAYS_PER_YEAR

Array = NDArray[np.float64]
_AGES = tuple(range(10, 151, 10))


@dataclasses.dataclass(frozen=True, eq=False)
class GrowthCurve:
    """Biomass by stand age, as a data stream; compared with the stand's regrowth.

    Build it with `from_csv`, `from_points` or `from_chapman_richards`.

    Attributes
    ----------
    age
        Years since the disturbance, increasing, (point,).
    value, sd
        Biomass carbon and its standard deviation, g C m-2, (point,).
    quantity
        ``live_biomass`` (foliage, labile, fine roots, wood), ``above_ground`` or ``wood``.
    root_share
        Share of live biomass below ground, for ``above_ground``.
    errors
        Covariance of errors along age.
    log_covariance
        Covariance of the logarithms where the curve came with one, (point, point).
    age_sd
        Standard deviation of age in years, independent from point to point.
    name
        Of the stream.
    source
        For messages.

    Raises
    ------
    InputError
        Ages not increasing, negative or beyond 300 years; biomass or sd missing or not positive; a
        covariance that is not positive semidefinite.
    """

    age: Array
    value: Array
    sd: Array
    quantity: str = "live_biomass"
    root_share: float | None = None
    errors: AlongAge = dataclasses.field(default_factory=AlongAge)
    log_covariance: Array | None = None
    age_sd: float = 0.0
    name: str = "growth_curve"
    source: str = "growth curve"

    def __post_init__(self) -> None:
        for name in ("age", "value", "sd"):
            values = numeric_array(self.source, name, getattr(self, name))
            object.__setattr__(self, name, np.atleast_1d(values))
        check_points(self.age, self.value, self.sd, self.source)
        options = {"age_sd": self.age_sd, "root_share": self.root_share}
        for name, number in numeric(self.source, **options).items():
            object.__setattr__(self, name, number)
        require_errors(self.source, self.errors, of_curve=True)
        self._require("age_sd", 0.0 <= self.age_sd < 100.0, "must be years, 0 or more")
        if self.log_covariance is not None:
            shape = (len(self.age), len(self.age))
            known = positive_definite(self.log_covariance, shape, self.source, semi=True)
            object.__setattr__(self, "log_covariance", known)
        self._stream()

    def _require(self, name: str, holds: bool, rule: str) -> None:
        if not holds:
            found = getattr(self, name)
            raise InputError(where=self.source, variable=name, rule=rule, found=found)

    @classmethod
    def from_points(
        cls,
        age: ArrayLike,
        biomass: ArrayLike,
        sd: ArrayLike,
        unit: str,
        *,
        carbon_fraction: float = CARBON_FRACTION,
        **options: Any,
    ) -> Self:
        """Growth curve from points.

        Parameters
        ----------
        age
            Years, (point,).
        biomass, sd
            In ``unit``, (point,); ``sd`` may be one number for all.
        unit
            ``Mg ha-1`` (dry matter), ``Mg C ha-1``, ``kg C m-2`` or ``g C m-2``.
        carbon_fraction
            Of dry matter.
        **options
            Further fields, such as ``errors``, ``age_sd``, ``quantity``.

        Returns
        -------
        GrowthCurve
            In g C m-2.

        Examples
        --------
        >>> curve = GrowthCurve.from_points([20, 60, 120], [40, 110, 150], 15.0, "Mg ha-1")
        >>> curve.value.round()
        array([1880., 5170., 7050.])
        """
        where = options.get("source", "growth curve")
        convert = to_carbon(unit, carbon_fraction, where)
        values = convert(numeric_array(where, "biomass", biomass))
        spread = np.broadcast_to(convert(numeric_array(where, "sd", sd)), values.shape)
        return cls(np.asarray(age), values, spread, **options)

    @classmethod
    def from_csv(
        cls,
        path: str | Path,
        *,
        unit: str | None = None,
        carbon_fraction: float = CARBON_FRACTION,
        **options: Any,
    ) -> Self:
        """Growth curve from a CSV file with columns age (yr), biomass, sd and, optionally, unit.

        Lines that begin with ``#`` are comments.

        Parameters
        ----------
        path
            The file.
        unit
            As in `from_points`; may be left out where the file has a column ``unit``.
        carbon_fraction
            Of dry matter.
        **options
            Further fields, such as ``errors``, ``age_sd``, ``quantity``.

        Returns
        -------
        GrowthCurve
            In g C m-2.

        Raises
        ------
        InputError
            The file cannot be read, a column is missing, or what `GrowthCurve` refuses.
        """
        where = str(path)
        try:
            table = pd.read_csv(path, comment="#", skipinitialspace=True)
        except (OSError, ValueError) as error:
            raise InputError(
                where=where, rule="must be a readable CSV file", found=error
            ) from error
        table.columns = table.columns.str.strip().str.lower()
        missing = [name for name in ("age", "biomass", "sd") if name not in table]
        if missing:
            raise InputError(
                where=where, variable=", ".join(missing),
                rule="columns age, biomass and sd are needed",
                found=f"columns {', '.join(table.columns)}",
            )  # fmt: skip
        units = set(table["unit"].astype(str).str.strip()) if "unit" in table else set()
        if unit is None and len(units) != 1:
            raise InputError(
                where=where, variable="unit", rule="one unit for all points is needed",
                found=", ".join(sorted(units)) or "none",
                remedy="add a column unit, or give it, as in unit='Mg ha-1'",
            )  # fmt: skip
        columns = (_numbers(table[name], where) for name in ("age", "biomass", "sd"))
        age, biomass, sd = columns
        return cls.from_points(
            age, biomass, sd, unit or units.pop(), carbon_fraction=carbon_fraction, source=where,
            **options,
        )  # fmt: skip

    @classmethod
    def from_chapman_richards(
        cls,
        asymptote: float,
        rate: float,
        shape: float,
        covariance: ArrayLike,
        unit: str,
        *,
        ages: ArrayLike = _AGES,
        carbon_fraction: float = CARBON_FRACTION,
        **options: Any,
    ) -> Self:
        """Growth curve ``A (1 - exp(-k age))^p`` from its parameters and their covariance.

        The covariance becomes that of the logarithms at the ages, to first order, so that points of
        the curve count for no more than its three parameters do.

        Parameters
        ----------
        asymptote, rate, shape
            A in ``unit``, k in yr-1, p.
        covariance
            Of (A, k, p), (3, 3).
        unit
            As in `from_points`.
        ages
            At which the curve is compared, years.
        carbon_fraction
            Of dry matter.
        **options
            Further fields; ``errors`` sets the structural departure (0.05 by default).

        Returns
        -------
        GrowthCurve
            In g C m-2, with ``log_covariance``.

        Raises
        ------
        InputError
            A parameter that is not positive, or a covariance that is not positive definite.
        """
        where = options.get("source", "growth curve")
        parameters = numeric(where, asymptote=asymptote, rate=rate, shape=shape)
        for name, number in parameters.items():
            if not (np.isfinite(number) and number > 0.0):
                raise InputError(where=where, variable=name, rule="must be positive", found=number)
        asymptote, rate, shape = parameters.values()
        matrix = positive_definite(covariance, (3, 3), where)
        age = np.asarray(ages, dtype=float)
        check_ages(age, where)
        decay = np.exp(-rate * age)
        curve = asymptote * (1.0 - decay) ** shape
        slopes = np.stack(  # of the logarithm, by parameter
            [np.full(age.shape, 1.0 / asymptote), shape * age * decay / (1.0 - decay),
             np.log1p(-decay)], axis=1,
        )  # fmt: skip
        spread = slopes @ matrix @ slopes.T
        sd = curve * np.sqrt(np.expm1(np.diag(spread)))
        return cls.from_points(
            age, curve, sd, unit, carbon_fraction=carbon_fraction, log_covariance=spread, **options
        )

    def bind(self, site: Site, *, stand_age: float | None = None) -> AbstractBoundStream:
        """Bind to the stand's regrowth.

        Parameters
        ----------
        site
            Nothing of it is needed.
        stand_age
            Age of the stand in years at the first step, where it is known.

        Returns
        -------
        AbstractBoundStream
            Its likelihood.
        """
        slope = np.gradient(np.log(self.value), self.age) if len(self.age) > 1 else np.zeros(1)
        days = self.age * DAYS_PER_YEAR
        data = AgeData(
            value=self.value, measurement_sd=self.sd, day=days, year=self.age.astype(np.int64),
            points_per_year=1.0, log_covariance=self.log_covariance,
            log_slope_sd=np.abs(slope) * self.age_sd,
        )  # fmt: skip
        return BoundAges(self._stream(), data, self.age)

    @property
    def error_parameters(self) -> dict[str, ErrorParameter]:
        """What is known of the error model's parameters, by full name."""
        return self._stream().error_parameters

    def with_errors(self, errors: AlongAge) -> GrowthCurve:
        """Return the curve with another error model.

        Parameters
        ----------
        errors
            Covariance along age.

        Returns
        -------
        GrowthCurve
            A new one.
        """
        return dataclasses.replace(self, errors=errors)

    def _stream(self) -> Stream:
        return stock_stream(self.name, self.quantity, self.errors, self.root_share, self.source)


def _numbers(column: pd.Series[Any], where: str) -> Array:
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float)
    bad = np.flatnonzero(~np.isfinite(numbers))
    if bad.size:
        raise InputError(
            where=where, variable=str(column.name), rule="must be a number in every line",
            found=f"{column.iloc[bad[0]]} at point {bad[0] + 1}",
        )  # fmt: skip
    return np.asarray(numbers, dtype=float)
