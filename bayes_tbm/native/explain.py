"""What becomes of a loop on its way to machine code, to read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import jax

from bayes_tbm.native.fallback import UnsupportedError
from bayes_tbm.native.plain import Body
from bayes_tbm.native.scan import layout_of, traced

if TYPE_CHECKING:
    from bayes_tbm.native.llvm.program import Operand, Operation, Program
    from bayes_tbm.native.llvm.schedule import Schedule

Shaped = jax.Array | jax.ShapeDtypeStruct


def explain(
    body: Body, carry: Shaped, series: Sequence[Shaped], constants: Shaped, reverse: bool = False
) -> str:
    """Write down a loop as JAX traces it, as a program, as a schedule, and as LLVM.

    Parameters
    ----------
    body, carry, series, constants, reverse
        As for `scan`; of arrays only shapes and types matter.

    Returns
    -------
    str
        Text to print; ``docs/native.md`` follows an example. LLVM is shown before it is optimised,
        with vectors as long as this processor's. Where there is no machine code for a part of the
        loop, the text ends by saying so.
    """
    from bayes_tbm.native.llvm.loop import written
    from bayes_tbm.native.llvm.operations import check
    from bayes_tbm.native.llvm.program import flatten
    from bayes_tbm.native.llvm.schedule import schedule

    trace = traced(body, carry, series, constants)
    parts = {"jaxpr": str(trace)}
    carried = carry.shape[0]
    try:
        program = flatten(trace)
        parts["program"] = _of_program(program, carried, [x.shape[0] for x in series])
        check(program)
        parts["schedule"] = _of_schedule(schedule(program, carried))
        parts["LLVM"] = written(program, layout_of(program, carry, series, constants, reverse))
    except UnsupportedError as missing:
        parts["No machine code"] = f"There is none for {missing}: jax.lax.scan runs this loop."
    return "\n\n".join(f"# {title}\n{text.strip()}" for title, text in parts.items()) + "\n"


def _of_program(program: Program, carried: int, series: Sequence[int]) -> str:
    """Arguments, operations and results, each value by its number."""
    sizes = {"carry": carried, **{f"series {i}": size for i, size in enumerate(series)}}
    sizes["constants"] = program.inputs - sum(sizes.values())
    lines, first = [], 0
    for name, size in sizes.items():
        lines.append(f"{name}: {_values(range(first, first + size))}")
        first += size
    lines += [
        f"%{each.output} = {each.name} {_values(each.operands)}" for each in program.operations
    ]
    lines.append(f"next carry: {_values(program.outputs[:carried])}")
    lines.append(f"kept: {_values(program.outputs[carried:])}")
    return "\n".join(lines)


def _of_schedule(plan: Schedule) -> str:
    def outputs(operations: Iterable[Operation]) -> str:
        return _values(each.output for each in operations)

    sums = [f"%{i} grows by {_values([added])}" for i, added in plan.sums.items()]
    return "\n".join(
        [
            f"ahead, for several steps at once: {outputs(plan.ahead)}",
            f"in turn, step by step: {outputs(plan.in_turn)}",
            f"behind, for several steps at once: {outputs(plan.behind)}",
            f"sums: {', '.join(sums) or 'none'}",
        ]
    )


def _values(values: Iterable[Operand]) -> str:
    texts = [f"%{each}" if isinstance(each, int) else str(each.value) for each in values]
    return " ".join(texts) or "none"
