"""What all exported files share: the time axis, the place, provenance, and the writing itself."""

from __future__ import annotations

import datetime
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.export.runs import Opened
from bayes_tbm.export.variables import Variable
from bayes_tbm.results.attempts import CONVERGENCE
from bayes_tbm.runtime.netcdf import write_netcdf
from bayes_tbm.version import __version__

FILL = 1e20
"""What stands for a missing value, as in CMIP6."""
CONVENTIONS = "CF-1.11"
_DAY = np.timedelta64(86_400_000, "ms")


def days_since(year: np.datetime64, time: NDArray[np.datetime64]) -> NDArray[np.float64]:
    """Days since the start of a year, of the shape of the times."""
    return np.asarray((time - year.astype("datetime64[ms]")) / _DAY)


def with_time(time: NDArray[np.datetime64], bounds: NDArray[np.datetime64]) -> xr.Dataset:
    """Return a dataset with nothing but its time and the bounds of that."""
    year = bounds[0, 0].astype("datetime64[Y]")
    attrs = {
        "standard_name": "time", "long_name": "time", "axis": "T", "bounds": "time_bounds",
        "units": f"days since {year}-01-01 00:00:00", "calendar": "standard",
    }  # fmt: skip
    out = xr.Dataset(coords={"time": ("time", days_since(year, time), attrs)})
    about = {"long_name": "time_bounds"}
    out["time_bounds"] = ("time", "bnds"), days_since(year, bounds), about
    return out


def with_place(
    data: xr.Dataset, latitude: Any, longitude: Any, dims: tuple[str, ...]
) -> xr.Dataset:
    """Return the dataset with its place; a longitude of None is left out."""
    for name, full, value, unit, axis in (
        ("lat", "latitude", latitude, "degrees_north", "Y"),
        ("lon", "longitude", longitude, "degrees_east", "X"),
    ):
        if value is not None:
            attrs = {"standard_name": full, "long_name": full, "units": unit, "axis": axis}
            data = data.assign_coords({name: (dims, np.asarray(value, float), attrs)})
    return data


def attributes_of(variable: Variable) -> dict[str, str]:
    """Attributes of a variable, those that say nothing left out."""
    found = {
        "standard_name": variable.standard_name, "long_name": variable.long_name,
        "units": variable.unit, "positive": variable.positive,
        "cell_methods": variable.cell_methods, "comment": variable.comment,
        "original_name": variable.ours,
    }  # fmt: skip
    return {name: text for name, text in found.items() if text}


def provenance(opened: Opened, title: str, comment: str) -> dict[str, str]:
    """Global attributes: what made a file, of what, and when."""
    record = opened.experiment
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    texts = {
        "Conventions": CONVENTIONS,
        "title": title,
        "institution": "not stated",
        "source": f"bayes_tbm {__version__}, DALEC terrestrial biosphere model",
        "history": f"{now} exported by bayes_tbm {__version__}",
        "references": "DALEC993: Fang and Gentine (2024), doi 10.1029/2024MS004308",
        "comment": "; ".join([comment, *warnings_of(opened)]),
        "site": opened.site.name,
        "site_source": Path(opened.site.source).name,  # not where on a disk it lay
        "fitted_streams": ", ".join(record["streams"]),
        "fitted_period": opened.fitted_to,
        "convergence": _convergence(opened),
        "bayes_tbm_version": str(opened.tree.attrs.get("bayes_tbm_version", "")),
        "data_sha256": str(opened.tree.attrs.get("data_sha256", "")),
    }
    return {name: text for name, text in texts.items() if text}


def warnings_of(opened: Opened) -> list[str]:
    """Lines that keep a file from being taken for what it is not."""
    lines, record = [], opened.experiment
    if record.get("prior_only"):
        lines.append("nothing was fitted: what is called posterior are draws of the prior")
    if opened.fitted_site is not None:
        lines.append(
            f"run with parameters and initial state fitted at {opened.fitted_site}, and the mean "
            "climate there as that to which decomposition refers"
        )
    return lines


def _convergence(opened: Opened) -> str:
    """Return what the run said of its chains."""
    if CONVERGENCE not in opened.tree.children:
        return ""
    return " ".join(str(opened.tree[CONVERGENCE].attrs["verdict"]).split())


def write(data: xr.Dataset, path: Path, series: Iterable[Hashable]) -> Path:
    """Write a dataset, compressed, with a fill value on its series alone."""
    encoding: dict[Hashable, Mapping[str, Any]] = {
        name: {"_FillValue": None} for name in (*data.coords, *data.data_vars)
    }
    encoding |= {name: {"_FillValue": FILL, "zlib": True, "complevel": 1} for name in series}
    return write_netcdf(path, data, encoding)
