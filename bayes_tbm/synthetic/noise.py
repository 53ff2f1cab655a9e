"""Chance with memory, for made-up weather, measurement errors and gaps."""

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter


def spells(
    rng: np.random.Generator, steps: int, share: float, correlation: float
) -> NDArray[np.bool_]:
    """Return a stationary two-state Markov chain, shape (steps,).

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    steps : int
        Length.
    share : float
        Probability of true at any step.
    correlation : float
        Of neighbours, 0 to 1; spells of true last ``1 / ((1 - share) (1 - correlation))`` steps.
    """
    state, chain = share, np.empty(steps, dtype=bool)
    for step, draw in enumerate(rng.random(steps)):
        chain[step] = draw < share + correlation * (state - share)
        state = float(chain[step])
    return chain


def autoregressive(rng: np.random.Generator, steps: int, correlation: float) -> NDArray[np.float64]:
    """Return stationary first-order autoregressive Gaussian noise of unit variance, shape (steps,).

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    steps : int
        Length.
    correlation : float
        Of neighbours, 0 to 1; ``exp(-1 / memory)`` for a memory in steps.
    """
    fresh = np.sqrt(1.0 - correlation**2)
    shocks = fresh * rng.standard_normal(steps)
    shocks[0] /= fresh  # the first value has no past to take variance from
    return np.asarray(lfilter([1.0], [1.0, -correlation], shocks))
