"""Elementary functions against NumPy, in units in the last place."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bayes_tbm.native import Stacked, fused

SIZES = np.geomspace(1e-300, 700.0, 2001)
BOTH_SIDES = np.concatenate([-SIZES, [0.0], SIZES])
POSITIVE = np.geomspace(1e-300, 1e300, 4001)
ABOVE_MINUS_ONE = np.concatenate([-np.geomspace(1e-300, 0.999, 2001), SIZES])
CASES = {
    "exp": (jnp.exp, np.exp, BOTH_SIDES, 4),
    "expm1": (jnp.expm1, np.expm1, BOTH_SIDES, 4),
    "log": (jnp.log, np.log, POSITIVE, 4),
    "log near one": (jnp.log, np.log, 1.0 + np.linspace(-0.3, 0.3, 2001), 4),
    "log1p": (jnp.log1p, np.log1p, ABOVE_MINUS_ONE, 4),
    "logistic": (jax.nn.sigmoid, lambda x: 1.0 / (1.0 + np.exp(-x)), BOTH_SIDES, 6),
    "sin": (jnp.sin, np.sin, np.linspace(-50.0, 50.0, 2001), 2),
    "cos": (jnp.cos, np.cos, np.linspace(-50.0, 50.0, 2001), 2),
    "erf": (jax.scipy.special.erf, np.vectorize(math.erf), np.linspace(-6.0, 6.0, 1001), 4),
    "erfc": (jax.scipy.special.erfc, np.vectorize(math.erfc), np.linspace(-6.0, 6.0, 1001), 8),
}


def applied(function, x):
    return np.asarray(fused(lambda v: (function(v),), Stacked.of(jnp.asarray(x)))[0].tree)


@pytest.mark.parametrize("name", list(CASES))
def test_function_is_that_of_numpy(name):
    function, reference, x, units = CASES[name]
    expected = reference(x)
    found = applied(function, x)
    error = np.abs(found - expected)
    assert (error <= units * np.spacing(np.abs(expected))).all(), x[error.argmax()]


@pytest.mark.parametrize(
    ("function", "x", "expected"),
    [
        (jnp.exp, [-np.inf, -1e4, 1e4, np.inf], [0.0, 0.0, np.inf, np.inf]),
        (jnp.expm1, [-np.inf, -1e4, 0.0, np.inf], [-1.0, -1.0, 0.0, np.inf]),
        (jnp.log, [0.0, 1.0, np.inf, -1.0], [-np.inf, 0.0, np.inf, np.nan]),
        (jnp.log1p, [-1.0, 0.0, np.inf, -2.0], [-np.inf, 0.0, np.inf, np.nan]),
        (jax.nn.sigmoid, [-1e4, 0.0, 1e4], [0.0, 0.5, 1.0]),
    ],
)
def test_edges(function, x, expected):
    np.testing.assert_array_equal(applied(function, np.array(x)), expected)


@pytest.mark.parametrize("function", [jnp.exp, jnp.expm1, jnp.log, jnp.log1p, jnp.sqrt])
def test_what_is_no_number_stays_none(function):
    assert np.isnan(applied(function, np.array([np.nan, np.nan]))).all()
