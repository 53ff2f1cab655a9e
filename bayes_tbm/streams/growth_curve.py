"""A growth curve, biomass by stand age, as a data stream."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayes_tbm.errors import DataWarning, InputError
from bayes_tbm.sites.site import Site
from bayes_tbm.streams.biomass import (
    check_points,
    numeric,
    numeric_array,
    positive_definite,
    stock_stream,
    to_carbon,
)
from bayes_tbm.streams.chapman_richards import (
    chapman_richards,
    log_slopes,
    parameter_covariance,
)
from bayes_tbm.streams.definition import Stream, require_errors
from bayes_tbm.streams.errors import AgeData, AlongAge, ErrorParameter
from bayes_tbm.streams.likelihood import AbstractBoundStream, BoundAges
from bayes_tbm.streams.plot_scatter import own_scatter
from bayes_tbm.streams.tables import read_stocks
from bayes_tbm.units import CARBON_FRACTION, DAYS_PER_YEAR

Array = NDArray[np.float64]
_FASTEST = 1.0
"""Rate of growth that no forest has [yr-1]."""
_AGES = tuple(range(10, 151, 10))
_MANY = 1000
"""Points of which an evaluation with its gradient takes about 0.2 s on one core."""


@dataclasses.dataclass(frozen=True, eq=False)
class GrowthCurve:
    """Biomass by stand age, as a data stream; compared with the stand's regrowth.

    Build it with `from_csv`, `from_points` or `from_chapman_richards`.

    Attributes
    ----------
    age
        Years since the disturbance, not decreasing, (point,); points of one age are replicates.
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
        Ages decreasing, negative or beyond 300 years; biomass or sd missing or not positive; a
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
        spread = convert(numeric_array(where, "sd", sd))
        if spread.size == 1:
            spread = np.broadcast_to(spread, values.shape)
        return cls(numeric_array(where, "age", age), values, spread, **options)

    @classmethod
    def from_csv(
        cls,
        path: str | Path,
        *,
        where: Mapping[str, Any] | None = None,
        age: str | None = None,
        value: str | None = None,
        sd: float | str | Sequence[str] | None = None,
        unit: str | None = None,
        carbon_fraction: float = CARBON_FRACTION,
        **options: Any,
    ) -> Self:
        """Growth curve from a table of any make: its own, or a long one such as ForC's or GROA's.

        Columns of usual names are found (``age``, ``stand.age``; ``biomass``, ``mean``; ``sd``;
        ``unit``), in whatever case and order. Lines that begin with ``#`` are comments. Rows
        without an age or biomass, of age 0 or beyond 300 years, or of ForC's age 999 (mature, of
        unknown age) are left out with a `bayes_tbm.DataWarning` that counts them. Rows of one age
        are kept as replicates, see `bayes_tbm.AlongAge`.

        Parameters
        ----------
        path
            The file.
        where
            Rows that are meant: by column, the text or number they hold there, or several, as in
            ``{"variable.name": "biomass_ag"}``.
        age, value
            Columns of stand age in years and of biomass, where their names are not usual.
        sd
            Standard deviation: the name of its column, a share of the value as in ``"10 %"``, a
            number in ``unit``, or the columns of the 5 and the 95 %.
        unit
            As in `from_points`; may be left out where the file has a column ``unit`` or says it by
            the name of a column (``agc_mgha``), which it must not contradict.
        carbon_fraction
            Of dry matter.
        **options
            Further fields, such as ``errors``, ``age_sd``, ``quantity``.

        Returns
        -------
        GrowthCurve
            In g C m-2, by increasing age.

        Raises
        ------
        InputError
            The file cannot be read; a column is missing or its name could be two; rows are of
            several variables or none is left; or what `GrowthCurve` refuses.
        """
        quantity = options.get("quantity", "live_biomass")
        found = read_stocks(
            path, ("age", age), where=where, value=value, sd=sd, unit=unit, quantity=quantity
        )
        assert found.age is not None  # its column was found
        if len(found.value) > _MANY:
            line = (
                f"{path}: {len(found.value)} points make every evaluation slow, with their cube: "
                "choose plots by where={...}"
            )
            warnings.warn(line, DataWarning, stacklevel=2)
        return cls.from_points(
            found.age, found.value, found.sd, found.unit, carbon_fraction=carbon_fraction,
            source=str(path), **options,
        )  # fmt: skip

    @classmethod
    def from_chapman_richards(
        cls,
        asymptote: float,
        rate: float,
        shape: float,
        covariance: ArrayLike | None = None,
        unit: str = "",
        *,
        B: float = 1.0,
        asymptote_error: float | None = None,
        rate_error: float | None = None,
        shape_error: float | None = None,
        B_error: float | None = None,
        ages: ArrayLike = _AGES,
        carbon_fraction: float = CARBON_FRACTION,
        **options: Any,
    ) -> Self:
        """Growth curve ``A (1 - B exp(-k age))^p`` from its parameters and their errors.

        The errors become the covariance of the logarithms at the ages, to first order, so that
        points of the curve count for no more than its parameters do.

        Parameters
        ----------
        asymptote, rate, shape
            A in ``unit``, k in yr-1, p.
        covariance
            Of (A, k, p), (3, 3), or of (A, k, p, B), (4, 4).
        unit
            As in `from_points`.
        B
            Share of the way that is left at age 0; 1 for a curve that begins at nothing.
        asymptote_error, rate_error, shape_error, B_error
            Standard errors of the parameters, in place of a covariance; those of shape and B may
            be left out where they are held. They are taken as independent, which a
            `bayes_tbm.DataWarning` says: a fit's own A and k as a rule are not.
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
            A parameter that is not positive, a covariance that is not positive definite, errors
            that are missing or negative, or both.
        """
        where = options.get("source", "growth curve")
        given = numeric(where, asymptote=asymptote, rate=rate, shape=shape, B=B)
        if given["rate"] > _FASTEST:
            line = f"{where}: rate {given['rate']:g} yr-1: no stand is full-grown in so few years"
            warnings.warn(f"{line}; is it in percent?", DataWarning, stacklevel=2)
        errors = {"asymptote": asymptote_error, "rate": rate_error, "shape": shape_error,
                  "B": B_error}  # fmt: skip
        matrix = parameter_covariance(covariance, errors, where)
        age = numeric_array(where, "ages", ages)
        curve = chapman_richards(age, given, where)
        if covariance is None:
            line = f"{where}: errors of its parameters are taken as independent: no covariance"
            warnings.warn(line, DataWarning, stacklevel=2)
        slopes = log_slopes(age, given)
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
        data = AgeData(
            value=self.value, measurement_sd=self.sd, day=self.age * DAYS_PER_YEAR,
            year=self.age.astype(np.int64), points_per_year=1.0,
            log_covariance=self.log_covariance, own_log_sd=np.zeros(len(self.age)),
        )  # fmt: skip
        stated = np.asarray(self.errors.stated_covariance(data))
        scatter, slope = own_scatter(self.age, np.log(self.value), stated)
        data = dataclasses.replace(data, own_log_sd=np.hypot(slope * self.age_sd, scatter))
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
