"""Virtual stands: what is refused, and that what is drawn stays within the population."""

import dataclasses
import math

import numpy as np
import pytest

from bayes_tbm import InputError
from bayes_tbm.synthetic import stands
from bayes_tbm.synthetic.ladder import CLIMATES
from bayes_tbm.synthetic.stands import virtual_stand


@pytest.mark.parametrize("residence", [0.0, -5.0, 1.0, 600.0, 1e9, math.nan, math.inf, "60", True])
def test_a_residence_time_of_no_forest_is_refused_at_once(residence):
    with pytest.raises(InputError, match=r"virtual_stand: residence: must lie between 2.7 and 500"):
        virtual_stand("FI-Hyy", seed=1, residence=residence)


@pytest.mark.filterwarnings("ignore:bayes_tbm.synthetic.stands. shortwave")
def test_a_climate_under_which_nothing_grows_ends(monkeypatch):
    monkeypatch.setattr(stands, "MOST_DRAWS", 2)
    dark = dataclasses.replace(CLIMATES["FI-Hyy"], shortwave=np.full(12, 1e-3))
    with pytest.raises(InputError, match=r"some stand of 2 must .* found none under this climate"):
        virtual_stand(dark, seed=1, years=2)
