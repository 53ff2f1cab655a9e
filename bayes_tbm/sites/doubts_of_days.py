"""What a time zone that is stated tells of days: whether they are the site's own."""

from collections.abc import Iterable, Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.sites.dates import hours_ahead, zones_of
from bayes_tbm.sites.observations import FLUXES, Observations

_OFF = 3.0
"""Hours from the sun beyond which no place sets its clocks."""
_LONGEST = 1.5
"""Steps [d] from which hours do not matter."""
_SERIES = 6
"""Fewer values of a flux are moments, not days."""


def foreign_days(
    longitude: float | None,
    drivers: xr.Dataset,
    observations: Mapping[str, Observations],
    notes: Iterable[str],
) -> dict[str, str]:
    """Doubt days of drivers and fluxes that a zone which was left out makes those of elsewhere.

    Parameters
    ----------
    longitude : float or None
        Degrees east; without it nothing tells.
    drivers : xarray.Dataset
        As `Site.drivers`, checked.
    observations : mapping of str to Observations
        As `Site.observations`, checked.
    notes : iterable of str
        Of the site, which tell the zones.

    Returns
    -------
    dict of str to str
        As of `bayes_tbm.sites.doubts.doubts`.
    """
    if longitude is None or float(np.median(drivers["step_length"].values)) > _LONGEST:
        return {}
    series = {"time": (notes, drivers["time"].values)} | {
        f"{name}: time": ([seen.note], seen.time)
        for name, seen in observations.items()
        if name in FLUXES and len(seen) >= _SERIES
    }
    told = {}
    for head, (lines, time) in series.items():
        for zone in zones_of(lines):
            if (ahead := hours_ahead(zone, time[0])) is None:
                continue
            by_sun = longitude / 15.0
            # A zone of elsewhere does no harm where midnights of the site were written in it.
            middle = _clock(time) - ahead + by_sun
            if _apart(ahead, by_sun) and _apart(middle, 12.0):
                told[f"{head}: days are not the site's own"] = (
                    f"of zone {zone}, at {longitude:.4g} degrees east their middle is "
                    f"{middle % 24.0:.0f} h by the sun: make days by local standard time, or leave "
                    "the zone out where they are by it"
                )
    return told


def _clock(time: NDArray[np.datetime64]) -> float:
    """Return the usual hour of times."""
    return float(np.median((time - time.astype("datetime64[D]")) / np.timedelta64(1, "h")))


def _apart(hour: float, other: float) -> bool:
    """Whether hours are further apart than clocks of one place are from the sun."""
    return abs((hour - other + 12.0) % 24.0 - 12.0) > _OFF
