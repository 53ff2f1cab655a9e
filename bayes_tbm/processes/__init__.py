"""Processes: pure functions of named inputs that know nothing of the time loop."""
