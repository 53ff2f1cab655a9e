"""From a JAX trace to machine code.

In the order in which a loop passes through them:

    program     the trace as a list of operations; schedule: which of them wait for the step before
    layout      shapes of what a loop reads and writes; arrays: where each number lies
    loop        loops over parameter sets and over time; step: what is in them
    operations  a rule for each of JAX's operations; elementary: exponential and logarithm
    vectors     arithmetic on vectors
    xla_ffi     from LLVM's text to a function that XLA calls
    interface   what that takes for granted of XLA, held to a header by c_header
"""
