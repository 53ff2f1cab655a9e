"""The command that tells what files hold, before anything is fitted."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bayes_tbm.cli.options import files_of, reading_of, reading_options

_INSPECT = """
Tell what files are, what they hold, and what a fit would lack, with remedies.

FILE is whatever you hold: FLUXNET, AmeriFlux or ICOS tables, PLUMBER2 or CalLMIP netCDF,
Edinburgh's or CARDAMOM's files, exports of MODIS leaf area, or a name (see bayes-tbm sites).

  bayes-tbm inspect FI-Hyy --out page/

With --out, writes inspect.html, which needs no other file, inspect.csv and coverage.png. Options of
reading are those of fit.
"""


def add_commands(commands: Any) -> None:
    """Add the command to the parser."""
    layout = argparse.RawDescriptionHelpFormatter
    inspect = commands.add_parser(
        "inspect", help="tell what files hold and what a fit would lack", description=_INSPECT,
        formatter_class=layout,
    )  # fmt: skip
    inspect.add_argument("site", metavar="FILE", help="file or name")
    inspect.add_argument("--out", metavar="FOLDER", help="folder for a page with figure and table")
    inspect.add_argument("--quiet", action="store_true", help="no progress bars")
    reading_options(inspect)
    inspect.set_defaults(run=_inspect)


def _inspect(arguments: argparse.Namespace) -> int:
    import bayes_tbm as bt

    if arguments.out is not None:
        from bayes_tbm.report import check_folder

        check_folder(arguments.out, products=())
    options = {**files_of(arguments), **reading_of(arguments)}
    found = bt.inspect(arguments.site, progress=not arguments.quiet, **options)
    print(found)
    if arguments.out is not None:
        from bayes_tbm.report.inspection import write_inspection

        out = Path(arguments.out)
        written = write_inspection(found, out)
        print(f"\nwrote {', '.join(path.name for path in written)} to {out}/")
    return 0
