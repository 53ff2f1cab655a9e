"""What is said where a function has no machine code: once, and then XLA runs it."""

from __future__ import annotations

import warnings

from bayes_tbm.errors import NotCompiledWarning

_said: set[str] = set()


class UnsupportedError(NotImplementedError):
    """There is no machine code for something; the message names it."""


def warn_once(missing: object, detail: str = "") -> None:
    """Warn that XLA runs what uses something, the first time in a process that it is met."""
    if str(missing) in _said:
        return
    _said.add(str(missing))
    because = f" ({detail})" if detail else ""
    warnings.warn(
        f"no machine code for {missing}{because}: XLA runs the loops and functions that use it, "
        "with the same results, but more slowly (rules are in bayes_tbm/native/llvm/operations.py)",
        NotCompiledWarning,
        stacklevel=2,
    )
