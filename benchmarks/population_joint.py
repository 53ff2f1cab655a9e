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
TWO_STAGE = {"warmup": 400, "keep": 1500}
"""Transitions of each chain of the population: so many that their own error is small."""


def main() -> int:
    """Fit, compare, print; 1 where the two disagree."""
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, epilog=_EPILOG, formatter_class=layout)
    parser.add_argument("--out", type=Path, required=True, help="folder of the fits")
    parser.add_argument("--sites", type=int, default=12, help="default 12")
    parser.add_argument("--years", type=int, default=4, help="of each record (default 4)")
    parser.add_argument("--mean", default="step", help="mean function (default step)")
    parser.add_argument("--draws", type=int, default=1500, help="of each stand's chains")
    parser.add_argument("--keep", type=int, default=800, help="of each joint chain")
    parser.add_argument("--warmup", type=int, default=300, help="of each joint chain")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    prepare_environment(None)
    import bayes_tbm as bt

    warnings.simplefilter("ignore", bt.DataWarning)
    print(f"# {arguments.sites} virtual stands, two ways\n\n{machine()}\n", flush=True)
    calibrations, covariates = stands(arguments.sites, arguments.years)
    many = bt.fit_many(
        calibrations, folder=arguments.out / "runs", draws=arguments.draws, seed=arguments.seed
    )
    print(many.table[["state", "seconds", "rhat", "ess"]].to_string(), "\n", flush=True)
    posteriors = {name: many.load(name) for name in calibrations}
    return both_ways(calibrations, posteriors, covariates, arguments)


def both_ways(
    calibrations: dict[str, bt.Calibration], posteriors: dict[str, Any], covariates: pd.DataFrame,
    arguments: argparse.Namespace,
) -> int:  # fmt: skip
    """Fit the population to the draws of the stands, then with them; report."""
    import bayes_tbm as bt
    from bayes_tbm.population.runs import site_draws

    draws, _ = site_draws(arguments.out / "runs", not_converged=True)
    begin = time.perf_counter()
    fit = bt.fit_population(draws, covariates, arguments.mean, arguments.seed, **TWO_STAGE)
    print(f"two stages: {time.perf_counter() - begin:.0f} s after the sites'", flush=True)
    begin, busy = time.perf_counter(), time.process_time()
    joint = bt.fit_population_jointly(
        fit, calibrations, posteriors, arguments.seed, warmup=arguments.warmup,
        keep=arguments.keep,
    )  # fmt: skip
    taken = time.perf_counter() - begin, time.process_time() - busy
    print("jointly: {:.0f} s, {:.0f} of the processor\n".format(*taken), flush=True)
    joint.tree.to_netcdf(arguments.out / f"joint-{len(calibrations)}.nc")
    return report(fit, joint)


def report(fit: bt.PopulationFit, joint: bt.JointFit) -> int:
    """Print the tables and the verdict; tell whether both agree."""
    print(sites(fit, joint).round(2).to_string(), "\n")
    rows = joint.against(fit)
    table = Table("parameter", "mean, two", "joint", "shift, sd", "allowed", "sd, two", "joint",
                  "ratio", "R-hat", "ESS", "agree")  # fmt: skip
    for name, row in rows.iterrows():
        table.row(
            name, row.mean_two_stage, row.mean_joint, row["shift"], row.allowed, row.sd_two_stage,
            row.sd_joint, row.ratio, f"{row.rhat:.3f}", f"{row.ess:.0f}",
            "yes" if row.agree else "NO",
        )  # fmt: skip
    own, found = joint.tree["sample_stats"], fit.tree["diagnostics"]
    print(f"\n{float(own['n_steps'].mean()):.0f} leapfrogs a transition, "
          f"{int(own['diverging'].sum())} of {own['diverging'].size} diverged; worst R-hat of the "
          f"population {rows.rhat.max():.3f}, of sites "
          f"{float(joint.tree['diagnostics']['rhat'].max()):.3f}; two stages lose "
          f"{float(found['error_bits']):.2f} bits")  # fmt: skip
    print(f"{int(rows.agree.sum())} of {len(rows)} parameters agree")
    return 0 if rows.agree.all() else 1


def sites(fit: bt.PopulationFit, joint: bt.JointFit) -> pd.DataFrame:
    """By stand: ln residence time alone, pooled by two stages, and jointly, with diagnostics."""
    from bayes_tbm.population.hierarchy import pooled

    places = pooled(fit, fit.draws, np.random.default_rng(0))
    alone = fit.draws.phi[..., 0].T
    ways = {
        "alone": alone,
        "two": np.take_along_axis(alone, places, axis=0),
        "joint": joint.tree["posterior"]["phi"].values[..., 0].reshape(-1, len(fit.draws.sites)),
    }
    table = pd.DataFrame(index=list(fit.draws.sites))
    for name, values in ways.items():
        table[f"mean {name}"], table[f"sd {name}"] = values.mean(axis=0), values.std(axis=0)
    table["effective"] = fit.tree["diagnostics"]["effective"].values
    for name in ("rhat", "ess"):
        table[name] = joint.tree["diagnostics"][name].values
    return table


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
