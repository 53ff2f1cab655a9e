"""One observed series of a site, with the standard deviation of its measurement."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.sites.dates import times_of_dates
from bayes_tbm.sites.missing import missing_to_nan

OBSERVED = ("gpp", "nee", "nbe", "reco", "et", "lai", "live_biomass", "wood", "som")
"""Names an observed series may have; units in `bayes_tbm.units.UNITS`."""
STOCKS = ("live_biomass", "wood", "som")
FLUXES = ("gpp", "nee", "nbe", "reco", "et")
OFFSETS = ("nee", "nbe")
"""Series whose systematic error is an offset in their unit; that of others is a share."""
_LARGEST_OFFSET = 5.0
"""Systematic error of those beyond which a year was meant [g C m-2 d-1]."""


def largest_systematic(name: str) -> tuple[float, str]:
    """Return the largest systematic error that can be meant of a series, and what it is stated as.

    Parameters
    ----------
    name : str
        Of the series.

    Returns
    -------
    tuple of float and str
        In that unit.
    """
    if name in OFFSETS:
        return _LARGEST_OFFSET, "in g C m-2 d-1"
    return 1.0, "a share, as 0.08 for 8 %"


@dataclass(frozen=True, eq=False)
class Observations:
    """What was measured, when, and how well.

    Missing values (NaN, masked or a mark of `bayes_tbm.sites.missing`) are dropped on construction.

    Parameters
    ----------
    name : str
        One of gpp, nee, nbe, reco, et, lai, live_biomass, wood, som.
    unit : str
        Unit of value and sd.
    time : numpy.ndarray
        Time of each value, datetime64[ns], shape (n,); its own, not that of the drivers. Dates of
        other kinds are taken, periods by their middle; a time zone is left out, its clock kept.
    value : numpy.ndarray
        Observed values, shape (n,).
    sd : numpy.ndarray
        Absolute measurement standard deviation, shape (n,); NaN where unknown.
    note : str
        How values and sd came about, where that is not plain.
    systematic : float or None
        Standard deviation of an error that all values share, where the data tell it: of NEE and
        NBE in their unit, of others as a share.

    Raises
    ------
    InputError
        If the lengths differ, the name is unknown, or times are no dates or values no numbers.
    """

    name: str
    unit: str
    time: NDArray[np.datetime64] = field(repr=False)
    value: NDArray[np.float64] = field(repr=False)
    sd: NDArray[np.float64] = field(repr=False)
    note: str = ""
    systematic: float | None = None

    def __post_init__(self) -> None:
        if self.name not in OBSERVED:
            raise InputError(
                rule="not an observed variable", found=self.name, remedy=f"use one of {OBSERVED}"
            )
        time, dated = self._times()
        value, time = np.atleast_1d(self._numbers("value")), np.atleast_1d(time)
        if time.shape != value.shape:
            raise InputError(
                variable=self.name,
                rule="needs one time for each value",
                found=f"{time.size} times and {value.size} values",
            )
        shared = self.systematic
        if shared is not None and not 0.0 <= shared < np.inf:
            rule = "systematic error must be a number, 0 or more"
            raise InputError(variable=self.name, rule=rule, found=shared)
        sd = self._broadcast_sd(value.shape)
        keep = ~np.isnan(value)  # an infinite one is no gap: a site refuses it
        for name, array in (("time", time), ("value", value), ("sd", sd)):
            kept = array[keep]
            kept.setflags(write=False)
            object.__setattr__(self, name, kept)
        object.__setattr__(self, "note", " ".join(join_notes([self.note, dated]).split()))

    def _times(self) -> tuple[NDArray[np.datetime64], str]:
        """Return the times, and what was decided of them."""
        try:
            return times_of_dates(self.time)
        except (ValueError, TypeError, OverflowError) as error:
            given = np.asarray(self.time)
            some = given.astype(str) if given.dtype.kind == "M" else given
            raise InputError(
                variable=f"{self.name} time", rule="must be dates, as numpy.datetime64 or as text",
                found=repr(some.tolist())[:60],
                remedy="write a year's middle as 2008-07-01",
            ) from error  # fmt: skip

    def _numbers(self, part: str) -> NDArray[np.float64]:
        try:
            return missing_to_nan(getattr(self, part))
        except (ValueError, TypeError) as error:
            raise InputError(
                variable=f"{self.name} {part}", rule="must be numbers", found=error
            ) from error

    def _broadcast_sd(self, shape: tuple[int, ...]) -> NDArray[np.float64]:
        sd = self._numbers("sd")
        if sd.ndim and sd.shape not in (shape, (1,)):
            raise InputError(
                variable=f"{self.name} sd",
                rule="needs one standard deviation for each value, or one for all",
                found=f"shape {sd.shape} for values of shape {shape}",
            )
        return np.broadcast_to(sd, shape)

    def __len__(self) -> int:
        return self.value.size

    def select(self, keep: NDArray[np.bool_]) -> "Observations":
        """Return some of the observations.

        Parameters
        ----------
        keep : numpy.ndarray
            Boolean, shape (n,).

        Returns
        -------
        Observations
            Those where ``keep`` is true.
        """
        return replace(self, time=self.time[keep], value=self.value[keep], sd=self.sd[keep])


def joined(one: Observations, other: Observations) -> Observations:
    """Return two parts of a series in one unit as one, by time."""
    order = np.argsort(np.append(one.time, other.time), kind="stable")
    time, value, sd = (
        np.append(one.time, other.time)[order],
        np.append(one.value, other.value)[order],
        np.append(one.sd, other.sd)[order],
    )
    note = join_notes([one.note, other.note])
    known = [part.systematic for part in (one, other) if part.systematic is not None]
    systematic = max(known, default=None)
    return Observations(one.name, one.unit, time, value, sd, note, systematic)


def join_notes(notes: Sequence[str]) -> str:
    """Return the notes that say something, separated by semicolons."""
    return "; ".join(note for note in notes if note)
