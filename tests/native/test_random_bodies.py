"""Loop bodies made at random of all operations, held to `jax.lax.scan`."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax

from bayes_tbm import native
from bayes_tbm.native.fallback import UnsupportedError
from bayes_tbm.native.llvm import operations
from bayes_tbm.native.llvm.program import flatten
from tests.native.writable import BY_BITS

# The second of a pair is moved a little, so that rounding decides no comparison; ties are tested
# by themselves (test_scan.py).
APART, COMPARED_APART, CHOSEN_APART, TRUE_APART = 0.0137, 0.0271, 0.0419, 0.0059
OF_ONE = {
    "neg": lax.neg,
    "abs": lax.abs,
    "square": lax.square,
    "integer_pow": lambda x: lax.integer_pow(x, 3) + lax.integer_pow(1.5 + lax.square(x), -2),
    "sqrt": lambda x: lax.sqrt(0.5 + lax.square(x)),
    "sin": lax.sin,
    "cos": lax.cos,
    "logistic": lax.logistic,
    "erf": lax.erf,
    "erfc": lax.erfc,
    "exp": lax.exp,
    "expm1": lax.expm1,
    "log": lambda x: lax.log(0.5 + lax.square(x)),
    "log1p": lambda x: lax.log1p(lax.square(x)),
}
OF_TWO = {
    "add": lax.add,
    "sub": lax.sub,
    "mul": lax.mul,
    "div": lambda x, y: x / (1.5 + lax.square(y)),
    "max": lambda x, y: lax.max(x, y + APART),
    "min": lambda x, y: lax.min(x, y + APART),
}
COMPARED = {"gt": lax.gt, "lt": lax.lt, "ge": lax.ge, "le": lax.le, "eq": lax.eq, "ne": lax.ne}
OF_TRUTHS = {
    "and": lax.bitwise_and,
    "or": lax.bitwise_or,
    "xor": lax.bitwise_xor,
    "equal truths": lax.eq,
    "unequal truths": lax.ne,
}
OTHERS = ("not", "select_n", "chosen truth", "number of truth", "truth of number")
NAMES = sorted([*OF_ONE, *OF_TWO, *COMPARED, *OF_TRUTHS, *OTHERS])
LITERALS = (0.0, -0.0, 1.0, -0.37)

carry, series, constants = (
    jnp.asarray(np.random.default_rng(3).uniform(-1.2, 1.2, shape))
    for shape in ((3, 3), (2, 7, 3), (1, 3))
)


def tame(x):
    """Keep a number of the order of one, whatever comes of it."""
    return x / jnp.sqrt(1.0 + lax.square(x))


def applied(name, pick, numbers, truths):
    """Apply one operation to numbers and truths; gives a new number, or a new truth."""
    x, y = (numbers[i % len(numbers)] for i in pick[:2])
    p, q = (truths[i % len(truths)] for i in pick[1:])
    if name in OF_ONE:
        return tame(OF_ONE[name](x)), None
    if name in OF_TWO:
        return tame(OF_TWO[name](x, y)), None
    if name in COMPARED:
        return None, COMPARED[name](x, y + COMPARED_APART)
    if name in OF_TRUTHS:
        return None, OF_TRUTHS[name](p, q)
    if name == "not":
        return None, lax.bitwise_not(p)
    if name == "select_n":
        return lax.select(p, x, y), None
    if name == "chosen truth":
        return None, lax.select(p, q, x > CHOSEN_APART)
    if name == "number of truth":
        return p.astype(x.dtype) * y, None
    return None, lax.convert_element_type(x - TRUE_APART, bool)


def function_of(steps):
    """All numbers that come up when steps are done in order, the last truth as a number too."""

    def function(*numbers):
        numbers = [*numbers, *(jnp.asarray(x, numbers[0].dtype) for x in LITERALS)]
        truths, count = [numbers[0] > numbers[1]], len(numbers)
        for name, pick in steps:
            number, truth = applied(name, pick, numbers, truths)
            numbers += [] if number is None else [number]
            truths += [] if truth is None else [truth]
        return [*numbers[count:], truths[-1].astype(numbers[0].dtype)]

    return function


def forwards(steps):
    """Carry one number that all waits for and two sums, one of them read in every step."""
    function = function_of(steps)

    def body(carry, now, constants):
        values = function(carry[0], *now[0], *constants)
        after = [0.7 * tame(sum(values)), carry[1] + values[0], carry[2] + values[-1]]
        return after, [*values, 0.5 * carry[2]]

    return body


def backwards(steps):
    """Carry the cotangent of the steps, and keep those of the series and of the constant."""
    function = function_of(steps)

    def body(carry, now, constants):
        values, pull = jax.vjp(function, carry[1], *now[0], *constants)
        slopes = pull([0.3 * carry[0] + 0.1 * i for i, _ in enumerate(values)])
        after = [tame(slopes[0]), 0.9 * carry[1], carry[2] + tame(slopes[-1])]
        return after, [tame(slope) for slope in slopes]

    return body


def plain(body, reverse):
    """The loop of each member of the batch."""

    def one(carry, series, constants):
        def step(state, now):
            return body(state, [list(now)], list(constants))

        last, kept = lax.scan(step, list(carry), series.T, reverse=reverse)
        return jnp.stack(last), jnp.stack(kept)

    return jax.vmap(one, -1, -1)(carry, series, constants)


picks = st.tuples(*[st.integers(0, 30)] * 3)


def bodies(names):
    """Every operation once, in any order, of any of the numbers before it."""
    orders = st.permutations(names)
    return orders.flatmap(lambda order: st.tuples(*(st.tuples(st.just(n), picks) for n in order)))


def check(body, reverse):
    found = jax.jit(lambda: native.scan(body, carry, [series], constants, reverse))()
    expected = jax.jit(lambda: plain(body, reverse))()
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


@settings(max_examples=8)
@given(steps=bodies(NAMES), reverse=st.booleans())
def test_values_of_random_bodies(steps, reverse):
    check(forwards(steps), reverse)


# The derivative of erf goes by bits in JAX since 0.12 (test_fallback.py).
@settings(max_examples=8)
@given(steps=bodies([n for n in NAMES if n not in ("erf", "erfc")]), reverse=st.booleans())
def test_gradients_of_random_bodies(steps, reverse):
    check(backwards(steps), reverse)


def rules_of(body):
    """Names of operations and the first letter of the kinds they are applied to; checked."""
    scalar = jax.ShapeDtypeStruct((), float)
    program = flatten(jax.make_jaxpr(body)([scalar] * 3, [[scalar] * 2], [scalar]))
    operations.check(program)
    return {(each.name, each.kinds[0]) for each in program.operations}


def test_every_rule_is_tried_here_and_its_derivative_has_rules():
    used = set()
    for name in NAMES:
        steps = [("gt", (0, 1, 2)), (name, (0, 1, 1)), (name, (1, 6, 2))]
        used |= rules_of(forwards(steps))
        if (
            name in ("erf", "erfc") and BY_BITS
        ):  # by bits in JAX, so that XLA runs it (test_fallback.py)
            with pytest.raises(UnsupportedError, match="bitcast_convert_type"):
                rules_of(backwards(steps))
        else:
            used |= rules_of(backwards(steps))
    rules = {(name, "n") for name in operations._ON_NUMBERS}
    rules |= {(name, "t") for name in (*operations._ON_TRUTHS, "select_n")}
    assert used == rules
