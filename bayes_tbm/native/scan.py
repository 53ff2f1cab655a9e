"""`jax.lax.scan` over scalars, or over a batch of them, as one compiled loop."""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

Body = Callable[[Any, Any, Any], tuple[Any, Any]]


@functools.cache
def is_available() -> bool:
    """Whether loops can be compiled here: on a CPU, with llvmlite installed."""
    return importlib.util.find_spec("llvmlite") is not None and jax.default_backend() == "cpu"


def scan(
    body: Body, carry: Any, series: Any, constants: Any, *, reverse: bool = False
) -> tuple[Any, Any]:
    """Run a loop over time.

    Parameters
    ----------
    body
        ``body(carry, now, constants)`` gives the next carry and what to keep of this step. It is
        traced with scalars.
    carry
        Pytree of arrays, float64 or all float32, all of the batch's shape.
    series
        Pytree of arrays, (time, ...): of the batch's shape after time, or one for all the batch.
    constants
        Pytree of arrays of the batch's shape.
    reverse
        Whether to run from the last step to the first.

    Returns
    -------
    carry, kept
        The last carry, and what was kept of each step, (time, ...), as `jax.lax.scan` gives them.

    Raises
    ------
    UnsupportedError
        The body uses an operation for which there is no machine code.

    Notes
    -----
    Nothing is differentiated through it.
    """
    from bayes_tbm.native.loop import Layout, registered

    batch = jax.tree.leaves(carry)[0].shape
    size = math.prod(batch)
    length = len(jax.tree.leaves(series)[0])
    given = (carry, series, constants)
    scalars = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((), leaf.dtype), given)
    closed, kept = jax.make_jaxpr(body, return_shape=True)(*scalars)
    dtype = jnp.result_type(*jax.tree.leaves(carry))
    flat = [
        [leaf.reshape(size).astype(dtype) for leaf in jax.tree.leaves(carry)],
        [leaf.reshape(length, -1).astype(dtype) for leaf in jax.tree.leaves(series)],
        [jnp.broadcast_to(leaf, batch).reshape(size).astype(dtype) for leaf in jax.tree.leaves(constants)],
    ]
    layout = Layout(
        length, size, reverse,
        carried=len(flat[0]), shared=tuple(leaf.shape[1] < size for leaf in flat[1]),
        constant=len(flat[2]), kept=len(closed.out_avals) - len(flat[0]),
        single=dtype == jnp.float32,
    )  # fmt: skip
    name = registered(closed, layout)
    out = [jax.ShapeDtypeStruct((size,), dtype)] * layout.carried
    out += [jax.ShapeDtypeStruct((length, size), dtype)] * layout.kept
    call = jax.ffi.ffi_call(name, out, vmap_method="sequential")
    found = [x.reshape(*x.shape[:-1], *batch) for x in call(*flat[0], *flat[1], *flat[2])]
    return jax.tree.unflatten(jax.tree.structure(kept), found)
