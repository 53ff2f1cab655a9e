"""The command line: parse, call, print."""

from __future__ import annotations

import argparse
import json
import pkgutil
import sys
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bayes_tbm.cli import studies
from bayes_tbm.cli.options import NOT_CONVERGED, sampling_of, sampling_options
from bayes_tbm.errors import DataWarning, InputError
from bayes_tbm.version import __version__

if TYPE_CHECKING:
    from jax.typing import ArrayLike
    from xarray import DataTree

    from bayes_tbm.experiment import Experiment
    from bayes_tbm.sampling.settings import Settings

BAD_INPUT = 2
_EPILOG = """
exit status: 0 all went well; 2 bad input, told in one line before anything is sampled;
3 the run is saved but its chains have not converged
"""
_FIT = """
Sample the posterior of a site and write a run folder: posterior.nc (ArviZ DataTree),
summary.csv, streams.csv, constraint.csv, figures/, report.html, experiment.toml.

SITE is a name (see bayes-tbm sites), a file (own netCDF, DifferLand .nc, CARDAMOM .cbf.nc or
.cbf), or an experiment file (.toml), which may hold everything below and priors, constraints
and error models besides.

  bayes-tbm fit FI-Hyy --streams gpp,nee,et,lai,wood --out run/
  bayes-tbm fit mysite.cbf.nc --streams nbe,et,lai --uncertainty nbe=1.0 --out run/
  bayes-tbm fit experiment.toml --out run/

A run keeps all it has done in checkpoint/. After an interruption, and to add draws:

  bayes-tbm fit run/experiment.toml --out run/ --resume       (or repeat the first command)
  bayes-tbm fit run/experiment.toml --out run/ --extend 500
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
    arguments = _parser().parse_args(argv)
    before = warnings.showwarning
    warnings.showwarning = _show_warning  # type: ignore[assignment]  # fewer arguments used
    try:
        return int(arguments.run(arguments))
    except InputError as error:
        print(f"bayes-tbm: error: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("bayes-tbm: interrupted", file=sys.stderr)
        return 130
    finally:
        warnings.showwarning = before


def _parser() -> argparse.ArgumentParser:
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        "bayes-tbm",
        description="Bayesian inference on a differentiable terrestrial biosphere model.",
        epilog=_EPILOG,
        formatter_class=layout,
    )
    parser.add_argument("--version", action="version", version=f"bayes-tbm {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    demo = commands.add_parser(
        "demo",
        help="fit the embedded boreal site, whose truth is known (no download)",
        description="Fit the embedded boreal site and compare the posterior with its truth.",
    )
    demo.add_argument("--step", choices=("monthly", "daily"), default="monthly")
    sampling_options(demo)
    demo.set_defaults(run=_demo)

    fit = commands.add_parser(
        "fit", help="sample the posterior of a site", description=_FIT, formatter_class=layout
    )
    fit.add_argument("site", metavar="SITE", help="name, data file or experiment.toml")
    fit.add_argument("--streams", help="comma-separated: " + ", ".join(_stream_names()))
    fit.add_argument("--start", help="first date to use, as in 2006 or 2006-05-01")
    fit.add_argument("--end", help="last date to use")
    fit.add_argument(
        "--uncertainty", action="append", default=[], metavar="STREAM=SD",
        help="measurement sd of a stream in its unit, in place of the data's own; repeatable",
    )  # fmt: skip
    sampling_options(fit)
    fit.set_defaults(run=_fit)

    simulate = commands.add_parser(
        "simulate", help="run the model forward", description=_SIMULATE, formatter_class=layout
    )
    simulate.add_argument("site", metavar="SITE", help="name or data file")
    source = simulate.add_mutually_exclusive_group()
    source.add_argument("--parameters", type=Path, help="TOML file of parameter values")
    source.add_argument("--run", dest="posterior", help="run folder, for its posterior medians")
    simulate.add_argument("--out", type=Path, required=True, help="netCDF file to write")
    simulate.set_defaults(run=_simulate)

    studies.add_commands(commands)
    summary = commands.add_parser(
        "summary", help="print what a run found and whether to believe it",
        description="Print convergence, fit of each stream, and the posterior of a run folder.",
    )  # fmt: skip
    summary.add_argument("folder", metavar="RUN", help="run folder")
    summary.set_defaults(run=_summary)

    sites = commands.add_parser("sites", help="list the sites known by name")
    sites.set_defaults(run=_sites)
    return parser


def _stream_names() -> list[str]:
    """Names of the streams, from their files: to import them would take longer than to print."""
    folder = Path(__file__).parents[1] / "streams" / "observed"
    return [module.name for module in pkgutil.iter_modules([str(folder)])]


def _demo(arguments: argparse.Namespace) -> int:
    from bayes_tbm.experiment import Experiment
    from bayes_tbm.report import truth_lines
    from bayes_tbm.synthetic.twin import NAMES, embedded_truth

    streams = ("gpp", "nee", "et", "lai", "wood", "som")
    experiment = Experiment(NAMES[arguments.step], streams, sampling=sampling_of(arguments))
    status, tree = _run(experiment, arguments)
    print("\nPosterior against the truth that made the data")
    print("\n".join(truth_lines(tree, embedded_truth().to_dict())))
    return status


def _fit(arguments: argparse.Namespace) -> int:
    import dataclasses

    from bayes_tbm.experiment import Experiment

    given = {"start": arguments.start, "end": arguments.end}
    if arguments.streams is not None:
        given["streams"] = tuple(name.strip() for name in arguments.streams.split(","))
    if arguments.site.endswith(".toml"):
        experiment = Experiment.from_toml(arguments.site)
    else:
        experiment = Experiment(arguments.site, ())
    given = {name: value for name, value in given.items() if value is not None}
    experiment = dataclasses.replace(
        experiment, **given,
        uncertainty={**experiment.uncertainty, **_uncertainty(arguments.uncertainty)},
        sampling={**experiment.sampling, **sampling_of(arguments)},
    )  # fmt: skip
    return _run(experiment, arguments)[0]


def _uncertainty(given: Sequence[str]) -> dict[str, float]:
    found = {}
    for text in given:
        name, _, value = text.partition("=")
        try:
            found[name] = float(value)
        except ValueError as error:
            raise InputError(
                where="--uncertainty", rule="must be STREAM=SD, as in gpp=1.0", found=text
            ) from error
    return found


def _run(experiment: Experiment, arguments: argparse.Namespace) -> tuple[int, DataTree]:
    from bayes_tbm.report import write_run
    from bayes_tbm.report.folder import CHECKPOINT
    from bayes_tbm.results.diagnostics import check_convergence, stream_skill
    from bayes_tbm.sampling.engines import can_resume

    began = time.perf_counter()
    settings = experiment.settings()
    calibration = experiment.calibration()
    out, settings = _folder(arguments, settings)
    print(calibration.site.summary())
    for name, days in calibration.left_out.items():
        print(f"left out of {name}, outside the drivers' period: {', '.join(days)}")
    resolved = experiment.resolved(calibration, settings)
    (out / "experiment.toml").write_text(resolved.to_toml(), encoding="utf-8")
    tree = calibration.sample(
        settings, progress=not arguments.quiet, resume=True,
        checkpoint=out / CHECKPOINT if can_resume(settings) else None,
    )  # fmt: skip
    gate = check_convergence(tree)
    modes = json.loads(tree.attrs["experiment"])["modes"]
    shares = ", ".join(f"{mode['weight']:.0%}" for mode in modes)
    print(f"\n{gate}\n  modes found: {len(modes)}, Laplace weights {shares}")
    print(f"\n{stream_skill(tree).round(3).to_string()}", flush=True)
    written = write_run(tree, resolved.to_toml(), out)
    print(
        f"\nwrote {len(written)} files to {out}/ in {time.perf_counter() - began:.0f} s; ", end=""
    )
    print(f"look at {out / 'report.html'}")
    return (0 if gate.passed else NOT_CONVERGED), tree


def _folder(arguments: argparse.Namespace, settings: Settings) -> tuple[Path, Settings]:
    """Run folder, ready to be written, and settings with the draws that are asked to be added."""
    import dataclasses

    from bayes_tbm.report import load_run, prepare_folder
    from bayes_tbm.sampling.engines import check_resumable

    goes_on = arguments.resume or arguments.extend is not None
    if goes_on:
        check_resumable(settings)
    if arguments.extend is not None:
        before = load_run(arguments.out).posterior.sizes["draw"]
        settings = dataclasses.replace(settings, draws=before + arguments.extend)
    return prepare_folder(arguments.out, overwrite=arguments.overwrite, resume=goes_on), settings


def _simulate(arguments: argparse.Namespace) -> int:
    import bayes_tbm as bt
    from bayes_tbm.report import load_run, median_parameters, read_parameters

    site = bt.open_site(arguments.site)
    parameters: bt.Parameters | Mapping[str, ArrayLike]
    if arguments.posterior:
        parameters = median_parameters(load_run(arguments.posterior))
    elif arguments.parameters:
        parameters = read_parameters(arguments.parameters)
    else:
        parameters = bt.Parameters.default()
    run = bt.simulate(parameters, site)
    try:
        run.to_netcdf(arguments.out, engine="h5netcdf")
    except OSError as error:
        raise InputError(
            where=str(arguments.out), rule="must be a file that can be written", found=error
        ) from error
    for name in ("gpp", "npp", "nee", "evapotranspiration"):
        unit = "mm" if name == "evapotranspiration" else "g C m-2"
        print(f"{name:<20} {float(run[name].mean()) * 365.25:8.0f} {unit} yr-1")
    print(f"wrote {arguments.out}")
    return 0


def _summary(arguments: argparse.Namespace) -> int:
    import arviz as az

    from bayes_tbm.report import load_run
    from bayes_tbm.results.diagnostics import check_convergence, stream_skill

    tree = load_run(arguments.folder)
    gate = check_convergence(tree)
    print(f"{tree.attrs['title']}\n{gate}\n\n{stream_skill(tree).round(3).to_string()}\n")
    print(az.summary(tree).to_string())
    return 0 if gate.passed else NOT_CONVERGED


def _sites(arguments: argparse.Namespace) -> int:
    from bayes_tbm.catalogue.open import site_names

    print("\n".join(site_names()))
    return 0


def _show_warning(message: Warning | str, category: type[Warning], *_: object) -> None:
    label = "note" if issubclass(category, DataWarning) else "warning"
    print(f"bayes-tbm: {label}: {message}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
