"""Weights of draws: smoothed where they have a tail, doubted where they have none."""

import numpy as np
import pytest

from bayes_tbm.population.hierarchy.diagnostics import smoothed


def test_a_chain_that_stands_still_has_weights_and_no_shape():
    rng = np.random.default_rng(1)
    moving = rng.normal(size=40)
    still = moving.copy()
    still[np.argsort(still)[-15:]] = 2.5
    weights, shape = smoothed(np.stack([moving, still]))
    assert np.exp(weights).sum(axis=-1) == pytest.approx([1.0, 1.0])
    assert shape[1] == np.inf
    np.testing.assert_allclose(weights[1] - weights[1, 0], still - still[0])
    alone, k = smoothed(moving)
    np.testing.assert_allclose(weights[0], alone)
    assert shape[0] == k < np.inf
