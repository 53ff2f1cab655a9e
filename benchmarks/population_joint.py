"""Does the two-stage population agree with the exact one? Virtual stands on a ladder of climates.

Stands of `bayes_tbm.synthetic.stands`, whose wood lives shorter where winters are mild, are fitted
one by one to fluxes, leaf area and a growth curve; a population is fitted to their draws, and again
with all parameters of all stands sampled together. Both have the same target, which the first
reaches as draws become many.
"""

from __future__ import annotations

import argparse
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from _measure import Table, machine, prepare_environment

if TYPE_CHECKING:
    import bayes_tbm as bt

_EPILOG = """
  python benchmarks/population_joint.py --out joint/ --sites 3        a try
  python benchmarks/population_joint.py --out joint/                  12 stands, two a climate

Fits of stands are kept in the folder and taken up again after an interruption.
"""
STREAMS = ("gpp", "nee", "et", "lai")
AGES, CURVE_ERROR = np.arange(10.0, 51.0, 10.0), 0.15
"""Ages of the growth curve [yr], short since the stand's life is most of a run; its log sd."""
MOST_SHIFT, MOST_RATIO = 0.1, 0.1
"""Largest difference of means, in sds, beyond three Monte Carlo errors; of sds, as a share."""


def main() -> int:
    """Fit, compare, print; 1 where the two disagree."""
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, epilog=_EPILOG, formatter_class=layout)
    parser.add_argument("--out", type=Path, required=True, help="folder of the fits")
    parser.add_argument("--sites", type=int, default=12, help="default 12")
    parser.add_argument("--years", type=int, default=4, help="of each record (default 4)")
    parser.add_argument("--mean", default="step", help="mean function (default step)")
    parser.add_argument("--draws", type=int, default=1500, help="of each stand's chains")
    parser.add_argument("--keep", type=int, default=1000, help="of each joint chain")
    parser.add_argument("--warmup", type=int, default=500, help="of each joint chain")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    prepare_environment(None)
    import bayes_tbm as bt

    warnings.simplefilter("ignore", bt.DataWarning)
    print(f"# Population of {arguments.sites} virtual stands, two ways\n\n{machine()}\n", flush=True)
    calibrations, covariates = stands(arguments.sites, arguments.years)
    begin = time.perf_counter()
    many = bt.fit_many(
        calibrations, folder=arguments.out / "runs", draws=arguments.draws, seed=arguments.seed
    )
    print(many.table[["state", "attempt", "seconds", "rhat", "ess"]].to_string(), flush=True)
    print(f"stage 1: {time.perf_counter() - begin:.0f} s", flush=True)
    return 0


def stands(count: int, years: int) -> tuple[dict[str, bt.Calibration], pd.DataFrame]:
    """Calibrations of stands by name, and their covariates: a climate is a cell."""
    import bayes_tbm as bt
    from bayes_tbm.synthetic.ladder import CLIMATES
    from bayes_tbm.synthetic.stands import virtual_stand

    calibrations, rows = {}, {}
    for number in range(count):
        climate = list(CLIMATES)[number % len(CLIMATES)]
        stand = virtual_stand(climate, seed=number // len(CLIMATES), years=years)
        streams = [*STREAMS, growth_curve(stand, number)]
        name = stand.site.name
        calibrations[name] = bt.Calibration(stand.site, streams, regrowth=True)
        rows[name] = {"coldest": stand.coldest_month, "cell": climate}
    return calibrations, pd.DataFrame.from_dict(rows, orient="index")


def growth_curve(stand: Any, number: int) -> bt.GrowthCurve:
    """Biomass at young ages with independent errors."""
    import bayes_tbm as bt

    noise = np.random.default_rng([number, 7]).standard_normal(len(AGES))
    seen = stand.biomass_at(AGES) * np.exp(CURVE_ERROR * noise)
    return bt.GrowthCurve(AGES, seen, CURVE_ERROR * seen)


if __name__ == "__main__":
    raise SystemExit(main())
