"""A site's mean year: what a stand that regrows may live under."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.sites.record_months import means_by_month
from bayes_tbm.units import DAYS_PER_MONTH, DAYS_PER_YEAR


def mean_year(drivers: xr.Dataset, where: str) -> dict[str, NDArray[np.float64]]:
    """Return drivers of twelve equal months from January, in which nothing burns.

    Every variable is the mean over the steps whose middle lies in the month, weighted by their
    length.

    Parameters
    ----------
    drivers : xarray.Dataset
        As `Site.drivers`.
    where : str
        For messages.

    Returns
    -------
    dict of str to numpy.ndarray
        By driver, shape (12,).

    Raises
    ------
    InputError
        The record leaves a month of the year without a step.
    """
    month = (drivers.days.values % DAYS_PER_YEAR // DAYS_PER_MONTH).astype(int).clip(max=11)
    total = np.bincount(month, drivers.step_length.values, minlength=12)
    if not total.all():
        raise InputError(
            where=where, variable="time",
            rule="the record must cover every month of the year for a stand to regrow under its "
            "climate",
            found=f"months without a step: {', '.join(map(str, np.flatnonzero(total == 0) + 1))}",
            remedy="widen the window, or leave out growth curves, stocks by age and the stand age",
        )  # fmt: skip
    return means_by_month(drivers, month)
