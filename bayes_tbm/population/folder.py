"""The folder of a population: what it holds, and what is kept from being replaced."""

from __future__ import annotations

from pathlib import Path

from bayes_tbm.errors import InputError
from bayes_tbm.population.batch.collect import DRAWS, MANIFEST
from bayes_tbm.report import check_folder
from bayes_tbm.report.folder import POSTERIOR

POPULATION, VERDICT, REPORT = "population.nc", "verdict.txt", "report.html"
TABLES = ("comparison", "evidence", "power", "threshold", "thresholds", "shares", "sites", "refits")
FIGURES = ("by_climate", "threshold", "sites", "shares")
_FIGURES = "figures"
PRODUCTS = (POPULATION, VERDICT, *(f"{name}.csv" for name in TABLES), _FIGURES, REPORT)
_REMEDY = "choose another folder"


def check_out(
    out: str | Path, runs: str | Path, covariates: str | None = None, *, overwrite: bool = False
) -> Path:
    """Make sure that a population can be written, before it is fitted; nothing is changed.

    Parameters
    ----------
    out
        The folder.
    runs, covariates
        Folder of the batch and table of covariates that are read.
    overwrite
        Whether an earlier population there may be replaced.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        It holds a batch, a run of fit, what is read, or files that would be replaced and may not
        be; or it cannot be written.
    """
    path = Path(out)
    if not str(out).strip():
        raise InputError(where="--out", rule="must name a folder", found=repr(str(out)))
    held = [name for name in (MANIFEST, DRAWS, POSTERIOR) if (path / name).exists()]
    if held or path.resolve() == Path(runs).resolve():
        raise InputError(
            where=str(path), rule="must not be the folder of a batch or of a run of fit",
            found=", ".join(held) or "the batch", remedy=_REMEDY,
        )  # fmt: skip
    here = [name for name in PRODUCTS if (path / name).exists()]
    if here and not overwrite:
        raise InputError(
            where=str(path), rule="must not hold files that the population would replace",
            found=", ".join(here),
            remedy=f"{_REMEDY}, or add --overwrite to replace an earlier population",
        )  # fmt: skip
    if here and POPULATION not in here:
        raise InputError(
            where=str(path), rule="must hold an earlier population where it is to be replaced",
            found=f"{', '.join(here)} without {POPULATION}", remedy=_REMEDY,
        )  # fmt: skip
    if covariates and Path(covariates).resolve() in [(path / name).resolve() for name in here]:
        raise InputError(
            where=covariates, rule="must not be a file that would be replaced", remedy=_REMEDY
        )
    return check_folder(path, products=())


def remove_stale(out: Path) -> None:
    """Remove what an earlier population left beside its `POPULATION`, so that none of it stays."""
    figures = (f"{_FIGURES}/{name}.png" for name in FIGURES)
    for name in (VERDICT, *(f"{name}.csv" for name in TABLES), REPORT, *figures):
        (out / name).unlink(missing_ok=True)
