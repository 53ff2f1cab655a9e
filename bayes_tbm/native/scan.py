"""`jax.lax.scan` over scalars, or over a batch of them, as one compiled loop."""

from __future__ import annotations

import functools
import importlib.util
import math
import os
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from bayes_tbm.native.stacked import shaped

Scalars = list[jax.Array]
Body = Callable[[Scalars, list[Scalars], Scalars], tuple[Scalars, Scalars]]
Found = tuple[jax.Array, jax.Array]


@functools.cache
def _can_compile() -> bool:
    return importlib.util.find_spec("llvmlite") is not None and jax.default_backend() == "cpu"


def processor() -> str:
    """Kind of processor that loops are compiled for: on one kind results agree to the bit."""
    from bayes_tbm.native.llvm.xla_ffi import kind

    return kind()


def is_available() -> bool:
    """Whether loops are compiled here: on a CPU, with llvmlite, unless ``BAYES_TBM_COMPILE=0``."""
    return os.environ.get("BAYES_TBM_COMPILE", "1") != "0" and _can_compile()


@functools.partial(jax.custom_jvp, nondiff_argnums=(0, 4))
def scan(
    body: Body,
    carry: jax.Array,
    series: Sequence[jax.Array],
    constants: jax.Array,
    reverse: bool = False,
) -> Found:
    """Run a loop over time.

    Parameters
    ----------
    body
        ``body(carry, now, constants)`` gives the next carry and what to keep of this step. It is
        traced with lists of scalars; ``now`` has one for each series.
    carry
        (member, ...), the batch last.
    series
        Numbers that change from step to step, in groups: (member, time, ...) with the batch last,
        or (member, time), the same for all the batch.
    constants
        (member, ...); like the carry of one floating precision.
    reverse
        Whether to run from the last step to the first.

    Returns
    -------
    carry, kept
        The last carry, (member, ...), and what was kept of each step, (member, time, ...).

    Raises
    ------
    UnsupportedError
        The body uses an operation for which there is no machine code.

    Notes
    -----
    Forward derivatives go through `jax.lax.scan`; there are none in reverse.
    """

    @jax.custom_batching.custom_vmap
    def run(carry: jax.Array, series: list[jax.Array], constants: jax.Array) -> Found:
        return _call(body, carry, series, constants, reverse)

    @run.def_vmap
    def of_many(size: int, batched: Any, *given: Any) -> tuple[Found, tuple[bool, bool]]:
        carry, series, constants = _with_batch_last(size, batched, *given)
        last, kept = scan(body, carry, series, constants, reverse)
        return (jnp.moveaxis(last, -1, 0), jnp.moveaxis(kept, -1, 0)), (True, True)

    found: Found = run(carry, list(series), constants)
    return found


def _with_batch_last(
    size: int, batched: Any, carry: jax.Array, series: list[jax.Array], constants: jax.Array
) -> tuple[jax.Array, list[jax.Array], jax.Array]:
    """Arguments with one more batch, put last; a series that all of it shares stays as it is."""
    shape = (*carry.shape[1 + int(batched[0]) :], size)

    def spread(x: jax.Array, is_batched: bool, lead: int) -> jax.Array:
        if lead == 2 and x.ndim == 2 and not is_batched:
            return x
        x = jnp.moveaxis(x, 0, -1) if is_batched else x[..., None]
        missing = lead + len(shape) - x.ndim
        x = x.reshape(*x.shape[:lead], *(1,) * missing, *x.shape[lead:])
        return jnp.broadcast_to(x, (*x.shape[:lead], *shape))

    together = [spread(x, yes, 2) for x, yes in zip(series, batched[1], strict=True)]
    return spread(carry, batched[0], 1), together, spread(constants, batched[2], 1)


def _call(
    body: Body, carry: jax.Array, series: list[jax.Array], constants: jax.Array, reverse: bool
) -> Found:
    """Trace, compile and call the loop."""
    from bayes_tbm.native.llvm.layout import Layout
    from bayes_tbm.native.llvm.loop import registered
    from bayes_tbm.native.llvm.program import UnsupportedError, flatten

    batch, dtype = carry.shape[1:], carry.dtype
    size, length = math.prod(batch), series[0].shape[1]
    scalar = shaped((), dtype)
    if dtype not in (jnp.float32, jnp.float64):
        raise UnsupportedError(f"machine code works on float32 and float64, not on {dtype}")
    traced = jax.make_jaxpr(body)(
        [scalar] * len(carry), [[scalar] * len(x) for x in series], [scalar] * len(constants)
    )
    if not all(jnp.issubdtype(each.dtype, jnp.floating) for each in traced.out_avals):
        raise UnsupportedError("a loop keeps and carries real numbers only")
    layout = Layout(
        length, size, reverse, carried=len(carry), constant=len(constants),
        kept=len(traced.out_avals) - len(carry), single=dtype == jnp.float32,
        series=tuple((len(x), x.ndim == 2 and len(batch) > 0) for x in series),
    )  # fmt: skip
    out = [
        shaped((len(carry), size), dtype),
        shaped((layout.kept, length, size), dtype),
    ]
    call = jax.ffi.ffi_call(registered(flatten(traced), layout), out)
    last, kept = call(
        carry.reshape(len(carry), size), constants.reshape(len(constants), size).astype(dtype),
        *(_flat(x, None if shared else size).astype(dtype)
          for x, (_, shared) in zip(series, layout.series, strict=True)),
    )  # fmt: skip
    return last.reshape(carry.shape), kept.reshape(layout.kept, length, *batch)


def _flat(series: jax.Array, size: int | None) -> jax.Array:
    """Series with its batch in one axis, or none of its own."""
    return series.reshape(*series.shape[:2], *(() if size is None else (size,)))


@scan.defjvp
def _forward_derivative(
    body: Body, reverse: bool, given: tuple[Any, ...], tangents: tuple[Any, ...]
) -> tuple[Found, Found]:
    def plain(carry: jax.Array, series: list[jax.Array], constants: jax.Array) -> Found:
        def step(carry: jax.Array, now: list[jax.Array]) -> tuple[jax.Array, jax.Array]:
            after, kept = body(list(carry), [list(x) for x in now], list(constants))
            return _stacked(after, carry), _stacked(kept, carry)

        by_time = [jnp.moveaxis(x, 1, 0) for x in series]
        last, kept = jax.lax.scan(step, carry, by_time, reverse=reverse)
        return last, jnp.moveaxis(kept, 0, 1)

    value, slope = jax.jvp(plain, (given[0], list(given[1]), given[2]),
                           (tangents[0], list(tangents[1]), tangents[2]))  # fmt: skip
    return value, slope


def _stacked(members: Scalars, like: jax.Array) -> jax.Array:
    rows = [jnp.broadcast_to(x, like.shape[1:]) for x in members]
    return jnp.stack(rows) if rows else like[:0]
