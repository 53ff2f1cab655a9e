"""What can be said of a threshold, in words made from the numbers."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from bayes_tbm.population.attribution.gaussian import WIDE, Evidence, GaussianPopulation

Array = NDArray[np.float64]
CLAIM, AGAINST = math.log(10.0), math.log(1.0 / 3.0)
ENOUGH_POWER, NARROW, NO_DIFFERENCE = 0.8, 0.5, 4.0
"""Share of simulations told; interval over the prior's; nats of elpd that are no difference."""


@dataclasses.dataclass(frozen=True, eq=False)
class StepTest:
    """A step against the better of constant and line, for several data sets.

    Attributes
    ----------
    log_factor
        Log Bayes factor under each of the two prior widths, (width, data set).
    step
        Evidence of the step under the narrower prior; its threshold has the common error of the
        climate product.
    located
        Whether the central 90 % of the threshold span less than half of the prior's, (data set,),
        on the scale of the climate product: its common error moves all sites alike.
    """

    log_factor: Array
    step: Evidence
    located: NDArray[np.bool_]

    @property
    def claimed(self) -> NDArray[np.bool_]:
        """Whether a threshold is claimed: a factor of 10 under both priors, and located."""
        return (self.log_factor.min(axis=0) >= CLAIM) & self.located


def step_test(population: GaussianPopulation, y: Array) -> StepTest:
    """Test a step against constant and line.

    Parameters
    ----------
    population
        Sites and how well each is known.
    y
        Means of the sites' likelihoods of ln residence time, (data set, site).
    """
    factors = []
    for widen in (WIDE, 1.0):
        step = population.evidence("step", y, widen=widen)
        smooth = [population.evidence(n, y, widen=widen).log for n in ("constant", "linear")]
        factors.append(step.log - np.max(smooth, axis=0))
    interval = step.interval()
    span = 0.9 * np.ptp(population.thresholds)
    located = np.ptp(interval, axis=1) < NARROW * span
    return StepTest(np.stack(factors[::-1]), step.moved(population.offset_sd), located)


def verdict(test: StepTest, told: Mapping[float, float], elpd: float | None = None) -> str:
    """Say what is known of a threshold: near a temperature, none, or that one cannot tell.

    Parameters
    ----------
    test
        Of one data set.
    told
        By factor of residence time: share of simulations in which a true step of that size was
        told from a constant and a line, at these sites.
    elpd
        Log score, leaving cells out, of the step minus that of the better of constant and line,
        nats. A step that predicts worse by 4 nats or more is not claimed.

    Returns
    -------
    str
        One sentence.
    """
    narrow, wide = (float(f) for f in test.log_factor[:, 0])
    numbers = f"Bayes factor for a step {_factor(narrow)}, with a wider prior {_factor(wide)}"
    worse = elpd is not None and elpd <= -NO_DIFFERENCE
    if bool(test.claimed[0]) and not worse:
        low, high = test.step.interval()[0]
        size = math.exp(float(test.step.effect[0, 0]))
        middle = float(test.step.threshold[0] @ test.step.thresholds)
        return (
            f"threshold near {middle:.0f} degC (90 %: {low:.0f} to {high:.0f}), residence time "
            f"times {size:.1f} on the warm side; {numbers}"
        )
    seen = sorted((f for f, share in told.items() if share >= ENOUGH_POWER), key=_size)
    if max(narrow, wide) <= AGAINST and seen:
        return (
            f"no threshold: a step by a factor {seen[0]:g} or {'more' if seen[0] > 1 else 'less'} "
            f"would have been told in {100 * told[seen[0]]:.0f} % of cases; {numbers}"
        )
    if min(narrow, wide) >= CLAIM and not worse:
        return f"cannot tell where: a change is there, but not its temperature; {numbers}"
    if not told:
        return f"cannot tell; {numbers}"
    largest = max(told, key=_size)
    chance = f"a step by a factor {largest:g} would be told in {100 * told[largest]:.0f} % of cases"
    return f"cannot tell: {chance}; {numbers}"


def _size(factor: float) -> float:
    """How large a step is: a half is as large as a double."""
    return abs(math.log(factor))


def _factor(log: float) -> str:
    """Write a Bayes factor, as its inverse where it is below one.

    Examples
    --------
    >>> _factor(math.log(12.0)), _factor(math.log(0.25))
    ('12', '1/4')
    """
    return f"{math.exp(log):.2g}" if log >= 0 else f"1/{math.exp(-log):.2g}"
