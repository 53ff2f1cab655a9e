"""A table of sites, a row each: which files, which options of their own, which covariates."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from bayes_tbm.calibration import Calibration
from bayes_tbm.catalogue import site_names
from bayes_tbm.errors import InputError, did_you_mean, nearest
from bayes_tbm.experiment import Experiment
from bayes_tbm.formats.folder import tower_of
from bayes_tbm.population.batch.columns import OPTIONS, PLACE, TABLES, names_in, read_table
from bayes_tbm.population.batch.jobs import Job, content_of, seed_of
from bayes_tbm.sampling.settings import Settings, settings_with
from bayes_tbm.sites.stated import bound
from bayes_tbm.streams import FITTED_TO

type Sites = str | Path | pd.DataFrame | Mapping[str, Experiment | Calibration]
_LISTS = ("streams", "observations", "replace")
_LONGEST_NAME = 150


def jobs_of(
    sites: Sites, common: Experiment, settings: Settings, covariates: Sequence[str] = ()
) -> list[Job]:
    """Return the jobs of a batch, checked as far as that needs no data.

    Parameters
    ----------
    sites
        A CSV or a table with a column ``site`` and any of ``path`` (a file or a name; by default
        that of the site), ``latitude``, ``longitude``, options of an experiment (``stand_age``,
        ``start``, ``end``, ``streams``, ``observations``, or as in ``uncertainty.nbe``); all other
        columns are covariates. Or a folder of site files. Or experiments or calibrations by name.
    common
        What all sites share; rows come before it.
    settings
        How to sample; each site gets a seed of its own from its name.
    covariates
        That every site must have.

    Raises
    ------
    InputError
        In one line: a file that is missing, a site named twice, two records of one site, a place
        that is none, a covariate that is unknown or missing, a prior, constraint or error model
        that will not do.
    """
    if isinstance(sites, Mapping):
        where = "sites"
        jobs = [_given(_name(name, where), source, settings) for name, source in sites.items()]
    elif isinstance(sites, str | Path | pd.DataFrame):
        table, where = read_table(sites)
        jobs = [_job(row, common, settings, where) for row in table.to_dict("records")]
    else:
        jobs = []
    if not jobs:
        raise InputError(
            where="sites", found=repr(sites)[:80],
            rule="must be a CSV, a table, a folder of site files, or experiments by name",
        )  # fmt: skip
    _check(jobs, covariates, where)
    return jobs


def _given(name: str, source: Any, settings: Settings) -> Job:
    if not isinstance(source, Experiment | Calibration):
        raise InputError(
            where="sites", variable=name, rule="must be a bt.Calibration or an experiment",
            found=repr(source)[:80],
        )  # fmt: skip
    return Job(name, source, _settings_of(name, source, settings))


def _settings_of(name: str, source: Experiment | Calibration, settings: Settings) -> Settings:
    own = source.sampling if isinstance(source, Experiment) else {}
    own_settings = settings_with(settings, own)
    return dataclasses.replace(own_settings, seed=seed_of(name, own_settings.seed))


def _name(given: Any, where: str, found: str = "none") -> str:
    """Return the name of a site without blanks around it."""
    name = "" if given is None else str(given).strip()
    if not 0 < len(name) <= _LONGEST_NAME:
        raise InputError(
            where=where, variable="site", found=name or found,
            rule=f"must be a name of 1 to {_LONGEST_NAME} letters",
        )  # fmt: skip
    return name


def _job(row: Mapping[str, Any], common: Experiment, settings: Settings, where: str) -> Job:
    given = {str(name): _whole(value) for name, value in row.items() if not _is_empty(value)}
    no_name = f"none in the row of {given.get('path', 'no path')} (NA is read as none)"
    name = _name(given.pop("site", None), where, no_name)
    label = f"{where}: {name}"
    site = str(given.pop("path", name))
    if not (Path(site).is_file() or site in site_names()):
        near = nearest(site, site_names())
        raise InputError(
            where=label, variable="path", rule="must be a file or the name of a known site",
            found=site, remedy=f"did you mean {' or '.join(near)}?" if near else
            "bayes-tbm sites lists those that are known",
        )  # fmt: skip
    changes: dict[str, Any] = {"site": site}
    for option in OPTIONS:
        if option in given:
            changes[option] = _option(option, given.pop(option), label)
    for column in [c for c in given if c.partition(".")[0] in TABLES and "." in c]:
        table, _, entry = column.partition(".")
        before = changes.get(table, getattr(common, table) or {})
        changes[table] = {**before, entry: given.pop(column)}
    changes["reading"] = {**common.reading, **changes.get("reading", {}), **_place(given, label)}
    with _of_row(label):
        experiment = dataclasses.replace(common, **changes)
        own = _settings_of(name, experiment, settings)
    return Job(name, experiment, own, covariates=given)


@contextlib.contextmanager
def _of_row(label: str) -> Iterator[None]:
    """Name the row in errors."""
    try:
        yield
    except InputError as error:
        raise error.within(label) from error


def _is_empty(value: Any) -> bool:
    """Whether a cell holds nothing; one that holds a list does."""
    return bool(pd.api.types.is_scalar(value) and pd.isna(value))


def _whole(value: Any) -> Any:
    """Return whole numbers as such: a column with an empty cell holds none."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _option(name: str, value: Any, where: str) -> Any:
    if name in _LISTS:
        names = names_in(value)
        return names if isinstance(names, tuple) else names_in(str(names))
    if name != "stand_age":
        return str(value)
    years = pd.to_numeric(value, errors="coerce")
    if isinstance(value, bool) or not np.isfinite(years):
        raise InputError(where=where, variable=name, rule="must be a number of years", found=value)
    return float(years)


