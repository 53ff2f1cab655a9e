"""A site's record month by month, in whole years: what a stand that regrows lives under."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.units import DAYS_PER_MONTH, DAYS_PER_YEAR

WEATHER = ("t_min", "t_max", "shortwave", "co2", "vpd", "precipitation")
MONTHS = 12
_ENOUGH = 0.5  # of a month, for it to count


def record_months(drivers: xr.Dataset, where: str) -> dict[str, NDArray[np.float64]]:
    """Return drivers of the record's whole years in equal months from January; nothing burns.

    Every variable is the mean over the steps whose middle lies in the month, weighted by their
    length. Months before the record's first January come after its last month.

    Parameters
    ----------
    drivers : xarray.Dataset
        As `Site.drivers`.
    where : str
        For messages.

    Returns
    -------
    dict of str to numpy.ndarray
        By driver, shape (12 years,).

    Raises
    ------
    InputError
        The record does not cover twelve months in a row.
    """
    place = place_in_cycle(drivers, where)
    return means_by_month(drivers.isel(time=place >= 0), place[place >= 0])


def place_in_cycle(drivers: xr.Dataset, where: str) -> NDArray[np.int64]:
    """Return the month of the cycle, as `record_months` makes it, of each step, (time,).

    It is -1 for steps that no whole year holds.
    """
    absolute = np.floor(drivers.days.values / DAYS_PER_MONTH).astype(int)
    month = absolute - absolute.min()
    covered = np.bincount(month, drivers.step_length.values) >= _ENOUGH * DAYS_PER_MONTH
    first = int(np.argmax(covered))
    gaps = np.flatnonzero(~covered[first:])
    years = (int(gaps[0]) if len(gaps) else len(covered) - first) // MONTHS
    if years == 0:
        raise _too_short(where, absolute.min() + np.flatnonzero(covered))
    count = MONTHS * years
    january = -(absolute.min() + first) % MONTHS  # months before the first one come last
    place = (month - first - january) % count
    return np.where((month >= first) & (month < first + count), place, -1)


def means_by_month(drivers: xr.Dataset, month: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
    """Drivers of equal months: means over the steps of each, weighted by their length, (month,)."""
    length = drivers.step_length.values
    total = np.bincount(month, length)
    means = {name: np.bincount(month, drivers[name].values * length) / total for name in WEATHER}
    return means | _of_equal_months(len(total))


def _of_equal_months(count: int) -> dict[str, NDArray[np.float64]]:
    """Clock of equal months from January, in which nothing burns, (month,)."""
    middle = DAYS_PER_MONTH * (np.arange(count) + 0.5)
    return {
        "days": middle, "day_of_year": middle % DAYS_PER_YEAR, "burned_fraction": np.zeros(count),
        "step_length": np.full(count, DAYS_PER_MONTH),
    }  # fmt: skip


def _too_short(where: str, covered: NDArray[np.int64]) -> InputError:
    absent = sorted(set(range(MONTHS)) - {int(m) % MONTHS for m in covered})
    found = f"{len(covered)} months"
    if absent:
        found = f"months without a step: {', '.join(str(m + 1) for m in absent)}"
    return InputError(
        where=where, variable="time",
        rule="the record must cover every month of the year, in a row, for a stand to regrow under "
        "its weather",
        found=found,
        remedy="widen the window, or leave out growth curves, stocks by age and the stand age",
    )  # fmt: skip
