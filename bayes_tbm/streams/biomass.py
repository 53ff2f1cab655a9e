"""Biomass as growth curves and single stocks observe it: its quantities, units and checks."""

from __future__ import annotations

import dataclasses
import functools
import warnings
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayes_tbm.errors import DataWarning, InputError
from bayes_tbm.model.containers import Pools, Trajectory
from bayes_tbm.model.regrowth import OLDEST, live_biomass
from bayes_tbm.parameters import Parameters
from bayes_tbm.plain import as_number
from bayes_tbm.sites.missing import unmasked
from bayes_tbm.sites.ranges import OBSERVED_RANGES
from bayes_tbm.streams.catalogue import STREAMS
from bayes_tbm.streams.definition import Stream, over_step
from bayes_tbm.streams.errors import AbstractErrorModel
from bayes_tbm.units import STOCK, check_unit

Array = NDArray[np.float64]
_LEAST = 20.0
"""Below which no stock is worth a measurement [g C m-2]."""
QUANTITIES = ("live_biomass", "above_ground", "wood")


def stock_stream(
    name: str, quantity: str, errors: AbstractErrorModel, root_share: float | None, where: str
) -> Stream:
    """Stream of a stock of what lives.

    Parameters
    ----------
    name
        Of the stream.
    quantity
        One of `QUANTITIES`.
    errors
        Error model.
    root_share
        Share of live biomass below ground; needed for ``above_ground``, where coarse roots, part of
        DALEC's wood, do not count.
    where
        For messages.
    """
    if quantity not in QUANTITIES:
        raise InputError(
            where=where, variable="quantity", rule=f"must be one of {', '.join(QUANTITIES)}",
            found=quantity,
        )  # fmt: skip
    if (quantity == "above_ground") != (root_share is not None):
        raise InputError(
            where=where, variable="root_share",
            rule="must be given for above_ground, and only there", found=root_share,
            remedy="give the share of live biomass below ground, as in root_share=0.2",
        )  # fmt: skip
    if root_share is not None and not 0.0 < root_share < 1.0:
        raise InputError(
            where=where, variable="root_share", rule="must lie between 0 and 1", found=root_share
        )
    if quantity != "above_ground":
        known = STREAMS[quantity]
        return dataclasses.replace(known, name=name, errors=errors, systematic=0.0)
    above = _above_ground(1.0 - float(root_share or 0.0))
    return Stream(name, "above-ground biomass carbon", STOCK, above.over_steps, errors, above.of)


@dataclasses.dataclass(frozen=True)
class _AboveGround:
    """The share of live biomass above ground."""

    share: float

    def of(self, pools: Pools) -> jax.Array:
        return self.share * live_biomass(pools)

    def over_steps(self, run: Trajectory, _: Parameters) -> jax.Array:
        return over_step(self.of(run.pools))


_above_ground = functools.cache(_AboveGround)  # its methods are equal for equal shares


def numeric(where: str, **given: Any) -> dict[str, float]:
    """Return numbers by name, without what is None; refuse, by name, what is no number."""
    found = {name: as_number(value) for name, value in given.items() if value is not None}
    for name, number in found.items():
        if number is None:
            raise InputError(
                where=where, variable=name, rule="must be a number", found=repr(given[name])
            )
    return {name: number for name, number in found.items() if number is not None}


def numeric_array(where: str, name: str, values: ArrayLike) -> Array:
    """Return an array of numbers; refuse text and truth values."""
    array = np.asarray(unmasked(values))
    each = values if isinstance(values, list | tuple) else ()
    if array.dtype.kind not in "iuf" or any(isinstance(one, bool | np.bool_) for one in each):
        raise InputError(where=where, variable=name, rule="must be numbers", found=repr(values))
    return array.astype(float)


