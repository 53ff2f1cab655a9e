"""Loops over time as machine code: what `jax.lax.scan` does, without its overhead, on the CPU.

XLA runs a loop by calling compiled pieces of its body again and again, which for the few numbers of
one step costs more than the arithmetic. Here the body's JAX trace is written out as one loop and
compiled by LLVM: over a vector of parameter sets at a time, and over several steps at once in all
that does not wait for the step before. The physics stays in JAX, in one place.

    scan         a loop, as callers see it; explain: what becomes of one
    elementwise  `fused`: a function of parameters and its gradient
    reduce       `summed`: a sum over points and its gradient
    stacked      many numbers in one array
    plain        the same by JAX alone; fallback: what is said where it has to do
    llvm/        from a JAX trace to machine code that XLA calls

`docs/native.md` follows a loop all the way.
"""

from bayes_tbm.native.elementwise import fused
from bayes_tbm.native.explain import explain
from bayes_tbm.native.plain import Scalars
from bayes_tbm.native.reduce import summed
from bayes_tbm.native.scan import is_available, processor, scan
from bayes_tbm.native.stacked import Stacked, shaped

__all__ = [
    "Scalars",
    "Stacked",
    "explain",
    "fused",
    "is_available",
    "processor",
    "scan",
    "shaped",
    "summed",
]
