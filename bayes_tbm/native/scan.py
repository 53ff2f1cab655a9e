"""`jax.lax.scan` over scalars, or over a batch of them, as one compiled loop."""

from __future__ import annotations

import functools
import importlib.util
import math
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from bayes_tbm.native.fallback import UnsupportedError, warn_once
from bayes_tbm.native.plain import Body, Found, Scalars, loop
from bayes_tbm.native.stacked import shaped

if TYPE_CHECKING:
    from jax.extend.core import ClosedJaxpr  # type: ignore[attr-defined]  # JAX's own

    from bayes_tbm.native.llvm.program import Program


@functools.cache
def _can_compile() -> bool:
    from bayes_tbm.native.llvm.interface import obstacle

    if importlib.util.find_spec("llvmlite") is None or jax.default_backend() != "cpu":
        return False
    reason = obstacle()
    if reason is not None:
        warn_once("the foreign functions of this jaxlib", reason)
    return reason is None


def processor() -> str:
    """Kind of processor that loops are compiled for: on one kind results agree to the bit."""
    from bayes_tbm.native.llvm.xla_ffi import kind

    return kind()


def is_available() -> bool:
    """Whether loops are compiled here: on a CPU, with llvmlite, unless ``BAYES_TBM_COMPILE=0``."""
    return os.environ.get("BAYES_TBM_COMPILE", "1") != "0" and _can_compile()


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
        or (member, time), the same for all the batch. At least one.
    constants
        (member, ...); like the carry of one floating precision.
    reverse
        Whether to run from the last step to the first.

    Returns
    -------
    carry, kept
        The last carry, (member, ...), and what was kept of each step, (member, time, ...), of the
        precision of the carry.

    Warns
    -----
    NotCompiledWarning
        The body uses something for which there is no machine code, so that `jax.lax.scan` runs it;
        once in a process for each such thing.

    Notes
    -----
    Derivatives, forwards or backwards, are those of `jax.lax.scan`.
    """
    dtype, series = carry.dtype, list(series)

    def real(*arguments: Any) -> tuple[Scalars, Scalars]:
        after, kept = body(*arguments)
        return [jnp.asarray(x, dtype) for x in after], [jnp.asarray(x, dtype) for x in kept]

    def plain(carry: jax.Array, series: list[jax.Array], constants: jax.Array) -> Found:
        of_one_type = [x.astype(dtype) for x in series]
        return loop(real, carry, of_one_type, constants.astype(dtype), reverse)

    if not is_available():
        return plain(carry, series, constants)
    scalar = shaped((), dtype)
    members = [scalar] * len(carry), [[scalar] * len(x) for x in series], [scalar] * len(constants)
    program = compilable(jax.make_jaxpr(real)(*members))
    if program is None:
        return plain(carry, series, constants)

    @jax.custom_jvp
    def compiled(carry: jax.Array, series: list[jax.Array], constants: jax.Array) -> Found:
        return _batched(program, plain, reverse, carry, series, constants)

    compiled.defjvp(lambda given, tangents: jax.jvp(plain, given, tangents))
    found: Found = compiled(carry, series, constants)
    return found


def compilable(traced: ClosedJaxpr) -> Program | None:
    """Return the program of a function of scalars, or None, with a warning, if it has none."""
    from bayes_tbm.native.llvm.operations import check
    from bayes_tbm.native.llvm.program import flatten

    try:
        program = flatten(traced)
        check(program)
    except UnsupportedError as reason:
        warn_once(reason)
        return None
    return program


def _batched(
    program: Program, plain: Callable[..., Found], reverse: bool,
    carry: jax.Array, series: list[jax.Array], constants: jax.Array,
) -> Found:  # fmt: skip
    """Call the loop; under `jax.vmap` one loop for all, their axis as one more of the batch."""

    @jax.custom_batching.custom_vmap
    def run(carry: jax.Array, series: list[jax.Array], constants: jax.Array) -> Found:
        return _call(program, plain, reverse, carry, series, constants)

    @run.def_vmap
    def of_many(size: int, batched: Any, *arguments: Any) -> tuple[Found, tuple[bool, bool]]:
        wider = _with_batch_last(size, batched, *arguments)
        last, kept = _batched(program, plain, reverse, *wider)
        return (jnp.moveaxis(last, -1, 0), jnp.moveaxis(kept, -1, 0)), (True, True)

    found: Found = run(carry, series, constants)
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
    program: Program, plain: Callable[..., Found], reverse: bool,
    carry: jax.Array, series: list[jax.Array], constants: jax.Array,
) -> Found:  # fmt: skip
    """Compile the loop for these shapes and call it."""
    from bayes_tbm.native.llvm.layout import Layout
    from bayes_tbm.native.llvm.loop import written
    from bayes_tbm.native.llvm.xla_ffi import register

    batch, dtype = carry.shape[1:], carry.dtype
    size, length = math.prod(batch), series[0].shape[1]
    layout = Layout(
        length, size, reverse, carried=len(carry), constant=len(constants),
        kept=len(program.outputs) - len(carry), single=dtype == jnp.float32,
        series=tuple((len(x), x.ndim == 2 and len(batch) > 0) for x in series),
    )  # fmt: skip
    try:
        name = register(written(program, layout))
    except RuntimeError as error:  # LLVM, or XLA, refuses
        warn_once("this processor and jaxlib", str(error))
        return plain(carry, series, constants)
    out = [
        shaped((len(carry), size), dtype),
        shaped((layout.kept, length, size), dtype),
    ]
    last, kept = jax.ffi.ffi_call(name, out)(
        carry.reshape(len(carry), size), constants.reshape(len(constants), size).astype(dtype),
        *(_flat(x, None if shared else size).astype(dtype)
          for x, (_, shared) in zip(series, layout.series, strict=True)),
    )  # fmt: skip
    return last.reshape(carry.shape), kept.reshape(layout.kept, length, *batch)


def _flat(series: jax.Array, size: int | None) -> jax.Array:
    """Series with its batch in one axis, or none of its own."""
    return series.reshape(*series.shape[:2], *(() if size is None else (size,)))
