"""A fit from a pair of FLUXNET tables is that of the site they were made of."""

import arviz as az
import numpy as np
import pytest

from bayes_tbm.calibration import Calibration
from bayes_tbm.catalogue import open_site
from bayes_tbm.results import check_convergence

from .fluxnet_pair import write_pair


@pytest.mark.slow
def test_the_posterior_is_that_of_the_site(shared_data, tmp_path):
    site = open_site(shared_data / "daily" / "FI-Hyy.nc", start="2010", end="2012")
    pair = write_pair(site, tmp_path, code="FI-Hyy")
    tables = []
    for one in (site, open_site(pair.daily)):
        # GPP's error is made of its partitionings there, so it is another one.
        cal = Calibration(one, ["nee", "et"], systematic={"nee": 0.11, "et": 0.1})
        post = cal.sample(seed=4, progress=False)
        assert check_convergence(post).passed
        tables.append(az.summary(post, round_to="none").astype(float))
    a, b = tables
    error = np.hypot(a["mcse_mean"], b["mcse_mean"])
    z = ((a["mean"] - b["mean"]) / error)[error > 0]
    # Some forty quantities, correlated: one beyond 3 is no wonder, one beyond 4.5 is.
    assert np.sqrt((z**2).mean()) < 1.5
    assert z.abs().max() < 4.5
