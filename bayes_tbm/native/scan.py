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
from bayes_tbm.native.plain import Body, Result, Scalars, loop
from bayes_tbm.native.stacked import shaped

if TYPE_CHECKING:
    from jax.extend.core import ClosedJaxpr  # type: ignore[attr-defined]  # JAX's own

    from bayes_tbm.native.llvm.layout import Layout
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
) -> Result:
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

    def plain(carry: jax.Array, series: list[jax.Array], constants: jax.Array) -> Result:
        of_one_type = [x.astype(dtype) for x in series]
        return loop(_real(body, dtype), carry, of_one_type, constants.astype(dtype), reverse)

    if not is_available():
        return plain(carry, series, constants)
    program = compilable(traced(body, carry, series, constants))
    if program is None:
        return plain(carry, series, constants)

    @jax.custom_jvp
    def compiled(carry: jax.Array, series: list[jax.Array], constants: jax.Array) -> Result:
        return _batched(program, plain, reverse, carry, series, constants)

    compiled.defjvp(lambda at, tangents: jax.jvp(plain, at, tangents))
    result: Result = compiled(carry, series, constants)
    return result


def _real(body: Body, dtype: Any) -> Body:
    """Return the body with all that it gives in one precision."""

    def real(carry: Scalars, now: list[Scalars], constants: Scalars) -> tuple[Scalars, Scalars]:
        after, kept = body(carry, now, constants)
        return [jnp.asarray(x, dtype) for x in after], [jnp.asarray(x, dtype) for x in kept]

    return real


def traced(body: Body, carry: Any, series: Sequence[Any], constants: Any) -> ClosedJaxpr:
    """Return a loop's body as JAX traces it, for one member of the batch."""
    scalar = shaped((), carry.dtype)
    each_series = [[scalar] * x.shape[0] for x in series]
    return jax.make_jaxpr(_real(body, carry.dtype))(
        [scalar] * carry.shape[0], each_series, [scalar] * constants.shape[0]
    )


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
    program: Program, plain: Callable[..., Result], reverse: bool,
    carry: jax.Array, series: list[jax.Array], constants: jax.Array,
) -> Result:  # fmt: skip
    """Call the loop; under `jax.vmap` one loop for all, their axis as one more of the batch."""

    @jax.custom_batching.custom_vmap
    def run(carry: jax.Array, series: list[jax.Array], constants: jax.Array) -> Result:
        return _call(program, plain, reverse, carry, series, constants)

    @run.def_vmap
    def of_many(size: int, batched: Any, *arguments: Any) -> tuple[Result, tuple[bool, bool]]:
        wider = _with_batch_last(size, batched, *arguments)
        last, kept = _batched(program, plain, reverse, *wider)
        return (jnp.moveaxis(last, -1, 0), jnp.moveaxis(kept, -1, 0)), (True, True)

    result: Result = run(carry, series, constants)
    return result


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
    program: Program, plain: Callable[..., Result], reverse: bool,
    carry: jax.Array, series: list[jax.Array], constants: jax.Array,
) -> Result:  # fmt: skip
    """Compile the loop for these shapes and call it."""
    layout, dtype = layout_of(program, carry, series, constants, reverse), carry.dtype
    size, length = layout.batch, layout.length
    try:
        name = _registered(program, layout)
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
    return last.reshape(carry.shape), kept.reshape(layout.kept, length, *carry.shape[1:])


_names: dict[tuple[str, Layout], str] = {}


def _registered(program: Program, layout: Layout) -> str:
    """Name by which XLA knows the loop of a program; written and compiled the first time."""
    from bayes_tbm.native.llvm.loop import written
    from bayes_tbm.native.llvm.xla_ffi import register

    key = program.digest, layout
    if key not in _names:
        _names[key] = register(written(program, layout))
    return _names[key]


def layout_of(
    program: Program, carry: Any, series: Sequence[Any], constants: Any, reverse: bool
) -> Layout:
    """Return the shapes of what a loop reads and writes."""
    from bayes_tbm.native.llvm.layout import Layout

    carried, *batch = carry.shape
    return Layout(
        series[0].shape[1], math.prod(batch), reverse,
        carried=carried, constant=constants.shape[0], kept=len(program.outputs) - carried,
        single=carry.dtype == jnp.float32,
        series=tuple((x.shape[0], len(x.shape) == 2 and len(batch) > 0) for x in series),
    )  # fmt: skip


def _flat(series: jax.Array, size: int | None) -> jax.Array:
    """Series with its batch in one axis, or none of its own."""
    return series.reshape(*series.shape[:2], *(() if size is None else (size,)))
