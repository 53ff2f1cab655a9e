"""Does residence time step with the coldest month? 29 growth curves of real stands say.

Each curve was fitted alone with a linear pool (residence time and input) under a log-normal prior
of residence time with median 60 years and ln sd 1; its quantiles are in `curve_fits.csv`. They are
turned into draws, and a population is fitted to them under every mean function.
"""

from __future__ import annotations

import argparse
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from _measure import Table, machine, prepare_environment

if TYPE_CHECKING:
    import bayes_tbm as bt

PRIOR = np.log(60.0), 1.0
_Z = 1.6449  # of the 95 % quantile
_EPILOG = """
  python benchmarks/growth_curves_population.py ../shared/data/population/growth/curve_fits.csv
"""


def main() -> int:
    """Print the slope, the spread, the comparison, the power and the verdict."""
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, epilog=_EPILOG, formatter_class=layout)
    parser.add_argument("table", type=Path, help="name, cold, tau05, tau50, tau95 by curve")
    parser.add_argument("--draws", type=int, default=2000, help="of each curve (default 2000)")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    prepare_environment(None)
    import bayes_tbm as bt

    warnings.simplefilter("ignore", bt.DataWarning)
    print(f"# Growth curves\n\n{machine()}\n", flush=True)
    begin = time.perf_counter()
    fits = pd.read_csv(arguments.table).set_index("name")
    covariates = pd.DataFrame({"coldest": fits["cold"], "cell": fits.index}, index=fits.index)
    draws = draws_of(fits, arguments.draws, arguments.seed)
    found = bt.attribution(draws, covariates, seed=arguments.seed)
    report(found, len(fits))
    print(f"\n{time.perf_counter() - begin:.0f} s\n\n{found.verdict}")
    return 0


def draws_of(fits: pd.DataFrame, count: int, seed: int) -> bt.SiteDraws:
    """Draws of ln residence time with the quantiles of each curve: a quadratic of a normal."""
    import bayes_tbm as bt

    low, middle, high = (np.log(fits[f"tau{q}"].to_numpy()) for q in ("05", "50", "95"))
    up, down = high - middle, middle - low
    z = np.random.default_rng(seed).normal(size=(len(fits), count))
    scale, bend = (up + down) / (2 * _Z), (up - down) / (2 * _Z**2)
    phi = middle[:, None] + scale[:, None] * z + bend[:, None] * z**2
    log_prior = -0.5 * ((phi - PRIOR[0]) / PRIOR[1]) ** 2 - np.log(PRIOR[1] * np.sqrt(2 * np.pi))
    return bt.SiteDraws(
        tuple(map(str, fits.index)), ("wood_residence_time",), phi[..., None], log_prior,
        np.full(len(fits), float(count)),
    )  # fmt: skip


def report(found: bt.Attribution, curves: int) -> None:
    """Print what was found."""
    line = found.fits["linear"]
    slope = line.tree["posterior"]["slope"].values.ravel() * 10.0 / line.covariates.scale
    between = total_sd(found.fits["constant"])
    table = Table("quantity", "mean", "2.5 %", "97.5 %")
    for name, values in (("slope of ln residence per 10 K", slope), ("sd between curves", between)):
        table.row(name, values.mean(), *np.quantile(values, [0.025, 0.975]))
    print(f"\nP(shorter where warmer) {np.mean(slope < 0):.2f}\n")
    table = Table("mean", "elpd", "a curve", "se", "difference", "se", "weight", "k")
    for name, row in found.comparison.iterrows():
        table.row(
            name, row.elpd, row.elpd / curves, row.elpd_se, row.difference, row.difference_se,
            row.weight, row.pareto_k,
        )  # fmt: skip
    step = found.fits["step"].tree["posterior"]
    print("\nthreshold", *np.quantile(step["threshold"], [0.05, 0.5, 0.95]).round(1), "degC")
    print("P(step < 0)", float((step["step"] < 0).mean()))
    for name, fit in found.fits.items():
        own = fit.tree["diagnostics"]
        divergent = int(fit.tree["sample_stats"]["diverging"].sum())
        print(f"{name}: {float(own['error_bits']):.3f} bits lost, {divergent} divergences")
    print()
    print(found.evidence.round(2), found.power.round(2), sep="\n\n")


def total_sd(fit: bt.PopulationFit) -> np.ndarray:
    """Sd between curves: each is alone in its cell."""
    posterior = fit.tree["posterior"]
    return np.hypot(posterior["sd"].values[..., 0], posterior["cell_sd"].values).ravel()


if __name__ == "__main__":
    raise SystemExit(main())
