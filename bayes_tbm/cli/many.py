"""The command that fits many sites."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bayes_tbm.cli.options import NOT_CONVERGED, listed, sampling_of, sampling_options
from bayes_tbm.errors import InputError

_MANY = """
Fit many sites as one job, one posterior each. SITES is a CSV with a row for each site, or a folder
of site files. Columns of the CSV:

  site                  its name (needed)
  path                  file, beside the CSV, or known name; by default the site's name
  latitude, longitude   degrees, which go before the file's (not where latitudes are 5 apart:
                        such a site is skipped)
  stand_age, start, end, streams, observations, uncertainty.nbe, priors.NAME, sampling.draws, ...
                        options of one site, as an experiment file has them; lists with ";"
  all others            covariates, kept for bayes-tbm population

For example:

  bayes-tbm many sites.csv --streams gpp,nee,et,lai --out runs/
  bayes-tbm many sites.csv --experiment common.toml --least gpp=12 --out others/
  bayes-tbm many status runs/            how far it is, from any other terminal or machine

Add --retry to do once more what failed or was skipped, and to try again what has not converged.

The folder holds fits/SITE-KEY/posterior.nc, manifest.csv (state of every site), failures.csv,
summary.csv, draws.zarr, map.png, errors/ (tracebacks) and events.jsonl, the journal. Repeat the
command after an interruption: nothing that is done is done again, nothing is drawn twice.

On several machines that share the folder: --scheduler ADDRESS of a Dask cluster, or jobs of an
array, each with --shard i/n, and the command without it at the end.
"""
STATUS = "status"


def add_commands(commands: Any) -> None:
    """Add the command to the parser."""
    many = commands.add_parser(
        "many", help="fit many sites as one job", description=_MANY,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    many.add_argument("sites", metavar="SITES", help="CSV, folder of site files, or: status")
    many.add_argument("folder", metavar="RUNS", nargs="?", help="with status: the folder")
    many.add_argument("--streams", help="of sites that do not name their own, comma-separated")
    many.add_argument("--experiment", metavar="TOML", help="what all sites share: priors, ...")
    many.add_argument("--covariates", help="columns that every site must have, comma-separated")
    many.add_argument(
        "--least", action="append", default=[], metavar="STREAM=N",
        help="skip sites with fewer values of a stream; repeatable",
    )  # fmt: skip
    many.add_argument(
        "--executor", choices=("processes", "serial", "dask"), default="processes",
        help="processes (default), each on a core of its own; serial; dask on this machine",
    )  # fmt: skip
    many.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster, tcp://host:8786")
    many.add_argument("--workers", type=int, help="processes (default: one for each core)")
    many.add_argument("--shard", metavar="I/N", help="do every N-th site, from the I-th on")
    many.add_argument(
        "--retry", action="store_true",
        help="also do again what failed or was skipped, and try what has not converged with "
        "another seed and twice the warm-up",
    )  # fmt: skip
    many.add_argument(
        "--max-failed", type=int, default=0, metavar="N",
        help="exit with status 1 if more sites failed or were skipped (default 0)",
    )  # fmt: skip
    sampling_options(many, again=False, required=False)
    many.set_defaults(run=_many)


def _many(arguments: argparse.Namespace) -> int:
    if arguments.sites == STATUS and (arguments.folder or not Path(STATUS).exists()):
        return _status(arguments)
    if arguments.folder is not None or arguments.out is None:
        raise InputError(
            where="many", rule="needs --out RUNS, the folder to write"
            if arguments.out is None
            else "takes one table or folder of sites",
            found=arguments.folder, remedy="see bayes-tbm many --help",
        )  # fmt: skip
    if arguments.max_failed < 0:
        raise InputError(
            where="--max-failed", rule="must be zero or more", found=arguments.max_failed
        )
    from bayes_tbm.experiment import Experiment
    from bayes_tbm.population.batch.run import fit_many

    given = arguments.experiment
    common = Experiment.from_toml(given, whole=False) if given else None
    sampling = {**(common.sampling if common else {}), **sampling_of(arguments)}
    found = fit_many(
        arguments.sites, listed("--streams", arguments.streams),
        folder=arguments.out, common=common,
        covariates=listed("--covariates", arguments.covariates), least=_least(arguments.least),
        executor=arguments.scheduler or arguments.executor, workers=arguments.workers,
        shard=_shard(arguments.shard), retry=arguments.retry, progress=not arguments.quiet,
        **sampling,
    )  # fmt: skip
    return _told(found.table, found.counts, Path(arguments.out), arguments.max_failed)


def _status(arguments: argparse.Namespace) -> int:
    from bayes_tbm.population.batch.collect import states
    from bayes_tbm.population.batch.journal import EVENTS, STATES

    folder = Path(arguments.folder or "")
    if arguments.folder is None or not (folder / EVENTS).is_file():
        raise InputError(
            where=arguments.folder or "many status", variable=EVENTS,
            rule="must be the folder of a batch that has begun", found="no journal",
            remedy="give what --out named, as in bayes-tbm many status runs/",
        )  # fmt: skip
    table = states(folder)
    found = table["state"].value_counts()
    counts = {state: int(found[state]) for state in STATES if state in found}
    return _told(table, counts, folder, len(table))


def _told(table: Any, counts: dict[str, int], folder: Path, most: int) -> int:
    """Print what became of sites, and return the exit status."""
    print(", ".join(f"{count} {state}" for state, count in counts.items()) + f" in {folder}/")
    bad = table[~table["state"].isin(["done", "pending", "running"])]
    for site, row in bad.iterrows():
        print(f"  {site}: {row['state']}{': ' + row['reason'] if row['reason'] else ''}")
    lost = counts.get("failed", 0) + counts.get("skipped", 0)
    if lost > most:
        return 1
    return NOT_CONVERGED if len(bad) else 0


def _least(given: list[str]) -> dict[str, int]:
    found = {}
    for text in given:
        name, _, value = text.partition("=")
        if not _is_whole(value):
            raise InputError(where="--least", rule="must be STREAM=N, as in gpp=12", found=text)
        found[name] = int(value)
    return found


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _shard(given: str | None) -> tuple[int, int]:
    if given is None:
        return 1, 1
    place, _, count = given.partition("/")
    if not (_is_whole(place) and _is_whole(count)):
        raise InputError(where="--shard", rule="must be I/N, as in 3/20", found=given)
    return int(place), int(count)
