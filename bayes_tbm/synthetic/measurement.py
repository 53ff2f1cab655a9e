"""Made-up measurements: a known series, seen with stated errors and gaps."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayes_tbm.sites.observations import Observations
from bayes_tbm.synthetic.climate import Series
from bayes_tbm.synthetic.noise import autoregressive, spells
from bayes_tbm.synthetic.weather import DIGITS
from bayes_tbm.units import DAYS_PER_MONTH, DAYS_PER_YEAR, UNITS

GAPS = 0.05
"""Share of the steps of a series that are missing."""
STOCK_SD = {"wood": 0.10, "som": 0.15}
"""Relative standard deviation of stocks, whose errors are log-normal."""
_INVENTORY_DAY = 165.0  # 15 June, from the start of the year


@dataclass(frozen=True)
class Measurement:
    """How steps of one length are measured; the figures are chosen here.

    Attributes
    ----------
    step_length
        Length of a step [d].
    sd
        Standard deviation of each series, in its unit.
    correlation
        Of the errors of neighbouring steps.
    gap_correlation
        How gaps cluster, see `spells`.
    lai_every
        Steps from one LAI to the next.
    """

    step_length: float
    sd: Mapping[str, float]
    correlation: float
    gap_correlation: float
    lai_every: int


MEASUREMENTS = {
    "monthly": Measurement(
        step_length=DAYS_PER_MONTH,
        sd={"gpp": 0.25, "nee": 0.2, "et": 0.1, "lai": 0.25},
        correlation=0.0,
        gap_correlation=0.0,
        lai_every=1,
    ),
    "daily": Measurement(
        step_length=1.0,
        sd={"gpp": 0.6, "nee": 0.5, "et": 0.25, "lai": 0.4},
        correlation=float(np.exp(-1.0 / 3.0)),  # a memory of three days
        gap_correlation=0.85,  # runs of a week
        lai_every=10,
    ),
}


def measure(
    rng: np.random.Generator,
    how: Measurement,
    time: NDArray[np.datetime64],
    known: Mapping[str, Series],
) -> dict[str, Observations]:
    """Return observations by name.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of errors and gaps; how much is drawn depends on the number of steps alone.
    how : Measurement
        Errors and gaps.
    time : numpy.ndarray
        Middle of each step, shape (n,).
    known : mapping of str to array
        True series in canonical units, each of shape (n,): those of ``how.sd`` and `STOCK_SD`.
    """
    seen = {name: _series(rng, how, time, name, known[name]) for name in how.sd}
    years = max(round(time.size * how.step_length / DAYS_PER_YEAR), 1)
    wood_years = sorted({0, years // 2, years - 1})
    for name, visits in {"wood": wood_years, "som": [0]}.items():
        day = DAYS_PER_YEAR * np.array(visits) + _INVENTORY_DAY
        steps = (day / how.step_length).astype(int)
        seen[name] = _stock(rng, time[steps], name, known[name][steps])
    return seen


def _series(
    rng: np.random.Generator,
    how: Measurement,
    time: NDArray[np.datetime64],
    name: str,
    known: Series,
) -> Observations:
    sd = how.sd[name]
    value = known + sd * autoregressive(rng, time.size, how.correlation)
    value[spells(rng, time.size, GAPS, how.gap_correlation)] = np.nan
    if name == "lai":
        value = np.maximum(value, 0.0)  # as products of leaf area are; bare winters err below it
        value[np.arange(time.size) % how.lai_every != how.lai_every // 2] = np.nan
    note = f"simulated, sd {sd:g} {UNITS[name]}"
    return Observations(
        name, UNITS[name], time, np.round(value, DIGITS), np.full(time.size, sd), note
    )


def _stock(
    rng: np.random.Generator, time: NDArray[np.datetime64], name: str, known: Series
) -> Observations:
    share = STOCK_SD[name]
    log_sd = np.sqrt(np.log1p(share**2))
    value = np.round(known * np.exp(log_sd * rng.standard_normal(time.size)), DIGITS)
    note = f"simulated, log-normal errors of {share:.0%}"
    return Observations(name, UNITS[name], time, value, share * value, note)
