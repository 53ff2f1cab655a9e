"""Where a loop's numbers lie: shapes of its arguments and results."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Layout:
    """Shapes of a loop's arguments (carry, constants, series) and results (carry, what is kept).

    Attributes
    ----------
    length, batch
        Steps, and parameter sets.
    reverse
        Whether time runs backwards.
    carried, constant, kept
        How many of each; they lie in one array, (member, batch) or (member, time, batch).
    series
        For each series its members, and whether it is one for all the batch; arrays are
        (member, time, batch) or (member, time).
    single
        Whether arrays are of single precision; the arithmetic is of double precision all the same.
    """

    length: int
    batch: int
    reverse: bool
    carried: int
    constant: int
    kept: int
    series: tuple[tuple[int, bool], ...]
    single: bool
