"""Options that several commands share."""

from __future__ import annotations

import argparse
from typing import Any

NOT_CONVERGED = 3
"""Exit status of runs that are saved but whose chains have not converged."""
NOT_WRITTEN = 4
"""Exit status where something could not be written, or read for another reason than its content."""


def sampling_options(parser: argparse.ArgumentParser, *, again: bool = True) -> None:
    """Add the options of sampling, and of runs that are made again where ``again``."""
    parser.add_argument("--out", required=True, help="run folder to write")
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


def sampling_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the fields of the settings that were given."""
    options = ("seed", "chains", "warmup", "draws", "sampler")
    named = ((name, getattr(arguments, name)) for name in options)
    return {name: value for name, value in named if value is not None}
