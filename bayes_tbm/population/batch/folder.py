"""The folder of a batch: what all its sites share, and what it must not write over."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bayes_tbm.errors import InputError
from bayes_tbm.experiment import Experiment
from bayes_tbm.plain import plain
from bayes_tbm.population.batch.collect import WRITTEN
from bayes_tbm.population.batch.manifest import Sites
from bayes_tbm.runtime.files import write_whole
from bayes_tbm.sampling import Settings

STUDY = "study.json"
"""File of a batch that says what all its sites share."""


def wanted_of(common: Experiment, settings: Settings) -> dict[str, Any]:
    """Return what all sites of a batch share, as its folder keeps it."""
    return {
        "streams": list(common.streams), "sampling": dataclasses.asdict(settings),
        "common": plain(_plain_of(common)),
    }  # fmt: skip


def folder_of(folder: str | Path, wanted: Mapping[str, Any], sites: Sites) -> Path:
    """Return the folder of a batch, made if need be.

    Parameters
    ----------
    folder
        As it was named.
    wanted
        What all sites share: if there is a batch, it must be of the same.
    sites
        What names the sites; it must not lie where the batch writes.

    Raises
    ------
    InputError
        The folder will not do: nothing has been written.
    """
    if not str(folder or "").strip():
        raise InputError(where="many", variable="folder", rule="must be named", found=repr(folder))
    out = Path(folder)
    if out.exists() and not out.is_dir():
        raise InputError(where=str(out), rule="must be a folder", found="a file")
    _refuse_what_would_be_lost(out, sites)
    shared = json.loads(json.dumps(wanted, default=str))
    if not (out / STUDY).exists():
        write_whole(out / STUDY, json.dumps(shared, indent=1))
        return out
    found = {"least": {}, **_kept_study(out / STUDY)}  # of a batch that was begun without any
    for name in shared:
        if found.get(name) != shared[name]:
            raise InputError(
                where=str(out), variable=name, rule="must be that of the batch in this folder",
                found=f"{shared[name]} instead of {found.get(name)}",
                remedy="choose another folder, or go on with what it has",
            )  # fmt: skip
    return out


def _refuse_what_would_be_lost(out: Path, sites: Sites) -> None:
    """Refuse to write over the sites' own table or folder, or files that are not of a batch."""
    given = Path(sites).resolve() if isinstance(sites, str | Path) else None
    if given in (out.resolve(), *(out.resolve() / name for name in WRITTEN)):
        raise InputError(
            where=str(sites), rule="would be written over by the batch", found=f"--out {out}",
            remedy="choose another folder",
        )  # fmt: skip
    there = [name for name in WRITTEN if (out / name).exists()]
    if there and not (out / STUDY).exists():
        raise InputError(
            where=str(out), rule="must be empty, or the folder of a batch",
            found=f"{', '.join(there)} and no {STUDY}", remedy="choose another folder",
        )  # fmt: skip


def _kept_study(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise ValueError(f"{found!r} instead of a table")
    except (ValueError, OSError) as error:
        raise InputError(
            where=str(path), rule="must be readable", found=error, remedy="remove it"
        ) from error
    return found


def _plain_of(common: Experiment) -> dict[str, Any]:
    entries = tomllib.loads(common.to_toml())
    return {n: v for n, v in entries.items() if n not in ("site", "streams", "sampling")}
