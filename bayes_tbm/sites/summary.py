"""What a site holds: for the eye, and as a fingerprint of its numbers."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_tbm.sites.observations import Observations


def hash_numbers(numbers: Mapping[str, NDArray[Any]]) -> str:
    """Return the SHA-256 over named arrays in their order, as little-endian float64."""
    digest = hashlib.sha256()
    for label, array in numbers.items():
        values = np.asarray(array, dtype="<f8") + 0.0  # -0.0 and 0.0 are the same number
        values = np.where(np.isnan(values), np.nan, values)  # so are all NaN
        digest.update(f"{label}:{values.size};".encode() + values.tobytes())
    return digest.hexdigest()


def page(
    head: Sequence[str], observations: Mapping[str, Observations], notes: Sequence[str]
) -> str:
    """Return a page on a site: what is said of it first, a row for each series, the notes."""
    lines = [*head, f"  {'observed':<13} {'n':>5}  {'mean':>9}  {'median sd':>9}  unit"]
    remarks = []
    for name, seen in observations.items():
        mean, sd = seen.value.mean(), np.median(seen.sd)
        row = f"  {name:<13} {len(seen):>5}  {mean:>9.4g}  {sd:>9.3g}  {seen.unit}"
        lines.append(row + "  *" * bool(seen.note))
        remarks += [f"  * {name}: {seen.note}"] * bool(seen.note)
    return "\n".join([*lines, *remarks, *(f"  note: {note}" for note in notes)])
