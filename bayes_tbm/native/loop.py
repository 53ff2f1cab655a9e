"""The loop itself: carry in registers, one vector of parameter sets after the other."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir

from bayes_tbm.native.lanes import Lanes
from bayes_tbm.native.machine import register, vector_length
from bayes_tbm.native.trace import write

_DOUBLE, _I64 = ir.DoubleType(), ir.IntType(64)
Values = Sequence[ir.Value]


@dataclasses.dataclass(frozen=True)
class Layout:
    """Shapes of a loop's arguments: carry, series, constants; results: carry, what is kept.

    Attributes
    ----------
    length, batch
        Steps, and parameter sets; arrays have time first and the batch last.
    reverse
        Whether time runs backwards.
    carried, constant, kept
        How many of each.
    shared
        For each series, whether it is one for all the batch.
    single
        Whether arrays are of single precision; the arithmetic is of double precision all the same.
    """

    length: int
    batch: int
    reverse: bool
    carried: int
    shared: tuple[bool, ...]
    constant: int
    kept: int
    single: bool


def registered(body: Any, layout: Layout) -> str:
    """Compile the loop of a traced body; returns the name that XLA knows it by."""

    def whole(builder: ir.IRBuilder, inputs: Values, outputs: Values) -> None:
        for first, count in _vectors(layout.batch):
            _Loop(builder, layout, first, count).run(body, inputs, outputs)

    arguments = layout.carried + len(layout.shared) + layout.constant
    return register(whole, arguments, layout.carried + layout.kept)


def _vectors(batch: int) -> list[tuple[int, int]]:
    """First place and length of each vector that a batch is cut into."""
    found, first, count = [], 0, vector_length()
    while first < batch:
        while count > batch - first:
            count //= 2
        found.append((first, count))
        first += count
    return found


class _Loop:
    """Writes the loop over time for one vector of the batch."""

    def __init__(self, builder: ir.IRBuilder, layout: Layout, first: int, count: int) -> None:
        self._builder, self._layout, self._first = builder, layout, first
        self._lanes = Lanes(builder, count)
        self._stored = ir.FloatType() if layout.single else _DOUBLE
        self._wide = self._stored if count == 1 else ir.VectorType(self._stored, count)

    def run(self, body: Any, inputs: Values, outputs: Values) -> None:
        """Write all of it, from loading the carry to storing the last."""
        b, lay, n = self._builder, self._layout, self._lanes
        carried, series = inputs[: lay.carried], inputs[lay.carried :][: len(lay.shared)]
        here = ir.Constant(_I64, self._first)
        carry = [self._load(p, here) for p in carried]
        constants = [self._load(p, here) for p in inputs[lay.carried + len(lay.shared) :]]
        start, end = b.block, b.append_basic_block()
        loop = b.append_basic_block()
        b.branch(loop)
        b.position_at_end(loop)
        count = b.phi(_I64)
        count.add_incoming(ir.Constant(_I64, 0), start)
        phis = [b.phi(n.type) for _ in carry]
        for phi, value in zip(phis, carry, strict=True):
            phi.add_incoming(value, start)
        t = b.sub(ir.Constant(_I64, lay.length - 1), count) if lay.reverse else count
        row = b.add(b.mul(t, ir.Constant(_I64, lay.batch)), here)
        now = [
            n.spread(self._scalar(p, t)) if shared else self._load(p, row)
            for p, shared in zip(series, lay.shared, strict=True)
        ]
        found = write(n, body.jaxpr, body.consts, [*phis, *now, *constants])
        for pointer, value in zip(outputs[lay.carried :], found[lay.carried :], strict=True):
            self._store(value, pointer, row)
        after = b.add(count, ir.Constant(_I64, 1))
        for phi, value in zip(phis, found[: lay.carried], strict=True):
            phi.add_incoming(value, b.block)
        count.add_incoming(after, b.block)
        b.cbranch(b.icmp_signed("<", after, ir.Constant(_I64, lay.length)), loop, end)
        b.position_at_end(end)
        for pointer, value in zip(outputs[: lay.carried], found[: lay.carried], strict=True):
            self._store(value, pointer, here)

    def _at(self, pointer: ir.Value, place: ir.Value) -> ir.Value:
        return self._builder.gep(pointer, [place], source_etype=self._stored)

    def _scalar(self, pointer: ir.Value, place: ir.Value) -> ir.Value:
        value = self._builder.load(self._at(pointer, place), typ=self._stored)
        return self._builder.fpext(value, _DOUBLE) if self._layout.single else value

    def _load(self, pointer: ir.Value, place: ir.Value) -> ir.Value:
        kind, align = self._wide, 4 if self._layout.single else 8
        value = self._builder.load(self._at(pointer, place), typ=kind, align=align)
        return self._builder.fpext(value, self._lanes.type) if self._layout.single else value

    def _store(self, value: ir.Value, pointer: ir.Value, place: ir.Value) -> None:
        if self._layout.single:
            value = self._builder.fptrunc(value, self._wide)
        align = 4 if self._layout.single else 8
        self._builder.store(value, self._at(pointer, place), align=align)