def _place(given: Mapping[str, Any], where: str) -> dict[str, float]:
    """Return latitude and longitude where they are given; they are covariates, too."""
    place = {}
    for name, most in PLACE.items():
        if name not in given:
            continue
        value = pd.to_numeric(given[name], errors="coerce")
        if not abs(value) <= most:
            raise InputError(
                where=where, variable=name, rule=f"must be within -{most:g} to {most:g} degrees",
                found=given[name],
            )  # fmt: skip
        place[name] = float(value)
    return place


def _check(jobs: Sequence[Job], covariates: Sequence[str], where: str) -> None:
    seen: dict[str, str] = {}
    records: dict[str, list[_Window]] = {}
    for job in jobs:
        with _of_row(f"{where}: {job.name}"):
            _check_source(job)
        if job.name.lower() in seen:
            raise InputError(
                where=where, variable="site", rule="must name every site once", found=job.name,
                remedy="give the two records names of their own, or leave one out",
            )  # fmt: skip
        seen[job.name.lower()] = job.name
        _check_record(job, records, where)
    known = {name for job in jobs for name in job.covariates}
    for covariate in covariates:
        if covariate not in known:
            raise InputError(
                where=where, variable=covariate, rule="must be a column of covariates",
                found=", ".join(sorted(known)) or "no covariates",
                remedy=did_you_mean(covariate, known) if known else None,
            )  # fmt: skip
        without = [job.name for job in jobs if covariate not in job.covariates]
        if without:
            raise InputError(
                where=where, variable=covariate, rule="must be known of every site",
                found=f"nothing at {', '.join(without[:5])}"
                + f" and {len(without) - 5} more" * (len(without) > 5),
            )  # fmt: skip


def _check_source(job: Job) -> None:
    """Refuse a site that is to be fitted to nothing, or as no site can be."""
    if isinstance(job.source, Calibration):
        return
    named = [name.strip().lower() for name in job.source.streams]
    unknown = [name for name in named if name not in FITTED_TO]
    if not named or unknown:
        raise InputError(
            variable="streams", rule="must name what is fitted",
            found=(unknown[0] or "a name that is empty") if unknown else "none",
            remedy=did_you_mean(unknown[0], FITTED_TO) if unknown else "as in --streams gpp,et,lai",
        )  # fmt: skip
    for name in job.source.observations:
        if not (Path(name).is_file() or name in site_names()):
            raise InputError(variable="observations", rule="must be a file", found=name)
    job.source.check()


class _Window(NamedTuple):
    """What is taken of a record, and for which site."""

    first: np.datetime64
    last: np.datetime64
    site: str


def _check_record(job: Job, records: dict[str, list[_Window]], where: str) -> None:
    """Refuse what another site has as well: it would count twice."""
    if isinstance(job.source, Calibration):
        return
    path = Path(job.source.site)
    # of one tower there are several records: FI-Hyy and fluxval:FI-Hyy, daily and half-hourly
    by_name = tower_of(path) if path.is_file() else job.source.site.rpartition(":")[2]
    record = by_name or content_of(path)
    own = _Window(bound(job.source.start, "start"), bound(job.source.end, "end"), job.name)
    for other in records.setdefault(record, []):
        if own.first <= other.last and other.first <= own.last:
            raise InputError(
                where=where, variable="path", rule="must be another record for every site",
                found=f"{other.site} and {job.name} have the same one",
                remedy="years that two sites have would count twice: leave one out, or give "
                "them years of which none is of both",
            )  # fmt: skip
    records[record].append(own)
