"""The loop itself: several steps in its body, for one vector of parameter sets after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llvmlite import ir

from bayes_tbm.native.llvm.arrays import Arrays
from bayes_tbm.native.llvm.layout import Layout
from bayes_tbm.native.llvm.program import Program
from bayes_tbm.native.llvm.schedule import schedule
from bayes_tbm.native.llvm.step import StepWriter, Views
from bayes_tbm.native.llvm.xla_ffi import module, vector_length

_I64 = ir.IntType(64)
Values = Sequence[ir.Value]


def written(program: Program, layout: Layout) -> str:
    """LLVM's text of the loop of a program."""

    def whole(builder: ir.IRBuilder, inputs: Values, outputs: Values) -> None:
        def one(first: ir.Value, count: int) -> Values:
            _write(builder, program, layout, inputs, outputs, first, count)
            return []

        width = vector_length()
        full = layout.batch - layout.batch % width
        if full > width:
            _loop(builder, 0, full, width, [], lambda place, _: one(place, width))
        elif full:
            one(ir.Constant(_I64, 0), width)
        for place, count in _rest(full, layout.batch, width):
            one(ir.Constant(_I64, place), count)

    return module(whole, 2 + len(layout.series), 2)


def _loop(
    builder: ir.IRBuilder, first: int, end: int, by: int, carry: Values,
    write: Callable[[ir.Value, Values], Values],
) -> Values:  # fmt: skip
    """Write a loop; ``write(place, carry)`` writes its body and gives what is carried on."""
    before, loop, after = builder.block, builder.append_basic_block(), builder.append_basic_block()
    builder.branch(loop)
    builder.position_at_end(loop)
    place, phis = builder.phi(_I64), [builder.phi(value.type) for value in carry]
    carried = write(place, phis)
    following = builder.add(place, ir.Constant(_I64, by))
    starts = [ir.Constant(_I64, first), *carry]
    for phi, start, next_one in zip([place, *phis], starts, [following, *carried], strict=True):
        phi.add_incoming(start, before)
        phi.add_incoming(next_one, builder.block)
    builder.cbranch(builder.icmp_signed("<", following, ir.Constant(_I64, end)), loop, after)
    builder.position_at_end(after)
    return carried


def _rest(first: int, end: int, count: int) -> list[tuple[int, int]]:
    """First place and length of each vector, shorter and shorter, that the rest is cut into."""
    vectors = []
    while first < end:
        while count > end - first:
            count //= 2
        vectors.append((first, count))
        first += count
    return vectors


def _write(
    builder: ir.IRBuilder, program: Program, layout: Layout, inputs: Values, outputs: Values,
    first: ir.Value, count: int,
) -> None:  # fmt: skip
    """Write the loop for one vector of the batch, from loading the carry to storing the last."""
    arrays = Arrays(builder, layout.batch, first, count, single=layout.single)
    writer = StepWriter(program, schedule(program, layout.carried), layout, arrays)
    carry: Values = arrays.members(inputs[0], layout.carried)
    constants = arrays.members(inputs[1], layout.constant)
    views = Views(constants, inputs[2:], outputs[1])
    together = max(vector_length() // count, 1)
    rest = layout.length % together
    for first_step, end, at_once in ((0, rest, 1), (rest, layout.length, together)):
        if first_step < end:
            carry = _steps(builder, writer, carry, views, first_step, end, at_once)
    arrays.put_members(outputs[0], carry)


def _steps(
    builder: ir.IRBuilder, writer: StepWriter, carry: Values, views: Views, first: int, end: int,
    at_once: int,
) -> Values:  # fmt: skip
    """Write the loop from one step to another, so many of them at once."""

    def advance(count: ir.Value, carry: Values) -> Values:
        return writer.advance(count, carry, views, at_once)

    started = writer.start(carry, views, at_once)
    return writer.finish(carry, _loop(builder, first, end, at_once, started, advance), at_once)
