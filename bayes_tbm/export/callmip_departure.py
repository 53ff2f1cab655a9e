"""What is said of a file that is not as it should be, and values read whatever they are."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_tbm.export.callmip_content import Held
from bayes_tbm.plain import finite_number

Array = NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Departure:
    """One way in which a file is not as the protocol asks.

    Attributes
    ----------
    where
        Variable, attribute or part of the file.
    text
        What was asked and what was found.
    matters
        Whether the file should be mended; else it is only noted.
    """

    where: str
    text: str
    matters: bool

    def __str__(self) -> str:
        return f"{'WRONG' if self.matters else 'noted'} {self.where}: {self.text}"


def wrong(where: str, text: str) -> Departure:
    """Return a departure that matters."""
    return Departure(where, text, matters=True)


def noted(where: str, text: str) -> Departure:
    """Return one that is only noted."""
    return Departure(where, text, matters=False)


def numbers(held: Held) -> Array:
    """All values in a row, NaN where they are no numbers."""
    values = np.ravel(held.values)
    return values.astype(float) if values.dtype.kind in "fiu" else np.full(values.size, np.nan)


def number(value: Any) -> float:
    """Return a number, NaN where it is none."""
    found = finite_number(value)
    return np.nan if found is None else found


def first(held: Held) -> float:
    """Return the first value, NaN where there is none."""
    return float(next(iter(numbers(held)), np.nan))


def equal(values: Any, fill: float) -> Any:
    """Whether values are the fill value, to single precision."""
    return np.isclose(values, fill, rtol=1e-6, atol=0.0)


def there(held: Held) -> NDArray[np.bool_]:
    """Whether each value is there."""
    values = numbers(held)
    missing = equal(values, number(held.attributes.get("_FillValue")))
    return np.asarray(np.isfinite(values) & ~missing)
