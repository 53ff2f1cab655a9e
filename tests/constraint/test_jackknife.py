import numpy as np
import pytest

from bayes_tbm.constraint.jackknife import BLOCKS, jackknife


@pytest.mark.parametrize("memory", [0.0, 0.6, 0.9])
def test_error_of_a_mean_counts_autocorrelation(chains, memory):
    """Root mean square over 60 repetitions, each known to 16 %: itself known to 2 %."""
    rng = np.random.default_rng(1)
    variances = [jackknife(np.mean, chains(rng, memory, (4, 1000)).ravel()).mcse ** 2
                 for _ in range(60)]  # fmt: skip
    expected = np.sqrt((1 + memory) / (1 - memory) / 4000)
    assert np.sqrt(np.mean(variances)) == pytest.approx(expected, rel=0.12)


def test_one_draw_a_block_is_the_textbook_jackknife():
    """Of a mean it gives the textbook error; of the biased variance, the unbiased one."""
    x = np.random.default_rng(2).normal(size=BLOCKS)
    mean = jackknife(np.mean, x)
    assert mean.value == pytest.approx(x.mean())
    assert mean.mcse == pytest.approx(x.std(ddof=1) / np.sqrt(BLOCKS))
    assert jackknife(np.var, x).value == pytest.approx(x.var(ddof=1))
    assert jackknife(np.var, x, correct_bias=False).value == x.var()


def test_errors_of_independent_samples_add_in_quadrature():
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(2, 800)), 3.0 * rng.normal(size=(2, 500))
    both = jackknife(lambda x, y: x.mean(axis=-1) - y.mean(axis=-1), a, b)
    alone = [jackknife(lambda x: x.mean(axis=-1), sample).mcse for sample in (a, b)]
    np.testing.assert_allclose(both.mcse, np.hypot(*alone))
    assert [d.shape for d in both.departures] == [(BLOCKS, 2), (BLOCKS, 2)]
    np.testing.assert_allclose(both.value, a.mean(axis=-1) - b.mean(axis=-1))


def test_nothing_is_said_of_an_error_where_a_replicate_is_infinite():
    draws = np.r_[1.0, np.zeros(BLOCKS)]  # without the first block all are one

    def bits(x):
        with np.errstate(divide="ignore"):
            return np.array([x.mean(), -np.log(x.std())])

    found = jackknife(bits, draws)
    assert np.isfinite(found.value[0])
    assert np.isnan(found.value[1])
    assert np.isfinite(found.mcse).tolist() == [True, False]
