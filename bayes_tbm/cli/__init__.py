"""The command line: parse, call, print."""

from __future__ import annotations

import argparse
import contextlib
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bayes_tbm.cli import evaluating, exporting, fitting, inspecting, many, population, studies
from bayes_tbm.cli.options import (
    NOT_CONVERGED,
    NOT_WRITTEN,
    Parser,
    files_of,
    reading_of,
    reading_options,
)
from bayes_tbm.cli.output import Terminal
from bayes_tbm.errors import ConvergenceWarning, DataWarning, InputError
from bayes_tbm.version import __version__

if TYPE_CHECKING:
    from jax.typing import ArrayLike

BAD_INPUT = 2
_EPILOG = """
your own files: bayes-tbm inspect FILE says what they hold and what a fit lacks; then bayes-tbm fit

exit status: 0 all went well; 2 bad input, reported in one line before anything is sampled;
3 the run is saved but its chains have not converged; 4 something could not be written, such as on
a full disk: make room and go on with --resume; 1 of many: sites failed or were skipped
"""
_SIMULATE = """
Run the model forward and write netCDF with units.

  bayes-tbm simulate FI-Hyy --out forward.nc                        prior medians
  bayes-tbm simulate FI-Hyy --parameters mine.toml --out forward.nc
  bayes-tbm simulate FI-Hyy --run run/ --out forward.nc             posterior medians

mine.toml holds name = value lines: names of the parameter table (those left out keep their
prior medians), or all DALEC names (f_fol, tor_wood, ...).
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    out, err = Terminal(sys.stdout), Terminal(sys.stderr)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = _run_command(argv)
        finally:
            out.flush()
        if out.error is None or isinstance(out.error, BrokenPipeError):
            return status
        print(f"bayes-tbm: error: standard output: {out.error}", file=err)
        return NOT_WRITTEN


def _run_command(argv: Sequence[str] | None) -> int:
    arguments = _parser().parse_args(argv)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning  # type: ignore[assignment]  # fewer arguments used
            warnings.simplefilter("ignore", ConvergenceWarning)  # commands print all of the report
            return int(arguments.run(arguments))
    except InputError as error:
        print(f"bayes-tbm: error: {error}", file=sys.stderr)
        return BAD_INPUT
    except OSError as error:
        print(f"bayes-tbm: error: {' '.join(str(error).split())}", file=sys.stderr)
        return NOT_WRITTEN
    except KeyboardInterrupt:
        print("bayes-tbm: interrupted", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    layout = argparse.RawDescriptionHelpFormatter
    parser = Parser(
        "bayes-tbm",
        description="Bayesian inference on a differentiable terrestrial biosphere model.",
        epilog=_EPILOG,
        formatter_class=layout,
    )
    parser.add_argument("--version", action="version", version=f"bayes-tbm {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    inspecting.add_commands(commands)
    fitting.add_commands(commands)
    simulate = commands.add_parser(
        "simulate", help="run the model forward", description=_SIMULATE, formatter_class=layout
    )
    simulate.add_argument("site", metavar="SITE", help="name or data file")
    source = simulate.add_mutually_exclusive_group()
    source.add_argument("--parameters", type=Path, help="TOML file of parameter values")
    source.add_argument("--run", dest="posterior", help="run folder, for its posterior medians")
    simulate.add_argument("--out", type=Path, required=True, help="netCDF file to write")
    reading_options(simulate)
    simulate.set_defaults(run=_simulate)

    evaluating.add_commands(commands)
    studies.add_commands(commands)
    many.add_commands(commands)
    population.add_commands(commands)
    exporting.add_commands(commands)
    summary = commands.add_parser(
        "summary", help="print what a run found and whether to believe it",
        description="Print convergence, fit of each stream, and the posterior of a run folder.",
    )  # fmt: skip
    summary.add_argument("folder", metavar="RUN", help="run folder")
    summary.set_defaults(run=_summary)

    sites = commands.add_parser(
        "sites", help="list the sites known by name",
        description="List the names that fit and simulate take in place of a file.",
    )  # fmt: skip
    sites.set_defaults(run=_sites)
    return parser


def _simulate(arguments: argparse.Namespace) -> int:
    import bayes_tbm as bt
    from bayes_tbm.prediction.fitted import fitted_climate
    from bayes_tbm.report import load_run, median_parameters, read_parameters
    from bayes_tbm.runtime.netcdf import write_netcdf

    _check_output(
        arguments.out, arguments.site, arguments.parameters, arguments.posterior,
        arguments.half_hourly, *arguments.observations,
    )  # fmt: skip
    site = bt.open_site(arguments.site, **files_of(arguments), **reading_of(arguments))
    parameters: bt.Parameters | Mapping[str, ArrayLike]
    climate = None
    if arguments.posterior:
        tree = load_run(arguments.posterior)
        parameters, climate = median_parameters(tree), fitted_climate(tree, site)
    elif arguments.parameters:
        parameters = read_parameters(arguments.parameters)
    else:
        parameters = bt.Parameters.default()
    try:
        run = bt.simulate(parameters, site, climate=climate)
    except InputError as error:
        raise (error.within(str(arguments.parameters)) if arguments.parameters else error) from None
    write_netcdf(arguments.out, run)
    for name in ("gpp", "npp", "nee", "evapotranspiration"):
        unit = "mm" if name == "evapotranspiration" else "g C m-2"
        print(f"{name:<20} {float(run[name].mean()) * 365.25:8.0f} {unit} yr-1")
    print(f"wrote {arguments.out}")
    return 0


def _check_output(out: Path, *inputs: str | Path | None) -> None:
    """Refuse a file that cannot be written, or that is read."""
    from bayes_tbm.report.folder import refuse_product
    from bayes_tbm.runtime.files import probe

    refuse_product(out)
    if out.is_file() and any(
        path and Path(path).is_file() and out.samefile(path) for path in inputs
    ):
        raise InputError(
            where=str(out), rule="must not be a file that is read", remedy="name another file"
        )
    try:
        if out.is_dir():
            raise IsADirectoryError("a folder")
        probe(out.parent)
    except OSError as error:
        raise InputError(
            where=str(out), rule="must be a file that can be written", found=error
        ) from error


def _summary(arguments: argparse.Namespace) -> int:
    import arviz as az

    from bayes_tbm.report import load_run
    from bayes_tbm.results.diagnostics import check_convergence, stream_skill

    tree = load_run(arguments.folder)
    gate = check_convergence(tree)
    print(f"{tree.attrs['title']}\n{gate}\n\n{stream_skill(tree).round(3).to_string()}\n")
    print(az.summary(tree, round_to="none").to_string(float_format=lambda x: f"{x:.4g}"))
    return 0 if gate.passed else NOT_CONVERGED


def _sites(arguments: argparse.Namespace) -> int:
    from bayes_tbm.catalogue.listing import listed_sites

    for name, latitude, longitude, cover, more in listed_sites():
        print(f"{name:<19} {latitude:>9} {longitude:>10}  {cover:<4} {more}".rstrip())
    return 0


def _show_warning(message: Warning | str, category: type[Warning], *_: object) -> None:
    label = "note" if issubclass(category, DataWarning) else "warning"
    print(f"bayes-tbm: {label}: {message}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
