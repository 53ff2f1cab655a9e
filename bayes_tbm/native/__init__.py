"""Loops over time as machine code: what `jax.lax.scan` does, without its overhead, on the CPU.

XLA runs a loop by calling compiled pieces of its body again and again, which for the few numbers of
one step costs more than the arithmetic. Here the body's JAX trace is written out as one loop and
compiled by LLVM: over a vector of parameter sets at a time, and over several steps at once in all
that does not wait for the step before. The physics stays in JAX, in one place.

    compiled   `scan`: what a caller sees of a loop
    fused      `fused`: a function of parameters and its gradient; sums: `summed`, over points
    pack       many numbers in one array
    program    the trace as a list of operations; schedule: which of them wait
    loop, body, memory    the loop, several steps of it, and where its numbers lie
    operations, elementary, lanes    arithmetic on vectors
    machine    from LLVM to XLA
"""

from bayes_tbm.native.elementwise import fused
from bayes_tbm.native.plain import Scalars
from bayes_tbm.native.reduce import summed
from bayes_tbm.native.scan import is_available, processor, scan
from bayes_tbm.native.stacked import Pack, shaped

__all__ = ["Pack", "Scalars", "fused", "is_available", "processor", "scan", "shaped", "summed"]
