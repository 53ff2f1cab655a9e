"""What a site holds: for the eye, and as a fingerprint of its numbers."""

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from bayes_tbm.sites.site import Site


def hash_numbers(numbers: Mapping[str, NDArray[Any]]) -> str:
    """Return the SHA-256 over named arrays in their order, as little-endian float64."""
    digest = hashlib.sha256()
    for label, array in numbers.items():
        values = np.asarray(array, dtype="<f8") + 0.0  # -0.0 and 0.0 are the same number
        values = np.where(np.isnan(values), np.nan, values)  # so are all NaN
        digest.update(f"{label}:{values.size};".encode() + values.tobytes())
    return digest.hexdigest()


def summarise(site: "Site") -> str:
    """Return a page on the site: place, period, climate, and a row for each observation."""
    first, last = site.drivers["time"].values[[0, -1]].astype("datetime64[D]")
    east = "" if site.longitude is None else f", {site.longitude:.4f} E"
    lines = [
        f"Site {site.name} ({site.latitude:.4f} N{east})",
        f"  {site.steps} {site.step_name} steps, {first} to {last}; "
        f"{site.mean_temperature:.1f} degC, {site.mean_precipitation:.2f} mm d-1",
        f"  {'observed':<13} {'n':>5}  {'mean':>9}  {'median sd':>9}  unit",
    ]
    notes = []
    for name, seen in site.observations.items():
        mean, sd = seen.value.mean(), np.median(seen.sd)
        row = f"  {name:<13} {len(seen):>5}  {mean:>9.4g}  {sd:>9.3g}  {seen.unit}"
        lines.append(row + "  *" * bool(seen.note))
        notes += [f"  * {name}: {seen.note}"] * bool(seen.note)
    return "\n".join([*lines, *notes, *(f"  note: {note}" for note in site.notes)])
