"""The commands that make one run: fit and demo."""

from __future__ import annotations

import argparse
import json
import pkgutil
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayes_tbm.cli.options import (
    NOT_CONVERGED,
    files_of,
    listed,
    reading_of,
    reading_options,
    sampling_of,
    sampling_options,
)
from bayes_tbm.errors import InputError

if TYPE_CHECKING:
    from xarray import DataTree

    from bayes_tbm.experiment import Experiment
    from bayes_tbm.sampling.settings import Settings

_FIT = """
Sample the posterior of a site and write a run folder: posterior.nc (ArviZ DataTree),
summary.csv, streams.csv, constraint.csv, figures/, report.html, experiment.toml.

SITE is a name (see bayes-tbm sites), a file that holds drivers (own netCDF, DifferLand, CARDAMOM
.cbf.nc or .cbf, FLUXNET, PLUMBER2, Edinburgh's tables; told by its content), or an experiment
file (.toml), which may hold everything below and priors, constraints and error models besides.
What your files hold and lack: bayes-tbm inspect FILE.

  bayes-tbm fit FI-Hyy --streams gpp,nee,et,lai,wood --out run/
  bayes-tbm fit mysite.cbf.nc --streams nbe,et,lai --uncertainty nbe=1.0 --out run/
  bayes-tbm fit experiment.toml --out run/

A run keeps all it has done in checkpoint/. After an interruption, and to add draws:

  bayes-tbm fit run/experiment.toml --out run/ --resume       (or repeat the first command)
  bayes-tbm fit run/experiment.toml --out run/ --extend 500

A run goes on with the same data, settings and versions on the same kind of processor, since it
then gives the same numbers, bit for bit. On a node with another kind of processor add
--other-processor: draws are as good, but no longer those of an uninterrupted run.
"""


def add_commands(commands: Any) -> None:
    """Add the commands to the parser."""
    layout = argparse.RawDescriptionHelpFormatter
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
    reading_options(fit)
    sampling_options(fit)
    fit.set_defaults(run=_fit)


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
    from bayes_tbm.experiment.unused import warn_unused

    given: dict[str, Any] = {"start": arguments.start, "end": arguments.end}
    if arguments.streams is not None:
        given["streams"] = listed("--streams", arguments.streams)
    if arguments.site.lower().endswith(".toml"):
        experiment = Experiment.from_toml(arguments.site)
    else:
        experiment = Experiment(arguments.site, ())
    given = {name: value for name, value in given.items() if value is not None}
    for name, more in files_of(arguments).items():
        given[name] = tuple(dict.fromkeys((*getattr(experiment, name), *more)))
    experiment = dataclasses.replace(
        experiment, **given,
        uncertainty={**experiment.uncertainty, **_uncertainty(arguments.uncertainty)},
        reading={**experiment.reading, **reading_of(arguments)},
        sampling={**experiment.sampling, **sampling_of(arguments)},
    )  # fmt: skip
    warn_unused(experiment)
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
    from bayes_tbm.report.folder import CHECKPOINT, EXPERIMENT
    from bayes_tbm.results.attempts import led, lonely
    from bayes_tbm.results.diagnostics import check_convergence, stream_skill
    from bayes_tbm.runtime.files import write_whole
    from bayes_tbm.sampling.engines import can_resume

    began = time.perf_counter()
    settings = experiment.settings()
    calibration = experiment.calibration(progress=not arguments.quiet)
    out, settings = _folder(arguments, settings)
    print(calibration.site.summary())
    for name, days in calibration.left_out.items():
        print(f"left out of {name}, outside the drivers' period: {', '.join(days)}")
    text = experiment.resolved(calibration, settings).to_toml(out)

    def begin() -> None:
        if arguments.overwrite:
            shutil.rmtree(out / CHECKPOINT, ignore_errors=True)
        write_whole(out / EXPERIMENT, text)

    tree = calibration.sample(
        settings, progress=not arguments.quiet, resume=_goes_on(arguments),
        checkpoint=out / CHECKPOINT if can_resume(settings) else None,
        overwrite=arguments.overwrite, other_processor=arguments.other_processor, on_start=begin,
    )  # fmt: skip
    gate = check_convergence(tree)
    modes = json.loads(tree.attrs["experiment"])["modes"]
    shares = ", ".join(f"{mode['weight']:.0%}" for mode in modes)
    print(f"\n{gate}\n  modes found: {len(modes)}, weights {shares}")
    print("".join(f"  {line}\n" for line in (*led(tree), *lonely(tree))), end="")
    print(f"\n{stream_skill(tree).round(3).to_string()}", flush=True)
    written = write_run(tree, text, out)
    print(
        f"\nwrote {len(written)} files to {out}/ in {time.perf_counter() - began:.0f} s; ", end=""
    )
    print(f"look at {out / 'report.html'}")
    return (0 if gate.passed else NOT_CONVERGED), tree


def _goes_on(arguments: argparse.Namespace) -> bool:
    return arguments.resume or arguments.extend is not None


def _folder(arguments: argparse.Namespace, settings: Settings) -> tuple[Path, Settings]:
    """Run folder, checked, and settings with the draws that are asked to be added."""
    import dataclasses

    from bayes_tbm.report import check_folder
    from bayes_tbm.report.folder import asked_and_made
    from bayes_tbm.sampling.engines import check_resumable

    goes_on, more = _goes_on(arguments), arguments.extend
    if arguments.other_processor and not goes_on:
        raise InputError(where="--other-processor", rule="goes with --resume or --extend")
    if more is not None and more < 1:
        raise InputError(
            where="--extend", rule="must be a whole number of draws, at least 1", found=more
        )
    if goes_on:
        check_resumable(settings)
    out = check_folder(arguments.out, overwrite=arguments.overwrite, resume=goes_on)
    if more is not None:
        _, made = asked_and_made(out)
        settings = dataclasses.replace(settings, draws=made + more)
    elif goes_on:
        _refuse_fewer(out, settings.draws)
    return out, settings


def _refuse_fewer(out: Path, draws: int) -> None:
    """Refuse to go on to fewer draws than the run was asked for: some would be lost."""
    from bayes_tbm.report.folder import asked_and_made

    try:
        before, _ = asked_and_made(out)
    except InputError:
        return  # there is none yet, or it is torn: the checkpoint makes it again
    if draws < before:
        raise InputError(
            where=str(out), variable="draws", found=draws,
            rule=f"must not be fewer than the {before} that the run has",
            remedy=f"resume it by its own file: bayes-tbm fit {out}/experiment.toml --out {out} "
            "--resume",
        )  # fmt: skip
