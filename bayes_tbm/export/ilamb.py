"""ILAMB: one file a variable, all sites in it, the mean of the draws and their spread."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.export.layout import (
    attributes_of,
    provenance,
    warnings_of,
    with_place,
    with_time,
    write,
)
from bayes_tbm.export.runs import STAGES, Opened, Series
from bayes_tbm.export.variables import VARIABLES

_COMMENT = (
    "mean over draws of the {stage} and, as <name>_uncert, their standard deviation: parameters "
    "and initial state are uncertain, structural error and noise are not added; pools are means "
    "over the step"
)
_ONE = ("Conventions", "institution", "source", "history", "references")


def write_ilamb(
    sites: Sequence[Opened], folder: Path, names: Sequence[str], *, draws: int
) -> list[Path]:
    """Write ``posterior/<name>.nc`` and ``prior/<name>.nc``, variables being (time, site).

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    InputError
        A site has no longitude, or the steps of two sites do not fall together.
    """
    time, bounds, places = joint_time(sites)
    frame = with_time(time, bounds)
    longitudes = [longitude_of(each) for each in sites]
    frame = with_place(frame, [o.site.latitude for o in sites], longitudes, ("site",))
    about = {"long_name": "site", "cf_role": "timeseries_id"}
    frame = frame.assign_coords(site_name=("site", [o.site.name for o in sites], about))
    written = []
    for stage in STAGES:
        found = [opened.draws(stage, draws, names) for opened in sites]
        for name in names:
            data = _filled(frame, name, found, places)
            data.attrs = _attributes(sites, name, stage)
            series = (name, f"{name}_uncert")
            written.append(write(data, folder / stage / f"{name}.nc", series))
    return written


def longitude_of(opened: Opened) -> float:
    """Longitude, degrees east.

    Raises
    ------
    InputError
        Nobody knows it.
    """
    if opened.longitude is None:
        raise InputError(
            where=opened.site.source or opened.site.name, variable="longitude",
            rule="must be known for this convention", found="none",
            remedy="state it: longitude=24.3, or --longitude 24.3",
        )  # fmt: skip
    return opened.longitude


def joint_time(
    sites: Sequence[Opened],
) -> tuple[NDArray[np.datetime64], NDArray[np.datetime64], list[NDArray[np.intp]]]:
    """Return steps of all sites together, (time,) and (time, 2), and where each site's own are."""
    minute = "datetime64[m]"
    middles = [opened.time.astype(minute) for opened in sites]
    time, first = np.unique(np.concatenate(middles), return_index=True)
    bounds = np.concatenate([opened.bounds for opened in sites])[first]
    overlap = bounds[:-1, 1] - bounds[1:, 0] > np.timedelta64(1, "h")
    if overlap.any():
        raise InputError(
            where="export", variable="time", rule="steps of all sites must fall together",
            found=f"steps that overlap at {time[1:][overlap][0]}",
            remedy="export sites with the same steps together, others into another folder",
        )  # fmt: skip
    full = np.concatenate([opened.time for opened in sites])[first]
    return full, bounds, [np.searchsorted(time, middle) for middle in middles]


def _filled(
    frame: xr.Dataset, name: str, found: Sequence[Series], places: Sequence[NDArray[np.intp]]
) -> xr.Dataset:
    """One variable and its spread; NaN, which is written as fill, where a site has no step."""
    mean = np.full((frame.sizes["time"], len(found)), np.nan)
    spread = mean.copy()
    for column, (series, place) in enumerate(zip(found, places, strict=True)):
        mean[place, column] = series[name].mean(axis=0)
        spread[place, column] = series[name].std(axis=0, ddof=1)
    attrs = attributes_of(VARIABLES[name])
    about = {
        "standard_name": f"{attrs['standard_name']} standard_error",
        "long_name": f"standard deviation over draws of {attrs['long_name']}",
        "units": attrs["units"],
    }
    out = frame.copy()
    out[name] = ("time", "site"), mean, attrs | {"ancillary_variables": f"{name}_uncert"}
    out[f"{name}_uncert"] = ("time", "site"), spread, about
    return out


def _attributes(sites: Sequence[Opened], name: str, stage: str) -> dict[str, str]:
    comment = _COMMENT.format(stage=stage)
    title = f"{VARIABLES[name].long_name}, {stage} of bayes_tbm"
    every = [provenance(opened, title, comment) for opened in sites]
    keys = dict.fromkeys(key for each in every for key in each)
    joined = {key: "; ".join(each.get(key, "") for each in every) for key in keys}
    told = [f"{opened.site.name}: {line}" for opened in sites for line in warnings_of(opened)]
    return {**joined, **{key: every[0][key] for key in (*_ONE, "title")},
            "comment": "; ".join([comment, *told]), "featureType": "timeSeries"}  # fmt: skip
