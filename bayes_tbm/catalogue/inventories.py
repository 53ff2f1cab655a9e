"""Wood inventories of single sites, small enough to be held as figures."""

import numpy as np
from numpy.typing import NDArray

from bayes_tbm.sites.observations import Observations
from bayes_tbm.units import UNITS

HYYTIALA_PLANTED = 1962
"""Year the Scots pine stand of SMEAR II was planted [specnet.info/hyytiala]."""
_HYYTIALA = (
    ("2001-06-15", 39.5, 4610.0),
    ("2003-06-15", 41.5, 4860.0),
    ("2004-06-15", 42.5, 5455.0),
    ("2005-06-15", 43.5, 5485.0),
    ("2006-06-15", 44.5, 5925.0),
    ("2008-07-15", 46.5, 6395.0),
)
_HYYTIALA_SD = 858.6
"""Observation (663) and model error (545.5) in quadrature [g C m-2]."""


def hyytiala_wood() -> Observations:
    """Return six inventories of wood carbon at FI-Hyy, 2001 to 2008.

    Figures of the Edinburgh CARDAMOM example for FI-Hyy; dates are the middle of the month.

    Returns
    -------
    Observations
        Named ``wood`` [g C m-2], shape (6,).
    """
    time = np.array([date for date, _, _ in _HYYTIALA], dtype="datetime64[ns]")
    value = np.array([stock for _, _, stock in _HYYTIALA])
    note = "six inventories (Edinburgh CARDAMOM example); sd = observation and model error"
    return Observations("wood", UNITS["wood"], time, value, np.full(6, _HYYTIALA_SD), note)


def hyytiala_stand_age() -> NDArray[np.float64]:
    """Return the stand age [yr] at each inventory of `hyytiala_wood`, shape (6,)."""
    return np.array([age for _, age, _ in _HYYTIALA])
