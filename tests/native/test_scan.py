"""Compiled loops against `jax.lax.scan`."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bayes_tbm import native
from bayes_tbm.native.llvm.program import flatten
from bayes_tbm.native.llvm.schedule import schedule


def body(carry, now, constants):
    """A bit of everything: sums, choices, what waits for the carry and what does not."""
    (a, b, total), ((w,), (v, u)), (k,) = carry, now, constants
    grown = jnp.exp(-w * a) + jnp.log1p(k * 0.5 * v) + jnp.expm1(-0.1 * b) + jnp.log(1 + a * a)
    after = jnp.maximum(b * k, jnp.where(a > 1.0, a, 0.5 * b))
    kept = [grown, jnp.sqrt(a * a + 1) ** 3 * u, jnp.exp(v)]
    return [a * 0.9 + grown, after, total + a * w], kept


def arguments(length, batch, dtype=float):
    rng = np.random.default_rng(0)
    shapes = (3, *batch), [(1, length), (2, length, *batch)], (1, *batch)
    return jax.tree.map(
        lambda s: jnp.asarray(rng.random(s), dtype), shapes, is_leaf=lambda s: isinstance(s, tuple)
        and all(isinstance(n, int) for n in s)
    )  # fmt: skip


def plain(carry, series, constants, reverse=False):
    def step(carry, now):
        after, kept = body(list(carry), [list(x) for x in now], list(constants))
        return jnp.stack(after), jnp.stack(kept)

    by_time = [jnp.moveaxis(x, 1, 0) for x in series]
    last, kept = jax.lax.scan(step, carry, by_time, reverse=reverse)
    return last, jnp.moveaxis(kept, 0, 1)


BATCHES = [(), (1,), (2,), (3,), (4,), (13,), (37,), (2, 3)]
LENGTHS = [1, 3, 50, 64]


# Every pair of two of the three: a direction for each length and batch, as on a chessboard.
@pytest.mark.parametrize(
    ("length", "batch", "reverse"),
    [
        (length, batch, bool((i + j) % 2))
        for i, length in enumerate(LENGTHS)
        for j, batch in enumerate(BATCHES)
    ],
)
def test_a_loop_is_that_of_jax(length, batch, reverse):
    carry, series, constants = arguments(length, batch)
    if len(batch) == 2:  # a series of all the batch is told by its dimensions
        series[0] = jnp.broadcast_to(series[0][..., None, None], (1, length, *batch))
    found = jax.jit(lambda *a: native.scan(body, *a, reverse))(carry, series, constants)
    expected = jax.jit(plain, static_argnums=3)(carry, series, constants, reverse)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)


@pytest.mark.parametrize("lanes", [1, 2, 4])
@pytest.mark.parametrize("batch", [(), (3,), (5,)])
def test_a_loop_is_the_same_on_processors_of_shorter_vectors(monkeypatch, lanes, batch):
    given = arguments(21, batch)
    long = native.scan(body, *given)
    monkeypatch.setattr("bayes_tbm.native.llvm.loop.vector_length", lambda: lanes)
    for a, b in zip(native.scan(body, *given), long, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)


def test_single_precision_is_kept_and_near():
    given = arguments(50, (5,), np.float32)
    found = native.scan(body, *given)
    expected = plain(*jax.tree.map(lambda x: x.astype(float), given))
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == jnp.float32
        np.testing.assert_allclose(a, b, rtol=1e-5)


@pytest.mark.parametrize("batch", [(), (4,)])
@pytest.mark.parametrize("moving", ["carry", "series", "constants", "all"])
def test_vmap_is_one_by_one(batch, moving):
    names = ("carry", "series", "constants")
    one = dict(zip(names, arguments(20, batch), strict=True))
    changes = [moving in (name, "all") for name in names]
    several = [
        jax.tree.map(lambda x: jnp.stack([x, 2 * x, 0.5 * x]), one[name]) if yes else one[name]
        for name, yes in zip(names, changes, strict=True)
    ]
    axes = tuple(0 if yes else None for yes in changes)
    together = jax.jit(jax.vmap(lambda *a: native.scan(body, *a), in_axes=axes))(*several)
    for i in range(3):
        each = (
            jax.tree.map(lambda x, i=i: x[i], given) if yes else given
            for given, yes in zip(several, changes, strict=True)
        )
        for a, b in zip(together, native.scan(body, *each), strict=True):
            np.testing.assert_allclose(a[i], b, rtol=1e-14)


def test_forward_derivative_is_that_of_jax():
    carry, series, constants = arguments(20, ())
    found = jax.jacfwd(lambda k: native.scan(body, carry, series, k)[1])(constants)
    expected = jax.jacfwd(lambda k: plain(carry, series, k)[1])(constants)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_what_is_no_number_is_seen():
    carry, series, constants = arguments(20, (4,))
    last, kept = native.scan(body, carry.at[0, 2].set(jnp.nan), series, constants)
    assert np.isnan(last[0, 2])
    assert np.isnan(kept[0, :, 2]).all()
    others = np.array([0, 1, 3])
    assert np.isfinite(last[:, others]).all()


@pytest.mark.parametrize("constant", ["neither", "first", "second"])
@pytest.mark.parametrize("function", [jnp.minimum, jnp.maximum])
def test_extremes_are_those_of_jax_for_zeros_of_either_sign_and_for_nan(function, constant):
    edges = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan])
    for edge in edges:
        given = jnp.asarray(edges), jnp.full(len(edges), edge)
        calls = {
            "neither": function,
            "first": lambda x, _, edge=edge: function(float(edge), x),
            "second": lambda x, _, edge=edge: function(x, float(edge)),
        }
        call = calls[constant]
        found = native.fused(lambda x, call=call: (call(*x),), native.Stacked.of(given))[0].tree
        expected = call(*given)
        np.testing.assert_array_equal(found, expected)
        is_zero = expected == 0.0
        np.testing.assert_array_equal(np.signbit(found)[is_zero], np.signbit(expected)[is_zero])


def test_comparisons_are_those_of_jax_for_ties_and_for_nan():
    edges = jnp.array([0.0, -0.0, 1.0, -1.0, jnp.inf, -jnp.inf, jnp.nan])
    pairs = native.Stacked.of(tuple(jnp.meshgrid(edges, edges)))
    compared = [jnp.equal, jnp.not_equal, jnp.less, jnp.less_equal, jnp.greater, jnp.greater_equal]
    (found,) = native.fused(lambda pair: ([f(*pair) for f in compared],), pairs)
    for answer, function in zip(found.tree, compared, strict=True):
        np.testing.assert_array_equal(answer, function(*pairs.tree))


def test_numbers_and_nothing_are_stacked():
    assert native.Stacked.of({"whole": 3, "real": 2.0}).array.dtype == float
    assert native.Stacked.of({}, (4,)).array.shape == (0, 4)


def test_operations_are_parted_by_what_they_wait_for():
    def step(carry, now, constant):
        pool, total = carry
        ahead = jnp.exp(now)
        after = pool * ahead
        behind = jnp.sqrt(after + constant)
        return (after, total + behind), jnp.log(behind)

    program = flatten(jax.make_jaxpr(step)((1.0, 0.0), 1.0, 2.0))
    plan = schedule(program, 2)
    names = {part: [o.name for o in getattr(plan, part)] for part in ("ahead", "in_turn", "behind")}
    assert names == {"ahead": ["exp"], "in_turn": ["mul"], "behind": ["add", "sqrt", "log"]}
    assert list(plan.sums) == [1]
