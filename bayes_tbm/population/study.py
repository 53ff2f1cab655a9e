"""A population as a user asks for it, in a file or in Python."""

from __future__ import annotations

import dataclasses
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from bayes_tbm.calibration import Calibration
from bayes_tbm.errors import InputError, did_you_mean
from bayes_tbm.population.attribution import MEANS, attribution
from bayes_tbm.population.attribution.checks import checked
from bayes_tbm.population.attribution.shares import named_groups
from bayes_tbm.population.attribution.thresholds import check_believed
from bayes_tbm.population.batch.kept import SHARED
from bayes_tbm.population.draws import SiteDraws
from bayes_tbm.population.hierarchy import Refits, refit_weak_sites
from bayes_tbm.population.hierarchy.means import check_mean
from bayes_tbm.population.refitting import RefitSites, check_options
from bayes_tbm.population.result import PopulationResult
from bayes_tbm.population.runs import site_draws, sites_not_converged, sites_not_fitted
from bayes_tbm.population.settings import (
    SETTINGS,
    Rule,
    check_settings,
    name_list,
    seed_of,
    truth,
    whole,
)
from bayes_tbm.population.site_table import with_columns_of
from bayes_tbm.report import check_folder

REFITS = "refits"
"""Folder of a population that holds refits of its sites."""


@dataclasses.dataclass(frozen=True)
class PopulationStudy:
    """What is asked of a batch of fits.

    Attributes
    ----------
    runs
        Folder of the batch.
    coordinates
        What sites share; the first is explained.
    mean, means
        Mean function whose population is kept: constant, linear, hinge, step or smooth; and those
        that are compared, constant, linear and step always.
    covariates
        A CSV of more columns by ``site``, or to replace those of the batch.
    groups
        Columns by group of drivers, whose shares are told.
    not_converged
        Whether to take sites whose chains have not converged.
    refits
        Rounds of refits of sites that have too few draws for the population, none by default: each
        costs a minute or two a site, and needs the files of the sites.
    replicates, seed
        Simulations of what a step would have shown; of all random numbers.
    believed
        Mean and sd of a threshold that one believes in beforehand, degC; none by default.
    every_driver_set
        Whether to fit every set of driver groups for what they add to the score of cells left out:
        2^groups fits of up to a minute each.
    settings
        Of `bayes_tbm.fit_population`.
    """

    runs: str
    coordinates: tuple[str, ...] = SHARED
    mean: str = "step"
    means: tuple[str, ...] = MEANS
    covariates: str | None = None
    groups: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    not_converged: bool = False
    refits: int = 0
    replicates: int = 200
    seed: int = 0
    believed: tuple[float, float] | None = None
    every_driver_set: bool = False
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @classmethod
    def read(cls, path: str | Path) -> PopulationStudy:
        """Read a study from a TOML file, or take the folder of a batch with all defaults.

        Parameters
        ----------
        path
            File or folder.

        Returns
        -------
        PopulationStudy
            What it asks for.

        Raises
        ------
        InputError
            It can be read as neither, or holds what is no entry or of the wrong kind.
        """
        path = Path(path)
        if path.is_dir():
            return cls(str(path))
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise InputError(
                where=str(path), rule="must be a folder of bayes-tbm many, or readable TOML",
                found=error,
            ) from error  # fmt: skip
        known = [field.name for field in dataclasses.fields(cls) if field.name != "settings"]
        for name in data:
            if name not in (*known, *SETTINGS):
                raise InputError(
                    where=str(path), variable=name, rule="is no entry of a population",
                    remedy=did_you_mean(name, (*known, *SETTINGS)),
                )  # fmt: skip
        _checked({"runs": None, **data}, str(path))
        for name in ("runs", "covariates"):  # beside the file
            if name in data and (path.parent / data[name]).exists():
                data[name] = str(path.parent / data[name])
        own = {name: data.pop(name) for name in SETTINGS if name in data}
        return cls(**data, settings=own)

    def __post_init__(self) -> None:
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        for name, value in _checked(fields, "population").items():
            object.__setattr__(self, name, value)

    def read_runs(self) -> tuple[SiteDraws, pd.DataFrame]:
        """Read what is asked of.

        Returns
        -------
        SiteDraws
            Of all fitted sites.
        pandas.DataFrame
            Covariates by site.

        Raises
        ------
        InputError
            The batch or the table of covariates will not do.
        """
        draws, known = site_draws(self.runs, self.coordinates, not_converged=self.not_converged)
        if self.covariates is None:
            return draws, known
        return draws, with_columns_of(known, self.covariates)

    def run(
        self,
        out: str | Path | None = None,
        *,
        sites: Mapping[str, Calibration] | None = None,
        **options: Any,
    ) -> PopulationResult:
        """Fit the population under every mean function, and attribute.

        Parameters
        ----------
        out
            Folder of the population; refits go to ``refits`` there.
        sites
            Calibrations by name, of sites that were fitted from Python and may be fitted again.
        **options
            Of `bayes_tbm.fit_many` for refits: ``executor``, ``workers``, ``progress``.

        Returns
        -------
        PopulationResult
            The population, and what drives it.

        Raises
        ------
        InputError
            The batch or a setting will not do, or a site cannot be fitted again where refits are
            asked for: nothing has been sampled then.
        """
        check_options(options, sites or {})
        if out is not None:
            check_folder(out, products=())
        draws, covariates = self.read_runs()
        without = () if self.not_converged else sites_not_converged(self.runs)
        not_fitted = sites_not_fitted(self.runs)
        means = tuple(dict.fromkeys([*self.means, self.mean]))
        asked: dict[str, Any] = {
            "replicates": self.replicates, "seed": self.seed, "believed": self.believed,
            "every_driver_set": self.every_driver_set,
        }  # fmt: skip
        checked(draws, covariates, self.groups, self.settings, means=means, **asked)
        refits = self._refits(draws, covariates, out, sites or {}, options)
        draws = refits.draws if refits else draws
        found = attribution(
            draws, covariates, means=means, groups=self.groups, **asked, **self.settings
        )
        return PopulationResult(
            self.mean, self.seed, draws, covariates, found, refits, without, not_fitted
        )

    def _refits(
        self,
        draws: SiteDraws,
        covariates: pd.DataFrame,
        out: str | Path | None,
        sites: Mapping[str, Calibration],
        options: Mapping[str, Any],
    ) -> Refits | None:
        """Fit weak sites again, where that is asked for."""
        if not self.refits:
            return None
        if out is None:
            raise InputError(
                where="population", variable="out", rule="must name a folder where refits can go"
            )
        refit = RefitSites(
            Path(self.runs), Path(out) / REFITS, self.coordinates, covariates, sites,
            self.not_converged, options,
        )  # fmt: skip
        refit.check()
        return refit_weak_sites(
            draws, covariates, refit, self.mean, rounds=self.refits, seed=self.seed, **self.settings
        )


