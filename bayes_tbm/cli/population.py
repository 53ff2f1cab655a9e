"""The command that asks many fits what they have in common."""

from __future__ import annotations

import argparse
from typing import Any

_POPULATION = """
What sites have in common, and what drives their differences: a hierarchy over the posteriors of
bayes-tbm many, which fits no site again unless asked to. Residence time of wood (and the share of
NPP that wood gets) follows a mean of the coldest month: constant, linear, hinge, step or smooth;
sites differ around it, and sites under one climate share a departure.

STUDY is the folder of a batch, or a file:

  runs = "batch/"                      # folder of bayes-tbm many, beside this file
  covariates = "climate.csv"           # more columns by site (default: the batch's own)
  mean = "step"                        # constant, linear, hinge, step, smooth
  coordinates = ["wood_residence_time", "allocation_wood"]
  drivers = ["warmest"]                # columns that add linearly
  covariate_sd = 1.5                   # error of the coldest month, K
  refits = 0                           # as --refits: with 2, weak sites are fitted again
  [groups]                             # whose shares of the variance are told
  winter = ["coldest"]
  summer = ["warmest"]

also, before [groups]: believed = [-20, 3] (a threshold that one believes in beforehand, mean and
sd, degC: it is told under that prior, too) and every_driver_set = true (fit every set of groups for
what they add to the score of cells left out, 2^groups fits of up to a minute each; by default in
closed form).

Writes the verdict (a threshold, none, or that these sites cannot tell), sites.csv (residence time
alone and pooled), comparison.csv (means compared by leaving climate cells out), evidence.csv (Bayes
factors under two priors), power.csv (what a true step would have shown here), threshold.csv,
thresholds.csv (under an even prior and under what is believed), shares.csv (of groups of drivers,
and what they add to the score of cells left out), population.nc (ArviZ DataTree), figures/ and
report.html.

Draws of a site are weighted by the population, and may be too few where that puts its weight. With
--refits 2 such sites are fitted again, in two rounds at most, under a wide prior around what the
others predict for them, into refits/ (refits.csv tells what came of it). It takes a minute or two a
site and its files. Where more than a tenth of the sites are weak, none is fitted again: the batch
needs more draws. Repeat the command after an interruption: what is fitted is not fitted again. A
population that is there already is replaced with --overwrite alone.

  bayes-tbm population batch/ --out pop/
"""


def add_commands(commands: Any) -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "population", help="what the fits of many sites say together", description=_POPULATION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    command.add_argument("study", metavar="STUDY", help="folder of a batch, or a TOML file")
    command.add_argument("--out", required=True, help="folder to write")
    command.add_argument(
        "--overwrite", action="store_true", help="replace a population that the folder holds"
    )
    command.add_argument("--seed", type=int, help="of all random numbers (default 0)")
    command.add_argument(
        "--not-converged", action="store_true", help="also sites whose chains have not converged"
    )
    command.add_argument(
        "--refits", type=int, metavar="N",
        help="rounds in which sites with too few draws are fitted again (default 0; 2 are enough)",
    )  # fmt: skip
    command.add_argument("--workers", type=int, help="of refits (default: one for each core)")
    command.add_argument(
        "--believed", nargs=2, type=float, metavar=("MEAN", "SD"),
        help="tell the threshold under this prior, too, degC (such as -20 3)",
    )  # fmt: skip
    command.add_argument(
        "--every-driver-set", action="store_true",
        help="fit every set of driver groups: 2^groups fits of up to a minute each",
    )  # fmt: skip
    command.set_defaults(run=_population)


def _population(arguments: argparse.Namespace) -> int:
    import dataclasses

    from bayes_tbm.population.folder import check_out
    from bayes_tbm.population.study import PopulationStudy

    study = PopulationStudy.read(arguments.study)
    if arguments.seed is not None:
        study = dataclasses.replace(study, seed=arguments.seed)
    if arguments.believed is not None:
        study = dataclasses.replace(study, believed=tuple(arguments.believed))
    if arguments.not_converged:
        study = dataclasses.replace(study, not_converged=True)
    if arguments.refits is not None:
        study = dataclasses.replace(study, refits=arguments.refits)
    if arguments.every_driver_set:
        study = dataclasses.replace(study, every_driver_set=True)
    out = check_out(arguments.out, study.runs, study.covariates, overwrite=arguments.overwrite)
    result = study.run(out, workers=arguments.workers)
    written = result.save(out)
    print(result.summary())
    print(f"\n{result.attribution.comparison.round(2).to_string()}")
    print(f"\nwrote {len(written)} files to {out}/; look at {out / 'report.html'}")
    return 0
