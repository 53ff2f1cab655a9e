import jax.numpy as jnp
import numpy as np
import pytest
from scipy import optimize, special

from bayes_tbm.parameters import TABLE
from bayes_tbm.processes.phenology import pulse, pulse_rate, season

YEAR = 365.25
FINE = np.arange(0.0, YEAR, YEAR / 7305)  # twentieths of a day over one period
CASES = [(1.05, 20.0), (1.5, 45.0), (2.5, 80.0), (8.0, 150.0)]


def rate(lifespan, period, peak=150.0, days=FINE):
    return np.asarray(pulse_rate(season(jnp.asarray(days)), pulse(peak, period, lifespan)))


@pytest.mark.parametrize(("lifespan", "period"), CASES)
def test_area_of_a_year_has_its_closed_form(lifespan, period):
    # Integral of exp(-(a sin x)^2) over a half turn is pi exp(-a^2/2) I0(a^2/2).
    f, s, w = 0.5 * np.log(lifespan / (lifespan - 1)), YEAR / np.pi, period / np.sqrt(2)
    expected = 2 * f * (s / w) * np.sqrt(np.pi) * special.ive(0, 0.5 * (s / w) ** 2)
    # The sum over a full period of a smooth periodic function converges to rounding.
    assert rate(lifespan, period).sum() * YEAR / 7305 == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("lifespan", "period"), [(1.05, 10.0), (2.5, 30.0), (8.0, 45.0)])
def test_a_short_pulse_leaves_what_the_lifespan_says(lifespan, period):
    left = np.exp(-rate(lifespan, period).sum() * YEAR / 7305)
    # exp(-2 f) = 1 - 1/L; the circle lengthens the pulse: with x = w / s, the expansion of
    # sqrt(2 pi z) exp(-z) I0(z) at z = 1 / (2 x^2) is 1 + x^2 / 4 + 9 x^4 / 32 + ...
    stretch = np.log(left) / np.log1p(-1 / lifespan) - 1
    x = period / np.sqrt(2) * np.pi / YEAR
    assert stretch == pytest.approx(x**2 / 4 + 9 * x**4 / 32, abs=x**6 + 1e-12)


@pytest.mark.parametrize("years", [-1, 1, 2])
def test_a_whole_year_changes_nothing(years):
    usual = rate(2.5, 60.0)
    # 365.25 years' days are exact in binary; the sine of the shift rounds at 1e-15, times a slope
    # of the pulse of up to (s / w)^2 = 8.
    np.testing.assert_allclose(rate(2.5, 60.0, peak=150 + years * YEAR), usual, atol=1e-14)
    np.testing.assert_allclose(rate(2.5, 60.0, days=FINE + years * YEAR), usual, atol=1e-14)


@pytest.mark.parametrize("lifespan", [1.05, 1.2, 2.0, 4.0, 8.0])
def test_the_flux_peaks_on_the_stated_day(lifespan):
    # Pool C' = -r C with r = 2 f / (w sqrt(pi)) exp(-x^2): r C is greatest where r' = r^2, that is
    # at x = -(f / sqrt(pi)) exp(-x^2) before the peak of the rate.
    f, period = 0.5 * np.log(lifespan / (lifespan - 1)), 40.0
    w = period / np.sqrt(2)
    x = optimize.brentq(lambda x: x + f / np.sqrt(np.pi) * np.exp(-(x**2)), -1.5, 0.0)
    top = FINE[np.argmax(rate(lifespan, period))]
    # DALEC's polynomial in ln(L - 1) fits the root to 0.01 of the width.
    assert top + x * w == pytest.approx(150.0, abs=0.01 * w + 0.05)


def test_a_longer_life_and_a_longer_pulse_lower_the_rate():
    usual = rate(2.0, 45.0).max()
    assert rate(3.0, 45.0).max() < usual
    assert rate(2.0, 60.0).max() < usual


def test_the_rate_stays_a_fraction_within_the_bounds_of_the_table():
    for group in (("labile_lifespan", "labile_release_period"),
                  ("leaf_lifespan", "leaf_fall_period")):  # fmt: skip
        shortest = [TABLE[name].lower for name in group]
        assert rate(*shortest).max() < 1.0
