"""Dates of stocks as tables and people write them."""

import numpy as np
import pandas as pd

from bayes_tbm.errors import InputError
from bayes_tbm.sites.dates import without_zone

_FIRST, _LAST = np.datetime64("1700", "s"), np.datetime64("2200", "s")
_NO_DATE = np.datetime64("NaT", "s")


def as_date(text: str, where: str) -> str:
    """Return as ISO writes it the date of 2008-07-15, of 2008.54, or of 2008: the year's middle.

    A time zone is left out, its clock kept.

    Raises
    ------
    InputError
        If it is none.
    """
    text, _ = without_zone(text)
    number = pd.to_numeric(text, errors="coerce")
    try:
        if 0.0 <= number < 10_000.0:
            year = int(number)
            start, end = (np.datetime64(f"{y:04}-01-01", "s") for y in (year, year + 1))
            share = 0.5 if number == year else number - year
            date = start + np.timedelta64(round(share * float((end - start).astype(int))), "s")
        else:
            date = np.datetime64(text, "s") if text[:1].isdigit() else _NO_DATE  # "now" is one
    except ValueError:
        date = _NO_DATE
    if not _FIRST <= date < _LAST:
        rule = "must be a date as in 2008-07-15, or a year"
        raise InputError(where=where, variable="date", rule=rule, found=repr(text))
    return str(date)