def _path(name: str, value: Any, where: str) -> str:
    if not isinstance(value, str | os.PathLike) or not os.fspath(value):
        raise InputError(
            where=where, variable=name, found=repr(value)[:60],
            rule="must name the folder of a batch" if name == "runs" else "must name a CSV file",
            remedy="tables go to bayes_tbm.attribution" * isinstance(value, pd.DataFrame) or None,
        )  # fmt: skip
    return os.fspath(value)


def _or_none(rule: Rule) -> Rule:
    return lambda name, value, where: None if value is None else rule(name, value, where)


def _settings(name: str, value: Any, where: str) -> dict[str, Any]:
    if isinstance(value, Mapping) and (misplaced := [one for one in value if one in _RULES]):
        raise InputError(
            where=where, variable=misplaced[0], rule="is no setting of a fit",
            remedy=f"give it beside settings, as {misplaced[0]}={value[misplaced[0]]!r}",
        )  # fmt: skip
    return check_settings(value, where)


_RULES: dict[str, Rule] = {
    "runs": _path, "covariates": _or_none(_path), "coordinates": name_list, "means": name_list,
    "mean": lambda name, value, where: check_mean(value, where),
    "groups": lambda name, value, where: {} if value is None else named_groups(value, where),
    "not_converged": truth, "every_driver_set": truth, "refits": whole(0), "replicates": whole(1),
    "seed": seed_of, "believed": lambda name, value, where: check_believed(value, where),
    "settings": _settings,
}  # fmt: skip


def _checked(entries: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Entries of a study, each as its rule wants it."""
    rules = {**SETTINGS, **_RULES}
    return {name: rules[name](name, value, where) for name, value in entries.items()}
