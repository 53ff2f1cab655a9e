"""The commands that make several fits: compare and sensitivity."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayes_tbm.cli.options import NOT_CONVERGED, listed, run_folder, sampling_of, sampling_options
from bayes_tbm.errors import InputError

if TYPE_CHECKING:
    from xarray import DataTree

    from bayes_tbm.calibration import Calibration
    from bayes_tbm.sampling.settings import Settings

_COMPARE = """
Fit several sets of streams of an experiment file, once each, and compare what they say:
compare.csv (posterior and constraint of every quantity under every set), streams.csv (how each
stream is fitted), bits.csv (what sets add to one another), figures/.

The file holds a table of sets, and what its streams need besides:

  site = "FI-Hyy"
  stand_age = 44                 # at the start of the record, if known
  [sets]
  flux = ["gpp", "nee", "et", "lai"]
  curve = ["gpp", "nee", "et", "lai", "growth_curve"]
  [growth_curve]
  file = "pine.csv"              # columns age, biomass, sd, unit

Fits are kept in the folder by content; repeat the command to go on after an interruption.
"""
_SENSITIVITY = """
How far a run's answer depends on its priors: power-scaling from the fit as it is, and refits under
other priors of some parameters (allocation and turnover by default), all changed at once:

  wider, narrower    twice and half the spread
  dalec              log-uniform between the published DALEC bounds (uniform for shares)
  flat               even over its central 95 %: in the value for shares and normal priors,
                     else in the logarithm

Writes sensitivity.csv and figures/sensitivity.png into RUN/sensitivity, where fits are kept by
content; repeat the command to go on after an interruption.

  bayes-tbm sensitivity run/
  bayes-tbm sensitivity run/ --parameters wood_residence_time --priors wider,dalec
  bayes-tbm sensitivity run/ --no-refits         power-scaling alone, at once
"""


def add_commands(commands: Any) -> None:
    """Add the commands to the parser."""
    layout = argparse.RawDescriptionHelpFormatter
    compare = commands.add_parser(
        "compare", help="fit sets of streams and compare what they say", description=_COMPARE,
        formatter_class=layout,
    )  # fmt: skip
    compare.add_argument("experiment", metavar="EXPERIMENT", help="experiment.toml with [sets]")
    sampling_options(compare, again=False)
    compare.set_defaults(run=_compare)

    sensitivity = commands.add_parser(
        "sensitivity", help="how far a run depends on its priors", description=_SENSITIVITY,
        formatter_class=layout,
    )  # fmt: skip
    sensitivity.add_argument("folder", metavar="RUN", help="run folder")
    sensitivity.add_argument(
        "--parameters", help="comma-separated (default: those of allocation and turnover)"
    )
    sensitivity.add_argument(
        "--priors", help="comma-separated (default: wider,narrower,dalec,flat)"
    )
    sensitivity.add_argument(
        "--no-refits", action="store_true", help="power-scaling alone, without refits"
    )
    sensitivity.add_argument("--quiet", action="store_true", help="no progress bars")
    sensitivity.set_defaults(run=_sensitivity)


def _compare(arguments: argparse.Namespace) -> int:
    import dataclasses

    from bayes_tbm.experiment import Experiment
    from bayes_tbm.experiment.unused import warn_unused
    from bayes_tbm.report import check_folder
    from bayes_tbm.report.folder import POSTERIOR
    from bayes_tbm.studies import compare

    experiment = Experiment.from_toml(arguments.experiment)
    sampling = {**experiment.sampling, **sampling_of(arguments)}
    settings = dataclasses.replace(experiment, sampling=sampling).settings()
    calibrations = experiment.set_calibrations(progress=not arguments.quiet)
    out = Path(arguments.out)
    if (out / POSTERIOR).exists():
        raise InputError(
            where=str(out), rule="must not hold a run of fit, whose tables would be replaced",
            found=POSTERIOR, remedy="choose another folder",
        )  # fmt: skip
    check_folder(out, overwrite=True)
    fitted = tuple(dict.fromkeys(name for names in experiment.sets.values() for name in names))
    warn_unused(dataclasses.replace(experiment, streams=fitted, sets={}))
    found = compare(calibrations, settings, folder=out, progress=not arguments.quiet)
    for name, gate in found.gates.items():
        print(f"{name} ({', '.join(found.streams[name])}): {gate}")
    shown = found.table["bits"].unstack("set")[list(found.streams)]
    print(f"\ninformation gain, bits\n{shown.round(2).to_string()}")
    written = found.save(out)
    print(f"\nwrote {len(written)} files to {out}/")
    return 0 if all(gate.passed for gate in found.gates.values()) else NOT_CONVERGED


def _sensitivity(arguments: argparse.Namespace) -> int:
    from bayes_tbm.experiment import Experiment
    from bayes_tbm.report import load_run
    from bayes_tbm.studies.refits import ALTERNATIVES, DEFAULT, STATED, sensitivity, write_refits

    given = {n: listed(f"--{n}", getattr(arguments, n)) for n in ("parameters", "priors")}
    if arguments.no_refits and given["priors"]:
        raise InputError(
            where="--priors", rule="must be left out with --no-refits", found=arguments.priors
        )
    folder = run_folder(arguments.folder)
    tree = load_run(folder)
    experiment = Experiment.from_toml(folder / "experiment.toml")
    calibration, settings = experiment.calibration(), experiment.settings()
    _check_experiment(folder, tree, calibration, settings)
    sampled = calibration.density.sampled
    names = given["parameters"] or tuple(name for name in DEFAULT if name in sampled)
    which = given["priors"] or ALTERNATIVES
    out = folder / "sensitivity"
    found = sensitivity(
        calibration, settings, post=tree, parameters=names, folder=out,
        which=() if arguments.no_refits else which, progress=not arguments.quiet,
    )  # fmt: skip
    gates = {name: gate for name, gate in found.gates.items() if name != STATED}
    for name, gate in gates.items():
        print(f"{name}: {gate}")
    print(found.table.round(3).T.to_string())
    print(f"wrote {', '.join(path.name for path in write_refits(found, out))} to {out}/")
    return 0 if all(gate.passed for gate in gates.values()) else NOT_CONVERGED


def _check_experiment(
    folder: Path, tree: DataTree, calibration: Calibration, settings: Settings
) -> None:
    """Refuse an experiment file that is not that of the posterior beside it."""
    import dataclasses

    from bayes_tbm.report.folder import EXPERIMENT, stored_experiment
    from bayes_tbm.studies.given import unlike

    different = unlike(tree, calibration)
    then, sampling = stored_experiment(tree).get("sampling", {}), dataclasses.asdict(settings)
    different += [name for name in sampling if name != "draws" and then.get(name) != sampling[name]]
    if different:
        raise InputError(
            where=str(folder / EXPERIMENT), variable=", ".join(different),
            rule="must be the experiment of the posterior beside it",
            remedy="put the file of that run back, or make the run anew",
        )  # fmt: skip
