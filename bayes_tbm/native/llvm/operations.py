"""What each of JAX's operations is in LLVM's instructions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from llvmlite import ir

from bayes_tbm.native.llvm import elementary
from bayes_tbm.native.llvm.program import Operation, UnsupportedError
from bayes_tbm.native.llvm.vectors import Lanes

Rule = Callable[..., ir.Value]


def write(n: Lanes, operation: Operation, operands: Sequence[ir.Value]) -> ir.Value:
    """Write one operation on vectors.

    Raises
    ------
    UnsupportedError
        There is no rule for it: add one to `_RULES`.
    """
    if operation.name not in _RULES:
        raise UnsupportedError.of(operation.name)
    return _RULES[operation.name](n, *operands, **operation.options)


def _binary(method: str) -> Rule:
    return lambda n, a, b, **_: getattr(n, method)(a, b)


def _unary(method: str) -> Rule:
    return lambda n, a, **_: getattr(n, method)(a)


def _comparison(how: str) -> Rule:
    def rule(n: Lanes, a: ir.Value, b: ir.Value, **_: Any) -> ir.Value:
        if a.type != n.type:
            raise UnsupportedError(f"no machine code for truths compared by {how}")
        return n.compare(how, a, b)

    return rule


def _elementary(function: Callable[[Lanes, ir.Value], ir.Value]) -> Rule:
    return lambda n, a, **_: function(n, a)


def _extreme(how: str) -> Rule:
    """Return the greater or the lesser; NaN if either is."""

    def rule(n: Lanes, a: ir.Value, b: ir.Value, **_: Any) -> ir.Value:
        first, second = (b, a) if isinstance(b, ir.Constant) else (a, b)
        chosen = n.select(n.compare(how, first, second), first, second)  # a NaN in the second stays
        if isinstance(first, ir.Constant):
            return chosen
        return n.select(n.compare("!=", first, first), first, chosen)

    return rule


def _power(n: Lanes, a: ir.Value, *, y: int, **_: Any) -> ir.Value:
    if y < 0:  # the reciprocal first: quotients with this divisor share it
        return _power(n, n.div(n.number(1.0), a), y=-y)
    if y < 2:
        return a if y else n.number(1.0)
    half = _power(n, a, y=y // 2)
    square = n.mul(half, half)
    return n.mul(square, a) if y % 2 else square


def _select(n: Lanes, which: ir.Value, *cases: ir.Value, **_: Any) -> ir.Value:
    if len(cases) != 2 or which.type == n.type:
        raise UnsupportedError("machine code chooses by truth between two cases only")
    no, yes = cases
    return n.select(which, yes, no)


def _convert(n: Lanes, a: ir.Value, *, new_dtype: Any, **_: Any) -> ir.Value:
    is_number, kind = a.type == n.type, np.dtype(new_dtype).kind
    if kind == "b":
        return n.compare("!=", a, n.number(0.0)) if is_number else a
    if kind != "f":
        raise UnsupportedError(f"no machine code for numbers of type {new_dtype}")
    return a if is_number else n.select(a, n.number(1.0), n.number(0.0))


_RULES: dict[str, Rule] = {
    "add": _binary("add"), "add_any": _binary("add"), "sub": _binary("sub"),
    "mul": _binary("mul"), "div": _binary("div"), "neg": _unary("neg"),
    "max": _extreme(">"), "min": _extreme("<"),
    "sqrt": _unary("sqrt"), "abs": _unary("abs"),
    "square": lambda n, a, **_: n.mul(a, a), "integer_pow": _power,
    "sin": _unary("sin"), "cos": _unary("cos"), "logistic": _elementary(elementary.logistic),
    "erf": _unary("erf"), "erfc": _unary("erfc"),
    "exp": _elementary(elementary.exp), "expm1": _elementary(elementary.expm1),
    "log": _elementary(elementary.log), "log1p": _elementary(elementary.log1p),
    "gt": _comparison(">"), "lt": _comparison("<"), "ge": _comparison(">="),
    "le": _comparison("<="), "eq": _comparison("=="), "ne": _comparison("!="),
    "select_n": _select, "convert_element_type": _convert,
}  # fmt: skip
