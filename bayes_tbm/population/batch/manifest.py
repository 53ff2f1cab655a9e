"""A table of sites, a row each: which files, which options of their own, which covariates."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from bayes_tbm.calibration import Calibration
from bayes_tbm.catalogue import site_names
from bayes_tbm.errors import InputError, did_you_mean
from bayes_tbm.experiment import Experiment
from bayes_tbm.population.batch.jobs import Job, content_of, seed_of
from bayes_tbm.sampling.settings import Settings, settings_with
from bayes_tbm.streams import STREAMS

type Sites = str | Path | pd.DataFrame | Mapping[str, Experiment | Calibration]
_OPTIONS = ("start", "end", "stand_age", "streams", "observations", "replace")
_LISTS = ("streams", "observations", "replace")
_OF_TABLES = "growth_curve", "stock"
_PLACE = {"latitude": 90.0, "longitude": 180.0}
_TABLES = (
    "uncertainty", "errors", "priors", "constraints", "sampling", "reading", "systematic", "stock",
    "growth_curve",
)  # fmt: skip


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
        jobs = [
            Job(str(name), source, _settings_of(str(name), source, settings))
            for name, source in sites.items()
        ]
        where = "sites"
    else:
        table, where = _table(sites)
        jobs = [_job(row, common, settings, where) for row in table.to_dict("records")]
    _check(jobs, covariates, where)
    return jobs


def _settings_of(name: str, source: Experiment | Calibration, settings: Settings) -> Settings:
    own = source.sampling if isinstance(source, Experiment) else {}
    own_settings = settings_with(settings, own)
    return dataclasses.replace(own_settings, seed=seed_of(name, own_settings.seed))


def _table(sites: str | Path | pd.DataFrame) -> tuple[pd.DataFrame, str]:
    if isinstance(sites, pd.DataFrame):
        return _with_site(sites, "sites"), "sites"
    path = Path(sites)
    if path.is_dir():
        files = sorted(f for f in path.iterdir() if f.is_file() and not f.name.startswith("."))
        if not files:
            raise InputError(where=str(path), rule="must hold files of sites", found="none")
        names = [f.name.split(".")[0] for f in files]
        return pd.DataFrame({"site": names, "path": [str(f) for f in files]}), str(path)
    try:
        table = pd.read_csv(path, comment="#", skipinitialspace=True, dtype={"site": str})
    except (OSError, ValueError) as error:
        raise InputError(
            where=str(path), rule="must be a readable CSV with a row for each site", found=error,
            remedy="or name a folder of site files",
        ) from error  # fmt: skip
    table = _with_site(table, str(path))
    for column in ("path", "observations"):  # files lie beside the table
        if column in table:
            table[column] = [_beside(path.parent, cell) for cell in table[column]]
    return table, str(path)


def _with_site(table: pd.DataFrame, where: str) -> pd.DataFrame:
    table = table.rename(columns=str.strip)
    if "site" not in table or not len(table):
        raise InputError(
            where=where, variable="site", rule="must be a column, with a row for each site",
            found=f"{len(table)} rows, columns {', '.join(table.columns)}",
        )  # fmt: skip
    return table


def _beside(folder: Path, cell: Any) -> Any:
    if not isinstance(cell, str):
        return cell
    parts = [part.strip() for part in cell.split(";")]
    return ";".join(str(folder / p) if (folder / p).is_file() else p for p in parts)


def _job(row: Mapping[str, Any], common: Experiment, settings: Settings, where: str) -> Job:
    given = {str(name): _whole(value) for name, value in row.items() if not pd.isna(value)}
    name = str(given.pop("site", "")).strip()
    label = f"{where}: {name or 'a row without a site'}"
    site = str(given.pop("path", name))
    if not name or not (Path(site).is_file() or site in site_names()):
        raise InputError(
            where=label, variable="path", rule="must be a file or the name of a known site",
            found=site or "nothing",
            remedy=did_you_mean(site, site_names()) if site and "." not in site else None,
        )  # fmt: skip
    changes: dict[str, Any] = {"site": site}
    for option in _OPTIONS:
        if option in given:
            changes[option] = _option(option, given.pop(option))
    for column in [c for c in given if c.partition(".")[0] in _TABLES and "." in c]:
        table, _, entry = column.partition(".")
        before = changes.get(table, getattr(common, table) or {})
        changes[table] = {**before, entry: given.pop(column)}
    changes["reading"] = {**common.reading, **changes.get("reading", {}), **_place(given, label)}
    experiment = dataclasses.replace(common, **changes)
    return Job(name, experiment, _settings_of(name, experiment, settings), covariates=given)


def _whole(value: Any) -> Any:
    """Return whole numbers as such: a column with an empty cell holds none."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _option(name: str, value: Any) -> Any:
    if name in _LISTS:
        parts = str(value).replace(",", ";").split(";")
        return tuple(part.strip() for part in parts if part.strip())
    return float(value) if name == "stand_age" else str(value)


def _place(given: Mapping[str, Any], where: str) -> dict[str, float]:
    """Return latitude and longitude where they are given; they are covariates, too."""
    place = {}
    for name, most in _PLACE.items():
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
    records: dict[str, str] = {}
    for job in jobs:
        _check_source(job, where)
        if job.name.lower() in seen:
            raise InputError(
                where=where, variable="site", rule="must name every site once", found=job.name,
                remedy="give the two records names of their own, or leave one out",
            )  # fmt: skip
        seen[job.name.lower()] = job.name
        record = _record(job)
        if record in records:
            raise InputError(
                where=where, variable="path", rule="must be another record for every site",
                found=f"{records[record]} and {job.name} have the same one",
                remedy="two records of one site would count it twice: leave one out",
            )  # fmt: skip
        if record:
            records[record] = job.name
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


def _check_source(job: Job, where: str) -> None:
    """Refuse a site that is to be fitted to nothing, or as no site can be."""
    if isinstance(job.source, Calibration):
        return
    named = [name.strip().lower() for name in job.source.streams]
    unknown = [name for name in named if name not in (*STREAMS, *_OF_TABLES)]
    if not named or unknown:
        known = (*STREAMS, *_OF_TABLES)
        raise InputError(
            where=f"{where}: {job.name}", variable="streams", rule="must name what is fitted",
            found=unknown[0] if unknown else "none",
            remedy=did_you_mean(unknown[0], known) if unknown else "as in --streams gpp,et,lai",
        )  # fmt: skip
    job.source.check()


def _record(job: Job) -> str:
    """Return what tells one record of a site from another: the content of its file, or its name."""
    if isinstance(job.source, Calibration):
        return ""
    path = Path(job.source.site)
    window = f"{job.source.start} {job.source.end}"
    content = content_of(path) if path.is_file() else str(path)
    return f"{content} {window}"
