"""Where the numbers of a loop lie: members first, then time, the batch last."""

from __future__ import annotations

from collections.abc import Sequence

from llvmlite import ir

from bayes_tbm.native.llvm.vectors import Vectors

_DOUBLE, _FLOAT, _I64 = ir.DoubleType(), ir.FloatType(), ir.IntType(64)


class Arrays:
    """Loads and stores for one vector of the batch.

    Parameters
    ----------
    builder
        Where to write.
    batch
        Parameter sets in a row of memory.
    first, count
        Those that are worked on: the first, known when the code runs, and how many.
    single
        Whether what lies in memory is of single precision.
    """

    def __init__(
        self, builder: ir.IRBuilder, batch: int, first: ir.Value, count: int, *, single: bool
    ) -> None:
        self.builder, self.count = builder, count
        self._batch, self._first, self._single = batch, first, single
        self._stored, self._align = (_FLOAT, 4) if single else (_DOUBLE, 8)

    def members(self, pointer: ir.Value, number: int) -> list[ir.Value]:
        """Vectors of all members of (member, batch)."""
        return [self._load(pointer, self._member(i), self.count) for i in range(number)]

    def put_members(self, pointer: ir.Value, values: Sequence[ir.Value]) -> None:
        """Store vectors as members of (member, batch)."""
        for i, value in enumerate(values):
            self._store(value, pointer, self._member(i))

    def steps(self, pointer: ir.Value, base: int, t: ir.Value, number: int) -> ir.Value:
        """Load some steps of one member of (member, time, batch) as one vector.

        Parameters
        ----------
        pointer
            Start of the array.
        base
            Row at which the member begins: its number times the length of time.
        t
            First of the steps, known when the code runs.
        number
            How many steps.

        Returns
        -------
        ir.Value
            Of ``number`` times ``count`` doubles: all parameter sets of the first step, then those
            of the next.
        """
        rows = [self._row(t, base + k) for k in range(number)]
        if self.count == self._batch:  # rows follow each other
            return self._load(pointer, rows[0], number * self.count)
        whole = Vectors(self.builder, number * self.count)
        return whole.together([self._load(pointer, row, self.count) for row in rows])

    def put_steps(
        self, pointer: ir.Value, base: int, t: ir.Value, value: ir.Value, number: int
    ) -> None:
        """Store a vector as steps of one member: the opposite of `steps`."""
        if self.count == self._batch:
            self._store(value, pointer, self._row(t, base))
            return
        whole = Vectors(self.builder, number * self.count)
        for k in range(number):
            self._store(whole.part(value, k, self.count), pointer, self._row(t, base + k))

    def shared(self, pointer: ir.Value, base: int, t: ir.Value, number: int) -> ir.Value:
        """Load steps of a member of (member, time), each repeated for all parameter sets."""
        place = self.builder.add(t, ir.Constant(_I64, base))
        value = self._load(pointer, place, number)
        return Vectors(self.builder, number * self.count).repeat(value, self.count)

    def _member(self, number: int) -> ir.Value:
        """Place of the vector in row ``number`` of the batch."""
        return self.builder.add(self._first, ir.Constant(_I64, number * self._batch))

    def _row(self, t: ir.Value, base: int) -> ir.Value:
        b = self.builder
        row = b.mul(t, ir.Constant(_I64, self._batch))
        return b.add(row, self._member(base))

    def _at(self, pointer: ir.Value, place: ir.Value) -> ir.Value:
        return self.builder.gep(pointer, [place], source_etype=self._stored)

    def _kind(self, narrow: ir.Type, length: int) -> ir.Type:
        return narrow if length == 1 else ir.VectorType(narrow, length)

    def _load(self, pointer: ir.Value, place: ir.Value, length: int) -> ir.Value:
        kind = self._kind(self._stored, length)
        value = self.builder.load(self._at(pointer, place), typ=kind, align=self._align)
        return self.builder.fpext(value, self._kind(_DOUBLE, length)) if self._single else value

    def _store(self, value: ir.Value, pointer: ir.Value, place: ir.Value) -> None:
        if self._single:
            length = getattr(value.type, "count", 1)
            value = self.builder.fptrunc(value, self._kind(_FLOAT, length))
        self.builder.store(value, self._at(pointer, place), align=self._align)
