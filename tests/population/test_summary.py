"""Gaussian summaries of sites, those that learnt nothing among them."""

import numpy as np
import pytest

from bayes_tbm.population.draws import SiteDraws

SITES, COUNT, OWN, MIDDLE = 30, 400, 0.8, float(np.log(60.0))


def unlearnt(origin=MIDDLE):
    """Sites whose draws are those of their prior, N(origin, 0.8^2)."""
    z = OWN * np.random.default_rng(0).normal(size=(SITES, COUNT))
    names = [f"s{i}" for i in range(SITES)]
    log_prior = -0.5 * (z / OWN) ** 2
    effective = np.full(SITES, float(COUNT))
    return SiteDraws(names, ["w"], (origin + z)[..., None], log_prior, effective)


@pytest.mark.parametrize("unit", [365.25, 1e-3])
def test_a_summary_does_not_depend_on_the_unit_of_time(unit):
    y, sd = unlearnt().summary()
    moved, same = unlearnt(MIDDLE + np.log(unit)).summary()
    np.testing.assert_allclose(moved, y + np.log(unit), atol=1e-8)
    np.testing.assert_allclose(same, sd, rtol=1e-8)


def test_a_site_that_learnt_nothing_is_where_its_prior_is_give_or_take_its_error():
    y, sd = unlearnt().summary()
    # about the prior's mean is away by its draws' error, times the ratio of the variances
    error = OWN / np.sqrt(COUNT) * (sd / OWN) ** 2
    assert sd.max() == pytest.approx(10.0 * OWN, rel=1e-6)
    assert np.abs((y - MIDDLE) / np.hypot(error, OWN / np.sqrt(COUNT))).max() < 4.0
    assert abs(np.mean((y - MIDDLE) / error)) < 4.0 / np.sqrt(SITES)
