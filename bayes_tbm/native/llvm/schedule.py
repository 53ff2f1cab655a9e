"""Which operations of a step wait for the step before; the others can be done for several."""

from __future__ import annotations

import dataclasses

from bayes_tbm.native.llvm.program import Constant, Operand, Operation, Program


@dataclasses.dataclass(frozen=True)
class Schedule:
    """Operations of a step in three parts.

    Attributes
    ----------
    ahead
        Those that know nothing of the carry: for several steps at once.
    in_turn
        Those that the next step waits for.
    behind
        The rest: for several steps at once, when their carries are known.
    sums
        Members of the carry that only ever grow, each with what a step adds to it.
    """

    ahead: tuple[Operation, ...]
    in_turn: tuple[Operation, ...]
    behind: tuple[Operation, ...]
    sums: dict[int, Operand]


def schedule(program: Program, carried: int) -> Schedule:
    """Part the operations of a program whose first inputs and outputs are the carry."""
    sums = _sums(program, carried)
    grown = {program.outputs[i] for i in sums}
    recurrent = [i for i in range(carried) if i not in sums]
    waiting = program.depending(recurrent)
    needed = program.needed([program.outputs[i] for i in recurrent])
    parts: dict[str, list[Operation]] = {"ahead": [], "in_turn": [], "behind": []}
    for operation in program.operations:
        if operation.output in grown:
            continue
        late = "in_turn" if operation.output in needed else "behind"
        parts[late if operation.output in waiting else "ahead"].append(operation)
    return Schedule(**{name: tuple(part) for name, part in parts.items()}, sums=sums)


def _sums(program: Program, carried: int) -> dict[int, Operand]:
    """Find what is added to every member of the carry that is used for nothing else."""
    added: dict[int, Operand] = {}
    makers = {operation.output: operation for operation in program.operations}
    for i, output in enumerate(program.outputs[:carried]):
        maker = makers.get(output) if not isinstance(output, Constant) else None
        if maker is None or maker.name not in ("add", "add_any") or i not in maker.operands:
            continue
        if program.uses(i) == 1 and program.uses(maker.output) == 1:
            first, second = maker.operands
            added[i] = second if first == i else first
    return added
