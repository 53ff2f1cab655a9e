"""All that JAX can write runs in loops, functions and sums: compiled, or else by XLA."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bayes_tbm import native
from bayes_tbm.errors import NotCompiledWarning
from bayes_tbm.native import fallback
from tests.native.writable import COMPILED, LEFT

CASES = {**COMPILED, **LEFT}
SINGLE = [
    "powers",
    "exponentials",
    "extremes",
    "choices",
    "a truth",
    "a number alone",
    "erf",
    "tan",
]
FAST = {"xla_backend_optimization_level": 0}  # to compile
X = jnp.array([[0.31, 1.43, 0.77, 1.0, 1.83], [1.27, 0.59, 0.93, 1.71, 0.43]]).T  # (time, batch)
K = jnp.array([0.83, 1.37])
WEIGHTS = (1.0, 0.3, 0.7, 0.2)
DATA = jnp.array([[0.5, 1.5, 1.0, 0.7, 2.0]])


@pytest.fixture(autouse=True)
def promotions_of_jax():
    """Users write what JAX takes; the strict rules of `conftest.py` are for this package."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


@pytest.fixture
def nothing_said(monkeypatch):
    monkeypatch.setattr(fallback, "_said", set())


def recurrence(function):
    """A loop body that is tame whatever the function is."""

    def body(carry, now, constants):
        y = function(now[0][0] + 0.01 * carry[0], constants[0])
        return [0.5 * carry[0] + 0.1 * y / (1.0 + y * y)], [y]

    return body


def ours(function, x, k):
    """Loop, function and sum of a batch that comes last."""
    last, kept = native.scan(recurrence(function), x[:1], [x[None]], k[None])
    stacked = native.Stacked.of({"x": x, "k": jnp.broadcast_to(k, x.shape)})
    fused = native.fused(lambda tree: (function(tree["x"], tree["k"]),), stacked)[0].tree
    term = lambda data, x, k: [data[0] * function(x, k)]  # noqa: E731
    sums = native.summed(term, DATA.astype(x.dtype), x, native.Stacked.of(k)).tree
    return last[0], kept[0], fused, sums[0]


def plain(function, x, k):
    """The same of one member of the batch, written out in JAX."""
    body = recurrence(function)

    def step(carry, now):
        after, kept = body([carry], [[now]], [k])
        return jnp.asarray(after[0], x.dtype), jnp.asarray(kept[0], x.dtype)

    last, kept = jax.lax.scan(step, x[0], x)
    fused = jax.vmap(lambda y: jnp.asarray(function(y, k), x.dtype))(x)
    return last, kept, fused, (DATA[0].astype(x.dtype) * fused).sum()


def outcome(run, case, x, k):
    """All values, and the gradient of a sum of them."""

    def summary(x, k):
        values = run(case.function, x, k)
        return sum(
            weight * part.sum() for weight, part in zip(WEIGHTS, values, strict=True)
        ), values

    graded = jax.grad(summary, (0, 1), has_aux=True)
    return graded(x, k) if case.graded else summary(x, k)[1]


def groups(names, size=8):
    return [names[i : i + size] for i in range(0, len(names), size)]


@pytest.mark.parametrize(
    ("names", "dtype"),
    [
        *((names, np.float64) for names in groups(list(CASES))),
        (SINGLE, np.float32),
    ],
    ids=lambda each: each[0] if isinstance(each, list) else each.__name__,
)
def test_what_jax_can_write_runs_as_in_jax(monkeypatch, names, dtype):
    """In groups, which cost less to compile."""
    x, k, said = X.astype(dtype), K.astype(dtype), {}

    def all_of(x, k):
        found = {}
        for name in names:
            monkeypatch.setattr(fallback, "_said", set())
            with warnings.catch_warnings(record=True) as said[name]:
                warnings.simplefilter("always", NotCompiledWarning)
                found[name] = outcome(ours, CASES[name], x, k)
        return found

    found = jax.jit(all_of, compiler_options=FAST)(x, k)
    each = lambda x, k: {name: outcome(plain, CASES[name], x, k) for name in names}  # noqa: E731
    expected = jax.jit(jax.vmap(each, (1, 0), -1), compiler_options=FAST)(x, k)
    near = {"rtol": 1e-11, "atol": 1e-13} if dtype == np.float64 else {"rtol": 3e-5, "atol": 1e-6}
    for name in names:
        values = zip(jax.tree.leaves(found[name]), jax.tree.leaves(expected[name]), strict=True)
        for a, b in values:
            assert a.dtype == dtype
            np.testing.assert_allclose(a, b, **near, err_msg=name)
        messages, missing = [str(each.message) for each in said[name]], CASES[name].first_missing
        assert len(messages) == len(set(messages))
        assert bool(messages) == (missing is not None), name
        assert missing is None or missing in messages[0]


