"""A JAX function of numbers written out as LLVM instructions: its jaxpr with another meaning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jax.extend.core import Jaxpr, Literal, Var
from llvmlite import ir

from bayes_tbm.native import elementary
from bayes_tbm.native.lanes import Lanes

Rule = Callable[..., ir.Value]


class UnsupportedError(NotImplementedError):
    """The function uses an operation that has no rule here."""


def write(n: Lanes, jaxpr: Jaxpr, consts: Sequence[Any], inputs: Sequence[ir.Value]) -> list[Any]:
    """Write a jaxpr of scalars; returns the values of its outputs.

    Raises
    ------
    UnsupportedError
        A primitive is unknown: add a rule for it to `_RULES`.
    """
    known: dict[Var, Any] = dict(zip(jaxpr.invars, inputs, strict=True))
    known |= {
        var: _constant(n, value) for var, value in zip(jaxpr.constvars, consts, strict=True)
    }

    def read(atom: Var | Literal) -> ir.Value:
        return _constant(n, atom.val) if isinstance(atom, Literal) else known[atom]

    for equation in jaxpr.eqns:
        values = [read(atom) for atom in equation.invars]
        found = _write_equation(n, equation, values)
        known.update(zip(equation.outvars, found, strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def _write_equation(n: Lanes, equation: Any, values: list[ir.Value]) -> list[ir.Value]:
    name, options = equation.primitive.name, equation.params
    for inner in ("jaxpr", "call_jaxpr"):
        if inner in options:
            closed = options[inner]
            return write(n, closed.jaxpr, closed.consts, values)
    if name in _SAME:
        return values
    if name not in _RULES:
        raise UnsupportedError(f"no machine code for the operation '{name}'")
    return [_RULES[name](n, *values, **options)]


def _constant(n: Lanes, value: Any) -> ir.Value:
    number = np.asarray(value)
    if number.shape != ():
        raise UnsupportedError(f"a constant of shape {number.shape} in a step; steps are of scalars")
    if number.dtype == bool:
        return n.compare("==", n.number(0.0), n.number(0.0 if number else 1.0))
    return n.number(float(number))


def _binary(method: str) -> Rule:
    return lambda n, a, b, **_: getattr(n, method)(a, b)


def _unary(method: str) -> Rule:
    return lambda n, a, **_: getattr(n, method)(a)


def _comparison(how: str) -> Rule:
    return lambda n, a, b, **_: n.compare(how, a, b)


def _elementary(function: Callable[[Lanes, ir.Value], ir.Value]) -> Rule:
    return lambda n, a, **_: function(n, a)


def _power(n: Lanes, a: ir.Value, *, y: int, **_: Any) -> ir.Value:
    if y < 0:
        return n.div(n.number(1.0), _power(n, a, y=-y))
    if y == 0:
        return n.number(1.0)
    half = _power(n, a, y=y // 2)
    square = n.mul(half, half) if y > 1 else n.number(1.0)
    return square if y % 2 == 0 else n.mul(square, a) if y > 1 else a


def _select(n: Lanes, which: ir.Value, *cases: ir.Value, **_: Any) -> ir.Value:
    no, yes = cases
    return n.select(which, yes, no)


def _convert(n: Lanes, a: ir.Value, **_: Any) -> ir.Value:
    return a if a.type == n.type else n.select(a, n.number(1.0), n.number(0.0))


# What changes nothing where everything is a scalar.
_SAME = {"optimization_barrier", "broadcast_in_dim", "reshape", "copy", "stop_gradient", "squeeze"}
_RULES: dict[str, Rule] = {
    "add": _binary("add"), "add_any": _binary("add"), "sub": _binary("sub"),
    "mul": _binary("mul"), "div": _binary("div"), "neg": _unary("neg"),
    "max": _binary("maximum"), "min": _binary("minimum"),
    "sqrt": _unary("sqrt"), "abs": _unary("abs"),
    "square": lambda n, a, **_: n.mul(a, a), "integer_pow": _power,
    "exp": _elementary(elementary.exp), "expm1": _elementary(elementary.expm1),
    "log": _elementary(elementary.log), "log1p": _elementary(elementary.log1p),
    "gt": _comparison(">"), "lt": _comparison("<"), "ge": _comparison(">="),
    "le": _comparison("<="), "eq": _comparison("=="), "ne": _comparison("!="),
    "select_n": _select, "convert_element_type": _convert,
}  # fmt: skip
