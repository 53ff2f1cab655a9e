"""A part of a site's record."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.sites.observations import STOCKS


def between[Site: Any](
    site: Site, first: np.datetime64, last: np.datetime64, told: str = ""
) -> Site:
    """Return a site between two instants, both included; stocks keep all their values.

    Parameters
    ----------
    site
        A `bayes_tbm.Site` with the whole record.
    first, last
        As `bayes_tbm.sites.stated.bound` makes them of dates.
    told
        The period, for messages.

    Raises
    ------
    InputError
        Fewer than two steps remain.
    """

    def inside(time: NDArray[np.datetime64]) -> NDArray[np.bool_]:
        return (time >= first) & (time <= last)

    keep = inside(site.drivers["time"].values)
    if keep.sum() < 2:
        period = site.drivers["time"].values[[0, -1]].astype("datetime64[D]")
        raise InputError(
            where=site.source, variable="time",
            rule=f"at least two steps must lie between {told or f'{first} and {last}'}",
            found=f"{keep.sum()} of the drivers' {period[0]} to {period[1]}",
        )  # fmt: skip
    observations = {
        name: seen if name in STOCKS else seen.select(inside(seen.time))
        for name, seen in site.observations.items()
    }
    kept = {name: seen for name, seen in observations.items() if len(seen)}
    return dataclasses.replace(site, drivers=site.drivers.isel(time=keep), observations=kept)
