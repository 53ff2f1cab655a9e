"""Gains of sets of streams, and how they are shared among the streams."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterable, Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.constraint.variables import with_error
from bayes_tbm.errors import InputError

Array = NDArray[np.float64]
StreamSet = frozenset[str]
Weights = dict[StreamSet, float]
"""A linear combination of gains."""


def stream_set(names: str | Iterable[str]) -> StreamSet:
    """Return names of streams as a set; a text is one name, not its letters."""
    return frozenset([names] if isinstance(names, str) else names)


def name_of(streams: StreamSet) -> str:
    """Name of a set in coordinates and messages."""
    return "+".join(sorted(streams)) or "prior"


@dataclasses.dataclass(frozen=True, eq=False)
class SetGains:
    """Information gained from sets of streams, and how it is shared among them.

    Every measure is a linear combination of gains, each from a fit of its own. Monte Carlo errors
    of fits are independent; that of the prior's draws is common to all and may cancel.

    Attributes
    ----------
    measure
        Which measure of information: a name of `bayes_tbm.constraint.information.INFORMATION`.
    targets
        Quantities, or sets of them, in the order of the arrays.
    value
        By set of streams, (target,), unit bit; zero for the empty set, which is the prior.
    departures
        By set, as in `bayes_tbm.constraint.jackknife.Estimate`, of the posterior's draws and of
        the prior's, (2, block, target).
    """

    measure: str
    targets: tuple[str, ...]
    value: dict[StreamSet, Array]
    departures: dict[StreamSet, Array]

    @property
    def streams(self) -> tuple[str, ...]:
        """All streams, in alphabetical order."""
        return tuple(sorted({stream for streams in self.value for stream in streams}))

    def gain(self) -> xr.Dataset:
        """Gain of every set over the prior.

        Returns
        -------
        xarray.Dataset
            Bits, with Monte Carlo errors ``gain_mcse``; dimensions stream_set and target.
        """
        rows = {name_of(s): {s: 1.0} for s in self.value}
        return self._combine("gain", "stream_set", rows, "information gained from the set")

    def add_one_in(self, to: str | Iterable[str] = ()) -> xr.Dataset:
        """Gain that each further stream adds to a set.

        Parameters
        ----------
        to
            Names of the streams of that set; by default none.

        Returns
        -------
        xarray.Dataset
            Bits, with Monte Carlo errors ``add_one_in_mcse``; dimensions stream and target.

        Raises
        ------
        InputError
            A set that this rests on is missing.
        """
        base = stream_set(to)
        rows = {s: {base | {s}: 1.0, base: -1.0} for s in self.streams if s not in base}
        text = f"information that the stream adds to {name_of(base)}"
        return self._combine("add_one_in", "stream", rows, text)

    def difference(
        self, larger: str | Iterable[str], smaller: str | Iterable[str] = ()
    ) -> xr.Dataset:
        """Gain of one set beyond that of another.

        Parameters
        ----------
        larger, smaller
            Names of the streams of each; the smaller is the prior by default.

        Returns
        -------
        xarray.Dataset
            Bits, with Monte Carlo errors ``difference_mcse``; dimensions stream_set and target.

        Raises
        ------
        InputError
            One of the two is missing, or they are the same.
        """
        high, low = stream_set(larger), stream_set(smaller)
        if high == low:
            raise InputError(
                where="difference", rule="needs two sets of streams that differ",
                found=f"{name_of(high)} twice",
            )  # fmt: skip
        rows = {name_of(high): {high: 1.0, low: -1.0}}
        text = f"information gained beyond {name_of(low)}"
        return self._combine("difference", "stream_set", rows, text)

    def leave_one_out(self) -> xr.Dataset:
        """Gain that is lost when one stream is left out of all.

        Returns
        -------
        xarray.Dataset
            Bits, with Monte Carlo errors ``leave_one_out_mcse``; dimensions stream and target.

        Raises
        ------
        InputError
            A set that this rests on is missing.
        """
        full = frozenset(self.streams)
        rows = {s: {full: 1.0, full - {s}: -1.0} for s in self.streams}
        return self._combine("leave_one_out", "stream", rows, "information lost without the stream")

    def synergy(self, first: str, second: str, given: str | Iterable[str] = ()) -> xr.Dataset:
        """Gain of two streams together beyond the sum of their gains; negative: redundancy.

        Parameters
        ----------
        first, second
            Streams.
        given
            Streams that are there already.

        Returns
        -------
        xarray.Dataset
            Bits, with Monte Carlo errors ``synergy_mcse``; dimensions pair and target.

        Raises
        ------
        InputError
            A set that this rests on is missing.
        """
        base = stream_set(given)
        weights: dict[frozenset[str], float] = {}
        signs = ((first, second), 1.0), ((first,), -1.0), ((second,), -1.0), ((), 1.0)
        for added, sign in signs:  # some are one set where a stream is there already
            whole = base.union(added)
            weights[whole] = weights.get(whole, 0.0) + sign
        text = f"information of {first} and {second} together beyond that of each"
        return self._combine("synergy", "pair", {f"{first}+{second}": weights}, text)

    def shapley(self) -> xr.Dataset:
        """Share of each stream in the gain of all: its mean addition over all orders of adding.

        The shares add up to the gain of all streams. They may be negative.

        Returns
        -------
        xarray.Dataset
            Bits, with Monte Carlo errors ``shapley_mcse``; dimensions stream and target.

        Raises
        ------
        InputError
            One of the subsets of all streams is missing.

        References
        ----------
        Shapley (1953, in Contributions to the Theory of Games II, 307-317).
        """
        count = len(self.streams)
        rows: dict[str, Weights] = {stream: {} for stream in self.streams}
        for stream, weights in rows.items():
            others = [s for s in self.streams if s != stream]
            for size in range(count):
                share = 1.0 / (count * math.comb(count - 1, size))
                for subset in itertools.combinations(others, size):
                    weights[frozenset(subset) | {stream}] = share
                    weights[frozenset(subset)] = -share
        return self._combine("shapley", "stream", rows, "order-free share of the information")

    def _combine(self, name: str, dim: str, rows: Mapping[str, Weights], text: str) -> xr.Dataset:
        """Linear combinations of gains as a dataset (dim, target), with Monte Carlo errors."""
        needed = {streams for weights in rows.values() for streams in weights}
        if missing := sorted(map(name_of, needed - set(self.value))):
            raise InputError(
                where="posteriors", variable=name, rule="needs a fit to every set it compares",
                found=f"none to {', '.join(missing)}", remedy="sample these sets of streams too",
            )  # fmt: skip
        value, mcse = [], []
        for weights in rows.values():
            factors = np.array(list(weights.values()))
            value.append(np.tensordot(factors, [self.value[s] for s in weights], 1))
            own, common = np.stack([self.departures[s] for s in weights], axis=1)
            independent = np.tensordot(factors**2, np.sum(own**2, axis=1), 1)
            shared = np.sum(np.tensordot(factors, common, 1) ** 2, axis=0)
            mcse.append(np.sqrt(independent + shared))
        shape = (len(rows), len(self.targets))
        data = with_error(
            name, (dim, "target"), np.reshape(value, shape), np.reshape(mcse, shape), "bit",
            f"{text} ({self.measure})",
        )  # fmt: skip
        return xr.Dataset(data, {dim: list(rows), "target": list(self.targets)})
