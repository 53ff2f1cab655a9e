"""Fits that are made once: kept in a folder by their content, and taken up again there."""

from __future__ import annotations

import hashlib
import json
import re
import warnings
from pathlib import Path

import xarray as xr

from bayes_tbm.calibration import Calibration
from bayes_tbm.errors import ConvergenceWarning
from bayes_tbm.report.folder import CHECKPOINT, POSTERIOR, load_run, save_tree
from bayes_tbm.results.attempts import warn_unless_converged
from bayes_tbm.sampling import Settings
from bayes_tbm.sampling.engines import can_resume
from bayes_tbm.sampling.identity import identity

FITS = "fits"
"""Folder of a study that holds its fits."""


def fit_once(
    name: str,
    calibration: Calibration,
    settings: Settings,
    folder: str | Path | None = None,
    *,
    progress: bool = True,
) -> xr.DataTree:
    """Sample a posterior, unless the folder holds it.

    Parameters
    ----------
    name
        What the fit is called in the folder.
    calibration, settings
        What is sampled, and how.
    folder
        Of the study. A finished fit to the same data, with the same model, priors, settings and
        versions is read from there, an interrupted one goes on. None keeps nothing.
    progress
        Whether to draw progress bars.

    Returns
    -------
    xarray.DataTree
        As `Calibration.sample` returns it.

    Warns
    -----
    ConvergenceWarning
        Its chains have not converged, also if they were sampled long ago.
    """
    with warnings.catch_warnings():  # said once, with the name, of fits that are read too
        warnings.simplefilter("ignore", ConvergenceWarning)
        tree = _fitted(name, calibration, settings, folder, progress)
    warn_unless_converged(tree, name=name, stacklevel=2)
    return tree


def _fitted(
    name: str, calibration: Calibration, settings: Settings, folder: str | Path | None,
    progress: bool,
) -> xr.DataTree:  # fmt: skip
    """Sample a posterior, or read it from the folder."""
    if folder is None:
        return calibration.sample(settings, progress=progress)
    own = Path(folder) / FITS / f"{_slug(name)}-{content(calibration, settings)}"
    if (own / POSTERIOR).is_file():
        return load_run(own)
    disk = own / CHECKPOINT if can_resume(settings) else None
    tree = calibration.sample(settings, progress=progress, checkpoint=disk, resume=True)
    save_tree(tree, own / POSTERIOR)
    return tree


def content(calibration: Calibration, settings: Settings) -> str:
    """Digest of everything that decides the draws of a fit."""
    whole = identity(calibration.density, calibration.experiment, settings)
    whole |= {"draws": settings.draws, "extensions": settings.extensions}
    text = json.dumps(whole, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower() or "fit"
