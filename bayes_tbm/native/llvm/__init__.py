"""From a JAX trace to machine code: program, schedule, vectors, loop, and the call by XLA."""
