"""What is kept of one fit for the whole batch: quantiles of all quantities, draws of some."""

from __future__ import annotations

import json
from pathlib import Path

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr

from bayes_tbm.population.draws import evenly
from bayes_tbm.report.folder import POSTERIOR, load_run, stored_experiment
from bayes_tbm.results.groups import group
from bayes_tbm.runtime.files import write_whole
from bayes_tbm.runtime.netcdf import write_netcdf

SHARED = ("wood_residence_time", "allocation_wood")
"""Quantities that a population shares."""
TARGETS = (
    "carbon_use_efficiency", "gpp_annual", "npp_annual", "root_residence_time",
    "som_residence_time", "initial_wood", "mature_biomass",
)  # fmt: skip
_QUANTILES = {"q05": 0.05, "median": 0.5, "q95": 0.95}
_DRAWS = 4000  # of each site at most: all that it has by default
_SUMMARY_FILE, _DRAWS_FILE = "summary.csv", "draws.nc"


def keep(tree: xr.DataTree, folder: Path) -> None:
    """Write ``summary.csv`` and ``draws.nc`` beside a posterior, which need not be read again.

    Raises
    ------
    WriteError
        A file cannot be written.
    """
    posterior = group(tree, "posterior")
    write_whole(folder / _SUMMARY_FILE, _summary(posterior).to_csv(index=False))
    write_netcdf(folder / _DRAWS_FILE, _draws(tree, posterior))


def has_posterior(folder: Path) -> bool:
    """Whether the folder of a fit has one that is more than an empty file, as a full disk leaves.

    Parameters
    ----------
    folder
        Of the fit.
    """
    path = folder / POSTERIOR
    return path.is_file() and path.stat().st_size > 0


def read_kept(folder: Path) -> tuple[pd.DataFrame, xr.Dataset]:
    """Return both, made again from the posterior where they are torn."""
    try:
        return _read(folder)
    except (OSError, ValueError):  # an empty CSV is a ValueError of pandas
        keep(load_run(folder), folder)
        return _read(folder)


def _read(folder: Path) -> tuple[pd.DataFrame, xr.Dataset]:
    with xr.open_dataset(folder / _DRAWS_FILE, engine="h5netcdf") as opened:
        return pd.read_csv(folder / _SUMMARY_FILE), opened.load()


def _summary(posterior: xr.Dataset) -> pd.DataFrame:
    """Quantiles of every scalar quantity of a site."""
    names = [str(n) for n, x in posterior.data_vars.items() if x.dims == ("chain", "draw")]
    values = np.stack([posterior[name].values.ravel() for name in names])
    levels = np.quantile(values, list(_QUANTILES.values()), axis=1)
    columns = {"quantity": names, "mean": values.mean(1), "sd": values.std(1)}
    return pd.DataFrame({**columns, **dict(zip(_QUANTILES, levels, strict=True))})


def _draws(tree: xr.DataTree, posterior: xr.Dataset) -> xr.Dataset:
    """Draws of what a population shares and of some targets, (draw,), spread evenly over chains."""
    names = [name for name in (*SHARED, *TARGETS) if name in posterior]
    flat = posterior[names].stack(sample=("chain", "draw"))
    count = flat.sizes["sample"]
    chosen = evenly(count, _DRAWS)
    shared = [name for name in SHARED if name in posterior]
    ess = az.ess(posterior[shared]) if shared else xr.Dataset()
    out = xr.Dataset({n: ("draw", flat[n].values[chosen].astype("float32")) for n in names})
    out["index"] = "draw", chosen.astype("int32"), {"long_name": "place among chain times draw"}
    least = min((float(ess[name]) for name in shared), default=np.nan)
    out["effective"] = (), min(least, float(len(chosen)))
    priors = stored_experiment(tree)["priors"]
    out["priors"] = (), json.dumps({name: priors[name] for name in shared})
    return out
