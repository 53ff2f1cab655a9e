"""One calibration to the first years of the embedded site, and draws that need no sampling."""

import pytest

from bayes_tbm.calibration import Calibration
from bayes_tbm.catalogue import open_site

STREAMS = ("gpp", "nee", "lai", "wood")


@pytest.fixture(scope="session")
def whole():
    return open_site("hyytiala-twin")


@pytest.fixture(scope="session")
def fitted_part(whole):
    return Calibration(whole.window(end="2010"), STREAMS)


@pytest.fixture(scope="session")
def draws(fitted_part):
    """The prior's draws in place of a posterior's: the same groups, made at once."""
    return fitted_part.prior(80, seed=3)
