"""Several steps at once: wide vectors where steps do not wait for each other, else in turn.

A wide vector holds all parameter sets of the first step, then those of the next.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

from llvmlite import ir

from bayes_tbm.native.llvm.arrays import Arrays
from bayes_tbm.native.llvm.operations import write
from bayes_tbm.native.llvm.program import Constant, Program
from bayes_tbm.native.llvm.schedule import Schedule
from bayes_tbm.native.llvm.vectors import Vectors

if TYPE_CHECKING:
    from bayes_tbm.native.llvm.layout import Layout

_I64 = ir.IntType(64)
Values = Sequence[ir.Value]


@dataclasses.dataclass
class Views:
    """What a loop reads and writes: constants in registers, pointers to series and what is kept."""

    constants: list[ir.Value]
    series: Values
    kept: ir.Value


class StepWriter:
    """Writes the inside of a loop over time: some steps at once.

    Parameters
    ----------
    program
        The step: carry, series and constants to carry and what is kept.
    plan
        Its parts.
    layout
        Shapes of what it works on.
    arrays
        Loads and stores of that.
    """

    def __init__(self, program: Program, plan: Schedule, layout: Layout, arrays: Arrays) -> None:
        self._program, self._plan, self._layout, self._arrays = program, plan, layout, arrays

    def start(self, carry: Values, views: Views, at_once: int) -> list[ir.Value]:
        """Return what the loop carries: sums as wide vectors of zeros, one part for each step."""
        wide = Vectors(self._arrays.builder, self._arrays.count * at_once)
        # Outside of the loop, so that constants are made wide once.
        self._wide_constants = [wide.together([x] * at_once) for x in views.constants]
        sums = self._plan.sums
        return [wide.number(0.0) if i in sums else x for i, x in enumerate(carry)]

    def finish(self, carry: Values, after: Values, at_once: int) -> list[ir.Value]:
        """Return the carry after the loop: parts of sums added up, and to what they began with."""
        b, count = self._arrays.builder, self._arrays.count
        wide, narrow = Vectors(b, count * at_once), Vectors(b, count)
        return [
            narrow.add(first, wide.total(last, at_once)) if i in self._plan.sums else last
            for i, (first, last) in enumerate(zip(carry, after, strict=True))
        ]

    def advance(self, count: ir.Value, carry: Values, views: Views, at_once: int) -> list[ir.Value]:
        """Write the code of the next few steps.

        Parameters
        ----------
        count
            How many steps are done when this code runs.
        carry
            The carry after those, as vectors; sums as `start` made them.
        views
            Where to read series and constants, and to write what is kept.
        at_once
            How many steps to write: what does not wait for the step before is written once, on
            vectors of all of them, the rest once for each step.

        Returns
        -------
        list
            The carry after these steps.
        """
        lay, b = self._layout, self._arrays.builder
        begin = b.sub(ir.Constant(_I64, lay.length - at_once), count) if lay.reverse else count
        values = _Values(b, self._arrays.count, at_once)
        self._read(values, begin, views)
        for operation in self._plan.ahead:
            operands = [values.wide(x) for x in operation.operands]
            values.put_wide(operation.output, write(values.whole, operation, operands))
        order = range(at_once)[::-1] if lay.reverse else range(at_once)
        state = list(carry)
        for k in order:
            state = self._in_turn(values, state, k)
        for operation in self._plan.behind:
            operands = [values.wide(x) for x in operation.operands]
            values.put_wide(operation.output, write(values.whole, operation, operands))
        for i, output in enumerate(self._program.outputs[lay.carried :]):
            self._arrays.put_steps(views.kept, i * lay.length, begin, values.wide(output), at_once)
        for i, added in self._plan.sums.items():
            state[i] = values.whole.add(carry[i], values.wide(added))
        return state

    def _in_turn(self, values: _Values, state: list[ir.Value], k: int) -> list[ir.Value]:
        """Write what the next step waits for."""
        sums, carried = self._plan.sums, self._layout.carried
        for i, value in enumerate(state):
            if i not in sums:
                values.put_narrow(i, k, value)
        for operation in self._plan.in_turn:
            operands = [values.narrow(x, k) for x in operation.operands]
            values.put_narrow(operation.output, k, write(values.part, operation, operands))
        return [
            value if i in sums else values.narrow(self._program.outputs[i], k)
            for i, value in enumerate(state[:carried])
        ]

    def _read(self, values: _Values, begin: ir.Value, views: Views) -> None:
        """Put all series at these steps, and the constants, among the values."""
        place = self._layout.carried
        for pointer, (members, shared) in zip(views.series, self._layout.series, strict=True):
            read = self._arrays.shared if shared else self._arrays.steps
            for i in range(members):
                base = i * self._layout.length
                values.put_wide(place, read(pointer, base, begin, values.at_once))
                place += 1
        for wide, narrow in zip(self._wide_constants, views.constants, strict=True):
            values.put_wide(place, wide)
            for k in range(values.at_once):
                values.put_narrow(place, k, narrow)
            place += 1


class _Values:
    """Values of a program for several steps: as wide vectors or step by step, as is asked."""

    def __init__(self, builder: ir.IRBuilder, count: int, at_once: int) -> None:
        self.at_once = at_once
        self.whole, self.part = Vectors(builder, count * at_once), Vectors(builder, count)
        self._wide: dict[int, ir.Value] = {}
        self._narrow: dict[tuple[int, int], ir.Value] = {}

    def put_wide(self, number: int, value: ir.Value) -> None:
        self._wide[number] = value

    def put_narrow(self, number: int, k: int, value: ir.Value) -> None:
        self._narrow[number, k] = value

    def wide(self, value: int | Constant) -> ir.Value:
        if isinstance(value, Constant):
            return self.whole.constant(value.value)
        if value not in self._wide:
            parts = [self._narrow[value, k] for k in range(self.at_once)]
            self._wide[value] = self.whole.together(parts)
        return self._wide[value]

    def narrow(self, value: int | Constant, k: int) -> ir.Value:
        if isinstance(value, Constant):
            return self.part.constant(value.value)
        if (value, k) not in self._narrow:
            self._narrow[value, k] = self.whole.part(self._wide[value], k, self.part.count)
        return self._narrow[value, k]
