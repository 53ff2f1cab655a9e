"""Sites of a batch fitted again, each under a prior of its own."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import pandas as pd

from bayes_tbm.calibration import Calibration
from bayes_tbm.catalogue import site_names
from bayes_tbm.errors import InputError, did_you_mean
from bayes_tbm.experiment import Experiment
from bayes_tbm.parameters import (
    TABLE,
    AbstractPrior,
    LogitStudentT,
    LogStudentT,
    as_prior,
)
from bayes_tbm.population.batch.collect import MANIFEST
from bayes_tbm.population.batch.folder import STUDY
from bayes_tbm.population.batch.journal import DONE, FITTED
from bayes_tbm.population.batch.run import fit_many
from bayes_tbm.population.draws import SiteDraws
from bayes_tbm.population.hierarchy import RefitPrior
from bayes_tbm.population.runs import LOG, coordinate_of, site_draws
from bayes_tbm.population.settings import Rule, truth, whole
from bayes_tbm.report.folder import EXPERIMENT
from bayes_tbm.sampling import Settings

OPTIONS: dict[str, Rule] = {
    "executor": lambda name, value, where: value,
    "workers": lambda name, value, where: value is None or whole(1)(name, value, where),
    "progress": truth,
}
"""Of `bayes_tbm.fit_many` that a refit can be given, by name."""
_REMEDY = "put them back, or do without refits"
_NEAR = 0.01  # share of the way from a bound below which a prior's middle does not lie


@dataclasses.dataclass(frozen=True)
class RefitSites:
    """Fits sites of a batch again, for `bayes_tbm.refit_weak_sites`.

    Attributes
    ----------
    runs
        Folder of the batch, which stays as it is.
    folder
        Where refits go: ``round-1``, ``round-2``, each as a batch leaves it.
    coordinates
        Parameters that sites share.
    table
        What is known of the sites, `bayes_tbm.population.runs.site_draws`.
    sites
        Calibrations by name, of sites that were fitted from Python.
    not_converged
        Whether to take refits whose chains have not converged, too.
    options
        Of `bayes_tbm.fit_many`: ``executor``, ``workers``, ``progress``.
    """

    runs: Path
    folder: Path
    coordinates: tuple[str, ...]
    table: pd.DataFrame
    sites: Mapping[str, Calibration] = dataclasses.field(default_factory=dict)
    not_converged: bool = False
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        named = {str(name).strip(): site for name, site in self.sites.items()}  # as a batch does
        object.__setattr__(self, "sites", named)

    def check(self) -> None:
        """Make sure that every site can be opened again, as far as its files tell.

        Raises
        ------
        InputError
            It cannot.
        """
        self._settings(1)
        names = map(str, self.table.index)
        known = frozenset(site_names())
        lost = {site: found for site in names if (found := self._lost(site, known)) is not None}
        if not lost:
            return
        site, found = next(iter(lost.items()))
        more = f" (and {len(lost) - 1} more sites)" if len(lost) > 1 else ""
        raise InputError(
            where=str(self.runs), variable=site,
            rule="must have its files where they were, to be fitted again", found=found + more,
            remedy=_REMEDY,
        )  # fmt: skip

    def __call__(self, number: int, priors: Mapping[str, RefitPrior]) -> SiteDraws | None:
        """Fit sites under these priors, with twice the draws, and four times in round two.

        Draws that were too few are often so because chains mix slowly there.
        """
        found = fit_many(
            {site: self.source(site, number, prior) for site, prior in priors.items()},
            settings=self._settings(number), folder=self.folder / f"round-{number}",
            **self.options,
        )  # fmt: skip
        taken = FITTED if self.not_converged else (DONE,)
        fitted = found.table.index[found.table["state"].isin(taken)]
        if not len(fitted):
            return None
        return site_draws(
            found.folder, self.coordinates, not_converged=self.not_converged, sites=list(fitted)
        )[0]

    def source(self, site: str, number: int, prior: RefitPrior) -> Experiment | Calibration:
        """Return what is fitted in a round: what the site was fitted as, under another prior."""
        if site in self.sites:
            calibration = self.sites[site]
            return calibration.with_priors(interim_priors(prior, calibration.density.priors))
        experiment = Experiment.from_toml(self._file(site))
        first = {name: as_prior(name, given) for name, given in experiment.priors.items()}
        draws = 2**number * experiment.settings().draws
        return dataclasses.replace(
            experiment,
            priors={**first, **interim_priors(prior, first)},
            sampling={**experiment.sampling, "draws": draws},
        )

    def _settings(self, number: int) -> Settings | None:
        """Return settings of sites that were fitted from Python; others bring their own."""
        if not self.sites:
            return None
        path = self.runs / STUDY
        try:
            told = json.loads(path.read_text(encoding="utf-8"))["sampling"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                where=str(path), variable="sampling", rule="must be readable", found=error,
                remedy=_REMEDY,
            ) from error  # fmt: skip
        return Settings(**{**told, "draws": 2**number * told["draws"]})

    def _file(self, site: str) -> Path:
        return self.runs / str(self.table.loc[site, "folder"]) / EXPERIMENT

    def _lost(self, site: str, known: Container[str]) -> str | None:
        """Return what is missing of a site."""
        if site in self.sites:
            return None
        if "folder" not in self.table:
            return f"no column folder in {MANIFEST}"
        if not self._file(site).is_file():
            return f"no {EXPERIMENT} of it: give its calibration in sites, if it was one"
        experiment = Experiment.from_toml(self._file(site))
        named = [
            name
            for name in (experiment.site, *experiment.observations)
            if not Path(name).is_file() and name not in known
        ]
        return f"no {named[0]}" if named else None


def check_options(options: Mapping[str, Any], sites: Any) -> None:
    """Refuse options that refits cannot be made with, before a population is fitted.

    Raises
    ------
    InputError
        There is no such option, a value will not do, or a site is no calibration.
    """
    for name, value in options.items():
        if name not in OPTIONS:
            raise InputError(
                where="population", variable=name, rule="is no option of refits",
                remedy=did_you_mean(name, OPTIONS),
            )  # fmt: skip
        OPTIONS[name](name, value, "population")
    if not isinstance(sites, Mapping):
        raise InputError(
            where="population", variable="sites", rule="must be calibrations by name",
            found=repr(sites)[:60],
        )  # fmt: skip
    for name, site in sites.items():
        if not isinstance(site, Calibration):
            raise InputError(
                where="population", variable=str(name), rule="must be a bayes_tbm.Calibration",
                found=type(site).__name__,
            )  # fmt: skip


def interim_priors(
    wanted: RefitPrior, first: Mapping[str, AbstractPrior]
) -> dict[str, AbstractPrior]:
    """Return priors that parameters can have for what a population predicts of a site.

    Parameters
    ----------
    wanted
        In unbounded coordinates.
    first
        Priors that the site was fitted under: where they end, the new ones do, or at the bounds
        of the table of parameters, beyond which a fit takes 0.3 % of a prior at most.

    Returns
    -------
    dict
        By parameter. Numbers are rounded, so that a population that is fitted again asks for the
        same refits. A middle beyond the bounds is brought within.
    """
    each = zip(wanted.coordinates, wanted.location, wanted.scale, strict=True)
    return {name: _interim(name, first[name], loc, scale) for name, loc, scale in each}


def _interim(name: str, first: AbstractPrior, location: float, scale: float) -> AbstractPrior:
    row, (low, high) = TABLE[name], first.support
    low, high = max(low, row.lower), min(high, row.upper)
    coordinate = coordinate_of(name)
    middle = _round(float(coordinate.back(jnp.asarray(location))))
    if coordinate is LOG:
        near = (high / low) ** _NEAR
        return LogStudentT(min(max(middle, low * near), high / near), _round(scale), low, high)
    middle = min(max(middle, low + _NEAR * (high - low)), high - _NEAR * (high - low))
    place = (middle - low) / (high - low)
    slope = middle * (1.0 - middle) / ((high - low) * place * (1.0 - place))
    return LogitStudentT(middle, _round(scale * slope), low, high)


def _round(x: float) -> float:
    """Three digits."""
    return float(f"{x:.3g}")
