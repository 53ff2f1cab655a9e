import numpy as np
import pytest
from scipy.linalg import eigvalsh

from bayes_tbm.sampling.adaptation import DualAveraging, Metric, fisher_metric

DIMENSION, DRAWS = 10, 60


@pytest.fixture(scope="module")
def covariance():
    rng = np.random.default_rng(1)
    rotation = np.linalg.qr(rng.normal(size=(DIMENSION, DIMENSION)))[0]
    return rotation * np.geomspace(1e-4, 1.0, DIMENSION) @ rotation.T


@pytest.fixture(scope="module")
def path(covariance):
    rng = np.random.default_rng(2)
    z = rng.multivariate_normal(np.arange(DIMENSION), covariance, DRAWS)
    return z, -np.linalg.solve(covariance, (z - np.arange(DIMENSION)).T).T


def ratios(metric, covariance):
    """Variances by the metric over true ones, along the directions where they differ most."""
    return eigvalsh(metric.scale @ metric.scale.T, covariance)


def test_metric_is_exact_where_the_prior_guess_is(path, covariance):
    # Draws cannot spoil it: positions and gradients err together.
    guess = Metric(np.zeros(DIMENSION), np.linalg.cholesky(covariance))
    metric = fisher_metric([path], guess)
    np.testing.assert_allclose(ratios(metric, covariance), 1.0, rtol=1e-6)
    np.testing.assert_allclose(metric.center, path[0].mean(axis=0))


def test_metric_is_near_the_covariance_with_few_draws_and_a_wrong_guess(path, covariance):
    # In whitened axes with sample variances a: s = sqrt((60 a + 10 c) / (60 a + 10 / c)) for a
    # guess c times too wide; c = 1.5 and the smallest a of 60 draws in 10 dimensions, 0.35.
    widest = np.sqrt((60 * 0.35 + 15) / (60 * 0.35 + 10 / 1.5))
    guess = Metric(np.zeros(DIMENSION), np.sqrt(1.5) * np.linalg.cholesky(covariance))
    found = ratios(fisher_metric([path], guess), covariance)
    assert found.min() > 1.0
    assert found.max() < widest
    # The draws' own covariance is far worse.
    sample = eigvalsh(np.cov(path[0].T), covariance)
    assert sample.max() / sample.min() > 3


def test_guess_is_forgotten_with_more_draws(covariance):
    rng = np.random.default_rng(3)
    guess = Metric(np.zeros(DIMENSION), 2.0 * np.linalg.cholesky(covariance))
    worst = []
    for draws in (60, 6000):
        z = rng.multivariate_normal(np.zeros(DIMENSION), covariance, draws)
        metric = fisher_metric([(z, -np.linalg.solve(covariance, z.T).T)], guess)
        worst.append(np.abs(np.log(ratios(metric, covariance))).max())
    assert worst[1] < 0.01 < worst[0]


def test_chains_that_disagree_do_not_stretch_the_metric(path, covariance):
    z, gradient = path
    guess = Metric(np.zeros(DIMENSION), np.linalg.cholesky(covariance))
    apart = fisher_metric([(z, gradient), (z + 50.0, gradient - 3.0)], guess)
    np.testing.assert_allclose(ratios(apart, covariance), 1.0, rtol=1e-6)


def test_a_few_steep_gradients_do_not_narrow_the_metric(path, covariance, monkeypatch):
    """As of draws at the foot of a wall, across a direction that is long elsewhere."""
    z, gradient = path
    steep = gradient.copy()
    along = np.linalg.eigh(covariance)[1][:, -1]  # of variance 1
    steep[::20] += 40.0 * along
    guess = Metric(np.zeros(DIMENSION), np.linalg.cholesky(covariance))

    def variance():
        return float(np.sum((fisher_metric([(z, steep)], guess).scale.T @ along) ** 2))

    assert variance() > 0.4
    monkeypatch.setattr("bayes_tbm.sampling.adaptation._FAR", 1e9)  # all gradients as they are
    assert variance() < 0.2


def test_whitening_and_its_chain_rule():
    rng = np.random.default_rng(4)
    metric = Metric(rng.normal(size=3), rng.normal(size=(3, 3)))
    u, slope = rng.normal(size=(2, 3))
    np.testing.assert_allclose(metric.whiten(metric.center + metric.scale @ u), u)
    # f(z) = slope . z has gradient scale^T slope with respect to u
    np.testing.assert_allclose(metric.unwhiten_gradient(metric.scale.T @ slope), slope)


@pytest.mark.parametrize(
    ("acceptance", "target", "expected"),
    [
        (lambda step: np.exp(-step), 0.8, -np.log(0.8)),
        (lambda step: 1 / (1 + step**2), 0.6, np.sqrt(2 / 3)),
        (lambda step: np.exp(-20 * step), 0.9, -np.log(0.9) / 20),
    ],
)
def test_step_size_meets_the_target(acceptance, target, expected):
    tuner = DualAveraging(0.5, target)
    for _ in range(2000):
        tuner.update(acceptance(tuner.now))
    assert tuner.average == pytest.approx(expected, rel=0.05)


def test_step_size_meets_the_target_in_noise():
    rng = np.random.default_rng(5)
    tuner = DualAveraging(2.0, 0.8)
    for _ in range(2000):
        tuner.update(np.exp(-tuner.now * rng.uniform(0.5, 1.5)))
    assert tuner.average == pytest.approx(-np.log(0.8), rel=0.1)


def test_nothing_learned_keeps_the_step_size():
    tuner = DualAveraging(0.3, 0.8)
    assert tuner.now == tuner.average == pytest.approx(0.3)
