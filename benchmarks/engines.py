"""Two engines, one answer: means and sds of every parameter against a long reference run.

    python benchmarks/engines.py                              the embedded site
    python benchmarks/engines.py --site fluxval:FI-Hyy --streams gpp,nee,et,lai,som
    python benchmarks/engines.py --write                      make the reference anew

The reference is a run of NumPyro's NUTS many times as long, kept as a table in
benchmarks/reference/: mean and sd with their Monte Carlo standard errors. Differences are printed
in units of the errors of both. Exit status 1 if one is above 5, or more than 1 % are above 3: with
a hundred honest comparisons about 0.3 are above 3 by chance.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import arviz as az
import numpy as np
import pandas as pd

import bayes_tbm as bt

FOLDER = Path(__file__).parent / "reference"
ENGINES = ("numpyro", "blackjax-window", "blackjax-low-rank", "blackjax-flow")
MANY = {"blackjax-flow": {"chains": 32, "warmup": 800, "draws": 200}}
LONG = {"draws": 5000, "seed": 1000}


def table(calibration: bt.Calibration, **settings: object) -> pd.DataFrame:
    """Mean and sd with Monte Carlo errors of every quantity of a run."""
    began = time.perf_counter()
    tree = calibration.sample(progress=False, **settings)
    print(f"{settings}: {time.perf_counter() - began:.0f} s, {bt.check_convergence(tree)}\n")
    draws = tree["posterior"].to_dataset()
    found = {
        "mean": draws.mean(("chain", "draw")),
        "mean_mcse": az.mcse(draws, method="mean"),
        "sd": draws.std(("chain", "draw")),
        "sd_mcse": az.mcse(draws, method="sd"),
    }
    columns = {
        name: {str(v): float(values[v]) for v in draws.data_vars} for name, values in found.items()
    }
    return pd.DataFrame(columns).rename_axis("quantity")


def differences(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Differences of means and sds in units of their Monte Carlo errors."""
    return pd.DataFrame(
        {
            name: (one[name] - other[name]) / np.hypot(one[f"{name}_mcse"], other[f"{name}_mcse"])
            for name in ("mean", "sd")
        }
    )


def main() -> int:
    """Run and compare; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--site", default="hyytiala-twin")
    parser.add_argument("--streams", default="gpp,nee,et,lai,wood,som")
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true", help="write the reference and stop")
    given = parser.parse_args()
    calibration = bt.Calibration(bt.open_site(given.site), given.streams.split(","))
    path = FOLDER / f"{given.site.replace(':', '-')}.csv"
    if given.write:
        FOLDER.mkdir(exist_ok=True)
        table(calibration, **LONG).to_csv(path, float_format="%.8g")
        return 0
    reference = pd.read_csv(path, index_col="quantity")
    failed = False
    for engine in given.engines.split(","):
        how = {"seed": given.seed, "sampler": engine} | MANY.get(engine, {})
        score = differences(table(calibration, **how), reference)
        size = score.abs().to_numpy().ravel()
        worst = score.abs().max(axis=1).idxmax()
        print(
            f"{engine}: {len(size)} comparisons, rms {np.sqrt((size**2).mean()):.2f}, "
            f"{(size > 3).sum()} above 3, largest {size.max():.1f} ({worst})\n",
            flush=True,
        )
        failed |= bool(size.max() > 5 or (size > 3).mean() > 0.01)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
