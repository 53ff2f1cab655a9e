"""A JAX function of numbers as a straight list of operations."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal, Var  # type: ignore[attr-defined]  # JAX's own


@dataclasses.dataclass(frozen=True)
class Constant:
    """The same number in every step and every parameter set."""

    value: float | bool


Operand = int | Constant
"""The number of a value, or a constant."""


@dataclasses.dataclass(frozen=True)
class Operation:
    """One primitive: name, options, operands, and the number of its value."""

    name: str
    options: dict[str, Any]
    operands: tuple[Operand, ...]
    output: int


@dataclasses.dataclass(frozen=True)
class Program:
    """Operations in order; the first ``inputs`` values are the function's arguments."""

    inputs: int
    operations: tuple[Operation, ...]
    outputs: tuple[Operand, ...]

    def depending(self, values: Sequence[int]) -> set[int]:
        """Numbers of all values that depend on some, themselves included."""
        found = set(values)
        for operation in self.operations:
            if not found.isdisjoint(operation.operands):
                found.add(operation.output)
        return found

    def needed(self, values: Sequence[Operand]) -> set[int]:
        """Numbers of all values that some depend on, themselves included."""
        found = {value for value in values if not isinstance(value, Constant)}
        for operation in reversed(self.operations):
            if operation.output in found:
                found.update(x for x in operation.operands if not isinstance(x, Constant))
        return found

    def uses(self, value: int) -> int:
        """How often a value is an operand or an output."""
        operands = [x for operation in self.operations for x in operation.operands]
        return [*operands, *self.outputs].count(value)


# What changes nothing where everything is a scalar.
_SAME = {"optimization_barrier", "broadcast_in_dim", "reshape", "copy", "stop_gradient", "squeeze"}


# Calls, which are written out; a loop within a step is not one of them.
_CALLS = {
    "jit", "pjit", "closed_call", "core_call", "custom_jvp_call", "custom_vjp_call",
    "custom_vjp_call_jaxpr", "remat", "checkpoint",
}  # fmt: skip


class UnsupportedError(NotImplementedError):
    """The function uses what there is no machine code for."""

    @classmethod
    def of(cls, operation: str) -> UnsupportedError:
        """Error that names an operation, and what to do."""
        return cls(
            f"no machine code for the operation '{operation}': add a rule for it to "
            "bayes_tbm/native/operations.py, or do without with BAYES_TBM_COMPILE=0"
        )


def flatten(closed: ClosedJaxpr) -> Program:
    """Write a jaxpr of scalars as one list, calls within it written out."""
    count = len(closed.jaxpr.invars)
    operations: list[Operation] = []

    def walk(jaxpr: Jaxpr, consts: Sequence[Any], given: Sequence[Any]) -> list[Operand]:
        known: dict[Var, Operand] = dict(zip(jaxpr.invars, given, strict=True))
        known |= dict(zip(jaxpr.constvars, map(_constant, consts), strict=True))

        def read(atom: Var | Literal) -> Operand:
            return _constant(atom.val) if isinstance(atom, Literal) else known[atom]

        for equation in jaxpr.eqns:
            operands = [read(atom) for atom in equation.invars]
            name, options = equation.primitive.name, equation.params
            if name in _CALLS:
                inner = options["jaxpr" if "jaxpr" in options else "call_jaxpr"]
                found = walk(inner.jaxpr, inner.consts, operands)
            elif name in _SAME:
                found = operands
            elif len(equation.outvars) != 1:
                raise UnsupportedError.of(name)
            else:
                output = count + len(operations)
                operations.append(Operation(name, options, tuple(operands), output))
                found = [output]
            known.update(zip(equation.outvars, found, strict=True))
        return [read(atom) for atom in jaxpr.outvars]

    outputs = walk(closed.jaxpr, closed.consts, range(count))
    return Program(count, tuple(operations), tuple(outputs))


def _constant(value: Any) -> Constant:
    number = np.asarray(value)
    if number.shape != ():
        raise UnsupportedError(f"a constant of shape {number.shape} in a step of scalars")
    return Constant(bool(number) if number.dtype == bool else float(number))
