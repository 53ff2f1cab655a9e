"""CMIP6 names: one file a stage, each variable by quantile or by draw."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from bayes_tbm.errors import InputError
from bayes_tbm.export.layout import attributes_of, provenance, with_place, with_time, write
from bayes_tbm.export.runs import STAGES, Opened, Series
from bayes_tbm.export.variables import VARIABLES
from bayes_tbm.posterior.evaluate import QUANTILES


def write_cmip(
    opened: Opened, folder: Path, names: Sequence[str], *, draws: int, ensemble: int | None
) -> list[Path]:
    """Write ``<site>_posterior.nc`` and ``<site>_prior.nc``.

    Parameters
    ----------
    opened
        The run.
    folder
        Where to.
    names
        Variables.
    draws
        How many draws the quantiles are of.
    ensemble
        How many draws to write in place of quantiles; None for quantiles.

    Returns
    -------
    list of Path
        The files. Variables are (quantile, time), or (realization, time).

    Raises
    ------
    InputError
        More draws are asked for than there are.
    """
    there = {stage: opened.count(stage) for stage in STAGES}
    if ensemble is not None and ensemble > min(there.values()):
        raise InputError(
            where="export", variable="ensemble", rule="must not be more than there are draws",
            found=f"{ensemble} of {', '.join(f'{n} {stage}' for stage, n in there.items())}",
        )  # fmt: skip
    return [
        write(
            dataset(opened, stage, found, ensemble is not None), _path(opened, folder, stage), names
        )
        for stage in STAGES
        for found in [opened.draws(stage, ensemble or draws, names)]
    ]


def _path(opened: Opened, folder: Path, stage: str) -> Path:
    return folder / f"{file_name(opened.site.name)}_{stage}.nc"


def file_name(text: str) -> str:
    """Return a name as a part of a file's name."""
    return "".join(c if c.isalnum() or c in "-." else "_" for c in text)


def dataset(opened: Opened, stage: str, series: Series, as_draws: bool) -> xr.Dataset:
    """Dataset of a stage."""
    out = with_time(opened.time, opened.bounds)
    out = with_place(out, opened.site.latitude, opened.longitude, ())
    count = len(next(iter(series.values())))
    dim = "realization" if as_draws else "quantile"
    levels = np.arange(1, count + 1) if as_draws else np.array(QUANTILES)
    attrs = {"long_name": f"draw of the {stage}" if as_draws else f"quantile of the {stage}"}
    attrs |= {"standard_name": "realization"} if as_draws else {}
    out = out.assign_coords({dim: (dim, levels, attrs | {"units": "1"})})
    for name, values in series.items():
        shown = values if as_draws else np.quantile(values, QUANTILES, axis=0)
        out[name] = (dim, "time"), shown, attributes_of(VARIABLES[name])
    what = "draws" if as_draws else f"quantiles at each step over {count} draws"
    comment = (
        f"{what} of the {stage}: parameters and initial state are uncertain, structural error and "
        "noise are not added; names, units and signs of CMIP6; pools are means over the step"
    )
    about = provenance(opened, f"{opened.site.name}, {stage} of bayes_tbm", comment)
    return out.assign_attrs(about).assign_attrs(stage=stage, draws=count)