def test_what_is_missing_is_named_once_in_a_process(nothing_said):
    stacked = native.Stacked.of(K)
    with pytest.warns(NotCompiledWarning, match="the operation 'tan'.*XLA runs"):
        native.fused(lambda x: (jnp.tan(x),), stacked)
    native.fused(lambda x: (2.0 * jnp.tan(x),), stacked)  # a second warning would fail
    native.summed(lambda d, x, k: [jnp.tan(x)], DATA, X, stacked)
    with pytest.warns(NotCompiledWarning, match="the operation 'atan'"):
        native.fused(lambda x: (jnp.arctan(x),), stacked)


def test_what_llvm_refuses_is_left_to_xla(nothing_said, monkeypatch):
    def refuse(*_):
        raise RuntimeError("no such target")

    monkeypatch.setattr("bayes_tbm.native.llvm.xla_ffi._compiled", refuse)
    with pytest.warns(NotCompiledWarning, match="this processor and jaxlib .no such target"):
        found = native.fused(lambda x: (x * x - 0.123,), native.Stacked.of(K))[0].tree
    np.testing.assert_array_equal(found, K * K - 0.123)


@pytest.mark.parametrize("dtype", [jnp.float16, int])
def test_loops_of_other_numbers_are_left_to_xla(nothing_said, dtype):
    series = jnp.ones((1, 4), dtype)
    with pytest.warns(NotCompiledWarning, match=str(jnp.dtype(dtype))):
        last, _ = native.scan(
            lambda c, now, k: ([c[0] + now[0][0]], []), series[:, 0], [series], series[:, 0]
        )
    assert last.dtype == dtype
    np.testing.assert_array_equal(last, [5])


def test_values_of_an_outer_function_are_differentiated(nothing_said):
    def outer(k):
        return native.fused(lambda x: (x * k * k,), native.Stacked.of(jnp.array(3.0)))[0].tree

    with pytest.warns(NotCompiledWarning, match="traced"):
        assert jax.grad(outer)(2.0) == 12.0


TRANSFORMED = {
    "vmap": lambda f: jax.vmap(f)(K),
    "vmap of grad": lambda f: jax.vmap(jax.grad(f))(K),
    "grad of vmap": lambda f: jax.grad(lambda k: jax.vmap(f)(k).sum())(K),
    "forward over reverse": lambda f: jax.vmap(jax.jacfwd(jax.grad(f)))(K),
    "jit of vmap of vmap": lambda f: jax.jit(jax.vmap(jax.vmap(f)))(K[:, None]),
}


@pytest.mark.filterwarnings("ignore::bayes_tbm.errors.NotCompiledWarning")
@pytest.mark.parametrize("name", list(TRANSFORMED))
@pytest.mark.parametrize("function", [jnp.exp, jax.scipy.special.erf, jnp.tan])
def test_transformations_are_those_of_jax(function, name):
    def fused(x):
        return native.fused(lambda y: (function(y),), native.Stacked.of(x))[0].tree

    def looped(x):
        body = lambda carry, now, constants: ([function(0.3 * carry[0])], [])  # noqa: E731
        return native.scan(body, x[None], [X[None, :2, 0]], x[None])[0][0]

    twice = lambda x: function(0.3 * function(0.3 * x))  # noqa: E731
    transform = TRANSFORMED[name]
    np.testing.assert_allclose(transform(fused), transform(function), rtol=1e-13)
    np.testing.assert_allclose(transform(looped), transform(twice), rtol=1e-13)
