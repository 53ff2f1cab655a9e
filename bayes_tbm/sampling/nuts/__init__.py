"""NUTS of our own chains, by NumPyro, with jumps between modes and checkpoints."""
