"""Loops over time as machine code: what `jax.lax.scan` does, without its overhead, on the CPU.

XLA runs a loop by calling compiled pieces of its body again and again, which for the few numbers of
one step costs more than the arithmetic. Here the body's JAX trace is written out as one loop, over a
vector of parameter sets at a time, and compiled by LLVM. The physics stays in JAX, in one place.
"""

from bayes_tbm.native.compiled import Scalars, is_available, scan
from bayes_tbm.native.fused import fused
from bayes_tbm.native.pack import Pack
from bayes_tbm.native.sums import summed

__all__ = ["Pack", "Scalars", "fused", "is_available", "scan", "summed"]
