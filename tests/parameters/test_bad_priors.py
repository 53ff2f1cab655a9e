"""No family makes a prior of what is no distribution, from Python or from plain data."""

import dataclasses
import fractions
import math

import jax.numpy as jnp
import numpy as np
import pytest

from bayes_tbm.errors import InputError
from bayes_tbm.parameters import (
    FAMILIES,
    BoundedLogNormal,
    Fixed,
    LogitNormal,
    LogitStudentT,
    LogNormal,
    LogStudentT,
    LogUniform,
    Normal,
    Uniform,
    as_prior,
)

GOOD = [
    Normal(3.0, 2.0),
    LogNormal(3.0, 2.0, 1.0),
    BoundedLogNormal(3.0, 2.0, 1.0, 5.0),
    LogitNormal(3.0, 2.0, 1.0, 5.0),
    Uniform(1.0, 5.0),
    LogUniform(1.0, 5.0),
    LogStudentT(3.0, 2.0, 1.0, 5.0),
    LogitStudentT(3.0, 2.0, 1.0, 5.0),
    Fixed(3.0),
]
FIELDS = [(prior, field.name) for prior in GOOD for field in dataclasses.fields(prior)]
NO_NUMBERS = [
    math.nan, math.inf, -math.inf, 10**400, "3", "warm", None, True, np.True_, 3 + 0j, [3.0],
    np.array([3.0]), np.array("3"), jnp.array([3.0, 4.0]), {"value": 3.0}, Fixed(3.0), float,
]  # fmt: skip
NUMBERS = [
    int, np.float64, np.float32, np.float16, np.int64, np.uint8, np.array, jnp.array,
    fractions.Fraction,
]  # fmt: skip


def both_ways(prior, **changes):
    """Make a prior from Python and from plain data."""
    entries = dataclasses.asdict(prior) | changes
    return [
        lambda: type(prior)(**entries),
        lambda: as_prior("x", {"family": prior.family, **entries}, "run.toml"),
    ]


def refused(prior, name, value, told):
    starts = (f"{type(prior).__name__}: {name}: ", f"run.toml: x: {name}: ")
    for make, start in zip(both_ways(prior, **{name: value}), starts, strict=True):
        with pytest.raises(InputError) as error:
            make()
        assert str(error.value).startswith(start)
        assert told in str(error.value)
        assert "\n" not in str(error.value)


def test_every_family_is_tried():
    assert {type(prior) for prior in GOOD} == set(FAMILIES.values())


@pytest.mark.parametrize("value", NO_NUMBERS, ids=repr)
@pytest.mark.parametrize(("prior", "name"), FIELDS, ids=str)
def test_what_is_no_finite_number_is_refused(prior, name, value):
    refused(prior, name, value, "must be a finite number")


@pytest.mark.parametrize("kind", NUMBERS)
@pytest.mark.parametrize("prior", GOOD, ids=str)
def test_every_kind_of_number_makes_the_same_prior(prior, kind):
    entries = {name: kind(int(value)) for name, value in dataclasses.asdict(prior).items()}
    for make in both_ways(prior, **entries):
        made = make()
        assert made == prior
        assert all(type(value) is float for value in dataclasses.asdict(made).values())


@pytest.mark.parametrize("value", [0.0, -0.0, -1.0, np.float32(-2.0), -5e-324])
@pytest.mark.parametrize(
    ("prior", "name"), [f for f in FIELDS if f[1].endswith(("sd", "scale"))], ids=str
)
def test_a_spread_that_is_not_positive_is_refused(prior, name, value):
    refused(prior, name, value, "must be positive")


@pytest.mark.parametrize(
    ("prior", "name", "value", "told"),
    [
        (GOOD[1], "median", 1.0, "above lower, 1"),
        (GOOD[1], "median", 0.5, "above lower, 1"),
        *[(GOOD[i], "median", 1.0, "above lower, 1") for i in (2, 3)],
        *[(GOOD[i], "upper", 3.0, "above median, 3") for i in (2, 3)],
        *[(GOOD[i], "upper", 2.0, "above median, 3") for i in (2, 3)],
        *[(GOOD[i], "upper", 1.0, "above lower, 1") for i in (4, 5)],
        *[(GOOD[i], "lower", 7.0, "above lower, 7") for i in (1, 2, 3, 4, 5)],
        *[(GOOD[i], "lower", 0.0, "above 0") for i in (2, 5)],
        *[(GOOD[i], "lower", -1.0, "above 0") for i in (2, 5)],
    ],
)
def test_bounds_and_median_out_of_order_are_refused(prior, name, value, told):
    with pytest.raises(InputError, match=told):
        dataclasses.replace(prior, **{name: value})
    for make in both_ways(prior, **{name: value}):
        with pytest.raises(InputError, match=told):
            make()


@pytest.mark.parametrize(
    ("family", "entries"),
    [
        (Uniform, (-1e308, 1e308)),
        (LogUniform, (1e-200, 1e200)),
        (LogUniform, (5e-324, 1e308)),
        (BoundedLogNormal, (1.0 + 2e-16, 1.0, 1.0, 1e300)),
        (LogNormal, (1e308, 1.0, -1e308)),
        (LogitNormal, (0.0, 1.0, -1e308, 1e308)),
        (LogitNormal, (1e-320, 1.0, 0.0, 1e10)),
        (LogitStudentT, (1e-320, 1.0, 0.0, 1e10)),
        (LogStudentT, (2.0, 1e9, 1.0, 3.0)),
        (LogStudentT, (2.0, 1e-9, 1e-300, 1e300)),
    ],
    ids=str,
)
def test_what_is_made_has_finite_values(family, entries):
    """Entries that rounding makes useless are refused; all others give finite numbers."""
    try:
        prior = family(*entries)
    except InputError as error:
        assert "rounding" in str(error)  # noqa: PT017  (both outcomes are right)
        return
    assert np.isfinite(prior.from_normal(np.array([-2.0, 0.0, 2.0]))).all()


@pytest.mark.parametrize("prior", GOOD, ids=str)
def test_support_is_where_values_lie(prior):
    low, high = prior.support
    ends = np.sort(np.asarray(prior.from_normal(np.array([-np.inf, np.inf]))))
    np.testing.assert_allclose(ends, [low, high], rtol=1e-15)


@pytest.mark.parametrize("given", [None, "lognormal", True, [1.0], {}, {"value": 3.0}, b"3"])
def test_what_is_not_like_a_prior_is_refused(given):
    with pytest.raises(InputError, match=r"^run.toml: x: family must be one of normal, "):
        as_prior("x", given, "run.toml")


def test_priors_are_stacked_without_being_taken_for_one():
    stacked = LogNormal.of_numbers(np.array([[3.0, 5.0], [0.5, 0.2], [0.0, 1.0]]))
    np.testing.assert_array_equal(stacked.from_normal(np.zeros(2)), [3.0, 5.0])
