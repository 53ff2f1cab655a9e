"""The commands that write a run in a community's layout, and judge such a file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bayes_tbm.cli.options import listed
from bayes_tbm.errors import InputError

_EXPORT = """
Write a run's posterior and prior over its record, in the names and layout of a community.

  bayes-tbm export run/ --out shared/
  bayes-tbm export run/ --out shared/ --ensemble 20
  bayes-tbm export run/ --out ilamb/ --convention ilamb --variables gpp,nep,cVeg

cmip6 writes <site>_posterior.nc and <site>_prior.nc, each variable by quantile, or by draw with
--ensemble; ilamb one file a variable, (time, site), of one run or several; callmip an entry of
CalLMIP phase 1b (--scenario Scen5 --site-code FI-Hyy), of a run with daily steps. Its validation
sites are named with --at and --split Val.
"""
_CHECK = """
Judge a file for CalLMIP phase 1b by the protocol: its name, attributes, dimensions, units, time,
missing values and signs. Every departure is printed. Exit status 0 if none matters, else 1.
"""
DEPARTS = 1
"""Exit status where a file departs from the protocol."""


def add_commands(commands: Any) -> None:
    """Add the commands to the parser."""
    layout = argparse.RawDescriptionHelpFormatter
    export = commands.add_parser(
        "export", help="write a run as CMIP6, ILAMB or CalLMIP files",
        description=_EXPORT, formatter_class=layout,
    )  # fmt: skip
    export.add_argument("folders", metavar="RUN", nargs="+", help="run folder; several for ilamb")
    export.add_argument("--out", required=True, help="folder to write into")
    export.add_argument("--convention", choices=("cmip6", "ilamb", "callmip"), default="cmip6")
    export.add_argument("--end", help="last date to run to (default: the last there is)")
    export.add_argument("--draws", type=int, help="of each stage (default 400)")
    export.add_argument("--ensemble", type=int, metavar="N", help="N draws in place of quantiles")
    export.add_argument("--variables", help="comma-separated CMIP6 names (default: all)")
    export.add_argument("--longitude", type=float, help="degrees east, where the site has none")
    export.add_argument("--at", metavar="SITE", help="another site to run at, name or file")
    entry = export.add_argument_group("CalLMIP")
    entry.add_argument("--scenario", help="Scen1 to Scen6 (default Scen5)")
    entry.add_argument("--site-code", help="as FI-Hyy (default: the site's name)")
    entry.add_argument("--split", choices=("Cal", "Val"), help="default Cal")
    entry.add_argument("--model-version", help="part of the file's name (default 1)")
    entry.add_argument("--above-ground", type=float, help="share of wood (default 0.8)")
    entry.add_argument(
        "--force", action="store_true", default=None,
        help="write also what does not agree with the protocol, and say so in the file",
    )  # fmt: skip
    export.set_defaults(run=_export)

    check = commands.add_parser(
        "check-callmip", help="judge files by the CalLMIP protocol",
        description=_CHECK, formatter_class=layout,
    )  # fmt: skip
    check.add_argument("files", metavar="FILE", nargs="+", help="netCDF file, ours or another's")
    check.add_argument("--observations", metavar="FILE", help="the site's flux file, for its days")
    check.set_defaults(run=_check)


def _export(arguments: argparse.Namespace) -> int:
    import warnings

    from bayes_tbm.catalogue import open_site
    from bayes_tbm.errors import ConvergenceWarning
    from bayes_tbm.export import export

    warnings.simplefilter("always", ConvergenceWarning)
    variables = None if arguments.variables is None else listed("--variables", arguments.variables)
    names = ("scenario", "site_code", "split", "model_version", "above_ground", "force")
    entry = {n: x for n in names if (x := getattr(arguments, n)) is not None}
    written = export(
        arguments.folders, arguments.out, arguments.convention, end=arguments.end,
        draws=arguments.draws, ensemble=arguments.ensemble, longitude=arguments.longitude,
        at=None if arguments.at is None else open_site(arguments.at),
        variables=variables, **entry,
    )  # fmt: skip
    print("\n".join(f"wrote {path}" for path in written))
    return 0


def _check(arguments: argparse.Namespace) -> int:
    from bayes_tbm.export import check_callmip

    for file in arguments.files:
        if not Path(file).is_file():
            raise InputError(where=file, rule="must be a netCDF file", found="none there")
    bad = 0
    for file in arguments.files:
        found = check_callmip(file, arguments.observations)
        wrong = sum(departure.matters for departure in found)
        bad += wrong > 0
        print("\n".join([file, *(f"  {departure}" for departure in found)]))
        print(f"  {wrong} departures that matter, {len(found) - wrong} noted")
    return DEPARTS if bad else 0
