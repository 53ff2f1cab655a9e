"""What each of JAX's operations is in LLVM's instructions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from llvmlite import ir

from bayes_tbm.native.fallback import UnsupportedError
from bayes_tbm.native.llvm import elementary
from bayes_tbm.native.llvm.program import Operation, Program
from bayes_tbm.native.llvm.vectors import Vectors

Rule = Callable[..., ir.Value]


def check(program: Program) -> None:
    """Look for a rule for every operation.

    Raises
    ------
    UnsupportedError
        There is none for one of them.
    """
    for operation in program.operations:
        _rule(operation)


def write(n: Vectors, operation: Operation, operands: Sequence[ir.Value]) -> ir.Value:
    """Write one operation on vectors."""
    return _rule(operation)(n, *operands, **operation.options)


def _rule(operation: Operation) -> Rule:
    """Return the rule for an operation on operands of these kinds."""
    name, kinds = operation.name, operation.kinds
    if kinds in ("tnn", "ttt") and name == "select_n":
        return _select
    rules = {"n": _ON_NUMBERS, "t": _ON_TRUTHS}.get(kinds[:1], {})
    if len(set(kinds)) != 1 or name not in rules:
        on_truths = " on truths" if "t" in kinds and name in _ON_NUMBERS else ""
        raise UnsupportedError(f"the operation '{name}'{on_truths}")
    return rules[name]


def _binary(method: str) -> Rule:
    return lambda n, a, b, **_: getattr(n, method)(a, b)


def _unary(method: str) -> Rule:
    return lambda n, a, **_: getattr(n, method)(a)


def _comparison(how: str) -> Rule:
    return lambda n, a, b, **_: n.compare(how, a, b)


def _of_bits(name: str) -> Rule:
    return lambda n, a, b, **_: getattr(n.builder, name)(a, b)


def _elementary(function: Callable[[Vectors, ir.Value], ir.Value]) -> Rule:
    return lambda n, a, **_: function(n, a)


def _extreme(name: str, how: str, least_sign: float) -> Rule:
    """Return the greater or the lesser; NaN if either is, and of two zeros the one of that sign."""

    def rule(n: Vectors, a: ir.Value, b: ir.Value, **_: Any) -> ir.Value:
        bound, x = (b, a) if isinstance(b, ir.Constant) else (a, b)
        if not isinstance(bound, ir.Constant) or math.isnan(n.constant_value(bound)):
            return getattr(n, name)(a, b)
        # A comparison with what is no number is false, so that it stays.
        wins = math.copysign(1.0, n.constant_value(bound)) == least_sign
        return n.select(n.compare(f"{how}=" if wins else how, bound, x), bound, x)

    return rule


def _power(n: Vectors, a: ir.Value, *, y: int, **_: Any) -> ir.Value:
    if y < 0:  # the reciprocal first: quotients with this divisor share it
        return _power(n, n.div(n.number(1.0), a), y=-y)
    if y < 2:
        return a if y else n.number(1.0)
    half = _power(n, a, y=y // 2)
    square = n.mul(half, half)
    return n.mul(square, a) if y % 2 else square


def _select(n: Vectors, which: ir.Value, no: ir.Value, yes: ir.Value, **_: Any) -> ir.Value:
    return n.select(which, yes, no)


def _of_number(n: Vectors, a: ir.Value, *, new_dtype: Any, **_: Any) -> ir.Value:
    return n.compare("!=", a, n.number(0.0)) if np.dtype(new_dtype).kind == "b" else a


def _of_truth(n: Vectors, a: ir.Value, *, new_dtype: Any, **_: Any) -> ir.Value:
    return a if np.dtype(new_dtype).kind == "b" else n.select(a, n.number(1.0), n.number(0.0))


_ON_NUMBERS: dict[str, Rule] = {
    "add": _binary("add"), "add_any": _binary("add"), "sub": _binary("sub"),
    "mul": _binary("mul"), "div": _binary("div"), "neg": _unary("neg"),
    "max": _extreme("maximum", ">", 1.0), "min": _extreme("minimum", "<", -1.0),
    "sqrt": _unary("sqrt"), "abs": _unary("abs"),
    "square": lambda n, a, **_: n.mul(a, a), "integer_pow": _power,
    "sin": _unary("sin"), "cos": _unary("cos"), "logistic": _elementary(elementary.logistic),
    "erf": _unary("erf"), "erfc": _unary("erfc"),
    "exp": _elementary(elementary.exp), "expm1": _elementary(elementary.expm1),
    "log": _elementary(elementary.log), "log1p": _elementary(elementary.log1p),
    "gt": _comparison(">"), "lt": _comparison("<"), "ge": _comparison(">="),
    "le": _comparison("<="), "eq": _comparison("=="), "ne": _comparison("!="),
    "convert_element_type": _of_number,
}  # fmt: skip

_ON_TRUTHS: dict[str, Rule] = {
    "and": _of_bits("and_"), "or": _of_bits("or_"), "xor": _of_bits("xor"),
    "not": lambda n, a, **_: n.builder.not_(a),
    "ne": _of_bits("xor"), "eq": lambda n, a, b, **_: n.builder.not_(n.builder.xor(a, b)),
    "convert_element_type": _of_truth,
}  # fmt: skip