def to_carbon(unit: str, carbon_fraction: float, where: str) -> Callable[[ArrayLike], Array]:
    """Return the conversion of biomass in a unit to g C m-2."""
    carbon_fraction = numeric(where, carbon_fraction=carbon_fraction)["carbon_fraction"]
    if not 0.0 < carbon_fraction < 1.0:
        raise InputError(
            where=where, variable="carbon_fraction", rule="must lie between 0 and 1",
            found=carbon_fraction,
        )  # fmt: skip
    return check_unit(
        unit, STOCK, where=where, variable="unit", quantity="live_biomass",
        carbon_fraction=carbon_fraction,
    )  # fmt: skip


def check_ages(age: Array, where: str) -> None:
    """Refuse ages that are not positive, in order and within the regrowth run; some may repeat."""
    rule = None
    if not (np.isfinite(age).all() and (age > 0.0).all()):
        rule = "must be positive numbers of years"
    elif (np.diff(age) < 0.0).any():
        rule = "must not decrease from point to point"
    elif (age > OLDEST).any():
        rule = f"must lie within the regrowth run of {OLDEST:g} yr"
    if rule:
        raise InputError(where=where, variable="age", rule=rule, found=age)


def check_points(age: Array, value: Array, sd: Array, where: str) -> None:
    """Refuse points without an age, a positive biomass and a positive sd."""
    if not len(age) == len(value) == len(sd) or not len(age):
        raise InputError(
            where=where, rule="needs one biomass and one sd for each age",
            found=f"{len(age)} ages, {len(value)} values, {len(sd)} sds",
        )  # fmt: skip
    check_ages(age, where)
    for name, array in (("biomass", value), ("sd", sd)):
        bad = np.flatnonzero(~(np.isfinite(array) & (array > 0.0)))
        if bad.size:
            raise InputError(
                where=where, variable=name, rule="must be a positive number at every point",
                found=f"{array[bad[0]]:g} g C m-2 at age {age[bad[0]]:g}",
                remedy="errors are of the logarithm"
                + "; give every point a standard deviation" * (name == "sd"),
            )  # fmt: skip
    allowed = OBSERVED_RANGES["live_biomass"]
    if value.max() > allowed.high:
        raise InputError(
            where=where, variable="biomass", rule=f"must be at most {allowed.high:g} g C m-2",
            found=f"{value.max():g} g C m-2", remedy="is the unit right?",
        )  # fmt: skip
    if value.max() > allowed.usual[1] or value.max() < _LEAST:
        warnings.warn(
            f"{where}: biomass: {value.max():.3g} g C m-2 at most: is the unit right?", DataWarning,
            stacklevel=2,
        )  # fmt: skip


def positive_definite(
    given: ArrayLike, shape: tuple[int, int], where: str, *, semi: bool = False
) -> Array:
    """Check a covariance that a user gave.

    Parameters
    ----------
    given
        The matrix.
    shape
        That it must have.
    where
        What it was read from; for messages.
    semi
        Whether directions without variance are allowed, as in the covariance of many ages that
        follow from three parameters.

    Returns
    -------
    ndarray
        The matrix as doubles.

    Raises
    ------
    InputError
        It has another shape, is not symmetric, holds a number that is not finite, or has a
        variance, or an eigenvalue of its correlation, that is not positive (if ``semi``: below
        -1e-10, which rounding leaves).
    """
    matrix = np.asarray(given, dtype=float)
    symmetric = matrix.shape == shape and np.allclose(matrix, matrix.T, rtol=1e-6)
    if not (symmetric and np.isfinite(matrix).all()):
        raise InputError(
            where=where, variable="covariance", rule=f"must be a symmetric matrix of shape {shape}",
            found=matrix.tolist(),
        )  # fmt: skip
    scale = np.sqrt(np.maximum(np.diag(matrix), 1e-300))
    smallest = np.linalg.eigvalsh(matrix / np.outer(scale, scale)).min()
    least, kind = (-1e-10, "semidefinite") if semi else (0.0, "definite")
    if not ((np.diag(matrix) > 0.0).all() and smallest > least):
        raise InputError(
            where=where, variable="covariance", rule=f"must be positive {kind}",
            found=f"variances {np.diag(matrix)}, smallest eigenvalue of the correlation "
            f"{smallest:.2g}",
        )  # fmt: skip
    return matrix
