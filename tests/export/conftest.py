"""Draws of the prior in place of a posterior's, by day and by month; nothing is sampled."""

import dataclasses
import warnings

import pytest

from bayes_tbm.calibration import Calibration
from bayes_tbm.catalogue import open_site
from bayes_tbm.errors import DataWarning


@pytest.fixture(scope="session")
def days():
    """One year of the embedded site, daily."""
    return open_site("hyytiala-twin-daily").window(end="2006")


@pytest.fixture(scope="session")
def of_days(days):
    return Calibration(days, ["nee", "et"]).prior(40, seed=1)


def burnt(site):
    """The site with a fire in its second summer."""
    drivers = site.drivers.copy(deep=True)
    drivers["burned_fraction"].values[18] = 0.3
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return dataclasses.replace(site, drivers=drivers)


@pytest.fixture(scope="session")
def months():
    """Four years of the embedded site, monthly, with a fire."""
    return burnt(open_site("hyytiala-twin").window(end="2009"))


@pytest.fixture(scope="session")
def of_months(months):
    """Fitted to the first three of them."""
    return Calibration(months.window(end="2008"), ["gpp", "lai"]).prior(40, seed=2)
