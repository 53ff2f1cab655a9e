"""Options that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, NoReturn

from bayes_tbm.errors import InputError

NOT_CONVERGED = 3
"""Exit status of runs that are saved but whose chains have not converged."""
NOT_WRITTEN = 4
"""Exit status where something could not be written, or read for another reason than its content."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, as those of all other bad input."""

    def error(self, message: str) -> NoReturn:
        """Print what is wrong and where help is, and exit with status 2."""
        told = " ".join(message.split())
        self.exit(2, f"{self.prog}: error: {told}; see {self.prog} --help\n")


def sampling_options(
    parser: argparse.ArgumentParser, *, again: bool = True, required: bool = True
) -> None:
    """Add the options of sampling, and of runs that are made again where ``again``."""
    parser.add_argument("--out", required=required, help="run folder to write")
    parser.add_argument("--seed", type=int, help="seed of everything random (default 0)")
    parser.add_argument("--chains", type=int, help="number of chains (default 4)")
    parser.add_argument(
        "--warmup", type=int, help="transitions of a chain that adapt (default 300)"
    )
    parser.add_argument(
        "--draws", type=int, help="transitions of a chain that are kept (default 700)"
    )
    parser.add_argument(
        "--sampler",
        help="numpyro (default), blackjax-window, blackjax-low-rank; with --chains 32 or more "
        "blackjax-chees, or blackjax-flow (--warmup 1600) for posteriors whose curvature changes "
        "from place to place; runs of BlackJAX cannot be resumed",
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bars")
    if again:
        _repetition_options(parser)


def _repetition_options(parser: argparse.ArgumentParser) -> None:
    again = parser.add_mutually_exclusive_group()
    again.add_argument(
        "--overwrite", action="store_true", help="replace a run that the folder holds"
    )
    again.add_argument(
        "--resume", action="store_true",
        help="go on where the run in this folder was interrupted, to the same numbers",
    )  # fmt: skip
    again.add_argument(
        "--extend", type=int, metavar="N", help="add N draws a chain to the run in this folder"
    )
    parser.add_argument(
        "--other-processor", action="store_true",
        help="with --resume or --extend: go on also from what another kind of processor did, to "
        "the same posterior but not to the same numbers bit for bit",
    )  # fmt: skip


def listed(option: str, text: str | None) -> tuple[str, ...]:
    """Return comma-separated names; none where the option is not given.

    Raises
    ------
    InputError
        It is given without a name.
    """
    names = tuple(name for part in (text or "").split(",") if (name := part.strip()))
    if text is not None and not names:
        raise InputError(where=option, rule="must name at least one", found=repr(text))
    return names


def run_folder(given: str) -> Path:
    """Return the folder of a run, of which more than the posterior is read.

    Raises
    ------
    InputError
        A file is named.
    """
    folder = Path(given)
    if folder.is_file():
        raise InputError(
            where=given, rule="must be a run folder", found="a file",
            remedy=f"name the folder: {folder.parent}",
        )  # fmt: skip
    return folder


def reading_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of reading what holds a site: what files do not tell, and how strictly."""
    told = "what files do not tell, and how strictly they are read (docs: fit-your-site)"
    group = parser.add_argument_group("reading files", told)
    add = group.add_argument
    add(
        "--observations", action="append", default=[], metavar="FILE",
        help="more of what was observed there, in any known format; repeatable",
    )  # fmt: skip
    add(
        "--replace", action="append", default=[], metavar="SERIES",
        help="series that several files hold, of which the last counts; repeatable",
    )  # fmt: skip
    add("--site-name", dest="site_name", metavar="NAME", help="of the site, or which of several")
    add("--latitude", type=float, metavar="DEGREES", help="north")
    add("--longitude", type=float, metavar="DEGREES", help="east")
    add("--first-year", type=int, metavar="YEAR", help="of the first row (Edinburgh's tables)")
    add("--half-hourly", metavar="FILE", help="table of the same tower, beside FLUXNET's daily one")
    add("--co2", type=float, metavar="PPM", help="at every step, where a file holds none")
    add("--fill-co2", action="store_true", help="fill gaps of CO2 by straight lines")
    add("--quality", type=float, metavar="SHARE", help="least share measured (default 0.75)")
    add("--closure", action="store_true", help="latent heat corrected for energy balance closure")
    add(
        "--fill-uncertainty", action="store_true",
        help="take missing uncertainties of fluxes from other years",
    )  # fmt: skip
    add("--scale", type=float, metavar="NUMBER", help="that stored values are multiplied with")


def reading_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the options of `bayes_tbm.open_site` that were given, but observations."""
    names = (
        "latitude", "longitude", "first_year", "half_hourly", "co2", "fill_co2", "quality",
        "closure", "fill_uncertainty", "scale",
    )  # fmt: skip
    named = {"site": arguments.site_name} | {name: getattr(arguments, name) for name in names}
    return {
        name: value for name, value in named.items() if value is not None and value is not False
    }


def files_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return ``observations`` and ``replace`` where they were given."""
    named = {name: tuple(getattr(arguments, name)) for name in ("observations", "replace")}
    return {name: value for name, value in named.items() if value}


def sampling_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the fields of the settings that were given."""
    options = ("seed", "chains", "warmup", "draws", "sampler")
    named = ((name, getattr(arguments, name)) for name in options)
    return {name: value for name, value in named if value is not None}
