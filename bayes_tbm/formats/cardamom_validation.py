"""Reader of the second half of a tower's record, as CARDAMOM-FLUXVAL keeps it beside its files.

``validation_SITE.csv``: ID, the month of the record from 1; Date as YYYYMM; GPP, NEE [g C m-2 d-1]
and ET [mm d-1], NaN where missing. NEE is positive to the atmosphere, as NBE of the file is: both
agree with monthly means of the daily records of the same towers (`tests/catalogue`).
"""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.formats.cardamom_binary import assumed_sd
from bayes_tbm.formats.common import collect
from bayes_tbm.sites.observations import Observations, join_notes
from bayes_tbm.sites.time_axis import time_from_days
from bayes_tbm.units import DAYS_PER_MONTH, UNITS

SERIES = {"gpp": "GPP", "nee": "NEE", "et": "ET"}
COLUMNS = ("ID", "Date", *SERIES.values())


def read_cardamom_validation(path: Path) -> dict[str, Observations]:
    """Read a table of monthly fluxes that CARDAMOM holds out of a fit.

    Parameters
    ----------
    path : pathlib.Path
        File ``validation_SITE.csv``.

    Returns
    -------
    dict of str to Observations
        ``gpp``, ``nee`` and ``et`` at the middle of the record's months, with the uncertainties
        that are assumed of the first half; and ``nbe``, which is NEE where nothing burned.

    Raises
    ------
    InputError
        If columns are others, or a month comes twice or is not that of its date.
    """
    table = pd.read_csv(path)
    if tuple(table.columns) != COLUMNS:
        rule, found = f"columns must be {', '.join(COLUMNS)}", ", ".join(map(str, table.columns))
        raise InputError(where=path.name, rule=rule, found=found)
    time = _time(table, path.name)
    series = [_series(name, table[column], time) for name, column in SERIES.items()]
    return collect(series, np.zeros(1))


def _time(table: pd.DataFrame, where: str) -> NDArray[np.datetime64]:
    """Return the middle of each month of the record, whose months are all of one length."""
    month = table["ID"].to_numpy(dtype=float)
    time = time_from_days((month - 0.5) * DAYS_PER_MONTH, where=where)
    if len(np.unique(month)) < len(month):
        raise InputError(where=where, variable="ID", rule="every month must come once")
    stated = table["Date"].astype(str).to_numpy()
    other = np.flatnonzero(pd.DatetimeIndex(time).strftime("%Y%m").to_numpy() != stated)
    if other.size:
        first = other[0]
        rule = "must be the month of the record that ID counts from January 2001"
        found = f"{stated[first]} for ID {month[first]:g}"
        raise InputError(where=where, variable="Date", rule=rule, found=found)
    return time


def _series(name: str, column: pd.Series, time: NDArray[np.datetime64]) -> Observations:
    value = column.to_numpy(dtype=float)
    sd, how = assumed_sd(name, value)
    note = join_notes(["second half of the tower's record", how])
    return Observations(name, UNITS[name], time, value, sd, note)
