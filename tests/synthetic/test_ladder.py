"""Climates between the rungs of the ladder of winter cold."""

import numpy as np
import pytest

from bayes_tbm import InputError
from bayes_tbm.synthetic.ladder import CLIMATES, climate_at


@pytest.mark.parametrize("name", CLIMATES)
def test_the_climate_at_a_rung_is_that_of_the_rung(name):
    rung = CLIMATES[name]

    assert climate_at(rung.coldest_month).t_max == pytest.approx(rung.t_max)


def test_a_climate_between_rungs_has_the_coldest_month_that_is_asked_for():
    asked = np.linspace(-33.0, -8.0, 26)

    assert [climate_at(t).coldest_month for t in asked] == pytest.approx(asked, abs=0.3)


@pytest.mark.parametrize("coldest", [-60.0, 5.0, float("nan")])
def test_a_climate_beyond_the_ladder_is_refused(coldest):
    with pytest.raises(InputError, match="must lie in"):
        climate_at(coldest)
