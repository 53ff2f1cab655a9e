"""A JAX function of numbers as a straight list of operations."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal, Var  # type: ignore[attr-defined]  # JAX's own

from bayes_tbm.native.fallback import UnsupportedError

_TRUTH = np.dtype(bool)
_REAL = (np.dtype(np.float32), np.dtype(np.float64))


@dataclasses.dataclass(frozen=True)
class Constant:
    """The same number in every step and every parameter set."""

    value: float | bool


Operand = int | Constant
"""The number of a value, or a constant."""


@dataclasses.dataclass(frozen=True)
class Operation:
    """One primitive: name, options, operands and their kinds, and the number of its value.

    A kind is a letter for each operand: ``n`` for a number, ``t`` for a truth.
    """

    name: str
    options: dict[str, Any]
    operands: tuple[Operand, ...]
    kinds: str
    output: int


@dataclasses.dataclass(frozen=True)
class Program:
    """Operations in order; the first ``inputs`` values are the function's arguments."""

    inputs: int
    operations: tuple[Operation, ...]
    outputs: tuple[Operand, ...]

    @property
    def digest(self) -> str:
        """The same for programs that compute the same, from a process's point of view."""
        # Texts tell 0 from -0 and 1 from true, which are equal in Python.
        return hashlib.sha256(repr(self).encode()).hexdigest()

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
    "custom_vjp_call_jaxpr", "remat", "remat2", "checkpoint",
}  # fmt: skip


def flatten(closed: ClosedJaxpr) -> Program:
    """Write a jaxpr as one list of operations on scalars, calls within it written out.

    Parameters
    ----------
    closed
        Its arguments are real scalars of one precision.

    Raises
    ------
    UnsupportedError
        A value is an array, or no real number and no truth, or less precise than the arguments:
        the arithmetic is of double precision and would not round it.
    """
    arguments: list[Any] = [atom.aval for atom in closed.jaxpr.invars]
    if other := {str(each.dtype) for each in arguments if each.dtype not in _REAL}:
        raise UnsupportedError(f"functions of numbers of type {', '.join(sorted(other))}")
    count, least = len(arguments), min((each.dtype.itemsize for each in arguments), default=8)
    operations: list[Operation] = []

    def walk(jaxpr: Jaxpr, consts: Sequence[Any], arguments: Sequence[Operand]) -> list[Operand]:
        known: dict[Var, Operand] = dict(zip(jaxpr.invars, arguments, strict=True))
        known |= dict(zip(jaxpr.constvars, map(_constant, consts), strict=True))

        def read(atom: Var | Literal) -> Operand:
            return _constant(atom.val) if isinstance(atom, Literal) else known[atom]

        for equation in jaxpr.eqns:
            operands = [read(atom) for atom in equation.invars]
            name, options = equation.primitive.name, equation.params
            if name in _CALLS:
                values = walk(*_called(options), operands)
            elif len(equation.outvars) != 1 and name not in _SAME:
                raise UnsupportedError(f"the operation '{name}'")
            else:
                _kinds(equation.outvars, name, least)
                if name in _SAME:
                    values = operands
                elif name == "convert_element_type" and isinstance(operands[0], Constant):
                    values = [_constant(np.asarray(operands[0].value, options["new_dtype"]))]
                else:
                    kinds = _kinds(equation.invars, name, least)
                    output = count + len(operations)
                    operations.append(Operation(name, options, tuple(operands), kinds, output))
                    values = [output]
            known.update(zip(equation.outvars, values, strict=True))
        return [read(atom) for atom in jaxpr.outvars]

    outputs = walk(closed.jaxpr, closed.consts, range(count))
    return Program(count, tuple(operations), tuple(outputs))


def _called(options: dict[str, Any]) -> tuple[Jaxpr, Sequence[Any]]:
    """Jaxpr and constants of a call."""
    inner = options["jaxpr" if "jaxpr" in options else "call_jaxpr"]
    return getattr(inner, "jaxpr", inner), getattr(inner, "consts", ())  # closed, or not


def _kinds(atoms: Sequence[Var | Literal], name: str, least: int) -> str:
    """Kinds of operands; refuses what is not a scalar truth or real number of enough bytes."""
    kinds = ""
    for atom in atoms:
        shape, dtype = getattr(atom.aval, "shape", None), getattr(atom.aval, "dtype", None)
        if shape != ():
            raise UnsupportedError(f"the operation '{name}' on arrays within a step")
        if dtype != _TRUTH and (dtype not in _REAL or dtype.itemsize < least):
            raise UnsupportedError(f"the operation '{name}' on numbers of type {dtype}")
        kinds += "t" if dtype == _TRUTH else "n"
    return kinds


def _constant(value: Any) -> Constant:
    if isinstance(value, jax.core.Tracer):
        raise UnsupportedError("a function that uses another one's traced values")
    dtype = getattr(value, "dtype", None) or np.asarray(value).dtype
    if not (dtype in (_TRUTH, *_REAL) or jnp.issubdtype(dtype, jnp.integer)):
        raise UnsupportedError(f"a constant of type {dtype}")
    if np.shape(value) != ():
        raise UnsupportedError("a constant array within a step")
    return Constant(np.asarray(value).item())
