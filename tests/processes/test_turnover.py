import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayes_tbm.processes.allocation import autotrophic_respiration, net_primary_production
from bayes_tbm.processes.fire import combusted_fraction, killed_fraction
from bayes_tbm.processes.turnover import daily_rate, decomposition_climate, fraction_lost

fractions = st.floats(0.0, 1.0)


@given(rate=st.floats(0.0, 0.9), days=st.integers(1, 60))
def test_fraction_lost_is_daily_loss_repeated(rate, days):
    left = np.longdouble(1)
    for _ in range(days):
        left *= 1 - np.longdouble(rate)
    assert float(fraction_lost(rate, days)) == pytest.approx(float(1 - left), rel=1e-12)


def test_fraction_lost_keeps_its_digits_at_small_rates():
    # second order: k d (1 - k (d - 1) / 2)
    assert float(fraction_lost(1e-12, 30.0)) == pytest.approx(30e-12 * (1 - 14.5e-12), rel=1e-14)


@given(rate=st.floats(0.0, 0.9))
def test_a_daily_step_loses_the_daily_rate(rate):
    assert float(fraction_lost(rate, 1.0, daily=True)) == rate
    assert float(fraction_lost(rate, 1.0)) == pytest.approx(rate, rel=1e-14)


def test_daily_rate_of_a_residence_time():
    assert daily_rate(1.0) == 1 / 365.25
    assert daily_rate(60.0) == pytest.approx(4.5631e-5, rel=1e-4)


@given(q=st.floats(0.0, 0.1), s=fractions, warmth=st.floats(-40, 30), wetness=st.floats(-1, 20))
def test_decomposition_climate(q, s, warmth, wetness):
    expected = np.exp(q * warmth) * ((1 + wetness - 1) * s + 1)
    found = float(decomposition_climate(warmth, wetness, q, s))
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert decomposition_climate(0.0, 0.0, q, s) == 1.0


def test_ten_degrees_are_the_true_q10():
    assert float(decomposition_climate(10.0, 0.0, np.log(2.0) / 10, 0.3)) == pytest.approx(2.0)


@given(burned=fractions, completeness=fractions, resilience=fractions)
def test_fire_shares_out_what_is_there(burned, completeness, resilience):
    burnt = combusted_fraction(burned, completeness)
    killed = killed_fraction(burned, completeness, resilience)
    survived = (1 - burned) + burned * (1 - completeness) * resilience
    assert burnt + killed + survived == pytest.approx(1.0, rel=1e-14)
    assert min(burnt, killed) >= 0.0


@given(gpp=st.floats(0, 30), share=fractions)
def test_respiration_and_npp_are_gpp(gpp, share):
    respired = autotrophic_respiration(gpp, share)
    assert respired == pytest.approx(gpp * share)
    assert respired + net_primary_production(gpp, share) == pytest.approx(gpp, rel=1e-14)
